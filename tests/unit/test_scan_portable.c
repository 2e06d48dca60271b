/* libs: base */
/* test_scan_portable.c: the way through strings
 * without SSE2 says the same as the one with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#undef __SSE2__
#define scan_string_run scan_string_run_portable
/* NOLINTNEXTLINE(bugprone-suspicious-include): the same code, compiled another way */
#include "scan_string.c"
#undef scan_string_run

const uint8_t *scan_string_run(struct scan_string *x, const uint8_t *p,
    const uint8_t *end, enum scan_error *ret_error);

/* Pieces that the insides of strings are made of, good and bad. */
static const struct str parts[] = {
    STR("a"),
    STR("abcdefghijklmnop"),
    STR("\x7F"),
    STR("\x1F"),
    STR("\n"),
    STR("\""),
    STR("\\n"),
    STR("\\\\"),
    STR("\\\""),
    STR("\\"),
    STR("\\u0041"),
    STR("\\ud83d\\ude00"),
    STR("\\ud83d"),
    STR("\\u00"),
    STR("\xC3\xA9"),
    STR("\xE2\x82\xAC"),
    STR("\xE0\xA0\x80"),
    STR("\xED\x9F\xBF"),
    STR("\xED\xA0\x80"),
    STR("\xF0\x9F\x98\x80"),
    STR("\xC0\xAF"),
    STR("\xE2\x82"),
    STR("\x80"),
    STR("\xFF"),
};

static void
check(const uint8_t *p, const uint8_t *end)
{
	struct scan_string a = {0}, b = {0};
	enum scan_error ea = SCAN_ok, eb = SCAN_ok;
	const uint8_t *at = scan_string_run(&a, p, end, &ea);

	assert_ptr_equal(scan_string_run_portable(&b, p, end, &eb), at);
	assert_int_equal(ea, eb);
	assert_int_equal(a.state, b.state);
	assert_int_equal(a.saved, b.saved);
	/* Cut anywhere before that place, it comes to the same. */
	for (const uint8_t *cut = p; ea == SCAN_ok && cut <= at; cut++) {
		b = (struct scan_string){0};
		assert_ptr_equal(scan_string_run_portable(&b, p, cut, &eb), cut);
		assert_ptr_equal(scan_string_run(&b, cut, end, &eb), at);
		assert_int_equal(eb, SCAN_ok);
		assert_int_equal(a.saved, b.saved);
	}
}

static void
test_same(void **state)
{
	uint8_t text[128];
	uint32_t chance = 1;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		size_t len = 0, from;

		/* Mostly plain, so that faults lie at every distance from the begin. */
		for (int i = 0; i < 6; i++) {
			struct str part;

			chance = chance * 1664525 + 1013904223;
			part = parts[chance >> 31 != 0 ? (chance >> 30) % 2
						       : (chance >> 8) % nitems(parts)];
			memcpy(text + len, part.p, part.len);
			len += part.len;
		}
		from = (chance >> 16) % (len + 1);
		check(text, text + len);
		check(text + from, text + len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_same)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
