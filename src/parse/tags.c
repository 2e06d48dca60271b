/* tags.c: what a request is for: tags of its key, of the token that its key was given
 * for, of the path, and of a header. Budgets hang on tags, so what a stronger source
 * says is never overwritten, dropped or cut off. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/diag.h"
#include "core/request.h"
#include "core/worker.h"

/* All of them must fit into the slot, or the ledger would lose some in silence. */
static_assert(sizeof(((struct slot_request *)NULL)->tags) == TAGS_BYTES &&
		  nitems(((struct slot_request *)NULL)->tag_source) == TAGS_MOST &&
		  nitems(((struct request *)NULL)->tags) == TAGS_MOST,
    "there is room for them");
static_assert(TAG_WORD_BYTES == 128, "WORD_WANT says so");

#define WHY_BYTES 320

/* What a word of a tag should look like; for the client. */
#define WORD_WANT "A-Za-z0-9._:/@+-, at most 128 bytes"

/* Tags on their way into the request. */
struct taking {
	struct request *r;
	enum tag_source source;
	size_t count, bytes; /* of all, even of those there is no room for */
	char why[WHY_BYTES];
};

static bool wrong(struct taking *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool
wrong(struct taking *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
	return false;
}

static const struct tag *
find(const struct request *r, struct str name)
{
	for (unsigned i = 0; i < r->tag_count; i++) {
		if (str_eq(r->tags[i].name, name))
			return &r->tags[i];
	}
	return NULL;
}

/* A name that a stronger source has set stays. */
static bool
take(struct taking *t, struct str name, struct str value)
{
	const struct tag *known = find(t->r, name);

	if (known != NULL && str_eq(known->value, value))
		return true;
	if (known != NULL && known->source == t->source)
		return wrong(t, "the tag '%.*s' has two values", (int)name.len, name.p);
	if (known != NULL) {
		count(t->r->worker, tags_overridden);
		return true;
	}
	t->count++;
	t->bytes += name.len + value.len + 2;
	if (t->r->tag_count < TAGS_MOST)
		t->r->tags[t->r->tag_count++] =
		    (struct tag){.name = name, .value = value, .source = t->source};
	return true;
}

/* All that there are, so that who sees the limit also sees by how much. */
static bool
fits(struct taking *t)
{
	if (t->count > TAGS_MOST)
		return wrong(t, "%zu tags of at most %d", t->count, TAGS_MOST);
	if (t->bytes > TAGS_BYTES)
		return wrong(t,
		    "the tags of this request have %zu bytes of at most %d (name, "
		    "value and 2 more for each)",
		    t->bytes, TAGS_BYTES);
	return true;
}

static bool
take_word(
    struct taking *t, struct str word, struct str *ret_name, struct str *ret_value)
{
	*ret_value = word;
	if (!str_split(ret_value, '=', ret_name) || ret_value->p == NULL)
		return wrong(t, "expected NAME=VALUE,NAME=VALUE");
	return true;
}

static bool
take_pair(struct taking *t, struct str name, struct str value)
{
	if (!tag_text_ok(name) || !tag_text_ok(value))
		return wrong(
		    t, "expected NAME=VALUE,NAME=VALUE; each word is of " WORD_WANT);
	return true;
}

/* ---- of the key ---- */

/* The file of keys and the claims of tokens were checked; if one does not fit all the
 * same, then without it the client could say something else. */
static bool
take_of_key(struct taking *t, const struct key_entry *key)
{
	t->source = key->of_token ? TAG_by_token : TAG_by_key;
	for (size_t i = 0; key->tags != NULL && key->tags[i] != NULL; i++) {
		struct str value, name;

		if (!take_word(t, str_of(key->tags[i]), &name, &value) ||
		    !take_pair(t, name, value))
			return false;
		if (snapshot_tag(t->r->snap, name) != NULL && !take(t, name, value))
			return false;
	}
	return true;
}

/* ---- of the path ---- */

/* Into the request's arena; false: a '%' without two hex digits. */
static bool
unescape(struct request *r, struct str *s)
{
	char *text;
	size_t n = 0;

	if (memchr(s->p, '%', s->len) == NULL)
		return true;
	text = arena_alloc(r->mem, s->len + 1);
	for (size_t i = 0; i < s->len; i++, n++) {
		text[n] = s->p[i];
		if (s->p[i] != '%')
			continue;
		if (i + 2 >= s->len || str_hex_digit(s->p[i + 1]) < 0 ||
		    str_hex_digit(s->p[i + 2]) < 0)
			return false;
		text[n] = (char)(str_hex_digit(s->p[i + 1]) << 4 |
				 str_hex_digit(s->p[i + 2]));
		i += 2;
	}
	*s = str_make(text, n);
	return true;
}

static bool
undeclared(struct taking *t, struct str name)
{
	const char *known[33] = {NULL}, *near;
	const struct snapshot *s = t->r->snap;

	for (unsigned i = 0; i < s->tag_count && i < nitems(known) - 1; i++)
		known[i] = s->tags[i].name;
	near = diag_nearest(arena_str(t->r->mem, name), known);
	if (near != NULL)
		return wrong(t, "there is no tag '%.*s'; did you mean '%s'?",
		    (int)name.len, name.p, near);
	return wrong(t,
	    "there is no tag '%.*s'; the policy declares those that there are at "
	    "`tags`",
	    (int)name.len, name.p);
}

/* Whoever writes a base URL sees the answers, so a tag that would not count is told. */
static bool
take_of_path(struct taking *t, struct str list)
{
	struct str part, name;

	t->source = TAG_by_path;
	while (list.len > 0 && str_split(&list, ',', &part)) {
		struct str value;

		if (!take_word(t, part, &name, &value))
			return false;
		if (!unescape(t->r, &name) || !unescape(t->r, &value))
			return wrong(t, "a '%%' wants two hex digits behind it");
		if (!take_pair(t, name, value))
			return false;
		if (snapshot_tag(t->r->snap, name) == NULL)
			return undeclared(t, name);
		if (!take(t, name, value))
			return false;
	}
	return true;
}

/* ---- of the header ---- */

/* Only declared names count: whatever a client invents must not grow the ledger. One
 * set of headers may go to gateways with other policies, so the rest is no mistake. */
static bool
take_of_header(struct taking *t, struct str list)
{
	struct str part, name;

	t->source = TAG_by_header;
	while (str_split(&list, ',', &part)) {
		struct str value;

		part = str_trim(part);
		if (part.len == 0)
			continue;
		if (!take_word(t, part, &name, &value) || !take_pair(t, name, value))
			return false;
		if (snapshot_tag(t->r->snap, name) != NULL && !take(t, name, value))
			return false;
	}
	return true;
}

enum next
parse_tags(struct request *r)
{
	struct taking t = {.r = r};
	const char *header = r->in.header[HDR_x_frugald_tags];

	if (r->who.key != NULL && !(take_of_key(&t, r->who.key) && fits(&t)))
		return request_fail_text(
		    r, OUT_bad_request, NULL, "tags of the key: %s", t.why);
	if (!take_of_path(&t, r->in.path_tags) || !fits(&t))
		return request_fail_text(
		    r, OUT_bad_request, NULL, "path /t/TAGS/: %s", t.why);
	if (header != NULL && !(take_of_header(&t, str_of(header)) && fits(&t)))
		return request_fail_text(r, OUT_bad_header, "x-frugald-tags",
		    "header x-frugald-tags: %s", t.why);
	return NEXT;
}
