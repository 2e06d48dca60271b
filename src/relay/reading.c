/* reading.c: values found by the scanner, whole, from pieces that are gone. */
#include "reading.h"

#include <assert.h>

#include "base/mem.h"
#include "base/scan.h"

#define NOWHERE SIZE_MAX
#define LANES   8U
/* Idle ones kept for each dialect; bodies under way need one each. */
#define IDLE_MAX 32U

struct reading {
	struct lane *lane;
	struct reading *next; /* idle */
	struct tap *tap;
	struct scan *scan;
	const char *piece; /* in hand; its first byte is number `base` of the text */
	size_t base;
	unsigned pieces;
	size_t usage_start; /* of the usage object that is open; NOWHERE: none */
	unsigned texts;     /* strings that the client reads */
	struct reading_found found;
	/* Bytes from `keep_start` on of a value that began in a piece that is gone. */
	size_t keep_start;
	struct buf keep;
};

/* What is needed to read the answers of one dialect. */
struct lane {
	const struct answer_reader *answer;
	struct scan_paths *paths;
	struct reading *idle;
	unsigned idles;
};

struct taps {
	struct lane lane[LANES];
	unsigned lanes;
};

struct taps *
taps_new(void)
{
	return xcalloc(1, sizeof(struct taps));
}

static void
reading_free(struct reading *r)
{
	buf_fini(&r->keep);
	scan_free(r->scan);
	xfree(r);
}

void
taps_free(struct taps *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->lanes; i++) {
		struct reading *r = t->lane[i].idle, *next;

		for (; r != NULL; r = next) {
			next = r->next;
			reading_free(r);
		}
		scan_paths_free(t->lane[i].paths);
	}
	xfree(t);
}

struct lane *
taps_lane(struct taps *t, const struct answer_reader *a)
{
	struct lane *l;

	for (unsigned i = 0; i < t->lanes; i++) {
		if (t->lane[i].answer == a)
			return &t->lane[i];
	}
	assert(t->lanes < LANES);
	l = &t->lane[t->lanes++];
	l->answer = a;
	l->paths = scan_paths_new(a->paths, a->path_count);
	return l;
}

/* ---- values ---- */

/* Forgets what is kept of the bytes before `start`. */
static void
keep_from(struct reading *r, size_t start)
{
	size_t n = start - r->keep_start;

	if (r->keep_start > start || n >= r->keep.len) {
		buf_clear(&r->keep);
	} else if (n > 0) {
		memmove(r->keep.p, r->keep.p + n, r->keep.len - n);
		r->keep.len -= n;
	}
	r->keep_start = start;
}

/* Bytes of the piece in hand that come behind what is kept, up to `end`. */
static bool
keep_until(struct reading *r, size_t end)
{
	size_t have = r->keep_start + r->keep.len;

	return buf_append(&r->keep, r->piece + (have - r->base), end - have);
}

/* The piece in hand goes: what of it may still be wanted? */
static void
keep_rest(struct reading *r, size_t end)
{
	struct scan_value v;
	size_t value = scan_under_way(r->scan, &v) ? v.start : NOWHERE;
	size_t from = r->usage_start;

	if (from == NOWHERE || end - from > READING_VALUE_MAX)
		from = value;
	if (from == NOWHERE || end - from > READING_VALUE_MAX ||
	    scan_error(r->scan) != SCAN_ok) {
		r->keep_start = NOWHERE;
		return;
	}
	keep_from(r, from);
	if (!keep_until(r, end))
		r->keep_start = NOWHERE;
}

/* The text's bytes [start, end); without `p` when they are too many. */
static struct str
bytes_of(struct reading *r, size_t start, size_t end)
{
	if (end - start > READING_VALUE_MAX)
		return str_make(NULL, end - start);
	if (start >= r->base)
		return str_make(r->piece + (start - r->base), end - start);
	if (r->keep_start > start)
		return str_make(NULL, end - start);
	/* A usage object that is too long was in the way. */
	if (end - r->keep_start > READING_VALUE_MAX)
		keep_from(r, start);
	if (!keep_until(r, end))
		return str_make(NULL, end - start);
	return str_make(r->keep.p + (start - r->keep_start), end - start);
}

