/* libs: base budget */
/* test_limit.c: requests, tokens and requests in flight: never more than the limit in
 * any minute, and all of it given back. */
#include "limit_scene.h"

/* ---- one minute ---- */

static void
test_who_has_no_limit(void **state)
{
	struct scene *s = *state;
	struct principal nobody = {0};
	struct limit_who who;

	bind(s);
	assert_null(s->key[0].limit);
	assert_null(s->team[0].limit);
	assert_false(limit_who_make(&nobody, &who));
	/* a key is kept where its team has a limit, to be fair */
	s->team[0].terms.rpm = 5;
	s->key[1].team = &s->team[1];
	s->key[2].team = NULL;
	s->key[2].terms.tpm = 5;
	bind(s);
	assert_non_null(s->key[0].limit);
	assert_null(s->key[1].limit);
	assert_non_null(s->key[2].limit);
	assert_non_null(s->team[0].limit);
	assert_null(s->team[1].limit);
}

static void
test_requests_of_a_minute(void **state)
{
	struct scene *s = *state;
	int64_t begin = s->now;

	s->key[0].terms.rpm = 60;
	bind(s);
	assert_int_equal(many(s, 0, 500), 60);
	assert_int_equal(s->why.of, LIMIT_key);
	assert_int_equal(s->why.kind, LIMIT_requests);
	assert_int_equal(s->why.most, 60);
	assert_int_equal(s->room[LIMIT_requests].left, 0);
	assert_int_equal(limits_refused(s->l, LIMIT_key, LIMIT_requests), 440);
	assert_int_equal(limits_refused(s->l, LIMIT_team, LIMIT_requests), 0);
	/* to the nanosecond: all 60 s, and what was told is when there is room */
	s->now = begin + 60 * S;
	assert_false(once(s, 0));
	s->now += s->why.wait_ms * NS_PER_MS;
	assert_true(s->now <= begin + 61 * S);
	assert_int_equal(many(s, 0, 500), 60);
}

static void
test_time_to_wait_is_that_of_the_oldest(void **state)
{
	struct scene *s = *state;

	s->key[0].terms.rpm = 2;
	bind(s);
	assert_true(once(s, 0));
	s->now += 20 * S;
	assert_true(once(s, 0));
	assert_int_equal(s->room[LIMIT_requests].reset_ms, 61000);
	s->now += 10 * S;
	assert_false(once(s, 0));
	assert_int_equal(s->why.wait_ms, 31000);
	s->now += 31 * S - 1;
	assert_false(once(s, 0));
	s->now += 1;
	assert_true(once(s, 0));
	assert_false(once(s, 0));
	assert_int_equal(s->why.wait_ms, 20000);
}

static void
test_key_and_team_each_have_their_own(void **state)
{
	struct scene *s = *state;
	struct limit_taken t;

	s->team[0].terms.rpm = 10;
	s->key[0].terms.rpm = 4;
	bind(s);
	assert_true(enter(s, 0, &t));
	assert_int_equal(
	    s->room[LIMIT_requests].most, 4); /* the one that leaves less */
	assert_int_equal(s->room[LIMIT_requests].left, 3);
	leave(s, 0, &t, true);
	assert_int_equal(many(s, 0, 9), 3);
	assert_int_equal(s->why.of, LIMIT_key);
	assert_int_equal(many(s, 1, 9), 6);
	assert_int_equal(s->why.of, LIMIT_team);
	assert_int_equal(s->room[LIMIT_requests].most, 10);
	assert_int_equal(s->room[LIMIT_requests].left, 0);
}

static void
test_what_reached_no_model_does_not_count(void **state)
{
	struct scene *s = *state;
	struct limit_taken t;

	s->key[0].terms.rpm = 1;
	bind(s);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(enter(s, 0, &t));
		s->now += 3 * S;
		leave(s, 0, &t, false);
		leave(s, 0, &t, false); /* changes nothing */
	}
	assert_true(enter(s, 0, &t));
	leave(s, 0, &t, true);
	assert_false(once(s, 0));
	/* of a minute that has passed nothing is given back */
	s->now += 61 * S;
	assert_true(enter(s, 0, &t));
	s->now += 100 * S;
	assert_true(once(s, 0));
	leave(s, 0, &t, false);
	assert_false(once(s, 0));
}

