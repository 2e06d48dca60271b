/* libs: base core parse relay */
/* test_relay.c: a stream goes out at the client's pace,
 * its end only when the attempt is settled. */
#include "relay_scene.h"

#define TEXT   "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
#define FINISH "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE(more)                                                                   \
	"data: "                                                                      \
	"{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1" more \
	"}}\n\n"
#define DONE "data: [DONE]\n\n"

/* ---- streams ---- */

static void
test_stream(void **state)
{
	struct scene *s = begin(true, true, 1000);

	(void)state;
	assert_true(bring(s, STR(TEXT)));
	assert_int_equal(seen.wakes, 0); /* nobody listens yet */
	assert_int_equal(relay_step(&s->r), END);
	assert_int_equal(seen.streams, 1);
	assert_int_equal(seen.head.status, 200);
	takes(s, TEXT, 0);
	assert_null(s->r.relay.ring.p); /* a stream that waits holds nothing */
	assert_true(bring(s, STR(FINISH USAGE("") DONE)));
	assert_true(seen.wakes > 0);
	takes(s, FINISH, 0); /* the end waits for the bill */
	settle(s, OUT_served);
	takes(s, USAGE(",\"cost_usd\":\"0.000000000000\"") DONE, -1);
	assert_int_equal(s->r.outcome, OUT_served);
	end(s);
}

static void
test_unpriced_stream(void **state)
{
	struct scene *s = begin(true, true, 1000);

	(void)state;
	assert_true(bring(s, STR(TEXT FINISH USAGE("") DONE)));
	s->r.unpriced = true;
	settle(s, OUT_served);
	takes(s, TEXT FINISH USAGE("") DONE, -1);
	end(s);
}

/* A cut is told by an event, and never looks like an end. */
static void
test_cut_stream(void **state)
{
	struct scene *s = begin(true, true, 1000);

	(void)state;
	assert_true(bring(s, STR(TEXT USAGE("") "data: {\"choi")));
	settle(s, OUT_cut);
	takes(s,
	    TEXT "data: {\"error\":\"upstream_cut: the provider's answer broke off "
		 "req_1\"}\n\n",
	    -1);
	end(s);

	s = begin(true, true, 1000);
	assert_true(
	    bring(s, STR(TEXT "data: {\"error\":{\"message\":\"no luck\"}}\n\n" DONE)));
	snprintf(s->a.error_text, sizeof(s->a.error_text), "no luck");
	settle(s, OUT_stream_error);
	takes(s, TEXT "data: {\"error\":\"upstream_error: no luck req_1\"}\n\n", -1);
	end(s);
}

static void
test_gone_client(void **state)
{
	struct scene *s = begin(true, true, 1000);

	(void)state;
	assert_true(bring(s, STR(TEXT DONE)));
	s->r.client_gone = true;
	s->r.outcome = OUT_client_gone;
	settle(s, OUT_client_gone);
	assert_int_equal(s->r.outcome, OUT_client_gone);
	takes(s, TEXT, -1);
	end(s);
}

/* ---- a client that is slower than its provider ---- */

static void
test_slow_client(void **state)
{
	struct scene *s = begin(true, false, 1000);
	static char dst[65536];
	unsigned events = 0;

	(void)state;
	assert_int_equal(relay_step(&s->r), END);
	while (bring(s, STR(TEXT)))
		events++;
	assert_true(s->r.relay.ring.len <= 65536);
	assert_int_equal(s->r.relay.ring.len, events * strlen(TEXT));
	/* not let on for every byte that it takes */
	assert_int_equal(relay_take(&s->r, dst, 100), 100);
	assert_int_equal(seen.unpauses, 0);
	while (relay_take(&s->r, dst, 100) > 0)
		;
	assert_int_equal(seen.unpauses, 1);
	/* once let on, a whole read of libcurl's has room */
	assert_true(relay_room(&s->r, 16384 + TAP_EVENT_MAX));
	end(s);
}

/* However full the ring is, what waits in the tap and an error event find room. */
static void
test_end_in_a_full_ring(void **state)
{
	struct scene *s = begin(true, true, 1000);
	char error[LONG_ERROR + 1];

	(void)state;
	while (bring(s, STR(TEXT)))
		;
	assert_int_equal(relay_take(&s->r, error, 40), 40);
	assert_true(bring(s, STR("d")));
	assert_true(bring(s, STR("a")));
	assert_true(bring(s, STR("ta: {\"x\":\"")));
	for (size_t i = 0; i < TAP_EVENT_MAX - 100; i++)
		assert_true(bring(s, STR("y")));
	assert_true(bring(s, STR("\"}")));
	snprintf(s->a.error_text, sizeof(s->a.error_text), "long");
	settle(s, OUT_cut);
	assert_false(s->r.relay.cut);
	while (relay_take(&s->r, error, sizeof(error)) == sizeof(error))
		;
	assert_int_equal(s->r.relay.ring.len, 0);
	end(s);
}

/* A stream of events of all lengths, in reads of all lengths, to a client of any speed:
 * what has room goes out whole, and the end always finds its place. */
static void
play(uint64_t seed)
{
	struct scene *s = begin(true, true, 1000);
	struct fake_env *f = s->env;
	struct buf in, got;
	static char dst[20000];
	size_t at = 0;
	int64_t n;

	buf_init(&in, 1U << 24);
	buf_init(&got, 1U << 24);
	for (uint64_t i = 0; i < seed; i++)
		(void)fake_env_draw(f, 2);
	for (unsigned i = 0; i < 60; i++) {
		uint64_t longest = fake_env_draw(f, 4) == 0 ? 40000 : 400;

		buf_add(&in, "data: {\"x\":\"");
		for (uint64_t left = fake_env_draw(f, longest); left > 0; left--)
			buf_add(&in, "y");
		buf_add(&in, "\"}\n\n");
	}
	buf_add(&in, USAGE("") DONE);
	while (at < in.len) {
		size_t len = 1 + fake_env_draw(f, 16384);

		len = len < in.len - at ? len : in.len - at;
		if (bring(s, str_make(in.p + at, len)))
			at += len;
		assert_true(s->r.relay.ring.len <= 65536);
		if (s->a.paused || fake_env_draw(f, 3) == 0) {
			n = relay_take(&s->r, dst, 1 + fake_env_draw(f, sizeof(dst)));
			assert_true(n >= 0);
			assert_true(buf_append(&got, dst, (size_t)n));
		}
	}
	s->r.unpriced = true;
	settle(s, OUT_served);
	while ((n = relay_take(&s->r, dst, sizeof(dst))) > 0)
		assert_true(buf_append(&got, dst, (size_t)n));
	assert_int_equal(n, -1);
	assert_false(s->r.relay.cut);
	assert_int_equal(got.len, in.len);
	assert_memory_equal(got.p, in.p, in.len);
	assert_int_equal(s->r.relay.bytes, in.len);
	buf_fini(&in);
	buf_fini(&got);
	end(s);
}

static void
test_any_pace(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++)
		play(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_unpriced_stream),
	    cmocka_unit_test(test_cut_stream),
	    cmocka_unit_test(test_gone_client),
	    cmocka_unit_test(test_slow_client),
	    cmocka_unit_test(test_end_in_a_full_ring),
	    cmocka_unit_test(test_any_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
