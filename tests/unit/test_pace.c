/* libs: base config core budget meter */
/* test_pace.c: what answers teach of how fast a model at a provider is, by the hour of
 * the day, and what is kept of it. */
#include "meter.h"

#include <math.h>
#include <stdlib.h>

#include "config/snapshot.h"

/* The fake clock begins at some hour of some day; samples say their own. */
#define DAY_MS  INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define FIRST   (20000 * DAY_MS)

struct pace_case {
	const char *model;
	int day, hour;
	int32_t ttft_ms;
	double rate; /* tokens a second, of 400 tokens */
	bool one_piece, tiered;
};

static int
set_up(void **state)
{
	struct process *p = process_new(state, 1);

	assert_true(process_start(p, 8, 1));
	return 0;
}

static void
book(struct process *p, const struct pace_case *c)
{
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s;

	r.stream = !c->one_piece;
	str_copy(a.model, sizeof(a.model), str_of(c->model));
	a = answered(&a, 120, 400);
	a.warm_idle_ms = -1;
	a.tiered = c->tiered;
	a.start_ms = FIRST + c->day * DAY_MS + c->hour * HOUR_MS;
	a.ttft_ms = c->ttft_ms;
	a.total_ms = c->ttft_ms + (int32_t)(400 / c->rate * 1000);
	if (c->one_piece)
		a.ttft_ms = a.total_ms;
	s = slot_open(p->slots, 0, &r);
	assert_non_null(s);
	slot_attempt_open(s, &a);
	slot_attempt_close(s, 0, &a, STR(""));
	slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
	fake_env_advance(p->fake, NS_PER_S);
	assert_true(ledger_turn(p->ledger));
}

static void
book_many(struct process *p, struct pace_case c, int n)
{
	for (int i = 0; i < n; i++)
		book(p, &c);
}

static double
pace_of(struct process *p, const char *model, bool tier, int hour, enum pace_value v)
{
	const struct outlook *o = outlook_take(p->outlook);
	double ret = outlook_pace(o, snapshot_place(model, "openai", tier),
	    (FIRST + hour * HOUR_MS) / 1000, v);

	outlook_release(o);
	return ret;
}

static double
pace(struct process *p, int hour, enum pace_value v)
{
	return pace_of(p, "luna", false, hour, v);
}

static void
assert_near(double is, double ought)
{
	if (is < ought * 0.95 || is > ought * 1.05)
		fail_msg("%.1f is not within 5 %% of %.1f", is, ought);
}

/* ---- quantiles ---- */

/* Log-normal by the sum of twelve (Irwin-Hall); the same numbers each time. */
static double
draw(uint64_t *seed)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		*seed = *seed * 6364136223846793005U + 1442695040888963407U;
		sum += (double)(*seed >> 11) / 9007199254740992.0;
	}
	return sum;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Against the very samples, after 500 of them. */
static void
test_quantiles(void **state)
{
	double ttft[500], rate[500];
	uint64_t seed = 4711;

	for (int i = 0; i < 500; i++) {
		struct pace_case c = {.model = "luna", .hour = 12};

		c.ttft_ms = (int32_t)(800 * exp(0.6 * draw(&seed)));
		c.rate = 60 * exp(0.4 * draw(&seed));
		ttft[i] = c.ttft_ms;
		rate[i] = c.rate;
		book(*state, &c);
	}
	qsort(ttft, 500, sizeof(double), ascending);
	qsort(rate, 500, sizeof(double), ascending);
	assert_near(pace(*state, 12, PACE_ttft_p50), ttft[250]);
	assert_near(pace(*state, 12, PACE_ttft_p90), ttft[450]);
	assert_near(pace(*state, 12, PACE_rate_p10), rate[50]);
	assert_near(pace(*state, 12, PACE_rate_p50), rate[250]);
	/* Rows are for good. */
	assert_in_range(ask("ledger.db", "SELECT COUNT(*) FROM outlook_cell"
					 " WHERE cell='ttft_p50 12 luna at openai'"),
	    5, 60);
}

static void
test_one_speed(void **state)
{
	book_many(*state,
	    (struct pace_case){.model = "luna", .ttft_ms = 300, .rate = 50}, 500);
	assert_near(pace(*state, 0, PACE_ttft_p50), 300);
	assert_near(pace(*state, 0, PACE_ttft_p90), 300);
	assert_near(pace(*state, 0, PACE_rate_p10), 50);
	assert_near(pace(*state, 0, PACE_rate_p50), 50);
}

/* ---- hours ---- */

static void
test_hours(void **state)
{
	struct process *p = *state;

	assert_true(pace(p, 12, PACE_ttft_p50) < 0);
	book_many(p, (struct pace_case){"luna", 0, 3, 400, 80, 0, 0}, 7);
	assert_true(pace(p, 3, PACE_ttft_p50) < 0); /* too few */
	book_many(p, (struct pace_case){"luna", 0, 3, 400, 80, 0, 0}, 293);
	assert_near(pace(p, 3, PACE_ttft_p50), 400);
	assert_near(pace(p, 12, PACE_ttft_p50), 400); /* nothing else is known */
	book_many(p, (struct pace_case){"luna", 0, 12, 4000, 8, 0, 0}, 200);
	/* 200 samples of its own, 30 of all hours, of which more were fast */
	assert_near(pace(p, 12, PACE_ttft_p50), (200 * 4000 + 30 * 400) / 230.0);
	assert_in_range((int)pace(p, 12, PACE_rate_p50), 16, 20);
	assert_near(pace(p, 3, PACE_ttft_p50), 400);
	/* on the same hour of another day */
	assert_near(pace(p, 36, PACE_ttft_p50), (200 * 4000 + 30 * 400) / 230.0);
	assert_true(pace_of(p, "sol", false, 12, PACE_ttft_p50) < 0);
	assert_true(outlook_pace(NULL, 1, 0, PACE_ttft_p50) < 0);
}

