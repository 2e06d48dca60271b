/* libs: base core config budget meter */
/* test_slots.c: slots in one process, between two threads, and what a crash leaves. */
#include "meter.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

static int
set_up(void **state)
{
	(void)process_new(state, 7);
	return 0;
}

static void
make(struct process *p, unsigned count, unsigned workers)
{
	p->slots = slots_create(p->env, STATE, count, workers);
	assert_non_null(p->slots);
}

/* ---- one process ---- */

static void
test_full_and_free_again(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);
	struct slot *s[4], *taken[8];

	make(p, 4, 2); /* two for each worker */
	s[0] = slot_open(p->slots, 0, &r);
	s[1] = slot_open(p->slots, 0, &r);
	assert_non_null(s[0]);
	assert_non_null(s[1]);
	assert_null(slot_open(p->slots, 0, &r));
	s[2] = slot_open(p->slots, 1, &r); /* the other worker has its own */
	assert_non_null(s[2]);
	assert_int_equal(slots_in_use(p->slots), 3);
	slot_close(p->slots, s[1], OUT_served, 5);
	assert_null(slot_open(p->slots, 0, &r)); /* closed is not free */
	assert_int_equal(slots_take(p->slots, taken, 8), 1);
	assert_ptr_equal(taken[0], s[1]);
	assert_int_equal(slots_take(p->slots, taken, 8), 0);
	assert_null(slot_open(p->slots, 0, &r)); /* nor is taken */
	slots_release(p->slots, s + 1, 1);
	assert_int_equal(slots_in_use(p->slots), 2);
	s[3] = slot_open(p->slots, 0, &r);
	assert_ptr_equal(s[3], s[1]);
	assert_int_equal(s[3]->attempts, 0);
}

static void
test_taken_in_order_and_bounded(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);
	struct slot *s[6], *taken[6];

	make(p, 6, 1);
	for (int i = 0; i < 6; i++)
		s[i] = slot_open(p->slots, 0, &r);
	for (int i = 0; i < 6; i++)
		slot_close(p->slots, s[5 - i], OUT_served, i);
	assert_int_equal(slots_take(p->slots, taken, 4), 4);
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(taken[i], s[5 - i]);
	assert_int_equal(slots_take(p->slots, taken + 4, 4), 2);
	assert_ptr_equal(taken[5], s[0]);
}

static void
test_more_workers_than_slots(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);

	make(p, 1, 3);
	for (unsigned w = 0; w < 3; w++) {
		assert_non_null(slot_open(p->slots, w, &r));
		assert_null(slot_open(p->slots, w, &r));
	}
}

static void
test_attempts(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env), done;
	struct slot *s;
	char long_usage[SLOT_RAW_USAGE + 1];

	make(p, 1, 1);
	s = slot_open(p->slots, 0, &r);
	a.sent = 1; /* an intent was not sent, whatever it says */
	a.closed = 1;
	for (int i = 0; i < SLOT_ATTEMPTS; i++) {
		assert_int_equal(slot_attempt_open(s, &a), i);
		assert_int_equal(s->attempts, i + 1);
		assert_int_equal(s->attempt[i].sent, 0);
		assert_int_equal(s->attempt[i].closed, 0);
	}
	assert_int_equal(slot_attempt_open(s, &a), -1);
	slot_attempt_sent(s, 2);
	assert_int_equal(s->attempt[2].sent, 1);
	assert_int_equal(s->attempt[1].sent, 0);
	slot_attempt_seen(s, 2, 17);
	assert_int_equal(s->attempt[2].output_seen, 17);
	assert_int_equal(s->attempt[2].first_byte, 1);

	done = answered(&s->attempt[2], 7, 9);
	slot_attempt_close(s, 2, &done, STR("{}"));
	assert_int_equal(s->attempt[2].closed, 1);
	assert_int_equal(s->attempt[2].list_pusd, 7 * 2000 + 9 * 8000);
	assert_int_equal(s->raw_usage_len, 2);
	/* The second close is none. */
	done.list_pusd = 1;
	slot_attempt_close(s, 2, &done, STR("{twice}"));
	assert_int_equal(s->attempt[2].list_pusd, 7 * 2000 + 9 * 8000);
	assert_int_equal(s->raw_usage_len, 2);
	/* A usage that is too long is left out, not cut. */
	memset(long_usage, 'x', sizeof(long_usage));
	slot_attempt_close(s, 3, &done, str_make(long_usage, sizeof(long_usage)));
	assert_int_equal(s->raw_usage_len, 0);
	/* Nor is that of another attempt taken for one that has none. */
	slot_attempt_close(s, 4, &done, STR("{}"));
	assert_int_equal(s->raw_usage_len, 2);
	slot_attempt_close(s, 5, &done, STR(""));
	assert_int_equal(s->raw_usage_len, 0);
}

