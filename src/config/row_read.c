/* row_read.c: a map of the tree into a struct,
 * by its rows; all findings, not the first. */
#include "row.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/money.h"
#include "value.h"

#define KEYS_MAX 64

static const char *const truths[] = {"false", "true", NULL};

static void
store_int(const struct row *row, void *base, int64_t v)
{
	char *to = (char *)base + row->offset;
	int32_t narrow = (int32_t)v;
	bool truth = v != 0;

	if (row->size == sizeof(v))
		memcpy(to, &v, sizeof(v));
	else if (row->size == sizeof(narrow))
		memcpy(to, &narrow, sizeof(narrow));
	else
		memcpy(to, &truth, sizeof(truth));
}

static void
store(const struct row *row, void *base, const void *value)
{
	memcpy((char *)base + row->offset, value, row->size);
}

static bool
word_index(const char *const words[], struct str s, int64_t *ret)
{
	for (int64_t i = 0; words[i] != NULL; i++) {
		if (!str_is(s, words[i]))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool
read_int(const struct row *row, struct str s, int64_t *ret)
{
	switch (row->kind) {
	case KIND_ms:
		return value_ms(s, ret);
	case KIND_bytes:
		return value_bytes(s, ret);
	case KIND_time:
		return value_time(s, ret);
	case KIND_bool:
		return word_index(truths, s, ret);
	case KIND_word:
		return word_index(row->words, s, ret);
	default:
		return value_int(s, ret);
	}
}

static bool
in_range(const struct row *row, double v)
{
	return row->max == 0 || (v >= row->min && v <= row->max);
}

/* Reads the text of a scalar kind. False: not this kind or out of range. */
static bool
land(const struct row *row, const struct reading *r, struct str s, void *base)
{
	const char *text;
	struct pusd usd;
	int64_t i = 0;
	double v;

	switch (row->kind) {
	case KIND_text:
		text = arena_str(r->mem, s);
		store(row, base, &text);
		return s.len > 0;
	case KIND_number:
	case KIND_percent:
		if (row->kind == KIND_number ? !value_number(s, &v)
					     : !value_percent(s, &v))
			return false;
		store(row, base, &v);
		return in_range(row, v);
	case KIND_usd:
		if (!pusd_parse(s, &usd))
			return false;
		store(row, base, &usd);
		return true;
	default:
		if (!read_int(row, s, &i) || !in_range(row, (double)i) ||
		    (row->size == sizeof(int32_t) && i > INT32_MAX))
			return false;
		store_int(row, base, i);
		return true;
	}
}

static const char *
join_words(struct arena *mem, const char *const words[])
{
	const char *all = "";

	for (size_t i = 0; words[i] != NULL; i++)
		all = arena_printf(mem, "%s%s%s", all, i == 0 ? "" : ", ", words[i]);
	return all;
}

/* What is expected, with an example, and the range where there is one. */
static const char *
expected(const struct reading *r, const struct row *row)
{
	static const char *const what[] = {
	    [KIND_text] = "a text",
	    [KIND_int] = "a whole number",
	    [KIND_ms] = "a duration such as 300ms, 5s or 2m",
	    [KIND_bytes] = "a size such as 64KiB or 16MiB",
	    [KIND_number] = "a number such as 0.85",
	    [KIND_percent] = "a percentage such as 95%",
	    [KIND_usd] = "an amount in USD such as 2.00, without a sign",
	    [KIND_time] = "a day such as 2026-11-24",
	};
	struct buf b;
	const char *text;

	if (row->kind == KIND_bool)
		return "true or false";
	if (row->kind == KIND_word)
		return arena_printf(
		    r->mem, "one of: %s", join_words(r->mem, row->words));
	if (row->max == 0)
		return what[row->kind];
	buf_init(&b, 512);
	buf_printf(&b, "%s, from ", what[row->kind]);
	for (int i = 0; i < 2; i++) {
		double v = i == 0 ? row->min : row->max;

		if (row->kind == KIND_ms)
			value_put_ms(&b, (int64_t)v);
		else if (row->kind == KIND_bytes)
			value_put_bytes(&b, (int64_t)v);
		else if (row->kind == KIND_percent)
			value_put_percent(&b, v);
		else
			value_put_number(&b, v);
		buf_add(&b, i == 0 ? " to " : "");
	}
	text = arena_str(r->mem, buf_str(&b));
	buf_fini(&b);
	return text;
}

static void
refuse_value(const struct reading *r, const struct row *row, struct node *n)
{
	const char *near = NULL;
	int64_t i;

	n->bad = true;
	if (row->later_words != NULL && word_index(row->later_words, n->text, &i)) {
		diag_error(r->d, n->at,
		    "`%s: %s` is not in this release; use one of: %s", row->name,
		    n->text.p, join_words(r->mem, row->words));
		return;
	}
	if (row->kind == KIND_word)
		near = diag_nearest(n->text.p, row->words);
	if (near != NULL)
		diag_error(r->d, n->at, "%s: '%s' is not known; did you mean '%s'?",
		    row->name, n->text.p, near);
	else
		diag_error(r->d, n->at, "%s: '%s' does not fit; write %s", row->name,
		    n->text.p, expected(r, row));
}

bool
node_is_text(const struct reading *r, const struct node *n)
{
	if (n->bad)
		return false;
	if (n->kind == NODE_scalar)
		return true;
	diag_error(r->d, n->at, "%s: expected one value, not a %s; write %s: VALUE",
	    n->key.p == NULL ? "entry" : n->key.p,
	    n->kind == NODE_list ? "list" : "map", n->key.p == NULL ? "-" : n->key.p);
	return false;
}

bool
node_is_names(const struct reading *r, const struct node *n)
{
	if (n->bad)
		return false;
	if (n->kind != NODE_list) {
		diag_error(r->d, n->at, "%s: expected a list; write %s: [%s]", n->key.p,
		    n->key.p,
		    n->kind == NODE_scalar && n->text.len < 40 ? n->text.p : "a, b");
		return false;
	}
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		if (!node_is_text(r, c))
			return false;
	}
	return true;
}

static bool
looks_like_map(const struct reading *r, const struct node *n)
{
	if (n->bad)
		return false;
	if (n->kind == NODE_map)
		return true;
	diag_error(r->d, n->at, "%s: expected keys with values; write %s: {key: value}",
	    n->key.p, n->key.p);
	return false;
}

static bool
is_secret(const struct reading *r, const struct node *n)
{
	struct str s = n->text;

	if (!node_is_text(r, n))
		return false;
	if ((str_starts(s, STR("env:")) && s.len > 4) ||
	    (str_starts(s, STR("file:")) && s.len > 5))
		return true;
	/* The value itself is not repeated: findings go to logs. */
	diag_error(r->d, n->at,
	    "%s: a secret must not stand in this file; write env:NAME or file:PATH",
	    n->key.p == NULL ? "entry" : n->key.p);
	return false;
}

static bool
is_secrets(const struct reading *r, const struct node *n)
{
	bool ok = true;

	if (n->kind != NODE_list)
		return is_secret(r, n);
	for (const struct node *c = n->first; c != NULL; c = c->next)
		ok = is_secret(r, c) && ok;
	return ok;
}

static bool
is_texts(const struct reading *r, const struct node *n)
{
	if (!looks_like_map(r, n))
		return false;
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		if (!node_is_text(r, c))
			return false;
	}
	return true;
}

