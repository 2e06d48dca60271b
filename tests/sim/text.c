/* text.c: a page of words made once and read from any place. */
#include "text.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/util.h"
#include "peek.h"

#define PAGE_BYTES   (256U * 1024U)
#define SCHEMA_DEPTH 16U

struct text {
	char page[PAGE_BYTES + TEXT_SLICE_MAX + 8];
};

static const char *const vocabulary[] = {"the", "simulated", "answer", "goes", "on",
    "with", "plain", "words", "that", "mean", "little", "but", "count", "well", "so",
    "a", "proxy", "may", "relay", "them", "bill", "and", "forget", "none", "of",
    "these", "tokens", "one", "by", "one", "until", "it", "ends", "über", "café",
    "日本", "while", "prices", "stay", "exact"};

struct text *
text_new(void)
{
	struct text *t = xcalloc(1, sizeof(*t));
	uint32_t draw = 1;
	size_t at = 0;

	while (at < PAGE_BYTES) {
		const char *word = vocabulary[(draw >> 16) % nitems(vocabulary)];

		draw = draw * 1664525U + 1013904223U;
		at += (size_t)snprintf(t->page + at, PAGE_BYTES + 32 - at, "%s ", word);
	}
	/* What stands behind the end is the beginning once more. */
	memcpy(t->page + PAGE_BYTES, t->page, TEXT_SLICE_MAX);
	return t;
}

void
text_free(struct text *t)
{
	xfree(t);
}

static bool
inside(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

struct str
text_slice(const struct text *t, uint64_t from, size_t len)
{
	size_t begin = (size_t)(from % PAGE_BYTES), end;

	if (len > TEXT_SLICE_MAX)
		len = TEXT_SLICE_MAX;
	end = begin + len;
	while (inside(t->page[begin]))
		begin++;
	while (inside(t->page[end]))
		end++;
	return str_make(t->page + begin, end > begin ? end - begin : 0);
}

struct str
text_known(struct str question)
{
	static const struct {
		const char *asked, *answer;
	} known[] = {
	    {"capital of France", "The capital of France is Paris."},
	    {"capital of Germany", "The capital of Germany is Berlin."},
	    {"Reply with OK", "OK"},
	};

	for (size_t i = 0; i < nitems(known); i++) {
		if (memmem(question.p, question.len, known[i].asked,
			strlen(known[i].asked)) != NULL)
			return str_of(known[i].answer);
	}
	return str_make("", 0);
}

void
text_escape(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if ((unsigned char)c < ' ')
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			(void)!buf_append(out, &c, 1);
	}
}

/* ---- schemas ---- */

struct filler {
	struct str root;
	struct buf *out;
	unsigned depth;
};

static void fill(struct filler *f, struct str schema);

static void
fill_object(struct filler *f, struct str schema)
{
	struct str rest = peek_open(peek_member(schema, "properties")), key, value;
	bool first = true;

	buf_add(f->out, "{");
	while (peek_next_member(&rest, &key, &value)) {
		buf_printf(
		    f->out, "%s\"%.*s\":", first ? "" : ",", (int)key.len, key.p);
		first = false;
		fill(f, value);
	}
	buf_add(f->out, "}");
}

static void
fill_plain(struct filler *f, struct str type, struct str schema)
{
	if (str_is(type, "integer"))
		buf_printf(f->out, "%lld",
		    (long long)peek_int(peek_member(schema, "minimum"), 42));
	else if (str_is(type, "number"))
		buf_add(f->out, "4.2");
	else if (str_is(type, "boolean"))
		buf_add(f->out, "true");
	else if (str_is(type, "null"))
		buf_add(f->out, "null");
	else
		buf_add(f->out, "\"Paris\"");
}

/* "#/$defs/Name" */
static struct str
resolve(const struct filler *f, struct str ref)
{
	struct str at = f->root, part;
	char key[64];

	while (str_split(&ref, '/', &part)) {
		if (str_is(part, "#"))
			continue;
		str_copy(key, sizeof(key), part);
		at = peek_member(at, key);
	}
	return at;
}

static bool
fill_chosen(struct filler *f, struct str schema)
{
	static const char *const lists[] = {"enum", "anyOf", "oneOf", "allOf"};
	struct str value = peek_member(schema, "const"), rest;

	if (value.len > 0) {
		(void)!buf_append_str(f->out, value);
		return true;
	}
	value = peek_text(peek_member(schema, "$ref"));
	if (value.len > 0) {
		fill(f, resolve(f, value));
		return true;
	}
	for (size_t i = 0; i < nitems(lists); i++) {
		rest = peek_open(peek_member(schema, lists[i]));
		if (!peek_next_element(&rest, &value))
			continue;
		if (i == 0)
			(void)!buf_append_str(f->out, value);
		else
			fill(f, value);
		return true;
	}
	return false;
}

static void
fill(struct filler *f, struct str schema)
{
	struct str type = peek_member(schema, "type"), rest = peek_open(type);

	if (f->depth++ >= SCHEMA_DEPTH) {
		buf_add(f->out, "null");
	} else if (!fill_chosen(f, schema)) {
		if (peek_is_array(type))
			(void)peek_next_element(&rest, &type);
		type = peek_text(type);
		if (str_is(type, "object") ||
		    peek_member(schema, "properties").len > 0) {
			fill_object(f, schema);
		} else if (str_is(type, "array")) {
			buf_add(f->out, "[");
			fill(f, peek_member(schema, "items"));
			buf_add(f->out, "]");
		} else {
			fill_plain(f, type, schema);
		}
	}
	f->depth--;
}

void
text_of_schema(struct str schema, struct buf *out)
{
	struct filler f = {.root = schema, .out = out};

	if (schema.len == 0)
		buf_add(out, "{\"answer\":\"Paris\"}");
	else
		fill(&f, schema);
}