static void
test_the_file_goes_when_all_is_free(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);
	struct slot *s, *taken;
	char path[128];

	make(p, 2, 1);
	assert_string_not_equal(process_slot_file(p, path), "");
	assert_int_equal(p->env->file_mode(p->env, path), 0600);
	s = slot_open(p->slots, 0, &r);
	slot_close(p->slots, s, OUT_served, 1);
	slots_close(p->slots);
	assert_string_not_equal(
	    process_slot_file(p, path), ""); /* closed is not booked */
	assert_true(p->env->remove_file(p->env, path));

	make(p, 2, 1);
	s = slot_open(p->slots, 0, &r);
	slot_close(p->slots, s, OUT_served, 1);
	assert_int_equal(slots_take(p->slots, &taken, 1), 1);
	slots_release(p->slots, &taken, 1);
	slots_close(p->slots);
	assert_string_equal(process_slot_file(p, path), "");
	p->slots = NULL;
	slots_close(NULL);
}

static void
test_no_room(void **state)
{
	struct process *p = *state;
	char path[128];

	fake_env_disk(p->fake, 4 * SLOT_BYTES);
	assert_null(slots_create(p->env, STATE, 4, 1));
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(process_slot_file(p, path), "");
}

/* ---- two threads ---- */

#define ROUNDS 20000

struct pair {
	struct slots *slots;
	struct env *env;
	int64_t input_told;
};

static void *
worker_main(void *arg)
{
	struct pair *pair = arg;
	struct slot_request r = some_request(pair->env);
	struct slot_attempt a = some_attempt(pair->env), done;

	for (int i = 0; i < ROUNDS;) {
		struct slot *s = slot_open(pair->slots, 0, &r);

		if (s == NULL) {
			sched_yield();
			continue;
		}
		slot_attempt_open(s, &a);
		slot_attempt_sent(s, 0);
		slot_attempt_seen(s, 0, i);
		done = answered(&s->attempt[0], i, i);
		slot_attempt_close(s, 0, &done, STR("{}"));
		slot_close(pair->slots, s, OUT_served, i);
		pair->input_told += i;
		i++;
	}
	return NULL;
}

static void
test_between_threads(void **state)
{
	struct process *p = *state;
	struct pair pair = {.env = p->env};
	struct slot *taken[16];
	int64_t sum = 0, last = -1;
	pthread_t thread;

	make(p, 8, 1);
	pair.slots = p->slots;
	assert_int_equal(pthread_create(&thread, NULL, worker_main, &pair), 0);
	for (int seen = 0; seen < ROUNDS;) {
		unsigned n = slots_take(p->slots, taken, nitems(taken));

		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(taken[i]->end_ms, last + 1);
			last = taken[i]->end_ms;
			sum += taken[i]->attempt[0].tokens[TOKEN_input_uncached];
		}
		slots_release(p->slots, taken, n);
		seen += (int)n;
		if (n == 0)
			slots_wait(p->slots, 1000);
	}
	pthread_join(thread, NULL);
	assert_int_equal(sum, pair.input_told);
	assert_int_equal(slots_in_use(p->slots), 0);
}

static void *
waker_main(void *arg)
{
	slots_wake(arg);
	return NULL;
}

static void
test_a_wake_ends_the_wait(void **state)
{
	struct process *p = *state;
	pthread_t thread;

	make(p, 1, 1);
	assert_int_equal(pthread_create(&thread, NULL, waker_main, p->slots), 0);
	slots_wait(p->slots, 60000); /* the test's own limit is shorter */
	pthread_join(thread, NULL);
}

#define with_process(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_process(test_full_and_free_again),
	    with_process(test_taken_in_order_and_bounded),
	    with_process(test_more_workers_than_slots),
	    with_process(test_attempts),
	    with_process(test_the_file_goes_when_all_is_free),
	    with_process(test_no_room),
	    with_process(test_between_threads),
	    with_process(test_a_wake_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
