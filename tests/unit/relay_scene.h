/* relay_scene.h: a request that is being answered, for the tests of the relay: the edge
 * and the upstream are played here. Each test is one program, so it defines what
 * relay.c calls. */
#ifndef RELAY_SCENE_H
#define RELAY_SCENE_H

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
#include "../../src/parse/answer.h"

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
limit_tell(struct request *r, struct reply_head *h)
{
	(void)r;
	(void)h;
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

static inline void
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

static inline void
on_wake(struct deferred *d)
{
	(void)d;
}

static inline struct scene *
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

static inline void
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
static inline bool
bring(struct scene *s, struct str bytes)
{
	if (!relay_room(&s->r, bytes.len + TAP_EVENT_MAX)) {
		s->a.paused = true;
		return false;
	}
	assert_true(tap_feed(&s->a.tap, bytes.p, bytes.len, relay_put, &s->r));
	return true;
}

static inline void
settle(struct scene *s, enum outcome o)
{
	assert_true(tap_end(&s->a.tap, relay_put, &s->r));
	s->r.live = NULL;
	relay_finish(&s->r, o);
}

/* What the client can take now, and how that ends: 0, -1 or -2. */
static inline void
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

#endif
