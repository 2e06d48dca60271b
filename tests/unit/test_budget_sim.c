/* libs: base config budget */
/* wrap: log_line */
/* test_budget_sim.c: random days of budgets: policies of all scopes and periods,
 * requests that are aborted or cost more than was held, crashes, reloads, period ends
 * with live holds, a clock that steps. After each event every account is what lists and
 * sums say.
 *
 * usage: test_budget_sim [SCHEDULES [FIRST-SEED]] */
#include "budget_checks.h"
#include "budget_world.h"

#include "base/log.h"

#define STEPS 90
#define DAY_S 86400

/* What the ledger tells a budget of a row that it has. */
static void
tell(struct sim *s, const struct policy *p, unsigned rule, const struct one *o)
{
	const struct budget *r = &p->rule[rule];
	char value[BUDGET_VALUE];
	int64_t period_ms = budget_period_ms(r, o->at_ms);

	if (o->state != BOOKED || !budget_value(r, &askers[o->who], value))
		return;
	budgets_add(s->b, r, value, period_ms, (struct pusd_sum){o->amount});
	if (period_ms > s->t.at_ms)
		s->t.at_ms = period_ms;
}

static void
forget_holds(struct sim *s)
{
	for (unsigned i = 0; i < s->t.count; i++) {
		if (s->t.one[i].state == HELD)
			(void)budgets_settle(
			    s->b, &s->t.one[i].grant, (struct pusd){0});
	}
}

static void
publish(struct sim *s)
{
	struct policy *old = s->now, *p;

	if (s->policies == POLICIES_MAX)
		return;
	p = draw_policy(s);
	s->policies++;
	p->generation = p->snap.rules = budgets_publish(s->b, &p->snap);
	if (old != NULL && p->generation < old->generation)
		wrong(&s->t, "rules of generation %u after those of %u", p->generation,
		    old->generation);
	for (unsigned i = 0; i < p->snap.budget_count; i++) {
		int was = old == NULL ? -1 : rule_named(old, p->rule[i].name);

		p->since[i] = was >= 0 ? old->since[was] : p->generation;
		if (budgets_since(s->b, p->rule[i].name) != p->since[i])
			wrong(&s->t, "'%s' began in %u, not in %u", p->rule[i].name,
			    p->since[i], budgets_since(s->b, p->rule[i].name));
		for (unsigned n = 0; was < 0 && n < s->t.count; n++)
			tell(s, p, i, &s->t.one[n]);
	}
	if (old == NULL)
		s->first = s->policies - 1;
	s->now = p;
	s->t.at_ms = never_back(s);
	if (s->bugs.now == BUG_reload_forgets_holds)
		forget_holds(s);
}

/* ---- requests ---- */

/* What the tightest account on the path has left; -1: none has any. */
static wide
room(struct sim *s, unsigned who, int64_t at_ms)
{
	wide least = -1, sums[2];

	for (unsigned i = 0; i < s->now->snap.budget_count; i++) {
		const struct budget *r = &s->now->rule[i];

		if (!applies(r, who))
			continue;
		truth_sums(&s->t, s->now, i, who, sums, at_ms);
		if (least < 0 || r->cap.v - sums[0] - sums[1] < least)
			least = r->cap.v - sums[0] - sums[1];
	}
	return least;
}

static void
draw_need(struct sim *s, struct one *o)
{
	int64_t most = s->unit * draw(s, 900);
	wide left = room(s, o->who, never_back(s));

	if (one_in(s, 3) && left >= 0 && left < (wide)s->unit * 2000)
		most = (int64_t)left + (one_in(s, 2) ? 1 : 0); /* to the last bit */
	o->need.worst_case.v = most;
	o->need.expected.v = one_in(s, 4) ? most : most / (1 + draw(s, 6));
	if (one_in(s, 30))
		o->need = (struct budget_need){{-1}, {-1}, true};
}

static void
ask(struct sim *s)
{
	struct one *o = &s->t.one[s->t.count];
	struct budget_refusal why;

	if (s->t.count == CASES_MAX)
		return;
	*o = (struct one){.who = draw(s, ASKERS), .at_ms = wall_ms(s), .by = s->now};
	/* A request keeps the policy of its begin. */
	o->under = s->now;
	if (one_in(s, 8))
		o->under = &s->policy[s->first + draw(s, s->policies - s->first)];
	draw_need(s, o);
	memset(&why, 0, sizeof(why));
	if (!grant(&s->bugs, s->b, &o->under->snap, o, &why)) {
		check_refusal(s, o, &why);
		s->t.at_ms = never_back(s);
		return;
	}
	if (o->grant.count > 0 && o->grant.at_ms != never_back(s))
		wrong(&s->t, "granted in %lld, and now is %lld",
		    (long long)o->grant.at_ms, (long long)never_back(s));
	/* Of requests that no budget is about the clock is not noted. */
	for (unsigned i = 0; i < o->under->snap.budget_count; i++) {
		if (applies(&o->under->rule[i], o->who))
			s->t.at_ms = never_back(s);
	}
	if (o->grant.count > 0)
		o->at_ms = o->grant.at_ms;
	check_grant(s, o);
	s->t.count++;
}

