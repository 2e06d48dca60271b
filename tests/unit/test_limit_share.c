/* libs: base budget */
/* test_limit_share.c: the keys of a team share its limits; nobody starves. */
#include "limit_scene.h"

static void
test_alone_one_may_use_all(void **state)
{
	struct scene *s = *state;

	s->team[0].terms.rpm = 60;
	bind(s);
	assert_int_equal(many(s, 0, 100), 60);
	/* others have asked, but a minute ago */
	s->now += 61 * S;
	assert_int_equal(many(s, 1, 1), 1);
	s->now += 61 * S;
	assert_int_equal(many(s, 0, 100), 60);
	assert_int_equal(s->why.sharing, 0);
}

/* One asks a hundred times a second, the others once: each gets its part. */
static void
test_nobody_starves(void **state)
{
	static const enum limit_kind kinds[] = {LIMIT_requests, LIMIT_tokens};
	struct scene *s = *state;
	struct limit_taken t;

	for (size_t k = 0; k < nitems(kinds); k++) {
		unsigned got[KEYS] = {0};

		s->team[0].terms = unlimited;
		*(kinds[k] == LIMIT_tokens ? &s->team[0].terms.tpm
					   : &s->team[0].terms.rpm) = 90;
		bind(s);
		s->now += 200 * S;
		for (unsigned tick = 0; tick < 180 * 100; tick++, s->now += S / 100) {
			size_t key = tick % 100 < 98 ? 0 : tick % 100 - 97;
			bool ok;

			/* the others come when the first has had a minute */
			if (key > 0 && tick < 60 * 100)
				continue;
			ok = kinds[k] == LIMIT_tokens ? hold(s, key, 1, &t)
						      : once(s, key);
			if (ok && tick >= 120 * 100)
				got[key]++;
		}
		for (size_t i = 0; i < 3; i++)
			assert_in_range(got[i], 29, 32);
	}
}

/* Gives whether it asked and got it. */
static bool
ask_when_due(struct scene *s, size_t key, int64_t *due, uint64_t gap_ms)
{
	if (*due > s->now)
		return false;
	*due += (int64_t)gap_ms * NS_PER_MS;
	return once(s, key);
}

/* Whatever the limit and however often others ask: who asks as often as its part, and
 * keeps on asking, has its part in every minute after the first ones. */
static void
test_parts_of_any_team(void **state)
{
	struct scene *s = *state;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct fake_env *f = fake_env_new(seed);
		size_t keys = 2 + fake_env_draw(f, KEYS - 1);
		uint64_t gap_ms[KEYS];
		int64_t due[KEYS], got[KEYS] = {0}, end, part;

		s->team[0].terms = unlimited;
		s->team[0].terms.rpm = 20 + (int64_t)fake_env_draw(f, 200);
		part = s->team[0].terms.rpm / (int64_t)keys;
		bind(s);
		s->now += 200 * S;
		end = s->now + 6 * 61 * S;
		for (size_t i = 0; i < keys; i++) {
			gap_ms[i] = 1 + fake_env_draw(f, 60000 / (uint64_t)part);
			due[i] = s->now + (int64_t)fake_env_draw(f, 60 * S);
		}
		for (; s->now < end; s->now += NS_PER_MS) {
			for (size_t i = 0; i < keys; i++)
				got[i] += ask_when_due(s, i, &due[i], gap_ms[i]) &&
					  s->now >= end - 3 * 61 * S;
		}
		for (size_t i = 0; i < keys; i++) {
			if (got[i] < 3 * part * 95 / 100 - 3)
				fail_msg("seed %u: key %zu had %d of %d",
				    (unsigned)seed, i, (int)got[i], 3 * (int)part);
		}
		fake_env_free(f);
	}
}

/* A place that becomes free is for who was refused, not for who has most of them. */
static void
test_places_are_shared(void **state)
{
	struct scene *s = *state;
	struct limit_taken t[4], other;

	s->team[0].terms.max_inflight = 4;
	bind(s);
	for (unsigned i = 0; i < 4; i++)
		assert_true(enter(s, 0, &t[i]));
	assert_false(enter(s, 1, &other));
	assert_int_equal(s->why.sharing, 0);
	leave(s, 0, &t[0], true);
	assert_false(enter(s, 0, &t[0]));
	assert_int_equal(s->why.sharing, 2);
	assert_int_equal(s->why.of, LIMIT_team);
	assert_true(enter(s, 1, &other));
	/* it has what it wanted */
	leave(s, 0, &t[1], true);
	assert_true(enter(s, 0, &t[1]));
	/* who does not come back is waited for a minute */
	assert_false(enter(s, 2, &other));
	leave(s, 0, &t[1], true);
	assert_false(enter(s, 0, &t[1]));
	s->now += 61 * S;
	assert_true(enter(s, 0, &t[1]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_alone_one_may_use_all),
	    TEST(test_nobody_starves),
	    TEST(test_parts_of_any_team),
	    TEST(test_places_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