static void
test_in_flight_is_given_back_once(void **state)
{
	struct scene *s = *state;
	struct limit_taken t[3];

	s->key[0].terms.max_inflight = 2;
	bind(s);
	assert_true(enter(s, 0, &t[0]) && enter(s, 0, &t[1]));
	assert_false(enter(s, 0, &t[2]));
	assert_int_equal(s->why.kind, LIMIT_inflight);
	assert_true(s->why.wait_ms > 0);
	leave(s, 0, &t[2], true); /* was never in */
	assert_false(enter(s, 0, &t[2]));
	leave(s, 0, &t[0], true);
	leave(s, 0, &t[0], true);
	assert_true(enter(s, 0, &t[2]));
	assert_false(enter(s, 0, &t[0]));
	assert_int_equal(used(s, s->key[0].limit, LIMIT_inflight), 2);
}

/* Two workers look at the clock, and the later one is first at the lock. */
static void
test_a_worker_that_comes_late(void **state)
{
	struct scene *s = *state;
	struct limit_taken t;

	s->team[0].terms.rpm = 3;
	s->key[0].terms.rpm = 3;
	bind(s);
	s->now += S;
	assert_true(once(s, 1));
	s->now -= S;
	assert_true(enter(s, 0, &t));
	s->now += S;
	leave(s, 0, &t, false);
	assert_int_equal(used(s, s->key[0].limit, LIMIT_requests), 0);
	assert_int_equal(used(s, s->team[0].limit, LIMIT_requests), 1);
	/* and no second of a minute has more or less than nothing in it */
	s->now += 61 * S;
	for (unsigned i = 0; i < 3 * 61; i++, s->now += S) {
		if (i % 61 == 0)
			assert_true(once(s, 0));
		assert_int_equal(used(s, s->key[0].limit, LIMIT_requests), 1);
		assert_int_equal(used(s, s->team[0].limit, LIMIT_requests), 1);
	}
}

/* ---- tokens ---- */

/* gateways.md 4.1 no. 12: a limit of 100 let 663 tokens through, because they were
 * counted when they had been used. */
static void
test_tokens_count_before_they_are_used(void **state)
{
	struct scene *s = *state;
	struct limit_taken t[8];
	unsigned in = 0;

	s->key[0].terms.tpm = 100;
	bind(s);
	for (unsigned i = 0; i < 8; i++)
		in += hold(s, 0, 40, &t[i]);
	assert_int_equal(in, 2);
	assert_int_equal(s->why.kind, LIMIT_tokens);
	assert_int_equal(s->room[LIMIT_tokens].left, 20);
	/* what was not used is there again at once */
	settle(s, 0, &t[0], 5);
	settle(s, 0, &t[0], 5); /* changes nothing */
	assert_int_equal(s->room[LIMIT_tokens].left, 55);
	assert_true(hold(s, 0, 55, &t[2]));
	assert_false(hold(s, 0, 1, &t[3]));
	settle(s, 0, &t[1], 0);
	settle(s, 0, &t[2], 0);
	assert_int_equal(used(s, s->key[0].limit, LIMIT_tokens), 5);
	s->now += 61 * S;
	assert_true(hold(s, 0, 100, &t[0]));
}

static void
test_more_tokens_than_held_count_too(void **state)
{
	struct scene *s = *state;
	struct limit_taken t;

	s->key[0].terms.tpm = 100;
	bind(s);
	assert_true(hold(s, 0, 10, &t));
	s->now += 59 * S;
	settle(s, 0, &t, 105);
	assert_int_equal(s->room[LIMIT_tokens].left, 0);
	assert_int_equal(used(s, s->key[0].limit, LIMIT_tokens), 105);
	assert_false(hold(s, 0, 1, &t));
	s->now += 2 * S; /* what was held has passed, what came on top has not */
	assert_int_equal(used(s, s->key[0].limit, LIMIT_tokens), 95);
	assert_true(hold(s, 0, 5, &t));
	assert_false(hold(s, 0, 1, &t));
}

/* ---- reload ---- */

static void
test_by_name_over_reloads(void **state)
{
	struct scene *s = *state;
	struct limit_taken t;

	s->team[0].terms.rpm = 10;
	s->key[0].terms.rpm = 4;
	/* two secrets of one key, while it is being rotated */
	s->key[1].name = "a";
	s->key[1].terms.rpm = 4;
	bind(s);
	assert_int_equal(many(s, 0, 3), 3);
	assert_int_equal(many(s, 1, 3), 1);
	/* it is in another team now, and in the old one with what began there */
	assert_true(many(s, 2, 2) == 2 && enter(s, 3, &t));
	s->key[3].team = &s->team[1];
	s->team[1].terms.rpm = 5;
	s->key[0].terms.rpm = 6;
	bind(s);
	assert_int_equal(many(s, 0, 9), 2);
	assert_int_equal(many(s, 3, 9), 5);
	leave(s, 3, &t, true);
	assert_int_equal(used(s, s->key[3].limit, LIMIT_inflight), 0);
}

