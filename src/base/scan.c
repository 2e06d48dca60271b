/* scan.c: read JSON in any pieces; tell of the values that somebody wants. */
#include "scan_state.h"

#include <assert.h>

#include "base/mem.h"

static inline size_t
offset(const struct scan *s, const uint8_t *p)
{
	return s->fed + (size_t)(p - s->piece);
}

static const uint8_t *
fail(struct scan *s, enum scan_error e, const uint8_t *p)
{
	s->error = e;
	s->error_at = offset(s, p);
	return NULL;
}

/* Somebody wants to hear of this one. */
static bool
tell_node(struct scan *s, int16_t node, enum scan_kind kind, size_t start, size_t end)
{
	const struct scan_node *n = &s->paths->node[node];
	struct scan_value v = {.id = n->id, .kind = kind, .start = start, .end = end};

	if (kind == SCAN_string)
		v.saved = s->string.saved;
	for (unsigned i = 0; i < n->level; i++)
		v.index[i] = s->index[i];
	return s->on_value(s->arg, &v);
}

static inline bool
tell(struct scan *s, int16_t node, enum scan_kind kind, size_t start, size_t end)
{
	return node == SCAN_NONE || !s->paths->node[node].wanted ||
	       tell_node(s, node, kind, start, end);
}

/* ---- containers ---- */

static void
enter_element(struct scan *s, const struct frame *f)
{
	s->node = SCAN_NONE;
	if (f->node != SCAN_NONE)
		s->node = s->paths->node[f->node].element;
	if (s->node != SCAN_NONE)
		s->index[s->paths->node[s->node].level - 1] = f->index;
}

static const uint8_t *
open_container(struct scan *s, const uint8_t *p, bool array)
{
	struct frame *f = &s->frame[s->depth];

	if (s->depth == s->max_depth)
		return fail(s, SCAN_depth, p);
	*f = (struct frame){.start = offset(s, p), .node = s->node, .array = array};
	if (!tell(s, f->node, array ? SCAN_array : SCAN_object, f->start, 0))
		return fail(s, SCAN_refused, p);
	s->depth++;
	s->state = array ? AT_first_value : AT_first_key;
	s->node = SCAN_NONE;
	if (array)
		enter_element(s, f);
	return p + 1;
}

static const uint8_t *
close_container(struct scan *s, const uint8_t *p)
{
	const struct frame *f = &s->frame[--s->depth];
	enum scan_kind kind = f->array ? SCAN_array : SCAN_object;

	s->node = f->node;
	if (!tell(s, f->node, kind, f->start, offset(s, p) + 1))
		return fail(s, SCAN_refused, p);
	s->state = s->depth == 0 ? AT_end : AT_next;
	return p + 1;
}

static const uint8_t *
next(struct scan *s, const uint8_t *p)
{
	struct frame *f = &s->frame[s->depth - 1];

	if (*p == (f->array ? ']' : '}'))
		return close_container(s, p);
	if (*p != ',')
		return fail(s, SCAN_syntax, p);
	s->state = f->array ? AT_value : AT_key;
	if (f->array) {
		f->index++;
		enter_element(s, f);
	}
	return p + 1;
}

/* ---- keys ---- */

/* May this object have a key that somebody wants? */
static bool
keys_matter(const struct scan *s)
{
	const struct frame *f = &s->frame[s->depth - 1];

	return f->node != SCAN_NONE && s->paths->node[f->node].child != SCAN_NONE;
}

/* Keeps the part of a key that lies in the piece up to `end`. */
static void
keep_key(struct scan *s, const uint8_t *end)
{
	size_t at = offset(s, s->piece);
	const uint8_t *from =
	    s->start + 1 > at ? s->piece + (s->start + 1 - at) : s->piece;
	size_t len = (size_t)(end - from);

	if (len > sizeof(s->key) - s->key_len) {
		s->key_lost = true;
		return;
	}
	memcpy(s->key + s->key_len, from, len);
	s->key_len = (uint16_t)(s->key_len + len);
}

