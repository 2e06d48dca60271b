/* libs: base call */
/* test_health.c: the breaker opens on a provider's own faults, probes, closes; places
 * are never more than there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/env.h"
#include "health.h"

#define S     NS_PER_S
#define START (1000 * S)

static int
set_up(void **state)
{
	*state = health_new();
	return 0;
}

static int
tear_down(void **state)
{
	health_free(*state);
	health_free(NULL);
	return 0;
}

static void
report(struct health *h, enum outcome o, int64_t now)
{
	health_report(h, o, now, -1, -1);
}

static void
report_many(struct health *h, enum outcome o, int64_t now, int n)
{
	while (n-- > 0)
		report(h, o, now);
}

static bool
probe(struct health *h, int64_t now)
{
	bool is_probe = false;

	return health_claim(h, now, false, &is_probe) && is_probe;
}

static void
probe_ends(struct health *h, enum outcome o, int64_t now)
{
	report(h, o, now);
	health_probe_over(h, fault_of(o), now);
}

static void
test_opens_and_closes(void **state)
{
	struct health *h = *state;
	int64_t now = START;

	report_many(h, OUT_no_answer, now, 4);
	assert_true(health_available(h, now));
	report(h, OUT_no_answer, now);
	assert_false(health_available(h, now));
	assert_true(health_look(h, now).open);
	assert_false(health_available(h, now + 4 * S - 1));
	now += 6 * S;
	assert_true(health_available(h, now));
	assert_true(health_look(h, now).half_open);
	assert_true(probe(h, now));
	/* one at a time */
	assert_false(health_available(h, now));
	assert_false(probe(h, now));
	probe_ends(h, OUT_served, now);
	assert_true(health_available(h, now));
	assert_false(probe(h, now)); /* closed: nobody is a probe */
	/* and it begins to count anew */
	report_many(h, OUT_no_answer, now, 4);
	assert_true(health_available(h, now));
}

static void
test_stays_away_longer(void **state)
{
	struct health *h = *state;
	int64_t now = START, least[] = {4, 8, 16, 32, 48, 48};

	report_many(h, OUT_slow_connect, now, 5);
	for (size_t i = 0; i < 6; i++) {
		assert_false(health_available(h, now + least[i] * S - 1));
		now += least[i] * 3 / 2 * S;
		assert_true(probe(h, now));
		probe_ends(h, OUT_slow_connect, now);
	}
}

static void
test_counts_only_its_own_faults(void **state)
{
	struct health *h = *state;

	report_many(h, OUT_client_gone, START, 100);
	report_many(h, OUT_stale, START, 100);
	report_many(h, OUT_provider_key, START, 100);
	report_many(h, OUT_provider_refused, START, 100);
	assert_true(health_available(h, START));
	/* few among many */
	report_many(h, OUT_no_answer, START, 50);
	assert_true(health_available(h, START));
	report_many(h, OUT_no_answer, START, 50);
	assert_false(health_available(h, START));
}

static void
test_forgets_after_ten_seconds(void **state)
{
	struct health *h = *state;

	for (int i = 0; i < 20; i++)
		report(h, OUT_no_answer, START + i * 3 * S);
	assert_true(health_available(h, START + 60 * S));
}

static void
test_probe_without_a_verdict(void **state)
{
	struct health *h = *state;
	int64_t now = START + 10 * S;

	report_many(h, OUT_no_answer, START, 5);
	assert_true(probe(h, now));
	probe_ends(h, OUT_client_gone, now);
	assert_true(probe(h, now));
}

/* Only the probe decides, also while it is under way. */
static void
test_old_ends_decide_nothing(void **state)
{
	struct health *h = *state;
	int64_t now = START + 10 * S;

	report_many(h, OUT_no_answer, START, 5);
	report(h, OUT_served, START + 1);
	assert_false(health_available(h, START + 1));
	/* half-open: of a hundred that hang, some time out only now */
	report_many(h, OUT_slow_first_byte, now, 50);
	assert_true(probe(h, now));
	report(h, OUT_served, now);
	assert_true(health_look(h, now).half_open);
	report(h, OUT_slow_first_byte, now);
	probe_ends(h, OUT_served, now);
	assert_true(health_available(h, now));
	assert_false(health_look(h, now).half_open);
	report_many(h, OUT_no_answer, now, 4);
	assert_true(health_available(h, now));
}

