/* What stands beside the sums of a summary: kinds of token, savings, refusals. */
#include "report_rows.h"

#include <sqlite3.h>

#include "report/kinds.h"
#include "report/summary.h"

/* Two months, some rows an hour. */
static int
setup(void **state)
{
	static const char *const models[] = {"sol", "luna", "qwen"};
	struct rows *r = xcalloc(1, sizeof(*r));

	rows_open(r);
	for (unsigned i = 0; i < 60; i++) {
		struct row row = {
		    .end_ms = rows_at("2026-10-02T05:10:00Z") + (int64_t)i * 54321000,
		    .model = models[i % 3],
		    .tags = i % 4 == 0 ? "run=1\n" : "",
		    .session = 1 + i / 2,
		    .amount = 400000000000000000LL + i,
		    .baseline = 600000000000000000LL + i,
		    .input = 1000 + i,
		    .cached = i % 2 == 0 ? 200 : -1,
		    .output = 50 + i,
		    .outcome = OUT_served,
		    .basis = BASIS_reported};

		rows_add(r, &row);
	}
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

static const struct scope everything = {.all = true};

static void
run(struct rows *r, const char *query, const struct scope *scope, struct ask *a,
    struct summary *ret)
{
	struct ask_finding f = {0};
	struct books b;

	if (!ask_parse(str_of(query), ROWS_NOW_MS, a, &f))
		fail_msg("%s: %s", query, f.why);
	books_init(&b, &r->env, r->dir);
	if (!summary_run(ret, &b, NULL, a, scope))
		fail_msg("%s", b.why);
	books_fini(&b);
}

/* ---- tests ---- */

/* 1,000 tokens at $0.20 and 200 at $0.02 and 50 at $1.20 a million: 88 % of that. */
static void
kinds_add_up(void **state)
{
	static const char *const spans[] = {"from=2026-09-01&to=2026-12-01",
	    "from=2026-10-02T05:31:07.123&to=2026-11-20T17:44:01",
	    "since=30d&model=sol&tag.run=1"};
	int64_t part[TOKEN_COUNT];
	wide weight[TOKEN_COUNT] = {0};

	for (size_t i = 0; i < nitems(spans); i++) {
		struct pusd_sum all = {0};
		struct summary s;
		struct ask a;

		run(*state, spans[i], &everything, &a, &s);
		assert_true(s.rows_known);
		for (size_t k = 0; k < TOKEN_COUNT; k++)
			all.v += s.kinds.kind[k].v;
		assert_true(all.v > 0);
		assert_true(all.v + s.kinds.other.v == s.total.paid.v);
		summary_fini(&s);
	}
	assert_false(kinds_share(5, weight, part));
	weight[TOKEN_input_uncached] = (wide)1000 * 200000;
	weight[TOKEN_cache_read] = (wide)200 * 20000;
	weight[TOKEN_output] = (wide)50 * 1200000;
	assert_true(kinds_share(232320000, weight, part));
	assert_int_equal(part[TOKEN_input_uncached], 176000000);
	assert_int_equal(part[TOKEN_cache_read], 3520000);
	assert_int_equal(part[TOKEN_output], 52800000);
	/* What cannot be shared evenly goes to the largest remainders. */
	weight[TOKEN_cache_read] = weight[TOKEN_output] = weight[TOKEN_input_uncached];
	assert_true(kinds_share(5, weight, part));
	assert_int_equal(part[TOKEN_input_uncached], 2);
	assert_int_equal(part[TOKEN_cache_read], 2);
	assert_int_equal(part[TOKEN_output], 1);
	/* The greatest amount with weights beyond 2^60. */
	weight[TOKEN_output] = weight[TOKEN_output] << 80;
	assert_true(kinds_share(INT64_MAX, weight, part));
	assert_true(
	    part[TOKEN_output] + part[TOKEN_cache_read] + part[TOKEN_input_uncached] ==
	    INT64_MAX);
}

/* What a correction took away is in no kind, but in the sum. */
static void
less_than_nothing_has_no_kind(void **state)
{
	struct fact less = {.price = STR("openai/gpt-5.6-luna/2026-07-30"),
	    .sums = {.paid = {-5}, .tokens = {[TOKEN_output] = 7}}};
	struct rows *r = *state;
	struct books b;
	struct kinds k;

	books_init(&b, &r->env, r->dir);
	kinds_init(&k, &b);
	kinds_add(&k, &less);
	assert_true(k.other.v == -5 && k.kind[TOKEN_output].v == 0);
	kinds_fini(&k);
	books_fini(&b);
}

static void
add_kinds(void *arg, const struct fact *f)
{
	kinds_add(arg, f);
}

/* Where there are too many rows, hours tell: near in the parts, exact in the sum. */
static void
kinds_of_hours_add_up(void **state)
{
	struct rows *r = *state;
	struct pusd_sum all = {0};
	struct summary s;
	struct books b;
	struct kinds k;
	struct ask a;

	run(r, "from=2026-09-01&to=2026-12-01", &everything, &a, &s);
	books_init(&b, &r->env, r->dir);
	kinds_init(&k, &b);
	assert_true(facts_from_rollups(&b, 0, INT64_MAX, add_kinds, &k));
	for (size_t i = 0; i < TOKEN_COUNT; i++) {
		double exact = (double)s.kinds.kind[i].v, near = (double)k.kind[i].v;

		all.v += k.kind[i].v;
		assert_true(near >= exact * 0.99 && near <= exact * 1.01);
	}
	assert_true(all.v + k.other.v == s.total.paid.v);
	assert_true(k.cache_saved.v > 0);
	kinds_fini(&k);
	books_fini(&b);
	summary_fini(&s);
}

/* $1.00 paid where the baseline costs $0.40: a loss, not nothing. */
static void
a_loss_is_a_loss(void **state)
{
	struct sums u = {.requests = 1,
	    .compared_requests = 1,
	    .paid = {PUSD_PER_USD},
	    .compared = {PUSD_PER_USD},
	    .baseline = {4 * PUSD_PER_USD / 10}};
	struct pusd_sum saved;

	(void)state;
	assert_true(summary_saved(&u, &saved));
	assert_true(saved.v == -6 * PUSD_PER_USD / 10);
	u.baseline.v = 0; /* a machine that is paid for anyway */
	assert_true(summary_saved(&u, &saved));
	assert_true(saved.v == -PUSD_PER_USD);
	u.compared_requests = 0; /* unpriced: on neither side */
	assert_false(summary_saved(&u, &saved));
}

static void
put_refusals(const struct rows *r, const char *sql)
{
	char path[400];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/ledger.db", r->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
refusals_of_hours(void **state)
{
	struct rows *r = *state;
	struct scope search = {.key = "search", .team = "search"};
	int64_t hour = rows_at("2026-11-01T00:00:00Z") / HOUR_MS;
	struct summary s;
	struct ask a;
	char sql[600];

	snprintf(sql, sizeof(sql),
	    "INSERT INTO refusal VALUES(%lld,'payments','ci','key ci per "
	    "day','refused',7),"
	    "(%lld,'search','search','team search per month','downgraded',3),"
	    "(%lld,'payments','ci','key ci per day','refused',100)",
	    (long long)hour, (long long)hour + 1, (long long)hour - 1);
	put_refusals(r, sql);
	run(r, "from=2026-11-01&to=2026-11-02", &everything, &a, &s);
	assert_true(s.refusals.known);
	assert_int_equal(s.refusals.kinds, 2);
	assert_string_equal(s.refusals.top[0].key, "ci");
	assert_int_equal(s.refusals.top[0].count, 7);
	summary_fini(&s);
	run(r, "from=2026-11-01&to=2026-11-02", &search, &a, &s);
	assert_int_equal(s.refusals.tops, 1);
	assert_int_equal(s.refusals.kind[0].count, 3);
	summary_fini(&s);
	run(r, "from=2026-11-01&to=2026-11-02&model=sol", &everything, &a, &s);
	assert_false(s.refusals.known);
	summary_fini(&s);
	put_refusals(r, "DELETE FROM refusal");
}

/* Days that are over are read as one: every figure is the same. */
static void
days_are_the_sum_of_their_hours(void **state)
{
	static const char *const queries[] = {
	    "from=2026-10-01&to=2026-12-01&group_by=model,day",
	    "from=2026-10-02T07:00:00&to=2026-11-03T05:00:00&group_by=day"};
	struct rows *r = *state;

	for (size_t i = 0; i < nitems(queries); i++) {
		struct summary hours, days;
		struct ask a, again;

		run(r, queries[i], &everything, &a, &hours);
		while (store_fold(r->store))
			;
		run(r, queries[i], &everything, &again, &days);
		assert_memory_equal(&hours.total, &days.total, sizeof(hours.total));
		assert_memory_equal(&hours.tokens, &days.tokens, sizeof(days.tokens));
		assert_memory_equal(&hours.ttft, &days.ttft, sizeof(days.ttft));
		assert_memory_equal(&hours.sketch, &days.sketch, sizeof(hours.sketch));
		assert_true(days.sketched);
		assert_in_range(sketch_count(&days.sketch), days.sessions * 8 / 10,
		    days.sessions * 12 / 10);
		assert_int_equal(hours.groups, days.groups);
		assert_int_equal(hours.with_rows, days.with_rows);
		for (size_t g = 0; g < days.groups; g++)
			assert_memory_equal(&hours.group[g]->sums, &days.group[g]->sums,
			    sizeof(struct sums));
		summary_fini(&hours);
		summary_fini(&days);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_add_up),
	    cmocka_unit_test(less_than_nothing_has_no_kind),
	    cmocka_unit_test(kinds_of_hours_add_up),
	    cmocka_unit_test(a_loss_is_a_loss),
	    cmocka_unit_test(refusals_of_hours),
	    cmocka_unit_test(days_are_the_sum_of_their_hours),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