static bool
see_once(struct scan *s, int16_t member)
{
	struct frame *f = &s->frame[s->depth - 1];
	int8_t bit = s->paths->node[member].once_bit;
	uint64_t mask;

	if (bit == SCAN_NONE)
		return true;
	mask = UINT64_C(1) << bit;
	if ((f->seen & mask) != 0)
		return false;
	f->seen |= mask;
	return true;
}

/* The key's text, escapes resolved into `room`;
 * longer than any that is wanted: empty. */
static struct str
key_text(struct scan *s, const uint8_t *p, char room[static KEY_RAW_MAX + 1])
{
	struct str raw;

	if (s->start >= s->fed) {
		size_t at = s->start + 1 - s->fed;

		raw =
		    str_make((const char *)s->piece + at, (size_t)(p - s->piece) - at);
	} else {
		keep_key(s, p);
		raw = str_make(s->key, s->key_len);
	}
	if (s->key_lost || raw.len > KEY_RAW_MAX)
		return str_make("", 0);
	if (s->string.saved == 0)
		return raw;
	return str_make(room, scan_unescape(raw, room));
}

/* At the key's closing quote. */
static const uint8_t *
key_end(struct scan *s, const uint8_t *p)
{
	char room[KEY_RAW_MAX + 1];
	struct str key;

	s->state = AT_colon;
	s->in_key = false;
	if (!keys_matter(s))
		return p + 1;
	key = key_text(s, p, room);
	s->node =
	    scan_paths_member(s->paths, s->frame[s->depth - 1].node, key.p, key.len);
	if (s->node != SCAN_NONE && !see_once(s, s->node))
		return fail(s, SCAN_duplicate, p);
	return p + 1;
}

/* ---- strings, literals, numbers ---- */

/* At the closing quote. */
static const uint8_t *
string_end(struct scan *s, const uint8_t *p)
{
	if (s->in_key)
		return key_end(s, p);
	s->state = AT_next;
	if (!tell(s, s->node, SCAN_string, s->start, offset(s, p) + 1))
		return fail(s, SCAN_refused, p);
	return p + 1;
}

static const uint8_t *
string(struct scan *s, const uint8_t *p, const uint8_t *end)
{
	enum scan_error e = SCAN_ok;

	p = scan_string_run(&s->string, p, end, &e);
	if (e != SCAN_ok)
		return fail(s, e, p);
	return p == end ? p : string_end(s, p);
}

static const uint8_t *
begin_string(struct scan *s, const uint8_t *p, const uint8_t *end)
{
	s->start = offset(s, p);
	p = scan_plain_end(p + 1, end);
	if (p < end && *p == '"') { /* as most are: plain, and whole in the piece */
		s->string.saved = 0;
		return string_end(s, p);
	}
	s->string = (struct scan_string){0};
	s->state = IN_string;
	return string(s, p, end);
}

static const uint8_t *
key(struct scan *s, const uint8_t *p, const uint8_t *end)
{
	if (*p != '"')
		return fail(s, SCAN_syntax, p);
	s->in_key = true;
	s->node = SCAN_NONE;
	s->key_lost = false;
	s->key_len = 0;
	return begin_string(s, p, end);
}

static const uint8_t *
literal(struct scan *s, const uint8_t *p)
{
	if (*p != (uint8_t)*s->literal)
		return fail(s, SCAN_syntax, p);
	if (*++s->literal != '\0')
		return p + 1;
	s->state = AT_next;
	if (!tell(s, s->node, s->literal_kind, s->start, offset(s, p) + 1))
		return fail(s, SCAN_refused, p);
	return p + 1;
}

static const uint8_t *
number(struct scan *s, const uint8_t *p, const uint8_t *end)
{
	enum scan_error e = SCAN_ok;

	p = scan_number_run(&s->number, p, end, &e);
	if (e != SCAN_ok)
		return fail(s, e, p);
	if (p == end)
		return p;
	s->state = AT_next;
	if (!tell(s, s->node, SCAN_number, s->start, offset(s, p)))
		return fail(s, SCAN_refused, p);
	return p;
}