/* What had opened it is gone; that the key is wrong is the key's matter. */
static void
test_a_refused_key_closes(void **state)
{
	static const enum outcome o[] = {OUT_provider_key, OUT_provider_quota};

	(void)state;
	for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
		struct health *h = health_new();
		int64_t now = START + 10 * S;

		report_many(h, OUT_no_answer, START, 5);
		assert_true(probe(h, now));
		probe_ends(h, o[i], now);
		assert_true(health_available(h, now));
		assert_false(health_look(h, now).half_open);
		health_free(h);
	}
}

/* Who asks for less is not sent everything: its cool-down, then one more probe. */
static void
test_a_rate_limit_does_not_close(void **state)
{
	struct health *h = *state;
	int64_t now = START + 10 * S;

	report_many(h, OUT_no_answer, START, 5);
	for (int i = 0; i < 3; i++) {
		assert_true(probe(h, now));
		health_report(h, OUT_provider_rate, now, 7000, -1);
		health_probe_over(h, FAULT_rate, now);
		assert_false(probe(h, now + 7 * S - 1));
		now += 7 * S;
		assert_true(health_look(h, now).half_open);
	}
	assert_true(probe(h, now));
	assert_false(probe(h, now));
	probe_ends(h, OUT_served, now);
	assert_false(health_look(h, now).half_open);
}

static void
test_last_resort_one_at_a_time(void **state)
{
	struct health *h = *state;
	bool first = false, second = false;

	report_many(h, OUT_no_answer, START, 5);
	assert_true(health_claim(h, START, true, &first));
	assert_true(first);
	assert_false(health_claim(h, START, true, &second));
	probe_ends(h, OUT_client_gone, START);
	assert_true(health_claim(h, START, true, &second));
}

/* While it cools down, one that has nobody else to ask: */
static void
test_last_resort_while_cooling(void **state)
{
	struct health *h = *state;
	bool is_probe = false;

	health_report(h, OUT_provider_rate, START, 7000, -1);
	assert_true(health_claim(h, START, true, &is_probe));
	assert_true(is_probe);
	/* one fault is no outage, a refused key no word about the limit, an answer is
	 */
	probe_ends(h, OUT_no_answer, START);
	assert_false(health_look(h, START).open);
	assert_true(health_claim(h, START, true, &is_probe));
	probe_ends(h, OUT_provider_key, START);
	assert_true(health_look(h, START).cooling);
	assert_true(health_claim(h, START, true, &is_probe));
	probe_ends(h, OUT_served, START);
	assert_false(health_look(h, START).cooling);
}

static void
test_retry_after(void **state)
{
	struct health *h = *state;

	health_report(h, OUT_provider_rate, START, 7000, -1);
	assert_true(health_look(h, START).cooling);
	assert_false(health_available(h, START + 7 * S - 1));
	assert_true(health_available(h, START + 7 * S));
	/* a shorter one does not end a longer one */
	health_report(h, OUT_provider_error, START, 60000, -1);
	health_report(h, OUT_provider_rate, START, 1000, -1);
	assert_false(health_available(h, START + 59 * S));
	assert_true(health_available(h, START + 60 * S));
}

/* ---- the retry budget ---- */

#define OUTAGE_S 60
#define ATTEMPTS 5

/* Calls of a minute in which each of `rate` requests a second fails,
 * and would be tried ATTEMPTS times. */
static int
calls_in_outage(struct health *h, int rate)
{
	int calls = 0;

	for (int i = 0; i < OUTAGE_S * rate; i++) {
		int64_t now = START + i * S / rate;

		assert_true(health_begin(h, false, now));
		calls++;
		for (int k = 1; k < ATTEMPTS; k++)
			calls += health_begin(h, true, now) ? 1 : 0;
	}
	return calls;
}