/* ---- any schedule ---- */

#define PAST 4096

struct past {
	int64_t at[PAST], n[PAST];
	size_t count;
};

/* So much at most in any 60 s up to now. */
static void
expect_at_most(const struct past *p, int64_t now, int64_t most)
{
	int64_t sum = 0;

	for (size_t i = p->count; i > 0 && p->at[i - 1] > now - 60 * S; i--)
		sum += p->n[i - 1];
	assert_true(sum <= most);
}

static void
note(struct past *p, int64_t now, int64_t n)
{
	assert_true(p->count < PAST);
	p->at[p->count] = now;
	p->n[p->count++] = n;
}

struct run {
	size_t key;
	struct limit_taken request, tokens;
};

static void
end_one(struct scene *s, struct fake_env *f, struct run *r)
{
	settle(s, r->key, &r->tokens,
	    (int64_t)fake_env_draw(f, 1 + (uint64_t)r->tokens.n));
	leave(s, r->key, &r->request, true);
}

static void
one_schedule(struct scene *s, struct fake_env *f)
{
	struct past requests[KEYS + 1] = {{{0}, {0}, 0}},
				    tokens[KEYS + 1] = {{{0}, {0}, 0}};
	struct run run[64];
	size_t running = 0;

	for (unsigned step = 0; step < 2000; step++) {
		size_t key = fake_env_draw(f, KEYS);
		struct run *r = &run[running];
		int64_t n = 1 + (int64_t)fake_env_draw(f, 60);

		s->now += (int64_t)fake_env_draw(f, 100) < 3
			      ? (int64_t)fake_env_draw(f, 90 * S)
			      : (int64_t)fake_env_draw(f, S / 2);
		if (running > 0 &&
		    (running == nitems(run) || fake_env_draw(f, 2) == 0)) {
			size_t i = fake_env_draw(f, running);

			end_one(s, f, &run[i]);
			run[i] = run[--running];
			continue;
		}
		r->key = key;
		if (!enter(s, key, &r->request))
			continue;
		note(&requests[key], s->now, 1);
		note(&requests[KEYS], s->now, 1);
		if (hold(s, key, n, &r->tokens)) {
			note(&tokens[key], s->now, n);
			note(&tokens[KEYS], s->now, n);
		}
		running++;
		expect_at_most(&requests[key], s->now, s->key[key].terms.rpm);
		expect_at_most(&requests[KEYS], s->now, s->team[0].terms.rpm);
		assert_true(
		    used(s, s->key[key].limit, LIMIT_tokens) <= s->key[key].terms.tpm);
		assert_true(
		    used(s, s->team[0].limit, LIMIT_tokens) <= s->team[0].terms.tpm);
		assert_true(
		    used(s, s->team[0].limit, LIMIT_inflight) == (int64_t)running);
		assert_true((int64_t)running <= s->team[0].terms.max_inflight);
	}
	while (running > 0)
		end_one(s, f, &run[--running]);
	s->now += 61 * S;
	for (size_t k = 0; k < LIMIT_KINDS; k++) {
		assert_int_equal(used(s, s->team[0].limit, (enum limit_kind)k), 0);
		for (size_t i = 0; i < KEYS; i++)
			assert_int_equal(
			    used(s, s->key[i].limit, (enum limit_kind)k), 0);
	}
}

static void
test_no_schedule_gets_more(void **state)
{
	struct scene *s = *state;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct fake_env *f = fake_env_new(seed);

		s->team[0].terms =
		    (struct terms){.rpm = 1 + (int64_t)fake_env_draw(f, 60),
			.tpm = 60 + (int64_t)fake_env_draw(f, 600),
			.max_inflight = 1 + (int64_t)fake_env_draw(f, 40)};
		for (size_t i = 0; i < KEYS; i++)
			s->key[i].terms =
			    (struct terms){.rpm = 1 + (int64_t)fake_env_draw(f, 60),
				.tpm = 60 + (int64_t)fake_env_draw(f, 600),
				.max_inflight = 64};
		bind(s);
		s->now += 100 * S;
		one_schedule(s, f);
		fake_env_free(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_who_has_no_limit),
	    TEST(test_requests_of_a_minute),
	    TEST(test_time_to_wait_is_that_of_the_oldest),
	    TEST(test_key_and_team_each_have_their_own),
	    TEST(test_what_reached_no_model_does_not_count),
	    TEST(test_in_flight_is_given_back_once),
	    TEST(test_a_worker_that_comes_late),
	    TEST(test_tokens_count_before_they_are_used),
	    TEST(test_more_tokens_than_held_count_too),
	    TEST(test_by_name_over_reloads),
	    TEST(test_no_schedule_gets_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
