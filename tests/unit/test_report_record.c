/* One request's record: as JSON, as the text of explain, for those who may see it. */
#include "report_rows.h"

#include "report/policy_names.h"
#include "report/record.h"

struct world {
	struct rows rows;
	struct id served, failed, december;
};

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct row row = {.end_ms = rows_at("2026-11-19T14:02:15.391Z"),
	    .tags = "app=checkout\nenv=prod\n",
	    .tag_source = {TAG_by_key, TAG_by_path},
	    .user = "u\x1b[31m",
	    .tier = TIER_small,
	    .session = 0xc41e,
	    .amount = 854585600,
	    .list = 971120000,
	    .baseline = 29300000000,
	    .input = 1676,
	    .cached = 4736,
	    .output = 451,
	    .outcome = OUT_served,
	    .basis = BASIS_reported,
	    .at_most = 5887376000};

	rows_open(&w->rows);
	w->served = rows_add(&w->rows, &row);
	row.failed_at = "openai";
	row.failed_amount = 1000;
	row.outcome = OUT_cut;
	row.basis = BASIS_partial;
	row.amount = -1;
	w->failed = rows_add(&w->rows, &row);
	/* Begun in November, ended in December: it lies in December's file. */
	row.end_ms = rows_at("2026-12-01T00:00:00.500Z");
	w->december = rows_add(&w->rows, &row);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	rows_close(&w->rows);
	xfree(w);
	return 0;
}

static int
ask(struct world *w, struct id id, const char *query, struct buf *ret)
{
	char text[ID_TEXT_BYTES], target[100];

	id_format(id, text);
	snprintf(target, sizeof(target), "/v1/requests/req_%s%s", text, query);
	buf_init(ret, 1 << 20);
	return report_offline(&w->rows.env, w->rows.dir, str_of(target), ret);
}

static void
golden(struct world *w, struct id id, const char *query, const char *name)
{
	struct buf got;

	assert_int_equal(ask(w, id, query, &got), 200);
	if (got.p[got.len - 1] != '\n')
		buf_add(&got, "\n");
	rows_golden(name, buf_str(&got));
	buf_fini(&got);
}

static void
served(void **state)
{
	struct world *w = *state;

	golden(w, w->served, "?format=text", "served.txt");
	golden(w, w->served, "", "served.json");
}

static void
failed(void **state)
{
	struct world *w = *state;

	golden(w, w->failed, "?format=text", "failed.txt");
	golden(w, w->failed, "?format=json", "failed.json");
}

/* What a client or a policy has put there must not reach a terminal. */
static void
no_control_characters(void **state)
{
	struct world *w = *state;
	struct buf b;

	assert_int_equal(ask(w, w->served, "?format=text", &b), 200);
	assert_null(strchr(b.p, '\x1b'));
	assert_non_null(strstr(b.p, "user u?[31m"));
	buf_fini(&b);
}

static void
found_in_the_month_of_its_end(void **state)
{
	struct world *w = *state;
	struct buf b;

	assert_int_equal(ask(w, w->december, "", &b), 200);
	buf_fini(&b);
}

static void
missing(void **state)
{
	struct world *w = *state;
	struct id none = {w->served.hi, 99};
	struct buf b;

	assert_int_equal(ask(w, none, "", &b), 404);
	assert_non_null(strstr(b.p, "no request of that id"));
	buf_fini(&b);
	assert_int_equal(ask(w, w->served, "?format=xml", &b), 400);
	assert_non_null(strstr(b.p, "json, text or input, not \\\"xml\\\""));
	buf_fini(&b);
	buf_init(&b, 4096);
	assert_int_equal(
	    report_offline(&w->rows.env, w->rows.dir, STR("/v1/requests/nonsense"), &b),
	    404);
	buf_fini(&b);
}

static void
only_for_those_who_may(void **state)
{
	static const struct {
		struct scope scope;
		enum record_found found;
	} cases[] = {
	    {{.key = "pay-api", .team = ""}, RECORD_found},
	    {{.key = "other", .team = "payments"}, RECORD_found},
	    {{.key = "other", .team = "search"}, RECORD_missing},
	    {{.key = "other", .team = ""}, RECORD_missing},
	    {{.all = true}, RECORD_found},
	};
	struct world *w = *state;

	for (size_t i = 0; i < nitems(cases); i++) {
		struct record r;
		struct books b;

		books_init(&b, &w->rows.env, w->rows.dir);
		assert_int_equal(
		    record_load(&b, w->served, &cases[i].scope, &r), cases[i].found);
		record_fini(&r);
		books_fini(&b);
	}
}

/* Every policy that prints must be read back. */
static void
names_of_a_policy(void **state)
{
	struct policy_names n;

	(void)state;
	policy_names_parse(
	    STR("listen: 127.0.0.1:1\nproviders:\n  openai:\n    api: openai\n"
		"models:\n  sol:\n    is: openai/gpt-5.6-sol\n"
		"    at: [openai, {provider: rack, as: sol:8b}, \"b c\"]\n"
		"    tier: small\n  own:\n    at: [rack]\naliases: {a: auto}\n"
		"  not: a model\n"),
	    &n);
	assert_int_equal(n.models, 2);
	assert_true(str_is(n.model[0].name, "sol"));
	assert_int_equal(n.model[0].ats, 3);
	assert_true(str_is(n.model[0].at[1], "rack"));
	assert_true(str_is(n.model[0].at[2], "b c"));
	assert_true(str_is(n.model[1].name, "own"));
	assert_true(str_is(n.model[1].at[0], "rack"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(served),
	    cmocka_unit_test(failed),
	    cmocka_unit_test(no_control_characters),
	    cmocka_unit_test(found_in_the_month_of_its_end),
	    cmocka_unit_test(missing),
	    cmocka_unit_test(only_for_those_who_may),
	    cmocka_unit_test(names_of_a_policy),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