static const uint8_t *
begin_literal(struct scan *s, const uint8_t *p, const char *word, enum scan_kind kind)
{
	s->state = IN_literal;
	s->literal = word + 1;
	s->literal_kind = kind;
	return p + 1;
}

static const uint8_t *
value(struct scan *s, const uint8_t *p, const uint8_t *end)
{
	s->start = offset(s, p);
	switch (*p) {
	case '{':
		return open_container(s, p, false);
	case '[':
		return open_container(s, p, true);
	case '"':
		return begin_string(s, p, end);
	case 't':
		return begin_literal(s, p, "true", SCAN_true);
	case 'f':
		return begin_literal(s, p, "false", SCAN_false);
	case 'n':
		return begin_literal(s, p, "null", SCAN_null);
	default:
		if (*p != '-' && (*p < '0' || *p > '9'))
			return fail(s, SCAN_syntax, p);
		s->state = IN_number;
		s->number = (struct scan_number){0};
		return number(s, p, end);
	}
}

/* ---- the walk ---- */

static const uint8_t *
root(struct scan *s, const uint8_t *p)
{
	if (*p == 0xef || *p >= 0xfe)
		return fail(s, SCAN_utf8, p); /* a byte order mark */
	if (*p != '{')
		return fail(s, SCAN_syntax, p);
	s->node = 0;
	return open_container(s, p, false);
}

static inline bool
blank(uint8_t c)
{
	if (c > ' ')
		return false;
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static const uint8_t *
step(struct scan *s, const uint8_t *p, const uint8_t *end)
{
	if (s->state < IN_string && blank(*p))
		return p + 1;
	switch (s->state) {
	case AT_root:
		return root(s, p);
	case AT_first_value:
		if (*p == ']')
			return close_container(s, p);
		return value(s, p, end);
	case AT_value:
		return value(s, p, end);
	case AT_first_key:
		if (*p == '}')
			return close_container(s, p);
		return key(s, p, end);
	case AT_key:
		return key(s, p, end);
	case AT_colon:
		s->state = AT_value;
		return *p == ':' ? p + 1 : fail(s, SCAN_syntax, p);
	case AT_next:
		return next(s, p);
	case AT_end:
		return fail(s, SCAN_syntax, p);
	case IN_string:
		return string(s, p, end);
	case IN_literal:
		return literal(s, p);
	case IN_number:
		return number(s, p, end);
	}
	return fail(s, SCAN_syntax, p);
}

bool
scan_feed(struct scan *s, const char *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes, *end;

	if (s->error != SCAN_ok)
		return false;
	if (len == 0)
		return true;
	end = p + len;
	s->piece = p;
	while (p != NULL && p < end)
		p = step(s, p, end);
	if (p == NULL)
		return false;
	if (s->in_key && keys_matter(s))
		keep_key(s, end);
	s->fed += len;
	return true;
}

bool
scan_end(struct scan *s)
{
	if (s->error == SCAN_ok && s->state != AT_end) {
		s->error = SCAN_truncated;
		s->error_at = s->fed;
	}
	return s->error == SCAN_ok;
}

/* ---- life ---- */

struct scan *
scan_new(const struct scan_paths *paths, unsigned max_depth, scan_value_fn *on_value,
    void *arg)
{
	struct scan *s;

	assert(max_depth > 0 && max_depth <= SCAN_DEPTH_MAX);
	/* Frames are written before they are read. */
	s = xrealloc(NULL, sizeof(*s) + max_depth * sizeof(s->frame[0]));
	*s = (struct scan){
	    .paths = paths, .on_value = on_value, .arg = arg, .max_depth = max_depth};
	return s;
}

void
scan_reset(struct scan *s)
{
	s->state = AT_root;
	s->error = SCAN_ok;
	s->fed = 0;
	s->depth = 0;
	s->in_key = false;
}

void
scan_free(struct scan *s)
{
	xfree(s);
}
