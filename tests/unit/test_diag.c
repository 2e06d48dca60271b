/* libs: base */
/* test_diag.c: order, counts, and the word that was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diag.h"

static void
test_sorted_and_counted(void **state)
{
	struct diag *d = diag_new();
	const struct diag_finding *f;
	size_t n = 99;

	(void)state;
	(void)diag_findings(d, &n);
	assert_int_equal(n, 0);
	for (unsigned line = 40; line > 0; line--) {
		diag_error(
		    d, (struct diag_place){"b.yaml", line, 2}, "first of %u", line);
		diag_error(d, (struct diag_place){"b.yaml", line, 2}, "second");
		diag_warning(d, (struct diag_place){"b.yaml", line, 1}, "warned");
	}
	diag_error(d, (struct diag_place){"a.yaml", 7, 0}, "other file");
	diag_error(d, (struct diag_place){NULL, 0, 0}, "no file");
	assert_int_equal(diag_errors(d), 82);
	f = diag_findings(d, &n);
	assert_int_equal(n, 122);
	assert_string_equal(f[0].text, "no file");
	assert_string_equal(f[1].text, "other file");
	for (unsigned line = 1; line <= 40; line++) {
		const struct diag_finding *three = f + 2 + (line - 1) * 3;

		assert_int_equal(three[0].at.line, line);
		assert_int_equal(three[0].level, DIAG_warning);
		assert_memory_equal(three[1].text, "first of ", 9);
		assert_string_equal(three[2].text, "second");
	}
	/* Asking twice, and adding in between, is allowed. */
	diag_error(d, (struct diag_place){"0", 1, 1}, "late");
	f = diag_findings(d, &n);
	assert_int_equal(n, 123);
	assert_string_equal(f[1].text, "late");
	diag_free(d);
	diag_free(NULL);
}

static void
test_one_line(void **state)
{
	struct diag *d = diag_new();
	size_t n;

	(void)state;
	diag_error(d, (struct diag_place){"a", 1, 1}, "key '%s'", "x\n\x1b[31m");
	assert_string_equal(diag_findings(d, &n)->text, "key 'x??[31m'");
	diag_free(d);
}

static void
test_nearest(void **state)
{
	static const char *const keys[] = {"providers", "models", "routes", "timeouts",
	    "max_output", "max_attempts", "connect", "is", NULL};
	static const struct {
		const char *word, *want;
	} rows[] = {
	    {"provider", "providers"},
	    {"porviders", "providers"},
	    {"Models", "models"},
	    {"timeout", "timeouts"},
	    {"max-output", "max_output"},
	    {"max_out", "max_output"},
	    {"max_tempts", "max_attempts"},
	    {"conect", "connect"},
	    {"si", "is"},
	    {"x", NULL},
	    {"zebra", NULL},
	    {"", NULL},
	    {"a_word_that_is_longer_than_anything_that_we_would_ever_look_at", NULL},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const char *got = diag_nearest(rows[i].word, keys);

		if (rows[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].want);
	}
}

static void
test_place_text(void **state)
{
	char text[DIAG_PLACE_BYTES];

	(void)state;
	diag_place_text((struct diag_place){"a.yaml", 3, 7}, text, sizeof(text));
	assert_string_equal(text, "a.yaml:3:7");
	diag_place_text((struct diag_place){"a.yaml", 0, 0}, text, sizeof(text));
	assert_string_equal(text, "a.yaml");
	diag_place_text((struct diag_place){"a.yaml", 3, 7}, text, 9);
	assert_string_equal(text, "a.yaml:3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_place_text),
	    cmocka_unit_test(test_sorted_and_counted),
	    cmocka_unit_test(test_one_line),
	    cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
