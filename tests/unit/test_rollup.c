/* libs: base core config budget meter */
/* test_rollup.c: roll-ups are the sums of the rows, to the pico-dollar. */
#include "meter.h"

#include "audit.h"

static int
set_up(void **state)
{
	struct process *p = process_new(state, 5);

	assert_true(process_start(p, 64, 1));
	return 0;
}

static int64_t
draw(struct process *p, uint64_t below)
{
	return (int64_t)fake_env_draw(p->fake, below);
}

/* Any result that meter_settle() could leave, and some that it could not. */
static struct slot_attempt
any_attempt(struct process *p, int64_t most)
{
	static const char *const models[] = {"sol", "luna", "qwen"};
	struct slot_attempt a = some_attempt(p->env);

	str_copy(a.model, sizeof(a.model), str_of(models[draw(p, 3)]));
	a.outcome = (uint16_t)(1 + draw(p, OUT_COUNT - 1));
	a.basis = (uint8_t)draw(p, BASIS_COUNT);
	a.tier = (uint8_t)draw(p, TIER_COUNT);
	a.unpriced = draw(p, 8) == 0;
	a.list_pusd = a.unpriced ? -1 : draw(p, (uint64_t)most);
	a.amount_pusd = a.unpriced ? -1 : draw(p, (uint64_t)most);
	a.at_most_pusd = draw(p, 8) == 0 ? -1 : draw(p, (uint64_t)most);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a.tokens[k] = draw(p, 100000) - 1;
	a.reasoning = draw(p, 1000) - 1;
	a.ttft_ms = (int32_t)draw(p, 100) - 1;
	a.total_ms = (int32_t)draw(p, 100) - 1;
	return a;
}

static void
book_any(struct process *p, int64_t most)
{
	static const char *const teams[] = {"web", "", "data"};
	struct slot_request r = some_request(p->env);
	int attempts = 1 + (int)draw(p, SLOT_ATTEMPTS);
	enum outcome outcome = (enum outcome)(1 + draw(p, 3));
	int served = outcome == OUT_served ? (int)draw(p, (uint64_t)attempts) : -1;
	struct slot *s;

	str_copy(r.team, sizeof(r.team), str_of(teams[draw(p, 3)]));
	r.rollup_tags_len = draw(p, 2) == 0 ? 0 : 9;
	if (draw(p, 8) == 0) { /* as many as there may be */
		memset(r.tags, 'x', sizeof(r.tags));
		memcpy(r.tags, "app=", 4);
		r.tags[sizeof(r.tags) - 1] = '\n';
		r.tags_len = r.rollup_tags_len = sizeof(r.tags);
	}
	r.baseline_pusd = draw(p, 4) == 0 ? -1 : draw(p, (uint64_t)most);
	r.baseline_output_ppm = (uint32_t)draw(p, 1000001);
	r.baseline_samples = (uint32_t)draw(p, 2000);
	s = slot_open(p->slots, 0, &r);
	assert_non_null(s);
	for (int i = 0; i < attempts; i++) {
		struct slot_attempt a = any_attempt(p, most);

		/* One has answered: the last, or one that was put aside. */
		if (outcome == OUT_served)
			a.outcome = i == served  ? OUT_served
				    : i % 2 == 0 ? OUT_escalated
						 : OUT_client_gone;
		slot_attempt_open(s, &a);
		slot_attempt_close(s, i, &a, STR(""));
	}
	slot_close(p->slots, s, outcome, env_wall_ms(p->env));
}

static void
check(struct process *p)
{
	const char *why = audit(p->env, STATE);

	if (why != NULL)
		fail_msg("%s", why);
}

static void
test_any_rows(void **state)
{
	struct process *p = *state;

	for (int batch = 0; batch < 40; batch++) {
		for (int i = 0; i < 16; i++)
			book_any(p, PUSD_PER_USD);
		fake_env_advance(p->fake, draw(p, 3600) * NS_PER_S);
		assert_true(ledger_turn(p->ledger));
	}
	check(p);
	assert_true(ask("ledger.db", "SELECT COUNT(*) FROM rollup") > 100);
	/* Made again from the rows they are the same. */
	process_stop(p);
	ask("ledger.db", "DELETE FROM rollup");
	ask("ledger.db", "DELETE FROM meta");
	assert_true(process_start(p, 64, 1));
	check(p);
}

/* Each row near the end of int64, the sum far beyond it. */
static void
test_sums_beyond_64_bits(void **state)
{
	struct process *p = *state;

	for (int batch = 0; batch < 4; batch++) {
		for (int i = 0; i < 16; i++)
			book_any(p, INT64_MAX);
		assert_true(ledger_turn(p->ledger));
	}
	check(p);
	assert_true(ask("ledger.db", "SELECT MAX(paid_hi) FROM rollup") > 9300000);
}

/* The auditor itself: a pico-dollar is seen. */
static void
test_the_auditor_sees_a_pico_dollar(void **state)
{
	struct process *p = *state;

	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	check(p);
	ask("ledger.db", "UPDATE rollup SET paid_lo=paid_lo+1");
	assert_non_null(audit(p->env, STATE));
	ask("ledger.db", "DELETE FROM rollup");
	assert_non_null(audit(p->env, STATE));
}

#define with_process(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_process(test_any_rows),
	    with_process(test_sums_beyond_64_bits),
	    with_process(test_the_auditor_sees_a_pico_dollar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
