/* libs: base budget */
/* test_runaway.c: a key that spends too fast is stopped: for a moment, or until
 * somebody lets it in again, over a restart too. */
#include "limit_scene.h"

#define USD       PUSD_PER_USD
#define FILE_NAME "/paused"

static struct runaway_refusal no;

static struct limit_moment
at(const struct scene *s)
{
	return (struct limit_moment){s->now, 1767225600000 + s->now / NS_PER_MS};
}

static bool
admit(struct scene *s, size_t key)
{
	struct limit_moment m = at(s);

	return runaway_admit(s->l, &s->who[key], &m, &no);
}

static void
begin(struct scene *s, size_t key, int64_t expected)
{
	runaway_begin(&s->who[key], (struct pusd){expected});
}

static void
end(struct scene *s, size_t key, int64_t expected, int64_t amount)
{
	const struct runaway_bill bill = {{expected}, {amount}, at(s)};

	runaway_end(s->l, &s->who[key], &bill);
}

static void
spend(struct scene *s, size_t key, int64_t amount)
{
	begin(s, key, amount);
	end(s, key, amount, amount);
}

static unsigned
news(struct scene *s)
{
	struct runaway_news n;
	unsigned count = 0;

	while (runaway_news(s->l, &n))
		count++;
	return count;
}

static void
limit_spend(struct terms *t, int64_t usd, int then)
{
	t->runaway.v = usd;
	t->runaway_then = then;
}

static void
test_throttled_until_it_has_spent_less(void **state)
{
	struct scene *s = *state;
	struct runaway_counts n;

	limit_spend(&s->key[0].terms, 5 * USD, -1);
	bind(s);
	for (unsigned i = 0; i < 4; i++, s->now += 10 * S)
		spend(s, 0, 5 * USD / 4 - 1);
	assert_true(admit(s, 0));
	spend(s, 0, 3);
	assert_true(admit(s, 0));
	spend(s, 0, 1);
	assert_false(admit(s, 0));
	assert_false(no.paused);
	assert_int_equal(no.spent.v, 5 * USD);
	assert_int_equal(no.most.v, 5 * USD);
	/* 40 s ago the first of it was spent */
	assert_in_range(no.wait_ms, 20000, 21000);
	assert_int_equal(news(s), 1);
	s->now += no.wait_ms * NS_PER_MS;
	assert_true(admit(s, 0));
	/* not of anybody else, and it is news again when it is again too fast */
	assert_true(admit(s, 1));
	spend(s, 0, 5 * USD);
	assert_false(admit(s, 0));
	assert_int_equal(news(s), 1);
	runaway_counts(s->l, &n);
	assert_int_equal(n.trips[RUNAWAY_throttle], 2);
	assert_int_equal(n.stopped[RUNAWAY_throttle], 2);
	assert_int_equal(n.paused, 0);
}

/* A hundred at once have not spent anything yet. */
static void
test_what_is_under_way_counts(void **state)
{
	struct scene *s = *state;
	unsigned in = 0;

	limit_spend(&s->key[0].terms, 5 * USD, RUNAWAY_throttle);
	bind(s);
	for (unsigned i = 0; i < 100 && admit(s, 0); i++, in++)
		begin(s, 0, USD);
	assert_int_equal(in, 5);
	assert_in_range(no.wait_ms, 1, 2000);
	/* what was expected and not spent is free at once */
	for (unsigned i = 0; i < 5; i++)
		end(s, 0, USD, USD / 10);
	assert_true(admit(s, 0));
	s->now += 61 * S;
	spend(s, 0, 5 * USD - 1);
	assert_true(admit(s, 0));
}

static void
test_of_key_and_team_the_stricter(void **state)
{
	static const struct {
		int64_t key, team, want;
		int key_then, team_then, want_then;
	} rows[] = {
	    {0, 0, 0, -1, -1, RUNAWAY_throttle},
	    {5, 0, 5, RUNAWAY_pause, -1, RUNAWAY_pause},
	    {0, 5, 5, -1, RUNAWAY_pause, RUNAWAY_pause},
	    {5, 6, 5, -1, RUNAWAY_pause, RUNAWAY_throttle},
	    {6, 5, 5, RUNAWAY_pause, -1, RUNAWAY_throttle},
	    {5, 5, 5, RUNAWAY_pause, -1, RUNAWAY_pause},
	    {5, 5, 5, -1, RUNAWAY_pause, RUNAWAY_pause},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		limit_spend(&s->key[0].terms, rows[i].key, rows[i].key_then);
		limit_spend(&s->team[0].terms, rows[i].team, rows[i].team_then);
		bind(s);
		assert_int_equal(s->who[0].runaway.v, rows[i].want);
		assert_int_equal(s->who[0].then, rows[i].want_then);
	}
}

