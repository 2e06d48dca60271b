/* tap_run.h: answers through a tap in any pieces, for the tests of the tap. */
#ifndef TAP_RUN_H
#define TAP_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../src/parse/answer.h"
#include "base/buf.h"
#include "base/mem.h"
#include "stage/relay.h"

#define CHUNK(delta)                                                                  \
	"data: "                                                                      \
	"{\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":" delta \
	"}]}\n\n"
#define FINISH                                                                  \
	"data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_" \
	"reason\":\"stop\"}]}\n\n"
#define TOLD        "\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11"
#define USAGE(told) "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{" told "}}\n\n"
#define HELLO                                              \
	CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") \
	CHUNK("{\"content\":\"Hi\\n\"}")
#define DONE "data: [DONE]\n\n"

#define START                                                                          \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":" \
	"\"msg_1\",\"model\":\"c-1\",\"usage\":{\"input_tokens\":12,\"output_"         \
	"tokens\":1}}}\n\n"
#define DELTA(text)                                                            \
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\"," \
	"\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}}\n\n"
#define LAST                                                                         \
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_" \
	"reason\":\"end_turn\"},\"usage\":{\"output_tokens\":30}}\n\n"
#define STOP "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

struct run {
	struct taps *taps;
	struct dialect dialect;
	struct tap tap;
	struct buf out;
};

static inline bool
run_out(void *arg, const char *p, size_t len)
{
	return buf_append(arg, p, len);
}

static inline void
run_begin(struct run *r, const struct answer_reader *a, bool stream, bool usage_wanted)
{
	*r = (struct run){.taps = taps_new(), .dialect = {.answer = a}};
	tap_init(&r->tap, r->taps, &r->dialect, stream, usage_wanted);
	buf_init(&r->out, 1U << 26);
}

/* Each piece is a copy of its own: to read beyond it is an error that ASan sees. */
static inline void
run_piece(struct run *r, const char *p, size_t len)
{
	char *copy = xmemdup(p, len);

	assert_true(tap_feed(&r->tap, copy, len, run_out, &r->out));
	xfree(copy);
}

/* The text in pieces of `size` bytes, behind a first one of `first`; then its end. */
static inline void
run_text(struct run *r, struct str text, size_t first, size_t size)
{
	size_t n = first < text.len ? first : text.len;

	if (n > 0)
		run_piece(r, text.p, n);
	for (size_t at = n; at < text.len; at += n) {
		n = text.len - at < size ? text.len - at : size;
		run_piece(r, text.p + at, n);
	}
	assert_true(tap_end(&r->tap, run_out, &r->out));
}

static inline void
run_end(struct run *r)
{
	tap_fini(&r->tap);
	taps_free(r->taps);
	buf_fini(&r->out);
}

/* Did both taps learn the same? */
static inline void
run_same_knowledge(const struct tap *a, const struct tap *b)
{
	for (size_t i = 0; i < TOKEN_COUNT; i++)
		assert_int_equal(a->usage.tokens[i], b->usage.tokens[i]);
	assert_int_equal(a->usage.reasoning, b->usage.reasoning);
	assert_int_equal(a->usage.calls, b->usage.calls);
	assert_int_equal(a->usage.inconsistent, b->usage.inconsistent);
	assert_int_equal(a->usage_seen, b->usage_seen);
	assert_int_equal(a->finished, b->finished);
	assert_int_equal(a->terminal, b->terminal);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->broken, b->broken);
	assert_int_equal(a->events, b->events);
	assert_int_equal(a->output_bytes, b->output_bytes);
	assert_string_equal(a->model, b->model);
	assert_string_equal(a->service_tier, b->service_tier);
	assert_string_equal(a->finish, b->finish);
	assert_string_equal(a->response_id, b->response_id);
	assert_int_equal(a->raw_usage.len, b->raw_usage.len);
	assert_memory_equal(
	    buf_str(&a->raw_usage).p, buf_str(&b->raw_usage).p, a->raw_usage.len);
	assert_int_equal(a->error.len, b->error.len);
	assert_memory_equal(buf_str(&a->error).p, buf_str(&b->error).p, a->error.len);
}

/* And did the same bytes come out? */
static inline void
run_same(struct run *a, struct run *b, const char *cost)
{
	struct str x = tap_terminal(&a->tap, cost), y = tap_terminal(&b->tap, cost);

	run_same_knowledge(&a->tap, &b->tap);
	assert_int_equal(a->out.len, b->out.len);
	assert_memory_equal(buf_str(&a->out).p, buf_str(&b->out).p, a->out.len);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.p, y.p, x.len);
}

/* The same text in pieces must do the same as `whole` did with it. */
static inline void
run_again(struct run *whole, struct str text, size_t first, size_t size)
{
	struct run r;

	run_begin(
	    &r, whole->dialect.answer, whole->tap.stream, whole->tap.usage_wanted);
	r.tap.model_as = whole->tap.model_as;
	run_text(&r, text, first, size);
	run_same(whole, &r, "0.000123000000");
	run_end(&r);
}

/* In pieces of many sizes, and cut in two: everywhere when it is not long. */
static inline void
run_in_pieces(struct run *whole, struct str text)
{
	static const size_t sizes[] = {1, 2, 3, 7, 64, 333, 1024, 4096, 16384};
	size_t step = 1 + text.len * text.len / 2000000;

	for (size_t i = 0; i < nitems(sizes); i++)
		run_again(whole, text, 0, sizes[i]);
	for (size_t first = 1; first < text.len; first += step)
		run_again(whole, text, first, text.len);
}

/* What comes out of a stream, whole and in all pieces. */
struct want {
	const struct answer_reader *answer;
	bool usage_wanted;
	struct str model_as;
	struct str in;
	const char *out, *last; /* `last` with the cost that run_again() uses */
};

static inline void
assert_str(struct str got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.p, want, got.len);
}

/* Leaves the run of the whole text in `ret`; run_end() it. */
static inline void
run_check(const struct want *w, struct run *ret)
{
	run_begin(ret, w->answer, true, w->usage_wanted);
	ret->tap.model_as = w->model_as;
	run_text(ret, w->in, 0, 1U << 20);
	assert_str(buf_str(&ret->out), w->out);
	assert_str(tap_terminal(&ret->tap, "0.000123000000"), w->last);
	run_in_pieces(ret, w->in);
}

#endif
