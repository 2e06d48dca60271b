/* libs: base core parse relay */
/* fuzz_tap.c: any bytes as an answer: what comes out and what is known of it depend on
 * the bytes alone, not on how they were cut. The first byte of the input says what kind
 * of answer it is, the second how it is cut. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "parse/answer.h"
#include "stage/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define COST "0.000123000000"

struct run {
	struct dialect dialect;
	struct tap tap;
	struct buf out;
};

static bool
take(void *arg, const char *p, size_t len)
{
	return buf_append(arg, p, len);
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Pieces of sizes that `seed` gives; 0: all at once, 1: byte by byte. */
static void
run(struct run *r, uint8_t kind, uint32_t seed, struct str text)
{
	static struct taps *taps; /* scanners are used again and again */

	if (taps == NULL)
		taps = taps_new();
	*r = (struct run){0};
	r->dialect.answer = kind & 1 ? &openai_answer : &anthropic_answer;
	tap_init(&r->tap, taps, &r->dialect, (kind & 2) != 0, (kind & 4) != 0);
	if (kind & 8)
		r->tap.model_as = STR("\"the name that was asked for\"");
	buf_init(&r->out, 1U << 24);
	while (text.len > 0) {
		size_t n = seed == 0 ? text.len : seed == 1 ? 1 : 1 + (seed >> 24) % 97;
		char *piece;

		n = n < text.len ? n : text.len;
		piece = xmemdup(text.p, n);
		must(tap_feed(&r->tap, piece, n, take, &r->out));
		xfree(piece);
		text = str_skip(text, n);
		if (seed > 1)
			seed = seed * 1664525 + 1013904223;
	}
	must(tap_end(&r->tap, take, &r->out));
}

static void
end(struct run *r)
{
	tap_fini(&r->tap);
	buf_fini(&r->out);
}

static void
must_be_same(struct run *x, struct run *y)
{
	const struct tap *a = &x->tap, *b = &y->tap;

	for (size_t i = 0; i < TOKEN_COUNT; i++)
		must(a->usage.tokens[i] == b->usage.tokens[i]);
	must(a->usage.reasoning == b->usage.reasoning);
	must(a->usage.inconsistent == b->usage.inconsistent);
	must(a->usage_seen == b->usage_seen && a->finished == b->finished);
	must(a->terminal == b->terminal && a->failed == b->failed);
	must(a->broken == b->broken && a->events == b->events);
	must(a->output_bytes == b->output_bytes);
	must(
	    str_is(str_of(a->model), b->model) && str_is(str_of(a->finish), b->finish));
	must(str_is(str_of(a->response_id), b->response_id));
	must(str_is(str_of(a->service_tier), b->service_tier));
	must(str_eq(buf_str(&a->raw_usage), buf_str(&b->raw_usage)));
	must(str_eq(buf_str(&a->error), buf_str(&b->error)));
	must(str_eq(buf_str(&x->out), buf_str(&y->out)));
	must(str_eq(tap_terminal(&x->tap, COST), tap_terminal(&y->tap, COST)));
}

/* A body passes as it came; a stream loses events, and wins a blank line at its end. */
static void
must_be_of(const struct run *r, uint8_t kind, struct str text)
{
	if ((kind & 10) == 10)
		must(r->out.len <= 16 * text.len);
	else if (kind & 2)
		must(r->out.len <= text.len + 2);
	else
		must(str_eq(buf_str(&r->out), text));
	must(r->tap.output_bytes >= 0 && tap_output_seen(&r->tap, 4) >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run whole, bytes, pieces;
	struct str text;

	if (len < 2)
		return 0;
	text = str_make((const char *)data + 2, len - 2);
	run(&whole, data[0], 0, text);
	run(&bytes, data[0], 1, text);
	run(&pieces, data[0], 2 + data[1] * 2654435761U, text);
	must_be_of(&whole, data[0], text);
	must_be_same(&whole, &bytes);
	must_be_same(&whole, &pieces);
	end(&whole);
	end(&bytes);
	end(&pieces);
	return 0;
}
