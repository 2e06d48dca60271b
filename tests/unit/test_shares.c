/* libs: base config core parse auth budget call meter route */
/* test_shares.c: which share of its spend a team or key has spent on frontier models:
 * from the roll-ups at start, then as rows come, for each month anew. */
#include "meter.h"

static int
set_up(void **state)
{
	struct process *p = process_new(state, 1);

	assert_true(process_start(p, 64, 1));
	return 0;
}

/* One answer that costs so many pico-dollars; `who`: the bits of
 * slot_request.shares. */
static void
book(struct process *p, enum tier tier, int64_t amount, unsigned who)
{
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s;

	r.shares = (uint8_t)who;
	s = slot_open(p->slots, 0, &r);
	assert_non_null(s);
	a = answered(&a, 120, 40);
	a.tier = (uint8_t)tier;
	a.amount_pusd = amount;
	slot_attempt_open(s, &a);
	slot_attempt_close(s, 0, &a, STR(""));
	slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
}

static void
turn(struct process *p)
{
	fake_env_advance(p->fake, 6 * NS_PER_S);
	assert_true(ledger_turn(p->ledger));
}

/* In thousandths. */
static int
share(struct process *p, enum share_of of, const char *name)
{
	const struct outlook *o = outlook_take(p->outlook);
	double v = outlook_share(o, of, name, env_wall_ms(p->env) / 1000);

	outlook_release(o);
	return (int)(v * 1000 + 0.5);
}

#define TEAM (1U << SHARE_team)
#define KEY  (1U << SHARE_key)

static void
test_as_rows_come(void **state)
{
	struct process *p = *state;

	assert_int_equal(share(p, SHARE_team, "web"), 0);
	book(p, TIER_frontier, 3000000, TEAM | KEY);
	book(p, TIER_small, 1000000, TEAM | KEY);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 750);
	assert_int_equal(share(p, SHARE_key, "laptop"), 750);
	assert_int_equal(share(p, SHARE_key, "web"), 0);
	/* nothing is counted twice */
	book(p, TIER_local, 2000000, TEAM | KEY);
	turn(p);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 500);
	/* who has no limit has no share, but a team counts all of its keys' spend */
	book(p, TIER_small, 6000000, TEAM);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 250);
	assert_int_equal(share(p, SHARE_key, "laptop"), 500);
}

/* A limit that is set in the middle of a month counts what was spent before it. */
static void
test_from_the_rollups(void **state)
{
	struct process *p = *state;

	book(p, TIER_frontier, 9000000, 0);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 0);
	book(p, TIER_small, 1000000, TEAM);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 900);
}

static void
test_a_restart(void **state)
{
	struct process *p = *state;

	book(p, TIER_frontier, 3000000, TEAM);
	book(p, TIER_small, 1000000, TEAM);
	turn(p);
	process_stop(p);
	assert_true(process_start(p, 64, 1));
	assert_int_equal(share(p, SHARE_team, "web"), 750);
	book(p, TIER_small, 2000000, TEAM);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 500);
}

static void
test_a_month_begins(void **state)
{
	struct process *p = *state;

	book(p, TIER_frontier, 3000000, TEAM);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 1000);
	fake_env_step_wall(p->fake, INT64_C(40) * 86400 * NS_PER_S);
	assert_int_equal(share(p, SHARE_team, "web"), 0);
	book(p, TIER_frontier, 1000000, TEAM);
	book(p, TIER_small, 3000000, TEAM);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 250);
	/* what was unpriced is no spend */
	book(p, TIER_frontier, -1, TEAM);
	turn(p);
	assert_int_equal(share(p, SHARE_team, "web"), 250);
}

/* Small steps are no rows. */
static void
test_rows_are_few(void **state)
{
	struct process *p = *state;

	book(p, TIER_frontier, 1000000000, TEAM);
	book(p, TIER_small, 1000000000, TEAM);
	turn(p);
	for (unsigned i = 0; i < 20; i++) {
		book(p, TIER_small, 1000, TEAM);
		turn(p);
	}
	assert_int_equal(ask("ledger.db", "SELECT COUNT(*) FROM outlook_cell WHERE "
					  "cell='frontier team web'"),
	    1);
}

/* A file from elsewhere has more of them than there is room for. */
static void
test_too_many(void **state)
{
	static struct outlook o;
	char cell[64];

	(void)state;
	for (unsigned i = 0; i < SHARES_MAX + 9; i++) {
		snprintf(cell, sizeof(cell), "frontier key k%u", i);
		outlook_cell_take(&o, str_of(cell), 0.5, 2026 * 12);
	}
	outlook_cell_take(&o, STR("frontier key k0"), 0.25, 2026 * 12);
	assert_int_equal(o.shares, SHARES_MAX);
	assert_int_equal(
	    (int)(100 * outlook_share(&o, SHARE_key, "k0", 1767225600)), 25);
	outlook_clear(&o);
}

/* More have had limits over the months than there is room for: those of this month are
 * not forgotten for those of long ago. */
static void
test_old_ones_make_room(void **state)
{
	static struct outlook o;
	char cell[64];

	(void)state;
	for (unsigned i = 0; i < SHARES_MAX + 9; i++) {
		snprintf(cell, sizeof(cell), "frontier key k%03u", i);
		outlook_cell_take(&o, str_of(cell), 0.5, 2026 * 12 - (i < 10));
	}
	assert_int_equal(o.shares, SHARES_MAX);
	for (unsigned i = 10; i < SHARES_MAX + 9; i++) {
		snprintf(cell, sizeof(cell), "k%03u", i);
		assert_int_equal(
		    (int)(100 * outlook_share(&o, SHARE_key, cell, 1767225600)), 50);
	}
	outlook_clear(&o);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_as_rows_come),
	    CASE(test_from_the_rollups),
	    CASE(test_a_restart),
	    CASE(test_a_month_begins),
	    CASE(test_rows_are_few),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_old_ones_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
