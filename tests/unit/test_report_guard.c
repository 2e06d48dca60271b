/* Who may speak to the admin plane, and what time means there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "report/admin_guard.h"
#include "report/dates.h"

#define TOKEN "s3cret"

static const struct {
	struct admin_guard_input in;
	int status;
} guard_cases[] = {
    /* without a token: this machine, by its own names */
    {{.host = "127.0.0.1:4601", .from_loopback = true}, 0},
    {{.host = "localhost", .from_loopback = true}, 0},
    {{.host = "LocalHost:4601", .from_loopback = true}, 0},
    {{.host = "[::1]:4601", .from_loopback = true}, 0},
    {{.host = "evil.example:4601", .from_loopback = true}, 403},
    {{.host = "127.0.0.1.evil.example", .from_loopback = true}, 403},
    {{.host = "", .from_loopback = true}, 403},
    {{.from_loopback = true}, 403},
    {{.host = "127.0.0.1", .from_loopback = false}, 403},
    /* health needs nothing */
    {{.host = "any.example", .open = true}, 0},
    /* with a token: whoever has it */
    {{.host = "frugald:4601", .token = TOKEN, .authorization = "Bearer " TOKEN}, 0},
    {{.host = "h", .token = TOKEN, .authorization = "bearer  " TOKEN " "}, 0},
    {{.host = "127.0.0.1", .token = TOKEN, .from_loopback = true}, 401},
    {{.host = "h", .token = TOKEN, .authorization = "Bearer s3cre"}, 401},
    {{.host = "h", .token = TOKEN, .authorization = "Bearer s3crets"}, 401},
    {{.host = "h", .token = TOKEN, .authorization = "Bearer "}, 401},
    {{.host = "h", .token = TOKEN, .authorization = TOKEN}, 401},
    {{.host = "h", .token = TOKEN, .authorization = ""}, 401},
    {{.host = "h", .token = TOKEN, .open = true}, 0},
    /* pages of other sites change nothing */
    {{.host = "127.0.0.1:4601",
	 .post = true,
	 .from_loopback = true,
	 .origin = "http://127.0.0.1:4601"},
	0},
    {{.host = "127.0.0.1:4601",
	 .post = true,
	 .from_loopback = true,
	 .origin = "http://evil.example"},
	403},
    {{.host = "127.0.0.1:4601", .post = true, .from_loopback = true, .origin = "null"},
	403},
    {{.host = "127.0.0.1:4601", .post = true, .from_loopback = true}, 0},
    {{.host = "h",
	 .post = true,
	 .token = TOKEN,
	 .authorization = "Bearer " TOKEN,
	 .origin = "https://evil.example"},
	403},
};

static void
who_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(guard_cases); i++) {
		const char *why = NULL;
		int status = admin_guard(&guard_cases[i].in, &why);

		if (status != guard_cases[i].status)
			fail_msg("case %zu: %d", i, status);
		assert_true(status == 0 || why != NULL);
	}
}

static void
dates_there_and_back(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *back;
	} cases[] = {
	    {"1970-01-01", 0, "1970-01-01T00:00:00.000Z"},
	    {"2000-02-29T23:59:59.999Z", 951868799999LL, "2000-02-29T23:59:59.999Z"},
	    {"2026-11-23T10:30", 1795429800000LL, "2026-11-23T10:30:00.000Z"},
	    {"2026-11-23T10:30:01Z", 1795429801000LL, "2026-11-23T10:30:01.000Z"},
	    {"2027-01-01", 1798761600000LL, "2027-01-01T00:00:00.000Z"},
	};
	char text[DATE_TEXT_BYTES];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		assert_true(date_parse(str_of(cases[i].text), &ms));
		assert_int_equal(ms, cases[i].ms);
		date_format_ms(ms, text);
		assert_string_equal(text, cases[i].back);
	}
}

static void
no_dates(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-1-1", "2026-00-01",
	    "2026-13-01", "2026-04-31", "2027-02-29", "2026-01-01x", "2026-01-01T",
	    "2026-01-01T24:00", "2026-01-01T10:60", "2026-01-01T1:00",
	    "2026-01-01 10:00", "2026-01-01T10:00:00.1", "1969-12-31", "-026-01-01",
	    "2026-01-01T10:00ZZ"};
	int64_t ms = 42;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		if (date_parse(str_of(bad[i]), &ms))
			fail_msg("%s is taken", bad[i]);
	}
	assert_int_equal(ms, 42);
}

static void
spans_and_months(void **state)
{
	int64_t ms;

	(void)state;
	assert_true(date_parse_span(STR("90m"), &ms));
	assert_int_equal(ms, 90 * 60000);
	assert_true(date_parse_span(STR("2w"), &ms));
	assert_int_equal(ms, 14 * DAY_MS);
	assert_false(date_parse_span(STR("m"), &ms));
	assert_false(date_parse_span(STR("-1h"), &ms));
	assert_false(date_parse_span(STR("1y"), &ms));
	assert_false(date_parse_span(STR("99999999999999999999h"), &ms));
	assert_int_equal(date_month(1795429800000LL), 2026 * 12 + 10);
	assert_int_equal(date_month_start_ms(2026 * 12 + 10), 1793491200000LL);
	assert_int_equal(date_month(date_month_start_ms(2027 * 12)), 2027 * 12);
	assert_int_equal(
	    date_month(date_month_start_ms(2027 * 12) - 1), 2026 * 12 + 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_may),
	    cmocka_unit_test(dates_there_and_back),
	    cmocka_unit_test(no_dates),
	    cmocka_unit_test(spans_and_months),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