static void
read_entry(
    const struct reading *r, const struct table_def *def, struct node *n, void *entry)
{
	struct draft *draft = entry;
	const char *where = arena_printf(r->mem, " in %s '%s'", def->what, n->key.p);

	draft->name = n->key.p;
	draft->node = n;
	if (!value_name(n->key) && n->key.len > 0)
		diag_error(r->d, n->key_at,
		    "'%s' cannot name a %s; use at most 39 letters, digits and ._-/",
		    n->key.p, def->what);
	row_read(r, def->rows, looks_like_map(r, n) ? n : NULL, where, entry);
}

static void
read_table(const struct reading *r, const struct row *row, struct node *n, void *base)
{
	const struct table_def *def = row->table;
	struct table t = {0};

	if (!looks_like_map(r, n))
		return;
	if (n->count > def->max) {
		diag_error(r->d, n->key_at,
		    "%u entries of %s, more than the %u that fit; "
		    "merge or remove some",
		    n->count, row->name, def->max);
		return;
	}
	t.entries = arena_alloc(r->mem, n->count * def->size);
	for (struct node *c = n->first; c != NULL; c = c->next)
		read_entry(r, def, c, table_at(&t, def, t.count++));
	store(row, base, &t);
}

static void
read_group(const struct reading *r, const struct row *row, struct node *n,
    const char *where, void *base)
{
	const char *in = arena_printf(r->mem, " in %s%s", row->name, where);
	struct node *map = n != NULL && looks_like_map(r, n) ? n : NULL;

	row_read(r, row->rows, map, in, base);
}

