/* libs: base core config budget meter */
/* wrap: store_commit slots_release hash_crc32c rollup_add settle_by_basis */
/* wrap: budget_add ledger_budgets_charge ledger_budgets_ready store_spent */
/* test_meter_sim.c: random days of a ledger: requests, fallbacks, aborts, crashes at
 * any write, power cuts, full disks, restarts, month ends, a clock that steps. After
 * each every attempt that was sent has one row with its amount, and roll-ups, budgets
 * and accounts are the sums.
 *
 * usage: test_meter_sim [SCHEDULES [FIRST-SEED]] */
#include "sim_books.h"
#include "sim_bugs.h"

#include <errno.h>
#include <stdlib.h>

#include "slots_file.h"

#define SLOTS   8U
#define WORKERS 2U
#define STEPS   120

/* ---- one schedule ---- */

struct sim {
	struct process p;
	struct truths t;
	struct book k;
	struct snapshot *coming; /* of a reload that waits for the ledger */
	unsigned used[WORKERS];  /* slots that are not free */
	bool fault;              /* a write may fail, or the disk is full */
	bool looks_away;         /* a crash is to come, of the ledger only */
};

static unsigned
draw(struct sim *s, unsigned below)
{
	return (unsigned)fake_env_draw(s->p.fake, below);
}

/* A random request that lives; NULL: none. */
static struct truth *
some_live(struct sim *s)
{
	unsigned from = s->t.count == 0 ? 0 : draw(s, s->t.count);

	for (unsigned i = 0; i < s->t.count; i++) {
		struct truth *t = &s->t.of[(from + i) % s->t.count];

		if (t->fate == FATE_live)
			return t;
	}
	return NULL;
}

static struct truth_attempt *
last_of(struct truth *t)
{
	return t->attempts == 0 ? NULL : &t->attempt[t->attempts - 1];
}

static void
open_request(struct sim *s)
{
	struct slot_request r = some_request(s->p.env);
	struct truth *t = &s->t.of[s->t.count];
	unsigned worker = draw(s, WORKERS);
	bool room = s->used[worker] < SLOTS / WORKERS;

	if (s->t.count == TRUTHS_MAX)
		return;
	*t = (struct truth){.id = r.id, .worker = worker, .snap = s->k.snap};
	t->whose = draw(s, 12);
	sim_sign(&r, t->whose, s->k.snap->rules);
	t->slot = slot_open(s->p.slots, worker, &r);
	if ((t->slot != NULL) != room)
		wrong(&s->t, "worker %u has %u slots in use and %s one more", worker,
		    s->used[worker], room ? "cannot have" : "got");
	if (t->slot == NULL)
		return;
	s->t.count++;
	s->used[worker]++;
}

static void
open_attempt(struct sim *s, struct truth *t)
{
	struct slot_attempt a = some_attempt(s->p.env);
	struct truth_attempt *last = last_of(t);

	if ((last != NULL && !last->closed) || t->attempts == SLOT_ATTEMPTS)
		return;
	t->attempt[t->attempts] = (struct truth_attempt){
	    .input = draw(s, 5000),
	    .expected = draw(s, 1000),
	    .ppm = draw(s, 3) == 0 ? draw(s, 1000001) : 1000000,
	};
	last = &t->attempt[t->attempts++];
	a.price_input_pusd = PRICE_IN;
	a.price_output_pusd = PRICE_OUT;
	a.contract_ppm = (int32_t)last->ppm;
	a.input_estimate = last->input;
	a.expected_output = last->expected;
	last->at_ms = a.granted_ms = sim_grant(&s->k, t, last);
	if (slot_attempt_open(t->slot, &a) != (int)t->attempts - 1)
		wrong(&s->t, "an attempt has another number");
}

