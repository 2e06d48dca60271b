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
	/* who does not come back is not waited for long */
	assert_false(enter(s, 2, &other));
	leave(s, 0, &t[1], true);
	assert_false(enter(s, 0, &t[1]));
	s->now += 7 * S;
	assert_true(enter(s, 0, &t[1]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_alone_one_may_use_all),
	    TEST(test_nobody_starves),
	    TEST(test_places_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
