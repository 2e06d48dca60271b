/* read_body.h: a body through the reader, in any pieces, for tests. */
#ifndef READ_BODY_H
#define READ_BODY_H

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/request.h"

struct body_read {
	struct arena *mem;
	enum outcome outcome;
	struct task task;
	struct prompt prompt;
	struct body_fault fault;
	char *bytes; /* a copy of the body: whoever reads beyond it is found out */
};

/* Pieces of `step` bytes, or, when it is 0, two: cut at `cut`. Each piece comes with
 * the body at another place, as a growing buffer has it. */
static inline void
body_read(struct body_read *b, const struct parse_shared *shared,
    const struct dialect *d, struct str body, size_t step, size_t cut)
{
	struct reader *r;
	size_t at = 0;
	bool ok = true;

	*b = (struct body_read){.mem = arena_new(4U << 20)};
	b->bytes = xmemdup(body.p, body.len);
	r = reader_new(shared, d, EP_generate, b->mem);
	while (ok && at < body.len) {
		size_t n = step != 0 ? step : at == 0 && cut != 0 ? cut : body.len - at;
		char *moved;

		n = n < body.len - at ? n : body.len - at;
		at += n;
		moved = xmemdup(body.p, at);
		xfree(b->bytes);
		b->bytes = moved;
		ok = reader_feed(r, str_make(b->bytes, at), n);
	}
	b->outcome =
	    reader_finish(r, str_make(b->bytes, at), &b->task, &b->prompt, &b->fault);
	reader_free(r);
}

static inline void
body_read_end(struct body_read *b)
{
	arena_free(b->mem);
	xfree(b->bytes);
}

static inline void
print_span(struct buf *out, const char *name, struct span s)
{
	if (s.end != 0)
		buf_printf(out, " %s@%zu-%zu", name, s.start, s.end);
}

static inline void
print_count(struct buf *out, const char *name, uint64_t n)
{
	if (n != 0)
		buf_printf(out, " %s=%llu", name, (unsigned long long)n);
}

static inline void
print_text(struct buf *out, const char *name, struct str s)
{
	if (s.len != 0)
		buf_printf(out, " %s=%.*s", name, (int)s.len, s.p);
}

/* Everything that stands in the task but places
 * and the hash; what is absent is left out. */
static inline void
print_task(struct buf *out, const struct task *t)
{
	static const char *const bounds[] = {
	    "none", "signature", "encrypted", "file", "state"};

	buf_printf(out, "model=%.*s", (int)t->model.len, t->model.p);
	buf_printf(
	    out, "%s%s", t->stream ? " stream" : "", t->usage_wanted ? " usage" : "");
	if (t->max_output >= 0)
		buf_printf(out, " max=%lld", (long long)t->max_output);
	print_count(out, "n", t->n == 1 ? 0 : (uint64_t)t->n);
	print_count(out, "best_of", t->best_of == 1 ? 0 : (uint64_t)t->best_of);
	for (unsigned i = 0; i < CAP_COUNT; i++)
		buf_printf(out, "%s%s", t->needs & 1U << i ? " +" : "",
		    t->needs & 1U << i ? capability_name((enum capability)i) : "");
	print_count(out, "messages", t->messages);
	print_count(out, "turns", t->turns);
	print_count(out, "tools", t->tools);
	print_count(out, "searches", t->searches);
	if (t->fetches)
		buf_add(out, " fetches");
	print_count(out, "images", t->images);
	print_count(out, "audios", t->audios);
	print_count(out, "files", t->files);
	print_count(out, "text", t->text_bytes);
	print_count(out, "opaque", t->opaque_bytes);
	buf_printf(out, "%s", t->open_tool_call ? " open" : "");
	if (t->bound != BOUND_none)
		buf_printf(out, " bound=%s", bounds[t->bound]);
	print_count(out, "cache", t->cache_mark);
	print_text(out, "user", t->user);
	print_text(out, "session", t->session_hint);
	print_text(out, "cache_key", t->prompt_cache_key);
	print_text(out, "tier", t->service_tier);
	print_text(out, "effort", t->effort);
}

static inline void
print_places(struct buf *out, const struct task *t)
{
	print_span(out, "model", t->model_at);
	print_span(out, "stream", t->stream_at);
	print_span(out, "options", t->stream_options_at);
	print_span(out, "usage", t->include_usage_at);
	print_span(out, "max", t->max_tokens_at);
	print_span(out, "completion", t->max_completion_at);
	print_span(out, "tier", t->service_tier_at);
	print_count(out, "start", t->object_start);
	print_count(out, "bare", t->stream_options_bare);
	print_count(out, "hash", t->prefix_hash);
}

static inline void
print_prompt(struct buf *out, const struct prompt *p)
{
	static const char letter[] = "SUAT";

	buf_printf(out, " last=%u%s", p->last_user, p->truncated ? " cut" : "");
	for (uint32_t i = 0; i < p->count; i++)
		buf_printf(out, " %u%c:%.*s", p->pieces[i].message,
		    letter[p->pieces[i].role], (int)p->pieces[i].raw.len,
		    p->pieces[i].raw.p);
}

/* All of it, or why it was refused. */
static inline void
print_read(struct buf *out, const struct body_read *b)
{
	if (b->outcome != OUT_served) {
		buf_printf(out, "%s %s: %s", outcome_name(b->outcome),
		    b->fault.param == NULL ? "-" : b->fault.param, b->fault.text);
		return;
	}
	print_task(out, &b->task);
	print_prompt(out, &b->prompt);
	print_places(out, &b->task);
}

#endif