static void
go_on(struct sim *s, struct truth *t)
{
	struct truth_attempt *a = last_of(t);
	int i = (int)t->attempts - 1;

	if (a == NULL || a->closed) {
		open_attempt(s, t);
	} else if (!a->sent) {
		a->sent = true;
		slot_attempt_sent(t->slot, i);
	} else {
		a->first_byte = true;
		a->seen += draw(s, 400);
		slot_attempt_seen(t->slot, i, a->seen);
	}
}

/* As meter_settle() would. */
static void
close_attempt(struct sim *s, struct truth *t)
{
	struct truth_attempt *a = last_of(t);
	struct slot_attempt r;

	if (a == NULL || a->closed)
		return;
	r = t->slot->attempt[t->attempts - 1];
	a->closed = true;
	a->outcome = !a->sent ? OUT_slow_connect : OUT_cut;
	if (a->sent && draw(s, 2) == 0) {
		int64_t in = draw(s, 9000), out = draw(s, 3000);

		a->outcome = OUT_served;
		a->basis = BASIS_reported;
		truth_cost(a, in, out);
		r = answered(&r, in, out);
	} else {
		enum basis b = !a->sent        ? BASIS_none
			       : a->first_byte ? BASIS_partial
					       : BASIS_unknown;

		truth_settle(a, b);
		r.outcome = (uint16_t)a->outcome;
		settle_by_basis(&r, b);
	}
	slot_attempt_close(t->slot, (int)t->attempts - 1, &r, STR("{}"));
	budgets_settle(s->k.b, &a->grant, budget_charge(r.amount_pusd, r.at_most_pusd));
}

static void
close_request(struct sim *s, struct truth *t)
{
	if (t->attempts == 0)
		return;
	close_attempt(s, t);
	t->outcome = last_of(t)->outcome;
	t->fate = FATE_closed;
	slot_close(s->p.slots, t->slot, t->outcome, env_wall_ms(s->p.env));
}

/* ---- the ledger's turn, and what ends a process ---- */

static void
crashed(struct sim *s)
{
	for (unsigned i = 0; i < s->t.count; i++)
		truth_crash(&s->t.of[i]);
	memset(s->used, 0, sizeof(s->used));
	sim_forget_grants(&s->k, &s->t);
	s->coming = NULL;
	book_stop(&s->k);
}

static void
start(struct sim *s)
{
	for (unsigned tries = 0; tries < 50; tries++) {
		unsigned crashes = fake_env_crashes(s->p.fake);

		if (draw(s, 4) == 0)
			fake_env_crash_at(s->p.fake, 1 + draw(s, 60));
		if (book_start_with(&s->k, draw(s, 32), SLOTS, WORKERS) &&
		    fake_env_crashes(s->p.fake) == crashes) {
			fake_env_crash_at(s->p.fake, 0);
			if (!s->fault)
				sim_check_books(&s->t, &s->k);
			return;
		}
		book_stop(&s->k);
		fake_env_fail_write(s->p.fake, 0, 0);
		fake_env_disk(s->p.fake, -1);
	}
	wrong(&s->t, "it does not start: %.150s", s->p.why);
}

static void
turn(struct sim *s)
{
	unsigned crashes = fake_env_crashes(s->p.fake);
	bool ok = ledger_turn(s->p.ledger);

	if (fake_env_crashes(s->p.fake) > crashes) {
		crashed(s);
		start(s);
		return;
	}
	for (unsigned i = 0; i < s->t.count; i++) {
		struct truth *t = &s->t.of[i];

		if (t->fate != FATE_closed)
			continue;
		if (atomic_load(&t->slot->state) == SLOT_free) {
			t->fate = FATE_in;
			t->slot = NULL;
			s->used[t->worker]--;
		} else if (ok) {
			wrong(&s->t, "request %u was committed and its slot kept", i);
		}
	}
	if (ok && !s->fault && !s->looks_away && s->coming == NULL)
		sim_check_books(&s->t, &s->k);
	if (!ok && !s->fault)
		wrong(&s->t, "the ledger refused without a reason");
	if (ok != ledger_accepts(s->p.ledger))
		wrong(&s->t, "it can%s be written and says otherwise", ok ? "" : "not");
}

