/* libs: base config core parse auth budget call meter route */
/* test_route_table.c: runs the cases of tests/table/route.tbl,
 * which says how to read them. */
#include "route_case.h"

#include "again.h"
#include "plan_words.h"

/* ---- the table ---- */

static void
run_case(struct bench *b, struct str name, struct str request, struct str want)
{
	struct request_case c;
	struct plan plan;
	struct buf text;

	b->cases++;
	read_request(b, request, &c);
	(void)plan_build(&c.in, &plan);
	buf_init(&text, 16384);
	describe(&plan, &text);
	if (!fits(text.p, want)) {
		b->failed++;
		print_error(
		    "%s:%u: %.*s\n  asked   %.*s\n  wanted  %.*s\n  got     %s\n",
		    TABLE, b->line, (int)name.len, name.p, (int)request.len, request.p,
		    (int)want.len, want.p, text.p);
	}
	if (b->kept == NULL)
		b->kept = again_policy(b->snap);
	assert_non_null(b->kept);
	/* What is refused has no row. */
	if (plan.usable > 0 && !again_same(&c.in, &plan, b->kept)) {
		b->failed++;
		print_error(
		    "%s:%u: %.*s\n  another plan comes out of what a row keeps\n",
		    TABLE, b->line, (int)name.len, name.p);
	}
	buf_fini(&text);
}

static void
test_table(void **state)
{
	struct bench b = {0};

	(void)state;
	each_case(&b, run_case);
	print_message("%u cases, %u failed\n", b.cases, b.failed);
	assert_int_equal(b.failed, 0);
	assert_true(b.cases >= 60);
	snapshot_unref(b.kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
