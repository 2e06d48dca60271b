/* What was spent, by what it is asked for: against sums made by hand. */
#include "report_rows.h"

#include <math.h>

#include "report/answer.h"
#include "report/summary.h"

#define N 60

/* Three months, hours that begin and end between rows,
 * amounts whose sum passes 2^63. */
static const struct row *
row_of(unsigned i)
{
	static struct row row; /* of one test at a time */
	static const char *const keys[] = {"pay-api", "ci", "search"};
	static const char *const teams[] = {"payments", "", "search"};
	static const char *const tags[] = {
	    "app=shop\nrun=1\n", "app=shop\nrun=2\n", "", "run=1\n"};

	row = (struct row){
	    .end_ms = rows_at("2026-09-30T23:10:00Z") + (int64_t)i * 77777777,
	    .key = keys[i % 3],
	    .team = teams[i % 3],
	    .route = i % 5 == 0 ? "" : "auto",
	    .class_name = i % 4 == 0 ? "code" : "chat",
	    .model = i % 2 == 0 ? "sol" : "luna",
	    .provider = i % 7 == 0 ? "openai" : "azure-eu",
	    .tier = i % 2 == 0 ? TIER_frontier : TIER_small,
	    .tags = tags[i % 4],
	    .user = i % 6 == 0 ? "u-1" : "",
	    .session = i / 3,
	    .amount = i % 11 == 10 ? -1 : 400000000000000000LL + i,
	    .list = i % 11 == 10 ? -1 : 500000000000000000LL + 3 * i,
	    .baseline = 600000000000000000LL + i,
	    .input = 1000 + i,
	    .cached = i % 2 == 0 ? 200 : -1,
	    .output = 50 + i,
	    .outcome = i % 13 == 12 ? OUT_client_gone : OUT_served,
	    .basis = i % 13 == 12 ? BASIS_partial : BASIS_reported,
	    .at_most = 400000000000000000LL + 100,
	    .failed_at = i % 10 == 9 ? "openai" : NULL,
	    .failed_amount = 1000 + i,
	    .output_ppm = 10000 * i,
	    .samples = 3 * i,
	};
	return &row;
}

static bool
in_time(const struct row *row, const struct ask *a)
{
	return row->end_ms >= a->from_ms && row->end_ms < a->to_ms;
}

/* One standard error of what such answers cost, and their variance. */
static void
unsure_by_hand(struct sums *s, const struct row *row)
{
	wide output = (wide)row->baseline * row->output_ppm / 1000000;

	s->bias.v += (wide)((double)output / sqrt(20.0 + row->samples));
	s->var.v += output * output / PUSD_PER_USD;
}

/* What one request adds; independent of the code under test. */
static void
add_by_hand(struct sums *s, const struct row *row)
{
	s->requests++;
	s->attempts += 1 + (row->failed_at != NULL);
	s->tokens[TOKEN_input_uncached] += row->input * (1 + (row->failed_at != NULL));
	s->tokens[TOKEN_output] += row->output * (1 + (row->failed_at != NULL));
	s->tokens[TOKEN_cache_read] += row->cached > 0 ? row->cached : 0;
	s->unpriced += row->amount < 0;
	s->paid.v += row->amount < 0 ? 0 : row->amount;
	s->list.v += row->list < 0 ? 0 : row->list;
	if (row->failed_at != NULL) {
		s->failed++;
		s->paid.v += row->failed_amount;
		s->list.v += row->failed_amount;
		s->wasted.v += row->failed_amount;
		s->estimated.v += row->failed_amount;
		s->exposure.v += 7;
	}
	if (row->outcome != OUT_served) {
		s->failed++;
		s->wasted.v += row->amount < 0 ? 0 : row->amount;
		s->gone.v += row->amount < 0 ? 0 : row->amount;
		s->estimated.v += row->amount < 0 ? 0 : row->amount;
		s->exposure.v +=
		    row->amount < 0 ? row->at_most : row->at_most - row->amount;
	} else if (row->amount >= 0) {
		/* where the baseline answered, it is what was paid */
		s->baseline.v +=
		    str_is(str_of(row->model), "sol") ? row->amount : row->baseline;
		s->compared.v += row->amount;
		s->compared_requests++;
		if (!str_is(str_of(row->model), "sol"))
			unsure_by_hand(s, row);
	}
}

