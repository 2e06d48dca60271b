/* libs: base core parse relay */
/* test_relay.c: an answer goes out at the client's pace, its end only when the attempt
 * is settled; the edge and the upstream are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "fake_env.h"
#include "parse/answer.h"

/* ---- what relay.c calls ---- */

static struct {
	unsigned wakes, unpauses, streams, wholes;
	struct reply_head head;
	char whole[256];
} seen;

void
edge_wake(struct request *r)
{
	(void)r;
	seen.wakes++;
}

void
edge_reply_stream(struct request *r, const struct reply_head *h)
{
	(void)r;
	seen.streams++;
	seen.head = *h;
}

void
edge_reply_whole(struct request *r, const struct reply_head *h, struct str body)
{
	(void)r;
	seen.wholes++;
	seen.head = *h;
	str_copy(seen.whole, sizeof(seen.whole), body);
}

void
reply_header(struct reply_head *h, const char *name, const char *value)
{
	h->header[h->headers].name = name;
	h->header[h->headers++].value = value;
}

void
call_unpause(struct attempt *a)
{
	seen.unpauses++;
	a->paused = false;
}

const char *
request_id_text(struct request *r)
{
	(void)r;
	return "req_1";
}

const char *
plan_line(const struct plan *p, const struct verdict *v, struct arena *mem)
{
	(void)p;
	(void)v;
	(void)mem;
	return "{}";
}

/* Of the longest event that a dialect may write. */
#define LONG_ERROR 7000

static void
write_stream_error(struct buf *out, const struct outcome_row *row, const char *text,
    const char *request_id)
{
	buf_printf(
	    out, "data: {\"error\":\"%s: %s %s\"}\n\n", row->code, text, request_id);
	for (size_t i = 0; str_is(str_of(text), "long") && i < LONG_ERROR; i++)
		buf_add(out, "y");
}

/* ---- a request that is being answered ---- */

struct scene {
	struct fake_env *env;
	struct shared shared;
	struct counters counters;
	struct worker worker;
	struct snapshot snap;
	struct dialect dialect;
	struct provider provider;
	struct model model;
	struct candidate candidate;
	struct plan plan;
	struct request r;
	struct attempt a;
};

static const char hidden[] = "";

static void
on_wake(struct deferred *d)
{
	(void)d;
}

static struct scene *
begin(bool stream, bool usage_wanted, int32_t hold_back_bytes)
{
	struct scene *s = xcalloc(1, sizeof(*s));

	memset(&seen, 0, sizeof(seen));
	s->env = fake_env_new(1);
	s->worker.env = fake_env(s->env);
	s->worker.shared = &s->shared;
	s->worker.counters = &s->counters;
	s->worker.loop = loop_new(s->worker.env);
	s->worker.taps = taps_new();
	s->snap.limits.hold_back_bytes = hold_back_bytes;
	s->dialect = (struct dialect){
	    .answer = &openai_answer, .write_stream_error = write_stream_error};
	s->model.name = "small";
	s->candidate.model = &s->model;
	s->r = (struct request){.worker = &s->worker,
	    .snap = &s->snap,
	    .mem = arena_new(1U << 20),
	    .plan = &s->plan,
	    .last = &s->a,
	    .live = &s->a};
	s->r.task.stream = stream;
	s->r.task.dialect = &s->dialect;
	s->a.request = &s->r;
	s->a.candidate = &s->candidate;
	s->a.wake.run = on_wake;
	tap_init(&s->a.tap, s->worker.taps, &s->dialect, stream, usage_wanted);
	relay_reset(&s->r);
	return s;
}

static void
end(struct scene *s)
{
	tap_fini(&s->a.tap);
	taps_free(s->worker.taps);
	ring_fini(&s->r.relay.ring);
	buf_fini(&s->r.relay.whole);
	arena_free(s->r.mem);
	loop_act(s->worker.loop);
	loop_free(s->worker.loop);
	fake_env_free(s->env);
	xfree(s);
}

/* The upstream brings bytes; false: it has to wait. */
static bool
bring(struct scene *s, struct str bytes)
{
	if (!relay_room(&s->r, bytes.len + TAP_EVENT_MAX)) {
		s->a.paused = true;
		return false;
	}
	assert_true(tap_feed(&s->a.tap, bytes.p, bytes.len, relay_put, &s->r));
	return true;
}

