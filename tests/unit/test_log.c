/* libs: base */
/* test_log.c: what reaches standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define STAMP_BYTES 25 /* "2026-01-31T12:00:00.000Z " */

static char line[20000];

/* One logged line, read back through a pipe; gives what stands behind the time. */
static const char *
logged(enum log_level level, const char *text)
{
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_line(level, "%s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(ends[0], line, sizeof(line) - 1);
	assert_true(n > STAMP_BYTES);
	line[n] = '\0';
	(void)close(saved);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return line + STAMP_BYTES;
}

static void
test_form(void **state)
{
	unsigned year, month, day, hour, minute, second, ms;
	char z, blank;

	(void)state;
	assert_string_equal(logged(LOG_info, "listening"), "info listening\n");
	assert_int_equal(sscanf(line, "%4u-%2u-%2uT%2u:%2u:%2u.%3u%c%c", &year, &month,
			     &day, &hour, &minute, &second, &ms, &z, &blank),
	    9);
	assert_true(
	    year >= 2024 && month >= 1 && month <= 12 && z == 'Z' && blank == ' ');
	assert_string_equal(logged(LOG_warn, "w"), "warn w\n");
	assert_string_equal(logged(LOG_error, "e"), "error e\n");
}

static void
test_control_characters(void **state)
{
	(void)state;
	assert_string_equal(
	    logged(LOG_info, "a\nb\x1b[2J\x7f"), "info a\\x0ab\\x1b[2J\\x7f\n");
	/* CSI as one 8-bit character, and bytes that are not UTF-8. */
	assert_string_equal(
	    logged(LOG_info, "\xC2\x9B\xFF\xC3"), "info \\xc2\\x9b\\xff\\xc3\n");
	assert_string_equal(
	    logged(LOG_info, "\xC3\xA4\xC2\xA0"), "info \xC3\xA4\xC2\xA0\n");
}

static void
test_long_lines_are_cut(void **state)
{
	static char text[9000];
	const char *got;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	got = logged(LOG_info, text);
	assert_memory_equal(got, "info \\x0a\\x0a", 13);
	assert_string_equal(got + strlen(got) - 8, "\\x0a...\n");
	assert_true(strlen(got) > 8000 && strlen(got) < 8300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_form),
	    cmocka_unit_test(test_control_characters),
	    cmocka_unit_test(test_long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