static void
assert_same(const struct sums *a, const struct sums *b)
{
	assert_int_equal(a->requests, b->requests);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->unpriced, b->unpriced);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		assert_int_equal(a->tokens[k], b->tokens[k]);
	assert_true(a->paid.v == b->paid.v);
	assert_true(a->list.v == b->list.v);
	assert_true(a->wasted.v == b->wasted.v);
	assert_true(a->estimated.v == b->estimated.v);
	assert_true(a->exposure.v == b->exposure.v);
	assert_true(a->baseline.v == b->baseline.v);
	assert_true(a->compared.v == b->compared.v);
	assert_true(a->gone.v == b->gone.v);
	assert_true(a->escalated.v == b->escalated.v);
	assert_true(a->bias.v == b->bias.v);
	assert_true(a->var.v == b->var.v);
	assert_int_equal(a->compared_requests, b->compared_requests);
}

/* ---- a ledger for all tests of this file ---- */

static int
setup(void **state)
{
	struct rows *r = xcalloc(1, sizeof(*r));

	rows_open(r);
	for (unsigned i = 0; i < N; i++)
		rows_add(r, row_of(i));
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	rows_close(*state);
	xfree(*state);
	return 0;
}

static void
parse(const char *query, struct ask *ret)
{
	struct ask_finding f = {0};

	if (!ask_parse(str_of(query), ROWS_NOW_MS, ret, &f))
		fail_msg("%s: %s", query, f.why);
}

static const struct scope everything = {.all = true};

static void
run(struct rows *r, const char *query, const struct scope *scope, struct ask *a,
    struct summary *ret)
{
	struct books b;

	parse(query, a);
	books_init(&b, &r->env, r->dir);
	if (!summary_run(ret, &b, NULL, a, scope))
		fail_msg("%s", b.why);
	books_fini(&b);
}

/* ---- tests ---- */

static void
total_to_the_picodollar(void **state)
{
	static const char *const spans[] = {
	    "from=2026-09-01&to=2026-12-01", /* hours from roll-ups */
	    "from=2026-10-02T05:31:07.123&to=2026-11-20T17:44:01", /* parts of hours */
	    "from=2026-11-01T00:10:00&to=2026-11-01T00:50:00",     /* within an hour */
	    "from=2026-09-30T23:00:00&to=2026-09-30T23:11:00", "since=30d",
	    "from=2026-09-01&to=2026-12-01&group_by=user", /* rows only */
	};

	for (size_t i = 0; i < nitems(spans); i++) {
		struct sums hand = {0};
		struct summary s;
		struct ask a;

		run(*state, spans[i], &everything, &a, &s);
		for (unsigned k = 0; k < N; k++) {
			if (in_time(row_of(k), &a))
				add_by_hand(&hand, row_of(k));
		}
		assert_same(&s.total, &hand);
		summary_fini(&s);
	}
}

static void
sum_passes_int64(void **state)
{
	struct summary s;
	struct ask a;

	run(*state, "from=2026-09-01&to=2026-12-01", &everything, &a, &s);
	assert_true(s.total.paid.v > (wide)INT64_MAX);
	assert_int_equal(s.sessions, N / 3);
	summary_fini(&s);
}

static void
groups_add_up(void **state)
{
	static const struct {
		const char *by;
		size_t groups;
	} cases[] = {{"model", 2}, {"tier", 2}, {"provider", 2}, {"key", 3},
	    {"team", 3}, {"route", 2}, {"class", 2}, {"user", 2}, {"session", 20},
	    {"hour", 60}, {"day", 55}, {"tag.app", 2}, {"tag.run", 3},
	    {"model,key,tag.app", 12}, {"day,model", 60}};

	for (size_t i = 0; i < nitems(cases); i++) {
		struct sums of_groups = {0};
		char query[128];
		struct summary s;
		struct ask a;

		snprintf(query, sizeof(query),
		    "from=2026-09-01&to=2026-12-01&group_by=%s", cases[i].by);
		run(*state, query, &everything, &a, &s);
		if (s.groups != cases[i].groups)
			fail_msg("%s: %zu groups", cases[i].by, s.groups);
		for (size_t g = 0; g < s.groups; g++)
			sums_add(&of_groups, &s.group[g]->sums);
		assert_same(&s.total, &of_groups);
		assert_int_equal(s.total.requests, N);
		summary_fini(&s);
	}
}

