/* store_texts.c: what the ledger keeps beside rows and sums: texts by their hashes,
 * what was learned. */
#include <string.h>

#include "base/env.h"
#include "outlook.h"
#include "store_file.h"

/* Rows name these texts and outlooks; they cannot be made again. */

bool
store_keep(struct store *s, const char *kind, const char *hash, struct str text)
{
	bool ok;

	if (!store_use_ledger(s) || !db_sync_commits(&s->db, true))
		return false;
	db_text(s->keep, 1, str_of(kind));
	db_text(s->keep, 2, str_of(hash));
	sqlite3_bind_int64(s->keep, 3, env_wall_ms(s->env));
	sqlite3_bind_blob(
	    s->keep, 4, text.p == NULL ? "" : text.p, (int)text.len, SQLITE_STATIC);
	ok = db_run(&s->db, s->keep) && db_sync_commits(&s->db, false);
	if (!ok)
		store_close_ledger(s);
	return ok;
}

void
store_load_outlook(struct store *s, struct outlook *ret)
{
	outlook_cells_load(&s->db, ret);
}

void
store_load_learned(struct store *s,
    void (*each)(void *arg, struct str cell, struct str bytes), void *arg)
{
	sqlite3_stmt *q;
	bool row;

	if (!db_prepare(&s->db, "SELECT cell, bytes FROM learned ORDER BY cell", &q))
		return;
	while (db_step(&s->db, q, &row) && row)
		each(arg, str_of((const char *)sqlite3_column_text(q, 0)),
		    str_make(
			sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1)));
	sqlite3_finalize(q);
}

static bool
put_learned(struct store *s, const struct store_learned *l, int64_t at_ms)
{
	db_text(s->put_learned, 1, str_of(l->cell));
	sqlite3_bind_int64(s->put_learned, 2, at_ms);
	sqlite3_bind_blob(s->put_learned, 3, l->bytes, (int)l->len, SQLITE_STATIC);
	return db_run(&s->db, s->put_learned);
}

bool
store_save_outlook(struct store *s, const struct outlook *from,
    const struct outlook *to, const struct store_learned *learned, unsigned count)
{
	int64_t now = env_wall_ms(s->env);
	bool ok;

	if (!store_use_ledger(s) || !db_sync_commits(&s->db, true) ||
	    !db_exec(&s->db, "BEGIN IMMEDIATE"))
		return false;
	ok = outlook_cells_put(&s->db, s->put_outlook, from, to, now);
	for (unsigned i = 0; ok && i < count; i++)
		ok = put_learned(s, &learned[i], now);
	ok = ok && db_exec(&s->db, "COMMIT");
	if (!ok)
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	return db_sync_commits(&s->db, false) && ok;
}

bool
store_month_spend(struct store *s, enum share_of of, const char *name, int month,
    struct pusd_sum ret[static TIER_COUNT])
{
	bool row = true, ok;
	sqlite3_stmt *q;

	if (!store_use_ledger(s) ||
	    !db_prepare(&s->db,
		of == SHARE_team
		    ? "SELECT tier, SUM(paid_hi), SUM(paid_lo) FROM rollup WHERE"
		      " hour>=?1 AND hour<?2 AND team=?3 GROUP BY tier"
		    : "SELECT tier, SUM(paid_hi), SUM(paid_lo) FROM rollup WHERE"
		      " hour>=?1 AND hour<?2 AND key=?3 GROUP BY tier",
		&q))
		return false;
	sqlite3_bind_int64(q, 1, month_begin_ms(month) / ROLLUP_HOUR_MS);
	sqlite3_bind_int64(q, 2, month_begin_ms(month + 1) / ROLLUP_HOUR_MS);
	db_text(q, 3, str_of(name));
	memset(ret, 0, TIER_COUNT * sizeof(*ret));
	while ((ok = db_step(&s->db, q, &row)) && row) {
		int tier = sqlite3_column_int(q, 0);

		if (tier >= 0 && tier < TIER_COUNT)
			ret[tier] = pusd_sum_join(
			    sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2));
	}
	sqlite3_finalize(q);
	return ok;
}