/* The machine died: of slots nothing is promised. */
static void
lose_slots(struct sim *s)
{
	char path[128];

	while (process_slot_file(&s->p, path)[0] != '\0')
		(void)s->p.env->remove_file(s->p.env, path);
	for (unsigned i = 0; i < s->t.count; i++) {
		if (s->t.of[i].fate == FATE_live || s->t.of[i].fate == FATE_closed) {
			truth_crash(&s->t.of[i]);
			if (s->t.of[i].fate == FATE_in)
				s->t.of[i].fate = FATE_maybe;
		}
	}
}

/* One bit of the id of one request that was in flight. */
static void
damage(struct sim *s)
{
	char path[128];
	size_t len;
	char *bytes;
	struct truth *t;
	struct slot *slot;

	if (process_slot_file(&s->p, path)[0] == '\0')
		return;
	bytes = fake_env_bytes(s->p.fake, path, &len);
	slot = slots_file_at(bytes, draw(s, SLOTS));
	t = NULL;
	for (unsigned i = 0; i < s->t.count; i++) {
		if (id_eq(s->t.of[i].id, slot->request.id))
			t = &s->t.of[i];
	}
	if (t == NULL || (t->fate != FATE_live && t->fate != FATE_closed))
		return;
	slot->request.id.lo ^= 1ULL << draw(s, 64);
	truth_crash(t);
	if (t->fate == FATE_in)
		t->fate = FATE_maybe;
}

/* SIGTERM: what runs ends, the ledger books what it can. */
static void
stop(struct sim *s)
{
	for (unsigned i = 0; i < s->t.count; i++) {
		struct truth *t = &s->t.of[i];

		if (t->fate == FATE_live && t->attempts == 0)
			open_attempt(s, t);
		if (t->fate == FATE_live)
			close_request(s, t);
	}
	turn(s);
}

static void
die(struct sim *s)
{
	switch (draw(s, 9)) {
	case 0:
		fake_env_power_cut(s->p.fake);
		lose_slots(s);
		break;
	case 1:
		fake_env_power_cut(s->p.fake);
		break;
	case 2:
		fake_env_crash(s->p.fake);
		damage(s);
		break;
	case 3: /* at the next write, or never */
		fake_env_crash_at(s->p.fake, 1 + draw(s, 12));
		s->looks_away = true; /* who looks writes, too */
		turn(s);
		s->looks_away = false;
		fake_env_crash_at(s->p.fake, 0);
		return;
	case 4:
		stop(s);
		break;
	default:
		fake_env_crash(s->p.fake);
		break;
	}
	crashed(s);
	start(s);
}

/* ---- time and disk ---- */

static void
pass_time(struct sim *s)
{
	static const int64_t scale_s[] = {1, 60, 3600, 86400, 7 * 86400};
	int64_t ns = (int64_t)draw(s, 20) * scale_s[draw(s, 5)] * NS_PER_S;

	if (draw(s, 6) == 0)
		fake_env_step_wall(s->p.fake, draw(s, 2) == 0 ? ns : -ns / 4);
	else
		fake_env_advance(s->p.fake, ns);
}

static void
trouble(struct sim *s)
{
	if (s->fault) {
		fake_env_disk(s->p.fake, -1);
		fake_env_fail_write(s->p.fake, 0, 0);
		s->fault = false;
		return;
	}
	s->fault = true;
	if (draw(s, 2) == 0)
		fake_env_disk(s->p.fake, draw(s, 100000));
	else
		fake_env_fail_write(
		    s->p.fake, 1 + draw(s, 20), draw(s, 2) == 0 ? ENOSPC : EIO);
}

