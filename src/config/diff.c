/* diff.c: what changes from one policy to another, in words. */
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/snapshot.h"
#include "draft.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define VALUE_SHOWN 160

struct differ {
	struct arena *mem;
	struct buf *out;
	unsigned lines;
};

static const char *
shown(struct differ *df, const struct node *n)
{
	struct buf b;
	const char *text;

	buf_init(&b, TREE_BYTES_MAX * 2);
	node_print(n, &b);
	text = b.len <= VALUE_SHOWN ? arena_str(df->mem, buf_str(&b))
				    : arena_printf(df->mem, "%.*s…", VALUE_SHOWN, b.p);
	buf_fini(&b);
	return text;
}

static const char *
restart_note(unsigned flags)
{
	return (flags & ROW_restart) != 0 ? " (needs a restart)" : "";
}

static void
say_change(struct differ *df, const char *path, const struct node *a,
    const struct node *b, unsigned flags)
{
	const char *was = a == NULL ? NULL : shown(df, a);
	const char *is = b == NULL ? NULL : shown(df, b);

	if (was != NULL && is != NULL && strcmp(was, is) == 0)
		return;
	if (was == NULL)
		buf_printf(df->out, "%s: added, %s%s\n", path, is, restart_note(flags));
	else if (is == NULL)
		buf_printf(
		    df->out, "%s: removed, was %s%s\n", path, was, restart_note(flags));
	else
		buf_printf(
		    df->out, "%s: %s -> %s%s\n", path, was, is, restart_note(flags));
	df->lines++;
}

static void diff_rows(struct differ *df, const struct row *rows, const char *prefix,
    const struct node *a, const struct node *b);

/* An entry that is new or gone is one line, not one for each of its keys. */
static void
diff_table(struct differ *df, const struct row *row, const char *path,
    const struct node *a, const struct node *b)
{
	for (const struct node *n = a == NULL ? NULL : a->first; n != NULL;
	     n = n->next) {
		const struct node *fresh = node_get(b, n->key.p);
		const char *name = arena_printf(df->mem, "%s.%s", path, n->key.p);

		if (fresh != NULL) {
			diff_rows(df, row->table->rows, name, n, fresh);
			continue;
		}
		buf_printf(df->out, "%s: removed\n", name);
		df->lines++;
	}
	for (const struct node *n = b == NULL ? NULL : b->first; n != NULL;
	     n = n->next) {
		if (node_get(a, n->key.p) != NULL)
			continue;
		buf_printf(df->out, "%s.%s: added, %s\n", path, n->key.p, shown(df, n));
		df->lines++;
	}
}

/* Names to texts: each on its own. */
static void
diff_map(struct differ *df, const struct row *row, const char *path,
    const struct node *a, const struct node *b)
{
	for (const struct node *n = a == NULL ? NULL : a->first; n != NULL; n = n->next)
		say_change(df, arena_printf(df->mem, "%s.%s", path, n->key.p), n,
		    node_get(b, n->key.p), row->flags);
	for (const struct node *n = b == NULL ? NULL : b->first; n != NULL;
	     n = n->next) {
		if (node_get(a, n->key.p) == NULL)
			say_change(df, arena_printf(df->mem, "%s.%s", path, n->key.p),
			    NULL, n, row->flags);
	}
}

static void
diff_rows(struct differ *df, const struct row *rows, const char *prefix,
    const struct node *a, const struct node *b)
{
	for (const struct row *row = rows; row->name != NULL; row++) {
		const struct node *x = node_get(a, row->name),
				  *y = node_get(b, row->name);
		const char *path = arena_printf(
		    df->mem, "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", row->name);

		if (x == NULL && y == NULL)
			continue;
		if (row->kind == KIND_group)
			diff_rows(df, row->rows, path, x, y);
		else if (row->kind == KIND_table)
			diff_table(df, row, path, x, y);
		else if (row->kind == KIND_map)
			diff_map(df, row, path, x, y);
		else
			say_change(df, path, x, y, row->flags);
	}
}

unsigned
config_diff(struct str old_canonical, struct str fresh_canonical, struct buf *ret)
{
	struct differ df = {.mem = arena_new(ARENA_BYTES), .out = ret};
	struct diag *ignored = diag_new();
	const struct node *a =
	    tree_parse(df.mem, df.mem, old_canonical, "old", ignored);
	const struct node *b =
	    tree_parse(df.mem, df.mem, fresh_canonical, "new", ignored);

	diff_rows(&df, schema_rows, "", a, b);
	diag_free(ignored);
	arena_free(df.mem);
	return df.lines;
}

/* ---- keys: not part of the policy's text ---- */

static bool
say_key(struct buf *ret, const struct key_entry *k, const char *what)
{
	buf_printf(ret, "key %s (%s): %s\n", k->name, k->hint, what);
	return true;
}

/* What became of a key that is in both; false: nothing. */
static bool
changed_key(struct buf *ret, const struct key_entry *a, const struct key_entry *b)
{
	const char *team_a = a->team == NULL ? "" : a->team->name;
	const char *team_b = b->team == NULL ? "" : b->team->name;

	if (a->revoked != b->revoked)
		return say_key(ret, b, b->revoked ? "revoked" : "no longer revoked");
	if (a->paused != b->paused)
		return say_key(ret, b, b->paused ? "paused" : "resumed");
	if (a->expires_s != b->expires_s)
		return say_key(ret, b, "its expiry changes");
	if (strcmp(team_a, team_b) != 0)
		return say_key(ret, b, "its team changes");
	return false;
}

static unsigned
diff_keys(const struct snapshot *old, const struct snapshot *fresh, struct buf *ret)
{
	unsigned lines = 0;

	for (unsigned i = 0; i < old->key_count; i++) {
		const struct key_entry *k = &old->keys[i], *now;

		now = snapshot_key(fresh, &k->hash);
		lines +=
		    now == NULL ? say_key(ret, k, "removed") : changed_key(ret, k, now);
	}
	for (unsigned i = 0; i < fresh->key_count; i++) {
		if (snapshot_key(old, &fresh->keys[i].hash) == NULL)
			lines += say_key(ret, &fresh->keys[i], "added");
	}
	return lines;
}

unsigned
snapshot_diff(const struct snapshot *old, const struct snapshot *fresh, struct buf *ret)
{
	unsigned lines =
	    config_diff(str_of(old->canonical), str_of(fresh->canonical), ret);
	const char *was = price_book_version(old->prices);
	const char *is = price_book_version(fresh->prices);

	if (strcmp(was, is) != 0) {
		buf_printf(ret, "price book: %s -> %s\n", was, is);
		lines++;
	}
	if (!str_eq(old->contracts_text, fresh->contracts_text)) {
		buf_add(ret, "fixed prices of contracts: changed\n");
		lines++;
	}
	return lines + diff_keys(old, fresh, ret);
}