static void
settle(struct scene *s, enum outcome o)
{
	assert_true(tap_end(&s->a.tap, relay_put, &s->r));
	s->r.live = NULL;
	relay_finish(&s->r, o);
}

/* What the client can take now, and how that ends: 0, -1 or -2. */
static void
takes(struct scene *s, const char *want, int64_t want_end)
{
	static char got[300000];
	size_t len = 0;
	int64_t n;

	while ((n = relay_take(&s->r, got + len, 1000)) > 0)
		len += (size_t)n;
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
	assert_int_equal(n, want_end);
}

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

/* ---- bodies ---- */

#define BODY \
	"{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"0123456789\"}}]}"

static const char *
header(const char *name)
{
	for (unsigned i = 0; i < seen.head.headers; i++) {
		if (str_is(str_of(name), seen.head.header[i].name))
			return seen.head.header[i].value;
	}
	return hidden;
}

static void
test_body(void **state)
{
	struct scene *s = begin(false, false, 1000);

	(void)state;
	assert_int_equal(relay_step(&s->r), WAIT);
	assert_true(bring(s, STR(BODY)));
	settle(s, OUT_served);
	assert_int_equal(relay_step(&s->r), END);
	assert_int_equal(seen.wholes, 1);
	assert_string_equal(seen.whole, BODY);
	assert_string_equal(header("x-frugald-model"), "small");
	assert_string_equal(header("x-frugald-cost-usd"), "0.000000000000");
	assert_string_equal(header("cache-control"), "");
	assert_null(s->r.relay.whole.p);
	end(s);
}

static void
test_body_named_as_asked(void **state)
{
	struct scene *s = begin(false, false, 1000);

	(void)state;
	s->a.tap.model_as = STR("\"auto\"");
	assert_true(bring(s, STR(BODY)));
	settle(s, OUT_served);
	assert_int_equal(relay_step(&s->r), END);
	assert_string_equal(seen.whole, "{\"model\":\"auto\",\"choices\":[{\"message\":"
					"{\"content\":\"0123456789\"}}"
					"]}");
	end(s);
}

/* An answer that is too long to be held back streams; its last byte waits. */
static void
test_long_body(void **state)
{
	struct scene *s = begin(false, false, 40);

	(void)state;
	s->a.tap.model_as = STR("\"auto\"");
	assert_true(bring(s, str_make(BODY, 30)));
	assert_false(s->r.relay.overflowed);
	assert_true(bring(s, str_skip(str_make(BODY, 60), 30)));
	assert_true(s->r.relay.overflowed);
	assert_true(s->a.wake.queued); /* it can be accepted now */
	assert_int_equal(relay_step(&s->r), END);
	assert_int_equal(seen.streams, 1);
	/* Nothing more until the client has what was held back. */
	assert_false(relay_room(&s->r, 1));
	s->a.paused = true;
	takes(s,
	    "{\"model\":\"auto\",\"choices\":[{\"message\":{\"content\":\"0123456789",
	    0);
	assert_int_equal(seen.unpauses, 1);
	assert_true(bring(s, str_skip(STR(BODY), 60)));
	takes(s, "\"}}]", 0);
	settle(s, OUT_served);
	takes(s, "}", -1);
	end(s);
}

/* JSON has no way to say that it broke off: the connection says it. */
static void
test_cut_body(void **state)
{
	struct scene *s = begin(false, false, 10);

	(void)state;
	assert_true(bring(s, str_make(BODY, 30)));
	assert_int_equal(relay_step(&s->r), END);
	takes(s, "{\"model\":\"m-1\",\"choices\":[{\"m", 0);
	settle(s, OUT_cut);
	takes(s, "e", -2);
	end(s);
}

/* What a failed attempt has left is not part of the next one's answer. */
static void
test_reset(void **state)
{
	struct scene *s = begin(false, false, 10);

	(void)state;
	assert_true(bring(s, str_make(BODY, 30)));
	assert_true(s->r.relay.overflowed);
	relay_reset(&s->r);
	assert_true(s->r.relay.buffered);
	assert_false(s->r.relay.overflowed);
	assert_int_equal(s->r.relay.ring.len + s->r.relay.whole.len, 0);
	end(s);
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
	    cmocka_unit_test(test_body),
	    cmocka_unit_test(test_body_named_as_asked),
	    cmocka_unit_test(test_long_body),
	    cmocka_unit_test(test_cut_body),
	    cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