/* The main thread asks for other budgets, and waits for them or not. */
static void
reload(struct sim *s)
{
	if (s->coming == NULL || draw(s, 3) == 0) {
		s->coming = book_next_policy(&s->k, draw(s, 32));
		ledger_adopt_soon(s->p.ledger, s->coming, s->coming->rules, false);
	}
	if (draw(s, 3) == 0 || ledger_asked(s->p.ledger, s->coming->rules)) {
		(void)ledger_asked(s->p.ledger, s->coming->rules);
		s->k.snap = s->coming;
		s->coming = NULL;
	}
}

static void
step(struct sim *s)
{
	unsigned what = draw(s, 100);
	struct truth *t = some_live(s);

	if (what < 20)
		open_request(s);
	else if (what < 60 && t != NULL)
		go_on(s, t);
	else if (what < 68 && t != NULL)
		close_attempt(s, t);
	else if (what < 80 && t != NULL)
		close_request(s, t);
	else if (what < 87)
		turn(s);
	else if (what < 90)
		reload(s);
	else if (what < 94)
		pass_time(s);
	else if (what < 97)
		trouble(s);
	else
		die(s);
}

/* "": all is well. */
static void
run(uint64_t seed, char ret_why[static 200])
{
	struct sim *s = xcalloc(1, sizeof(*s));

	process_init(&s->p, seed);
	s->k.p = &s->p;
	start(s);
	for (int i = 0; i < STEPS && s->t.why[0] == '\0'; i++)
		step(s);
	fake_env_disk(s->p.fake, -1);
	fake_env_fail_write(s->p.fake, 0, 0);
	s->fault = false;
	if (s->t.why[0] == '\0') {
		fake_env_crash(s->p.fake);
		crashed(s);
		start(s);
	}
	fake_env_fail_write(s->p.fake, 0, 0);
	sim_forget_grants(&s->k, &s->t);
	book_stop(&s->k);
	if (s->t.why[0] == '\0')
		truth_check(&s->t, s->p.env);
	if (s->t.why[0] == '\0')
		sim_verify(&s->t, s->p.env);
	memcpy(ret_why, s->t.why, sizeof(s->t.why));
	process_fini(&s->p);
	xfree(s);
}

/* ---- tests ---- */

static unsigned schedules = 300;
static uint64_t first_seed = 1;

static void
test_any_day(void **state)
{
	char why[200];

	(void)state;
	bug = BUG_none;
	for (unsigned i = 0; i < schedules; i++) {
		run(first_seed + i, why);
		if (why[0] != '\0')
			fail_msg(
			    "seed %llu: %s", (unsigned long long)first_seed + i, why);
	}
}

/* Gives the number of schedules that it took. */
static void
must_be_found(enum bug planted, const char *what)
{
	char why[200] = "";
	unsigned n = 0;

	bug = planted;
	while (why[0] == '\0' && n < 200)
		run(++n, why);
	bug = BUG_none;
	if (why[0] == '\0')
		fail_msg("%s: not found", what);
	print_message("%s: found by schedule %u: %s\n", what, n, why);
}

static void
test_bugs_are_found(void **state)
{
	(void)state;
	must_be_found(BUG_book_twice, "booked twice");
	must_be_found(BUG_forget_release, "a slot not released");
	must_be_found(BUG_skip_crc, "the checksum not looked at");
	must_be_found(BUG_lose_rollup, "a roll-up forgotten");
	must_be_found(BUG_crash_is_free, "a crash booked at 0");
	must_be_found(BUG_lose_budget, "a sum of a budget forgotten");
	must_be_found(BUG_charge_not, "a late charge forgotten");
	must_be_found(BUG_charge_twice, "a late charge made twice");
	must_be_found(BUG_book_early, "rows booked before their budgets were there");
	must_be_found(BUG_begin_empty, "accounts that begin at 0");
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
	return cmocka_run_group_tests(tests, NULL, NULL);
}