static void
values_of_groups(void **state)
{
	struct summary s;
	struct ask a;

	run(*state, "from=2026-10-01&to=2026-10-03&group_by=hour", &everything, &a, &s);
	assert_int_equal(s.groups, 2);
	assert_string_equal(s.group[0]->value[0], "2026-10-01T20:00:00Z");
	assert_string_equal(s.group[1]->value[0], "2026-10-02T18:00:00Z");
	summary_fini(&s);
	run(*state, "from=2026-10-01&to=2026-10-03&group_by=session", &everything, &a,
	    &s);
	assert_string_equal(s.group[0]->value[0], "0000000000000000");
	summary_fini(&s);
}

static void
filters_and_limit(void **state)
{
	struct sums hand = {0}, all = {0};
	struct summary s;
	struct ask a;

	run(*state, "from=2026-09-01&to=2026-12-01&key=ci&tag.run=2", &everything, &a,
	    &s);
	for (unsigned k = 0; k < N; k++) {
		if (k % 3 == 1 && k % 4 == 1)
			add_by_hand(&hand, row_of(k));
	}
	assert_same(&s.total, &hand);
	summary_fini(&s);
	run(*state, "from=2026-09-01&to=2026-12-01&group_by=session&limit=3",
	    &everything, &a, &s);
	assert_int_equal(s.groups, 3);
	assert_int_equal(s.rest_groups, 17);
	for (size_t g = 0; g < s.groups; g++)
		sums_add(&all, &s.group[g]->sums);
	sums_add(&all, &s.rest->sums);
	assert_same(&s.total, &all);
	summary_fini(&s);
}

static void
scopes(void **state)
{
	static const struct scope payments = {.key = "other", .team = "payments"},
				  ci = {.key = "ci", .team = ""},
				  nobody = {.key = "nobody", .team = ""};
	struct summary s;
	struct ask a;

	run(*state, "from=2026-09-01&to=2026-12-01", &payments, &a, &s);
	assert_int_equal(s.total.requests, 20); /* the team's */
	summary_fini(&s);
	run(*state, "from=2026-09-01&to=2026-12-01&group_by=key", &ci, &a, &s);
	assert_int_equal(s.groups, 1);
	assert_string_equal(s.group[0]->value[0], "ci");
	summary_fini(&s);
	/* No team is not a team: others without one stay unseen. */
	run(*state, "from=2026-09-01&to=2026-12-01&key=ci", &nobody, &a, &s);
	assert_int_equal(s.total.requests, 0);
	summary_fini(&s);
}

static void
defaults(void **state)
{
	struct ask a;

	(void)state;
	parse("", &a);
	assert_int_equal(a.from_ms, rows_at("2026-11-01"));
	assert_int_equal(a.to_ms, ROWS_NOW_MS);
	assert_true(a.open_end);
	assert_int_equal(a.group[0].dim, DIM_model);
	parse("since=24h&group_by=tag.app%2Cday", &a);
	assert_int_equal(a.from_ms, ROWS_NOW_MS - DAY_MS);
	assert_int_equal(a.groups, 2);
	assert_string_equal(a.group[0].tag, "app");
}

