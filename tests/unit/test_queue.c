/* libs: base call */
/* test_queue.c: how long one waits at a local machine: by our own calls, by what its
 * server tells, and when nobody tells any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/request.h"
#include "queue.h"

#define S     NS_PER_S
#define START (1000 * S)
#define FRESH (6 * S)

static int
set_up(void **state)
{
	*state = queue_new();
	return 0;
}

static int
tear_down(void **state)
{
	queue_free(*state);
	queue_free(NULL);
	return 0;
}

static int32_t
wait_ms(struct queue *q, int64_t now)
{
	int32_t ms, high;

	queue_wait(q, now, &ms, &high);
	assert_true(high >= ms);
	return ms;
}

static int32_t
high_ms(struct queue *q, int64_t now)
{
	int32_t ms, high;

	queue_wait(q, now, &ms, &high);
	return high;
}

/* So many answers of `ms`, one after another. */
static void
serve(struct queue *q, unsigned n, int64_t ms, int64_t now)
{
	while (n-- > 0)
		queue_leave(q, queue_enter(q, now), ms, now);
}

static void
enter(struct queue *q, unsigned n, int64_t now)
{
	while (n-- > 0)
		(void)queue_enter(q, now);
}

static struct machine
look(struct queue *q, int64_t now)
{
	struct machine m;

	machine_look(q, now, &m);
	return m;
}

static void
test_own_calls(void **state)
{
	struct queue *q = *state;

	assert_int_equal(wait_ms(q, START), 0); /* nobody is there */
	enter(q, 1, START);
	assert_int_equal(
	    wait_ms(q, START), -1); /* and nobody knows how long one takes */
	queue_leave(q, 1, 2000, START);
	assert_int_equal(wait_ms(q, START), 0);
	enter(q, 1, START);
	assert_int_equal(wait_ms(q, START), 2000); /* one place */
	enter(q, 2, START);
	assert_int_equal(wait_ms(q, START), 6000);
}

static void
test_places_by_policy(void **state)
{
	struct queue *q = *state;

	queue_limit(q, 4);
	serve(q, 1, 2000, START);
	enter(q, 3, START);
	assert_int_equal(wait_ms(q, START), 0); /* the fourth place is free */
	enter(q, 1, START);
	assert_int_equal(wait_ms(q, START), 500); /* one of four ends that soon */
	queue_limit(q, 8);
	assert_int_equal(wait_ms(q, START), 0);
}

static void
test_time_of_an_answer(void **state)
{
	struct queue *q = *state;
	double turns;

	serve(q, 16, 1000, START);
	assert_int_equal(look(q, START).service_ms, 1000);
	serve(q, 64, 3000, START);
	assert_in_range(look(q, START).service_ms, 2900, 3000); /* the past fades */
	/* one that stood behind another took the time of both */
	serve(q, 64, 1000, START);
	enter(q, 1, START);
	turns = queue_enter(q, START);
	assert_true(turns == 2);
	queue_leave(q, turns, 2000, START);
	assert_in_range(look(q, START).service_ms, 980, 1040);
	/* what failed says nothing */
	queue_leave(q, 1, -1, START);
	assert_in_range(look(q, START).service_ms, 980, 1040);
	assert_int_equal(look(q, START).inflight, 0);
}

static void
test_saturates(void **state)
{
	struct queue *q = *state;

	serve(q, 1, 60000, START);
	enter(q, 2, START);
	assert_int_equal(wait_ms(q, START), SIGNAL_MS_MAX);
}

/* llama.cpp: slots, and what waits for one. */
static void
test_told_slots(void **state)
{
	struct queue *q = *state;
	struct told t = TOLD_NOTHING;

	serve(q, 1, 1000, START);
	t.slots = 4;
	t.running = 3;
	t.waiting = 0;
	queue_told(q, &t, FRESH, START);
	assert_int_equal(wait_ms(q, START), 0);
	enter(q, 1, START); /* ours, since the poll: the last place */
	assert_int_equal(wait_ms(q, START), 250);
	t.running = 4;
	t.waiting = 5;
	queue_told(q, &t, FRESH, START + S);
	assert_int_equal(
	    wait_ms(q, START + S), 1500); /* six before it, four at a time */
	queue_leave(q, 1, -1, START + S);
	assert_int_equal(wait_ms(q, START + S), 1250);
}

/* vLLM: as many as fit into its KV cache. */
static void
test_told_no_slots(void **state)
{
	struct queue *q = *state;
	struct told t = TOLD_NOTHING;

	serve(q, 1, 1000, START);
	t.running = 40;
	t.waiting = 0;
	t.kv_share = 0.5;
	queue_told(q, &t, FRESH, START);
	enter(q, 20, START);
	assert_int_equal(wait_ms(q, START), 0); /* nobody waits: there is room */
	t.running = 60;
	t.kv_share = 0.97;
	queue_told(q, &t, FRESH, START);
	assert_int_equal(wait_ms(q, START), 17); /* full: one of 60 has to end */
	t.waiting = 29;
	t.kv_share = 0.9;
	queue_told(q, &t, FRESH, START);
	assert_int_equal(wait_ms(q, START), 500);
	/* our own limit holds as well */
	queue_limit(q, 10);
	assert_int_equal(wait_ms(q, START), 1100);
}