static void
test_an_outage_does_not_multiply_load(void **state)
{
	static const int rates[] = {10, 50, 333};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct health *h = health_new();
		int requests = OUTAGE_S * rates[i],
		    calls = calls_in_outage(h, rates[i]);

		assert_true(calls * 10 <= requests * 12);
		assert_true(calls * 10 >= requests * 11); /* and it is made use of */
		health_free(h);
	}
}

/* Ten in ten seconds are no load, however few the others are. */
static void
test_few_requests_are_repeated(void **state)
{
	struct health *h = *state;
	int64_t now = START;

	for (int i = 0; i < 10; i++)
		assert_true(health_begin(h, true, now));
	assert_false(health_begin(h, true, now));
	assert_false(health_begin(h, true, now + 9 * S));
	now += 10 * S;
	for (int i = 0; i < 100; i++)
		assert_true(health_begin(h, false, now));
	for (int i = 0; i < 20; i++)
		assert_true(health_begin(h, true, now));
	assert_false(health_begin(h, true, now));
	/* what closes the breaker leaves the budget alone */
	report_many(h, OUT_no_answer, now, 5);
	assert_true(probe(h, now + 6 * S));
	probe_ends(h, OUT_served, now + 6 * S);
	assert_false(health_begin(h, true, now + 6 * S));
}

static void
test_ttft(void **state)
{
	struct health *h = *state;

	assert_int_equal(health_ttft_ms(h, START), -1);
	assert_int_equal(health_ttft_least_ms(h, START), -1);
	health_report(h, OUT_served, START, -1, 300);
	assert_int_equal(health_ttft_ms(h, START), 300);
	for (int i = 0; i < 100; i++)
		health_report(
		    h, OUT_served, START, -1, i % 15 == 0 ? 9000 : 100 + i % 3);
	assert_int_equal(health_ttft_ms(h, START), 101);
	assert_int_equal(health_ttft_least_ms(h, START), 100);
	/* Five minutes without an answer, and nothing is known of now. */
	assert_int_equal(health_ttft_ms(h, START + 300 * S), 101);
	assert_int_equal(health_ttft_ms(h, START + 301 * S), -1);
	assert_int_equal(health_ttft_least_ms(h, START + 301 * S), -1);
	health_report(h, OUT_served, START + 301 * S, -1, 700);
	assert_int_equal(health_ttft_ms(h, START + 301 * S), 700);
}

/* ---- places, from several threads ---- */

#define PLACES 4
#define ROUNDS 20000

struct crowd {
	struct health *h;
	atomic_int inside, most;
};

static void *
crowd_main(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int n, most;

		if (!health_enter(c->h, PLACES))
			continue;
		n = atomic_fetch_add(&c->inside, 1) + 1;
		most = atomic_load(&c->most);
		while (n > most && !atomic_compare_exchange_weak(&c->most, &most, n))
			;
		atomic_fetch_sub(&c->inside, 1);
		health_leave(c->h);
	}
	return NULL;
}

static void
test_places(void **state)
{
	struct crowd c = {.h = *state};
	pthread_t thread[8];

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, crowd_main, &c), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	assert_in_range(atomic_load(&c.most), 1, PLACES);
	assert_int_equal(health_look(c.h, START).inflight, 0);
	for (int i = 0; i < PLACES; i++)
		assert_true(health_enter(c.h, PLACES));
	assert_false(health_enter(c.h, PLACES));
	assert_true(health_enter(c.h, 0)); /* no limit */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_opens_and_closes),
	    CASE(test_stays_away_longer),
	    CASE(test_counts_only_its_own_faults),
	    CASE(test_forgets_after_ten_seconds),
	    CASE(test_probe_without_a_verdict),
	    CASE(test_old_ends_decide_nothing),
	    CASE(test_a_refused_key_closes),
	    CASE(test_a_rate_limit_does_not_close),
	    CASE(test_last_resort_one_at_a_time),
	    CASE(test_last_resort_while_cooling),
	    CASE(test_retry_after),
	    CASE(test_an_outage_does_not_multiply_load),
	    CASE(test_few_requests_are_repeated),
	    CASE(test_ttft),
	    CASE(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