/* Nothing was sent, or it was cut, or as expected, or more than anybody thought. */
static int64_t
draw_amount(struct sim *s, const struct one *o)
{
	int64_t most = o->need.unpriced ? s->unit * 100 : o->need.worst_case.v;

	switch (draw(s, 6)) {
	case 0:
		return 0;
	case 1:
		return most;
	case 2:
		return most + s->unit * draw(s, 100);
	default:
		return most / (1 + draw(s, 9));
	}
}

/* What was held for it where the worst case is; -1: nowhere. */
static int64_t
held_in_full(const struct one *o)
{
	for (unsigned i = 0; i < o->by->snap.budget_count; i++) {
		if (o->by->rule[i].hold == HOLD_worst_case &&
		    on_path(o->by, i, o->under, o->who))
			return o->need.worst_case.v;
	}
	return -1;
}

static void
end(struct sim *s)
{
	struct one *o = some(s, HELD);
	struct pusd over;
	int64_t full;

	if (o == NULL)
		return;
	o->amount = draw_amount(s, o);
	full = o->grant.count == 0 ? -1 : held_in_full(o);
	over = settle(&s->bugs, s->b, s->now, o, wall_ms(s));
	/* With what is held now for, nobody promises after a change of the rules. */
	if (s->bugs.now == BUG_none && o->by == s->now &&
	    over.v != (full >= 0 && o->amount > full ? o->amount - full : 0))
		wrong(&s->t, "an overrun of %lld", (long long)over.v);
	if (one_in(s, 4) &&
	    budgets_settle(s->b, &o->grant, (struct pusd){o->amount}).v != 0)
		wrong(&s->t, "settled again, it overran");
	o->state = ENDED;
}

/* The ledger has the row, and tells those budgets that are newer than it. */
static void
book(struct sim *s)
{
	struct one *o = some(s, ENDED);

	if (o == NULL)
		return;
	o->state = BOOKED;
	for (unsigned i = 0; i < s->now->snap.budget_count; i++) {
		if (s->bugs.now != BUG_late_charge_lost &&
		    o->under->generation < budgets_since(s->b, s->now->rule[i].name))
			tell(s, s->now, i, o);
	}
}

/* ---- time ---- */

/* Into the hours about the next change to or from summer time. */
static void
to_shift(struct sim *s, const struct calendar *c)
{
	int64_t wall = wall_ms(s), to;

	for (unsigned i = 0; i < c->shifts; i++) {
		to = c->shift_s[i] * 1000 - 5400000 + 900000 * (int64_t)draw(s, 13);
		if (to > wall && to / 1000 < UNTIL_S - 200 * DAY_S) {
			fake_env_advance(s->fake, (to - wall) * NS_PER_MS);
			return;
		}
	}
}

static void
pass_time(struct sim *s)
{
	static const int64_t scale_s[] = {1, 60, 3600, DAY_S, 7 * DAY_S};
	int64_t ns = (int64_t)draw(s, 20) * scale_s[draw(s, 5)] * NS_PER_S;
	const struct calendar *c = &calendars[draw(s, ZONES)];
	enum budget_per per = (enum budget_per)(PER_hour + draw(s, 4));
	int64_t begin, next, wall = wall_ms(s);

	if (wall / 1000 > UNTIL_S - 200 * DAY_S)
		return;
	calendar_period(c, per, wall, &begin, &next);
	switch (draw(s, 7)) {
	case 0: /* to the last moment of a period */
		fake_env_advance(s->fake, (next - 1 - wall) * NS_PER_MS);
		break;
	case 1: /* to its end */
		fake_env_advance(s->fake, (next - wall) * NS_PER_MS);
		break;
	case 2: /* back, before its begin */
		if (begin / 1000 > FROM_S + 120 * DAY_S)
			fake_env_step_wall(s->fake, (begin - 1 - wall) * NS_PER_MS);
		break;
	case 3:
		fake_env_step_wall(s->fake, (one_in(s, 2) ? 3600 : -3600) * NS_PER_S);
		break;
	case 4:
		to_shift(s, c);
		break;
	case 5:
		fake_env_advance(s->fake, (int64_t)draw(s, 4) * 1800 * NS_PER_S);
		break;
	default:
		fake_env_advance(s->fake, ns);
		break;
	}
}

/* ---- a process ends and another begins ---- */

static void
crash(struct sim *s)
{
	int64_t last = 0;

	if (s->policies == POLICIES_MAX)
		return;
	/* The old process's memory. */
	bugs_end(&s->bugs, s->b);
	for (unsigned i = 0; i < s->t.count; i++) {
		struct one *o = &s->t.one[i];

		(void)budgets_settle(s->b, &o->grant, (struct pusd){0});
		/* The slot says what it had cost so far. */
		if (o->state == HELD)
			o->amount = draw_amount(s, o);
		if (o->state != HELD || s->bugs.now != BUG_crash_loses_hold)
			o->state = BOOKED;
		if (o->at_ms > last)
			last = o->at_ms;
	}
	budgets_free(s->b);
	s->b = budgets_new(s->env);
	s->now = NULL;
	s->t.at_ms = last;
	if (s->bugs.now != BUG_reopen_period)
		budgets_not_before(s->b, last);
	publish(s);
	for (unsigned i = 0; i < s->t.count; i++)
		s->t.one[i].state = BOOKED;
}