static void
mistakes_name_their_mend(void **state)
{
	static const struct {
		const char *query, *param, *why;
	} cases[] = {
	    {"foo=1", "foo", "unknown parameter \"foo\"; known are from, to, since"},
	    {"from=2026-02-30", "from", "is no UTC date; write 2026-11-01"},
	    {"to=yesterday", "to", "is no UTC date"},
	    {"from=2026-11-01T05:31:07.5", "from", "is no UTC date"},
	    {"since=24", "since", "write 30m, 24h, 7d or 2w"},
	    {"since=0h", "since", "write 30m"},
	    {"group_by=colour", "group_by", "known are model, tier"},
	    {"group_by=model,key,team,route,class", "group_by", "at most 4"},
	    {"from=2026-11-02&to=2026-11-01", "from", "exchange them"},
	    {"from=2026-11-02&since=1h", "since", "cannot be said together"},
	    {"limit=0", "limit", "from 1 to 10000"},
	    {"model=%zz", "model", "percent-encoded"},
	    {"hour=3", "hour", "unknown parameter"},
	    {"since=1000w", "from", "ten years"},
	};

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		struct ask_finding f = {0};
		struct ask a;

		if (ask_parse(str_of(cases[i].query), ROWS_NOW_MS, &a, &f))
			fail_msg("%s is taken", cases[i].query);
		assert_string_equal(f.param, cases[i].param);
		if (strstr(f.why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].query, f.why);
	}
}

/* ---- the whole answer ---- */

static void
ask_offline(struct rows *r, const char *target, int status, struct buf *ret)
{
	buf_init(ret, 1 << 20);
	if (report_offline(&r->env, r->dir, str_of(target), ret) != status)
		fail_msg("%s: %s", target, ret->p);
}

/* The ledger makes a month's file before its tables. */
static void
a_file_that_is_just_being_made(void **state)
{
	struct rows *r = *state;
	char path[400];
	struct buf b;

	snprintf(path, sizeof(path), "%s/ledger-2026-08.db", r->dir);
	assert_true(r->env.write_file(&r->env, path, STR("")));
	ask_offline(r,
	    "/v1/costs/summary?from=2026-08-01T00:10:00&to=2026-08-01T00:50:00", 200,
	    &b);
	buf_fini(&b);
	assert_int_equal(remove(path), 0);
}

static void
golden_json(void **state)
{
	struct buf b;

	ask_offline(*state,
	    "/v1/costs/summary?from=2026-09-01&to=2026-12-01&group_by=model,team", 200,
	    &b);
	buf_add(&b, "\n");
	rows_golden("summary.json", buf_str(&b));
	buf_fini(&b);
}

static void
errors_are_openai_objects(void **state)
{
	struct rows elsewhere = {.env = *env_system(), .dir = "/nowhere"};
	struct buf b;

	ask_offline(*state, "/v1/costs/summary?foo=1", 400, &b);
	assert_non_null(strstr(b.p, "{\"error\":{\"message\":\"unknown parameter"));
	assert_non_null(strstr(b.p, "\"param\":\"foo\""));
	buf_fini(&b);
	ask_offline(*state, "/v1/costs/nix", 404, &b);
	buf_fini(&b);
	ask_offline(&elsewhere, "/v1/costs/summary", 500, &b);
	assert_non_null(strstr(b.p, "is this a state folder of frugald?"));
	buf_fini(&b);
}

/* A report that takes too long ends, and says what to do. */
static void
time_limit(void **state)
{
	static const char *const targets[] = {"/v1/costs/summary?from=2026-09-01",
	    "/costs/summary?from=2026-09-01&group_by=user"};
	struct rows *r = *state;
	struct books b;
	struct buf out;
	bool text;

	for (size_t i = 0; i < nitems(targets); i++) {
		books_init(&b, &r->env, r->dir);
		buf_init(&out, 1 << 20);
		b.deadline_ns = 1;
		assert_int_equal(report_answer(&b, NULL, str_of(targets[i]),
				     &everything, &out, &text),
		    504);
		assert_non_null(strstr(out.p, "ask for a shorter time"));
		buf_clear(&out);
		b.deadline_ns = 0;
		assert_int_equal(report_answer(&b, NULL, str_of(targets[i]),
				     &everything, &out, &text),
		    200);
		buf_fini(&out);
		books_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(total_to_the_picodollar),
	    cmocka_unit_test(sum_passes_int64),
	    cmocka_unit_test(groups_add_up),
	    cmocka_unit_test(values_of_groups),
	    cmocka_unit_test(filters_and_limit),
	    cmocka_unit_test(scopes),
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(mistakes_name_their_mend),
	    cmocka_unit_test(time_limit),
	    cmocka_unit_test(a_file_that_is_just_being_made),
	    cmocka_unit_test(golden_json),
	    cmocka_unit_test(errors_are_openai_objects),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
