/* libs: base */
/* test_trace.c: topics by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/trace.h"

static void
test_parse(void **state)
{
	struct trace t = {0};
	struct str unknown = {0};

	(void)state;
	assert_true(trace_parse(STR("step, route"), &t, &unknown));
	assert_int_equal(t.topics, 1U << TRACE_step | 1U << TRACE_route);
	assert_true(trace_parse(STR("all"), &t, &unknown));
	assert_int_equal(t.topics, (1U << TRACE_TOPICS) - 1);
	assert_false(trace_parse(STR("step,rout,x"), &t, &unknown));
	assert_true(str_is(unknown, "rout"));
	assert_int_equal(t.topics, (1U << TRACE_TOPICS) - 1);
	assert_false(trace_parse(STR(""), &t, &unknown));
	assert_false(trace_parse(STR("step,"), &t, &unknown));
}

static void
test_help_names_all(void **state)
{
	(void)state;
#define TRACE(name, help) \
	assert_non_null(strstr(trace_help(), "    " #name "\t" help "\n"));
#include "base/trace.def"
}

static unsigned evaluated;

static unsigned
costly(void)
{
	return ++evaluated;
}

static void
test_off_costs_nothing(void **state)
{
	struct trace t = {.topics = 1U << TRACE_edge};

	(void)state;
	trace(&t, step, "%u", costly());
	assert_int_equal(evaluated, 0);
	trace(&t, edge, "seen by people who run this test: %u", costly());
	assert_int_equal(evaluated, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_help_names_all),
	    cmocka_unit_test(test_off_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