/* ---- one schedule ---- */

void __wrap_log_line(enum log_level level, const char *fmt, ...);

void
__wrap_log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static void
step(struct sim *s)
{
	unsigned what = draw(s, 100);

	if (what < 42)
		ask(s);
	else if (what < 68)
		end(s);
	else if (what < 78)
		book(s);
	else if (what < 90)
		pass_time(s);
	else if (what < 97)
		publish(s);
	else
		crash(s);
	if (s->now == NULL) {
		wrong(&s->t, "no policy is in force");
		return;
	}
	check(s);
	if (one_in(s, what >= 90 ? 2 : 20))
		check_list(s);
}

static void
run(uint64_t seed, enum bug bug, char ret_why[static 400])
{
	static const int64_t units[] = {1, 1000000000, 999999999999999};
	struct sim *s = xcalloc(1, sizeof(*s));
	int i = 0;

	s->fake = fake_env_new(seed);
	s->env = fake_env(s->fake);
	s->bugs.now = bug;
	s->t.calendar = calendars;
	s->unit = units[draw(s, 3)];
	s->b = budgets_new(s->env);
	for (unsigned n = 0; n < RULES_MAX; n++)
		draw_template(s, n);
	fake_env_step_wall(s->fake, (int64_t)draw(s, 365 * 86400) * NS_PER_S);
	publish(s);
	for (; i < STEPS && s->t.why[0] == '\0'; i++)
		step(s);
	snprintf(ret_why, 400, "%.370s%s", s->t.why, s->t.why[0] == '\0' ? "" : ".");
	for (unsigned n = 0; n < s->t.count; n++)
		(void)budgets_settle(s->b, &s->t.one[n].grant, (struct pusd){0});
	bugs_end(&s->bugs, s->b);
	budgets_free(s->b);
	fake_env_free(s->fake);
	xfree(s);
}

/* ---- tests ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static unsigned schedules = 2000;
#else
static unsigned schedules = 5000;
#endif
static uint64_t first_seed = 1;

static void
test_any_day(void **state)
{
	char why[400];

	(void)state;
	for (unsigned i = 0; i < schedules; i++) {
		run(first_seed + i, BUG_none, why);
		if (why[0] != '\0')
			fail_msg("seed %llu: %s alone: test_budget_sim 1 %llu",
			    (unsigned long long)first_seed + i, why,
			    (unsigned long long)first_seed + i);
	}
	print_message(
	    "%u schedules from seed %llu\n", schedules, (unsigned long long)first_seed);
}

static void
must_be_found(enum bug planted, const char *what)
{
	char why[400] = "";
	unsigned n = 0;

	while (why[0] == '\0' && n < 50)
		run(++n, planted, why);
	if (why[0] == '\0')
		fail_msg("%s: not found", what);
	print_message("%s: found by schedule %u: %s\n", what, n, why);
}

static void
test_bugs_are_found(void **state)
{
	(void)state;
	must_be_found(BUG_settle_twice, "settled twice");
	must_be_found(BUG_forget_hold, "a hold forgotten");
	must_be_found(BUG_roll_back_late, "rolled back late");
	must_be_found(BUG_reopen_period, "a period open again");
	must_be_found(BUG_not_all_or_none, "not all or none");
	must_be_found(BUG_spent_only, "the cap compared with what is spent only");
	must_be_found(BUG_reload_forgets_holds, "a reload that forgets holds");
	must_be_found(BUG_crash_loses_hold, "a crash that loses holds");
	must_be_found(BUG_settle_in_todays_period, "settled in the period of its end");
	must_be_found(BUG_late_charge_lost, "a late charge lost");
	must_be_found(BUG_disconnect_is_free, "a disconnect that refunds all");
}

static int
load_zones(void **state)
{
	struct arena *mem = arena_new(16 << 20);
	struct buf file;

	*state = mem;
	for (unsigned i = 0; i < ZONES; i++) {
		char path[128];

		calendar_init(&calendars[i], zone_names[i], mem);
		if (zone_names[i] == NULL)
			continue;
		snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone_names[i]);
		file = (struct buf){0};
		buf_init(&file, 1 << 20);
		if (!env_system()->read_file(env_system(), path, 1 << 20, &file))
			return -1;
		calendars[i].clock = zone_parse(buf_str(&file), mem);
		buf_fini(&file);
	}
	return 0;
}

static int
unload_zones(void **state)
{
	arena_free(*state);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_day),
	    cmocka_unit_test(test_bugs_are_found),
	};

	if (argc > 1)
		schedules = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, load_zones, unload_zones);
}
