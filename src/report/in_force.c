/* in_force.c: kept texts to a snapshot, cells to an outlook. */
#include "in_force.h"

#include <stdio.h>

#include "config/kept.h"
#include "core/request.h"

#define MEM_MAX ((size_t)64 << 20)

struct str
in_force_text(struct books *b, const char *kind, struct str key, struct arena *mem)
{
	struct str text = {0};
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q = NULL;
	bool row;

	if (db != NULL)
		q = books_prepare(
		    b, db, "SELECT text FROM kept WHERE kind=?1 AND hash=?2");
	if (q == NULL)
		return text;
	sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, key.p, (int)key.len, SQLITE_TRANSIENT);
	if (books_step(b, q, &row) && row) {
		text = books_text(q, 0);
		text = str_make(arena_str(mem, text), text.len);
	}
	sqlite3_finalize(q);
	return text;
}

/* The text of a part, which is that of its full hash. */
static bool
take_part(
    struct books *b, struct kept_part *p, struct arena *mem, char ret_why[static 256])
{
	struct sha256 hash;

	p->text = in_force_text(b, p->kind, str_of(p->key), mem);
	hash = hash_sha256(p->text);
	if (p->text.p != NULL && hash_sha256_eq(&hash, &p->hash))
		return true;
	snprintf(ret_why, 256, "the ledger does not have the text of its %s %s",
	    p->kind, p->key);
	return false;
}

bool
in_force_texts(struct books *b, struct str basis, struct arena *mem,
    struct snapshot_texts *ret, char ret_why[static 256])
{
	struct kept_part part[KEPT_PARTS];
	struct str text = in_force_text(b, "basis", basis, mem);

	snprintf(ret_why, 256,
	    text.p == NULL ? "the ledger does not keep what was in force"
			   : "what was kept of it is damaged");
	if (text.p == NULL || !kept_read(text, part))
		return false;
	for (size_t i = 0; i < KEPT_PARTS; i++) {
		/* nothing is classified again */
		if (i == KEPT_weights || part[i].key[0] == '\0')
			continue;
		if (!take_part(b, &part[i], mem, ret_why))
			return false;
	}
	*ret = (struct snapshot_texts){.policy = part[KEPT_policy].text,
	    .catalogue = part[KEPT_catalogue].text,
	    .prices = part[KEPT_prices].text,
	    .contracts = part[KEPT_contracts].text};
	ret_why[0] = '\0';
	return true;
}

static struct snapshot *
rebuild(struct env *env, const struct snapshot_texts *t, char ret_why[static 256])
{
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_rebuild(env, t, d);
	const struct diag_finding *f;
	size_t n, i = 0;

	f = diag_findings(d, &n);
	while (s == NULL && i < n && f[i].level == DIAG_warning)
		i++;
	if (s == NULL)
		snprintf(ret_why, 256,
		    "this release cannot read the policy of then: %.180s",
		    i < n ? f[i].text : "");
	diag_free(d);
	return s;
}

struct snapshot *
in_force_snapshot(struct books *b, struct str basis, struct fleet_shared *fleet,
    char ret_why[static 256])
{
	struct arena *mem = arena_new(MEM_MAX);
	struct snapshot_texts t;
	struct snapshot *s = NULL;

	if (in_force_texts(b, basis, mem, &t, ret_why))
		s = rebuild(b->env, &t, ret_why);
	if (s != NULL && !fleet_bind(fleet, s)) {
		snprintf(ret_why, 256,
		    "this release does not know an API of the policy of then");
		snapshot_unref(s);
		s = NULL;
	}
	arena_free(mem);
	return s;
}

bool
in_force_cells(struct books *b, uint64_t number, in_force_cell_fn *each, void *arg)
{
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q = NULL;
	bool row, ok;

	if (number == 0)
		return true;
	if (db != NULL)
		q = books_prepare(b, db,
		    "SELECT cell, MAX(number), value, samples FROM outlook_cell"
		    " WHERE number<=?1 GROUP BY cell");
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, (int64_t)number);
	while ((ok = books_step(b, q, &row)) && row)
		each(arg, books_text(q, 0), sqlite3_column_double(q, 2),
		    sqlite3_column_double(q, 3));
	sqlite3_finalize(q);
	return ok;
}

static void
on_cell(void *arg, struct str cell, double value, double samples)
{
	outlook_cell_take(arg, cell, value, samples);
}

bool
in_force_outlook(struct books *b, uint64_t number, struct outlook *ret)
{
	*ret = (struct outlook){.number = number};
	return in_force_cells(b, number, on_cell, ret);
}