/* Raw usage is kept as it came: of a stream that
 * tells it in parts the first and the last. */
static void
keep_usage(struct reading *r, struct str raw)
{
	struct tap *t = r->tap;
	struct buf *b = &t->raw_usage;

	if (raw.p == NULL)
		return;
	if (!t->stream || !r->lane->answer->usage_in_parts)
		b->len = 0;
	else if (t->raw_usage_first > 0)
		b->len = t->raw_usage_first;
	if (raw.len + b->len + 1 > b->max)
		b->len = 0;
	if (b->len > 0)
		(void)!buf_append(b, "\n", 1);
	else
		t->raw_usage_first = raw.len;
	(void)!buf_append_str(b, raw);
}

/* A string that may be another in the next event. */
static void
note_vary(struct reading *r, const struct scan_value *v, struct str inside, bool text)
{
	struct reading_found *f = &r->found;

	f->alike &= v->kind == SCAN_string && inside.p != NULL && inside.len > 0;
	f->alike &= f->varies < PATTERN_VARY;
	if (!f->alike)
		return;
	if (text) {
		f->text = f->varies;
		f->text_id = v->id;
	}
	r->texts += text;
	f->vary[f->varies++] = inside;
}

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct reading *r = arg;
	struct str text = str_make("", 0);
	int64_t bytes = r->tap->output_bytes;

	if (v->end > 0)
		text = bytes_of(r, v->start, v->end);
	if (v->kind == SCAN_string)
		text = str_make(text.p == NULL ? NULL : text.p + 1, text.len - 2);
	if (v->id == ANSWER_usage && v->kind == SCAN_object && v->end == 0)
		r->usage_start = v->start;
	if (v->id == ANSWER_usage && v->kind == SCAN_object && v->end > 0) {
		r->usage_start = NOWHERE;
		r->found.usage_end = v->end;
		keep_usage(r, text);
	}
	if (v->id == ANSWER_model && v->kind == SCAN_string) {
		r->tap->model_at = v->start;
		r->tap->model_end = v->end;
	}
	r->lane->answer->on_value(r->tap, v->id, v->kind, text);
	if (v->id == ANSWER_padding || r->tap->output_bytes != bytes)
		note_vary(r, v, text, r->tap->output_bytes != bytes);
	return true;
}

/* ---- a text ---- */

struct reading *
reading_take(struct lane *l, struct tap *t)
{
	struct reading *r = l->idle;

	if (r != NULL) {
		l->idle = r->next;
		l->idles--;
	} else {
		r = xcalloc(1, sizeof(*r));
		r->lane = l;
		r->scan = scan_new(l->paths, SCAN_DEPTH_MAX, on_value, r);
		buf_init(&r->keep, READING_VALUE_MAX);
	}
	r->tap = t;
	r->base = 0;
	r->usage_start = NOWHERE;
	r->pieces = 0;
	r->texts = 0;
	r->found = (struct reading_found){.alike = true};
	r->keep_start = NOWHERE;
	scan_reset(r->scan);
	return r;
}

void
reading_give(struct reading *r)
{
	struct lane *l;

	if (r == NULL)
		return;
	l = r->lane;
	if (l->idles == IDLE_MAX) {
		reading_free(r);
		return;
	}
	r->tap = NULL;
	r->next = l->idle;
	l->idle = r;
	l->idles++;
}

bool
reading_feed(struct reading *r, const char *p, size_t len)
{
	bool ok;

	r->piece = p;
	r->pieces++;
	ok = scan_feed(r->scan, p, len);
	keep_rest(r, r->base + len);
	r->base += len;
	return ok;
}

void
reading_end(struct reading *r, struct reading_found *ret)
{
	*ret = r->found;
	ret->json = scan_end(r->scan);
	ret->alike &= ret->json && r->pieces == 1 && r->texts == 1;
	reading_give(r);
}

size_t
reading_under_way(const struct reading *r)
{
	struct scan_value v;

	if (!scan_under_way(r->scan, &v) || v.kind != SCAN_string)
		return 0;
	return v.end - v.start - 1;
}
