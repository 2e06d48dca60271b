/* test_request_end.c: a request that ends between two attempts hands its slot over, and
 * however it ends it is in flight no more. */
#include "policy.h"

#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"

struct bench {
	struct fake_env *fake;
	struct shared shared;
	struct worker worker;
	struct request *request;
	struct key_entry key;
};

/* A request that its key's limits have let in. */
static struct request *
asked(struct bench *b)
{
	struct request *r = request_new(&b->worker);

	r->who = (struct principal){.key = &b->key, .key_name = "k", .team_name = ""};
	assert_int_equal(limit_step(r), NEXT);
	assert_true(r->limits.taken.inside);
	return r;
}

static int64_t
in_use(struct bench *b, enum limit_kind k)
{
	int64_t used[LIMIT_KINDS];

	limit_use(b->shared.limits, b->key.limit, b->worker.env->mono_ns(b->worker.env),
	    used);
	return used[k];
}

/* One attempt has failed and is settled; the next was not begun. */
static int
set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct slot_request intent = {0};
	struct slot_attempt attempt = {0};
	struct env *env;

	b->fake = fake_env_new(1);
	env = fake_env(b->fake);
	assert_true(env->make_dir(env, "/state"));
	b->shared.env = env;
	b->shared.outlook = outlook_shared_new();
	b->shared.slots = slots_create(env, "/state", 4, 1);
	b->worker = (struct worker){.env = env,
	    .shared = &b->shared,
	    .loop = loop_new(env),
	    .counters = xcalloc(1, sizeof(struct counters)),
	    .snap = good_policy(b->fake, STR(SMALL_POLICY))};
	TAILQ_INIT(&b->worker.requests);
	b->shared.limits = limits_new();
	b->key =
	    (struct key_entry){.name = "k", .terms = {.rpm = 99, .max_inflight = 9}};
	limits_bind(
	    b->shared.limits, &(struct snapshot){.keys = &b->key, .key_count = 1});
	b->request = asked(b);
	b->request->slot = slot_open(b->shared.slots, 0, &intent);
	assert_int_equal(slot_attempt_open(b->request->slot, &attempt), 0);
	attempt.outcome = OUT_provider_error;
	slot_attempt_close(b->request->slot, 0, &attempt, STR(""));
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;

	loop_free(b->worker.loop);
	assert_int_equal(in_use(b, LIMIT_inflight), 0);
	limits_free(b->shared.limits);
	slots_close(b->shared.slots);
	outlook_shared_free(b->shared.outlook);
	snapshot_unref(b->worker.snap);
	xfree(b->worker.counters);
	fake_env_free(b->fake);
	xfree(b);
	return 0;
}

static void
expect_slot(struct bench *b, enum outcome o)
{
	struct slot *taken[2];

	assert_int_equal(slots_take(b->shared.slots, taken, 2), 1);
	assert_int_equal(taken[0]->outcome, o);
	assert_int_equal(taken[0]->attempts, 1);
	assert_int_equal(taken[0]->attempt[0].outcome, OUT_provider_error);
	slots_release(b->shared.slots, taken, 1);
	assert_int_equal(slots_in_use(b->shared.slots), 0);
	assert_int_equal(b->worker.live, 0);
}

static void
test_the_client_leaves(void **state)
{
	struct bench *b = *state;

	request_client_gone(b->request, OUT_client_gone);
	request_client_done(b->request);
	expect_slot(b, OUT_client_gone);
}

static void
test_the_daemon_stops(void **state)
{
	struct bench *b = *state;

	assert_int_equal(request_fail(b->request, OUT_shutdown), END);
	request_client_done(b->request);
	expect_slot(b, OUT_shutdown);
}

/* Whatever it is that it fails with, its place is free before the client knows; and it
 * counts if a provider was called for it. */
static void
test_each_end_gives_its_place_back(void **state)
{
	struct bench *b = *state;
	int64_t counted = 1;

	request_client_gone(b->request, OUT_client_gone);
	assert_int_equal(in_use(b, LIMIT_inflight), 1); /* not settled yet */
	b->request->called = true;
	request_client_done(b->request);
	for (int o = OUT_unset + 1; o < OUT_COUNT; o++) {
		struct request *r = asked(b);

		assert_int_equal(in_use(b, LIMIT_inflight), 1);
		r->called = o % 2 == 0;
		counted += r->called;
		assert_int_equal(request_fail(r, (enum outcome)o), END);
		assert_int_equal(in_use(b, LIMIT_inflight), 0);
		request_client_done(r);
		assert_int_equal(in_use(b, LIMIT_inflight), 0);
		assert_int_equal(in_use(b, LIMIT_requests), counted);
	}
}

#define with_request(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_request(test_the_client_leaves),
	    with_request(test_the_daemon_stops),
	    with_request(test_each_end_gives_its_place_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
