/* tap_run.h: answers through a tap, in any pieces, for the tests of the tap. */
#ifndef TAP_RUN_H
#define TAP_RUN_H

#include "base/buf.h"
#include "parse/answer.h"
#include "stage/relay.h"

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

/* The whole text in pieces of `size` bytes, behind a first one of `first`. */
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

#endif