/* Yesterday counts half, so two days later a bad noon is half forgotten. */
static void
test_days_fade(void **state)
{
	struct process *p = *state;

	book_many(p, (struct pace_case){"luna", 0, 12, 4000, 8, 0, 0}, 200);
	book_many(p, (struct pace_case){"luna", 2, 12, 400, 80, 0, 0}, 40);
	assert_near(pace(p, 12, PACE_ttft_p50), 4000);
	book_many(p, (struct pace_case){"luna", 3, 12, 400, 80, 0, 0}, 40);
	assert_near(pace(p, 12, PACE_ttft_p50), 400);
}

/* ---- what is kept ---- */

static void
test_restart(void **state)
{
	struct process *p = *state;
	double before[PACE_VALUES];
	struct pace_case c = {"luna", 0, 12, 4000, 8, 0, 0};

	book_many(p, c, 100);
	c.tiered = true;
	c.ttft_ms = 9000;
	book_many(p, c, 100);
	for (unsigned v = 0; v < PACE_VALUES; v++)
		before[v] = pace(p, 12, v);
	process_stop(p);
	assert_true(process_start(p, 8, 1));
	for (unsigned v = 0; v < PACE_VALUES; v++)
		assert_true(pace(p, 12, v) == before[v]);
	assert_near(pace_of(p, "luna", true, 12, PACE_ttft_p90), 9000);
	/* It goes on from there: half of what was, half new. */
	book_many(p, (struct pace_case){"luna", 0, 12, 1000, 8, 0, 0}, 90);
	assert_near(pace(p, 12, PACE_ttft_p90), 4000);
	book_many(p, (struct pace_case){"luna", 0, 12, 1000, 8, 0, 0}, 60);
	assert_near(pace(p, 12, PACE_ttft_p50), 1000);
}

/* What is damaged is forgotten, and the rest goes on. */
static void
test_damaged(void **state)
{
	struct process *p = *state;

	book_many(p, (struct pace_case){"luna", 0, 12, 300, 50, 0, 0}, 100);
	process_stop(p);
	(void)ask("ledger.db",
	    "UPDATE learned SET bytes=substr(bytes,1,13) WHERE cell LIKE '12 %'");
	(void)ask("ledger.db", "INSERT INTO learned VALUES('99 luna at openai',0,x''),"
			       "('luna',0,x'01000000'),('03 sol at x',0,"
			       "x'0100000000000000FF000000'),('04 sol at x',0,"
			       "x'010000000100000006000000FFFF0000C07F'),('',0,x'')");
	(void)ask("ledger.db", "INSERT INTO outlook_cell VALUES('ttft_p50 77 x',9,0,"
			       "1,1),('ttft_p50 a x',9,0,1,1),('ttft_p50',9,0,1,1)");
	assert_true(process_start(p, 8, 1));
	assert_near(pace(p, 12, PACE_ttft_p50), 300);
	book_many(p, (struct pace_case){"luna", 0, 12, 900, 50, 0, 0}, 300);
	assert_in_range((int)pace(p, 12, PACE_ttft_p50), 800, 920);
}

/* ---- what says nothing ---- */

static void
test_in_one_piece(void **state)
{
	struct process *p = *state;
	struct pace_case c = {"luna", .ttft_ms = 500, .rate = 100, .one_piece = true};

	/* All of the time, as long as the first byte's part is not known. */
	book_many(p, c, 100);
	assert_true(pace(p, 0, PACE_ttft_p50) < 0);
	assert_near(pace(p, 0, PACE_rate_p50), 400 / 4.5);
	c.one_piece = false;
	book_many(p, c, 200);
	assert_near(pace(p, 0, PACE_ttft_p50), 500);
	c.one_piece = true;
	book_many(p, c, 400);
	assert_near(pace(p, 0, PACE_rate_p50), 100);
	assert_near(pace(p, 0, PACE_ttft_p50), 500);
}

static void
test_no_room(void **state)
{
	struct process *p = *state;
	const struct outlook *o;
	char name[16];

	for (int i = 0; i < PACES_MAX + 3; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		book_many(p,
		    (struct pace_case){.model = name, .ttft_ms = 300, .rate = 50}, 10);
	}
	o = outlook_take(p->outlook);
	assert_int_equal(o->paces, PACES_MAX);
	outlook_release(o);
	assert_near(pace_of(p, "m0", false, 0, PACE_ttft_p50), 300);
	assert_true(pace_of(p, "m66", false, 0, PACE_ttft_p50) < 0);
}

#define with_process(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_process(test_quantiles),
	    with_process(test_one_speed),
	    with_process(test_hours),
	    with_process(test_days_fade),
	    with_process(test_restart),
	    with_process(test_damaged),
	    with_process(test_in_one_piece),
	    with_process(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