static void
test_what_is_told_grows_old(void **state)
{
	struct queue *q = *state;
	struct told t = TOLD_NOTHING;

	serve(q, 1, 1000, START);
	t.slots = 1;
	t.running = 1;
	t.waiting = 9;
	queue_told(q, &t, FRESH, START);
	assert_int_equal(wait_ms(q, START + FRESH), 10000);
	queue_untold(q);
	assert_int_equal(wait_ms(q, START + FRESH + 1), 0); /* as if nobody had told */
	assert_int_equal(look(q, START + FRESH + 1).waiting, -1);
	assert_int_equal(look(q, START + FRESH + 1).age_ms, FRESH / NS_PER_MS);
	assert_int_equal(look(q, START).polls, 2);
	assert_int_equal(look(q, START).polls_failed, 1);
}

static void
test_the_longest_of_late(void **state)
{
	struct queue *q = *state;
	int64_t now = START;

	serve(q, 1, 1000, now);
	enter(q, 5, now);
	now += 60 * S; /* nothing happens for a minute: it is as long as it was */
	assert_int_equal(high_ms(q, now), 5000);
	for (int i = 0; i < 4; i++)
		queue_leave(q, 1, -1, now);
	assert_int_equal(wait_ms(q, now), 1000);
	assert_int_equal(high_ms(q, now), 5000);
	assert_int_equal(high_ms(q, now + 5 * S), 5000);
	assert_int_equal(high_ms(q, now + 6 * S), 1000);
}

static void
test_speed(void **state)
{
	struct queue *q = *state;
	struct told t = TOLD_NOTHING;

	t.running = 0;
	t.tokens = 1000;
	queue_told(q, &t, FRESH, START);
	assert_true(look(q, START).tokens_per_s < 0);
	t.tokens = 1300;
	queue_told(q, &t, FRESH, START + 2 * S);
	assert_true(look(q, START + 2 * S).tokens_per_s == 150);
	t.tokens = 10; /* it has begun anew */
	queue_told(q, &t, FRESH, START + 4 * S);
	assert_true(look(q, START + 4 * S).tokens_per_s < 0);
	t.tokens = -1;
	queue_told(q, &t, FRESH, START + 5 * S);
	assert_true(look(q, START + 5 * S).tokens_per_s < 0);
}

static void
test_utilisation(void **state)
{
	struct queue *q = *state;

	queue_limit(q, 2);
	enter(q, 1, START);
	assert_true(look(q, START).utilisation < 0.01);
	assert_true(look(q, START + 1800 * S).utilisation > 0.49);
	assert_true(look(q, START + 1800 * S).utilisation < 0.51);
	enter(q, 5, START + 1800 * S);
	assert_true(look(q, START + 3600 * S).utilisation > 0.99);
}

static void
test_models_on_demand(void **state)
{
	struct queue *q = *state;
	struct told t = TOLD_NOTHING;

	assert_false(queue_cold(q, "qwen3", START));
	assert_int_equal(machine_loaded(q, "qwen3", START), -1);
	t.on_demand = true;
	t.models = 1;
	str_copy(t.model[0], sizeof(t.model[0]), STR("qwen3:latest"));
	queue_told(q, &t, FRESH, START);
	assert_false(queue_cold(q, "qwen3", START));
	assert_false(queue_cold(q, "qwen3:latest", START));
	assert_true(queue_cold(q, "qwen3:8b", START));
	assert_true(queue_cold(q, "qwen", START));
	assert_int_equal(machine_loaded(q, "qwen3", START), 1);
	assert_int_equal(machine_loaded(q, "llama3", START), 0);
	queue_warmed(q, 8000);
	assert_int_equal(look(q, START).cold_starts, 1);
	assert_int_equal(look(q, START).cold_ms, 8000);
	assert_false(queue_cold(q, "llama3", START + FRESH + 1));
	/* it tells no queue: our own calls count */
	serve(q, 1, 1000, START);
	enter(q, 2, START);
	assert_int_equal(wait_ms(q, START), 2000);
}

/* Numbers that no server means: no overflow, no sense. */
static void
test_hostile_numbers(void **state)
{
	struct queue *q = *state;
	struct told t = TOLD_NOTHING;

	serve(q, 1, INT64_MAX / NS_PER_MS, START);
	t.running = t.waiting = t.slots = INT32_MAX;
	t.tokens = INT64_MAX;
	queue_told(q, &t, FRESH, START);
	enter(q, 3, START);
	assert_in_range(wait_ms(q, START), 0, SIGNAL_MS_MAX);
	t.slots = 1;
	queue_told(q, &t, FRESH, START);
	assert_int_equal(wait_ms(q, START), SIGNAL_MS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_own_calls, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_places_by_policy, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_time_of_an_answer, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_saturates, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_told_slots, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_told_no_slots, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_what_is_told_grows_old, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_the_longest_of_late, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_speed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_utilisation, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_models_on_demand, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_hostile_numbers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