/* The team's limit is for each of its keys. */
static void
test_each_key_of_a_team(void **state)
{
	struct scene *s = *state;

	limit_spend(&s->team[0].terms, 5 * USD, RUNAWAY_throttle);
	bind(s);
	for (size_t i = 0; i < KEYS; i++)
		spend(s, i, 4 * USD);
	for (size_t i = 0; i < KEYS; i++)
		assert_true(admit(s, i));
	spend(s, 2, USD);
	assert_false(admit(s, 2));
	assert_true(admit(s, 1));
}

static void
remember(struct scene *s, struct fake_env *f)
{
	assert_true(limits_remember(s->l, fake_env(f), FILE_NAME));
}

static void
restart(struct scene *s, struct fake_env *f)
{
	fake_env_crash(f);
	limits_free(s->l);
	s->l = limits_new();
	bind(s);
	remember(s, f);
	bind(s);
}

static void
test_paused_until_resumed(void **state)
{
	struct scene *s = *state;
	struct fake_env *f = fake_env_new(1);
	struct runaway_counts n;

	remember(s, f);
	limit_spend(&s->key[0].terms, 5 * USD, RUNAWAY_pause);
	bind(s);
	spend(s, 0, 4 * USD);
	assert_true(admit(s, 0));
	spend(s, 0, 2 * USD);
	/* it is paused by what it spent, before it comes again */
	assert_int_equal(news(s), 1);
	s->now += 3600 * S;
	assert_false(admit(s, 0));
	assert_true(no.paused);
	assert_int_equal(no.spent.v, 6 * USD);
	assert_int_equal(no.most.v, 5 * USD);
	assert_int_equal(no.since_ms, at(s).wall_ms - 3600000);

	/* over restarts, also when the limit is gone from the policy */
	restart(s, f);
	assert_false(admit(s, 0));
	assert_int_equal(no.spent.v, 6 * USD);
	limit_spend(&s->key[0].terms, 0, -1);
	restart(s, f);
	assert_false(admit(s, 0));
	assert_true(admit(s, 1));
	runaway_counts(s->l, &n);
	assert_int_equal(n.paused, 1);

	assert_false(runaway_resume(s->l, "b"));
	assert_false(runaway_resume(s->l, ""));
	assert_true(runaway_resume(s->l, "a"));
	assert_false(runaway_resume(s->l, "a"));
	assert_true(admit(s, 0));
	limit_spend(&s->key[0].terms, 5 * USD, RUNAWAY_pause);
	restart(s, f);
	assert_true(admit(s, 0));
	runaway_counts(s->l, &n);
	assert_int_equal(n.paused, 0);
	limits_free(s->l);
	s->l = limits_new();
	fake_env_free(f);
}

static void
test_resumed_within_the_minute(void **state)
{
	struct scene *s = *state;

	limit_spend(&s->key[0].terms, 5 * USD, RUNAWAY_pause);
	bind(s);
	spend(s, 0, 50 * USD);
	assert_false(admit(s, 0));
	assert_true(runaway_resume(s->l, "a"));
	assert_true(admit(s, 0));
	spend(s, 0, 5 * USD - 1);
	assert_true(admit(s, 0));
	spend(s, 0, 1);
	assert_false(admit(s, 0));
	assert_int_equal(news(s), 2);
}

/* More keys than the file has room for are paused all the same. */
static void
test_the_file_is_full(void **state)
{
	struct scene *s = *state;
	struct fake_env *f = fake_env_new(1);
	struct runaway_counts n;
	char name[40];

	remember(s, f);
	limit_spend(&s->key[0].terms, 1, RUNAWAY_pause);
	for (unsigned i = 0; i < 260; i++) {
		snprintf(name, sizeof(name), "key-%u", i);
		s->key[0].name = name;
		bind(s);
		spend(s, 0, 1);
		assert_false(admit(s, 0));
	}
	assert_true(runaway_resume(s->l, "key-259"));
	restart(s, f);
	runaway_counts(s->l, &n);
	assert_int_equal(n.paused, 256);
	limits_free(s->l);
	s->l = limits_new();
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_throttled_until_it_has_spent_less),
	    TEST(test_what_is_under_way_counts),
	    TEST(test_of_key_and_team_the_stricter),
	    TEST(test_each_key_of_a_team),
	    TEST(test_paused_until_resumed),
	    TEST(test_resumed_within_the_minute),
	    TEST(test_the_file_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