/* The value of a key that is there. */
static void
read_value(const struct reading *r, const struct row *row, struct node *n, void *base)
{
	bool ok;

	switch (row->kind) {
	case KIND_later:
		diag_error(r->d, n->key_at, "`%s` is not in this release: %s",
		    row->name, row->help);
		return;
	case KIND_table:
		read_table(r, row, n, base);
		return;
	case KIND_secret:
		ok = is_secrets(r, n);
		break;
	case KIND_names:
		ok = node_is_names(r, n);
		break;
	case KIND_map:
		ok = is_texts(r, n);
		break;
	case KIND_any:
		ok = !n->bad;
		break;
	default:
		if (node_is_text(r, n) && !land(row, r, n->text, base))
			refuse_value(r, row, n);
		return;
	}
	if (ok)
		store(row, base, &n);
}

static void
read_absent(const struct reading *r, const struct row *row, void *base)
{
	double none = -1;

	if (row->def != NULL) {
		if (!land(row, r, str_of(row->def), base))
			xabort("a default that its own row refuses");
		return;
	}
	switch (row->kind) {
	case KIND_number:
	case KIND_percent:
		store(row, base, &none);
		break;
	case KIND_bool:
	case KIND_int:
	case KIND_ms:
	case KIND_bytes:
	case KIND_time:
	case KIND_word:
		store_int(row, base, -1);
		break;
	default: /* pointers, tables and money: zeros */
		break;
	}
}

const struct row *
row_find(const struct row *rows, const char *name)
{
	for (; rows->name != NULL; rows++) {
		if (strcmp(rows->name, name) == 0)
			return rows;
	}
	return NULL;
}

static void
refuse_unknown(const struct reading *r, const struct row *rows, const struct node *n,
    const char *where)
{
	const char *known[KEYS_MAX + 1] = {NULL}, *near;
	size_t count = 0;

	if (n->key.len == 0)
		return;
	for (const struct row *row = rows; row->name != NULL && count < KEYS_MAX;
	     row++) {
		if (row->kind != KIND_later)
			known[count++] = row->name;
	}
	near = diag_nearest(n->key.p, known);
	if (near != NULL)
		diag_error(r->d, n->key_at, "unknown key '%s'%s; did you mean '%s'?",
		    n->key.p, where, near);
	else
		diag_error(r->d, n->key_at, "unknown key '%s'%s; known are: %s",
		    n->key.p, where, join_words(r->mem, known));
}

/* Is a key of the map probably this one, misspelt? Then that is the finding. */
static bool
is_misspelt(const struct row *rows, const struct row *row, const struct node *map)
{
	const char *only[] = {row->name, NULL};

	for (const struct node *n = map->first; n != NULL; n = n->next) {
		if (row_find(rows, n->key.p) == NULL &&
		    diag_nearest(n->key.p, only) != NULL)
			return true;
	}
	return false;
}

static void
require(const struct reading *r, const struct row *rows, const struct row *row,
    const struct node *map, const char *where)
{
	if ((row->flags & ROW_required) == 0 || is_misspelt(rows, row, map))
		return;
	diag_error(r->d, map->key_at.file == NULL ? map->at : map->key_at,
	    "`%s` is missing%s; add %s: %s", row->name, where, row->name, row->shape);
}

void
row_read(const struct reading *r, const struct row *rows, struct node *map,
    const char *where, void *base)
{
	for (const struct row *row = rows; row->name != NULL; row++) {
		struct node *n = node_get(map, row->name);

		if (row->kind == KIND_group) {
			read_group(r, row, n, where, base);
			continue;
		}
		if (n == NULL || row->kind != KIND_later)
			read_absent(r, row, base);
		if (n != NULL)
			read_value(r, row, n, base);
		else if (map != NULL)
			require(r, rows, row, map, where);
	}
	for (const struct node *n = map == NULL ? NULL : map->first; n != NULL;
	     n = n->next) {
		if (row_find(rows, n->key.p) == NULL)
			refuse_unknown(r, rows, n, where);
	}
}
