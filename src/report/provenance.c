/* provenance.c: policies and price books that were in force in a time, and corrections
 * of its rows. */
#include "provenance.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "dates.h"

/* %s: when it was last said to be in force. What came before `to`, and was not replaced
 * at `from`. */
static const char kept_sql[] =
    "SELECT hash FROM kept WHERE kind=?1 AND since_ms<?3 AND %s>=ifnull("
    "(SELECT MAX(%s) FROM kept WHERE kind=?1 AND %s<=?2),0)"
    " ORDER BY since_ms DESC LIMIT 64";
static const char corrections_sql[] =
    "SELECT COUNT(*) FROM correction c JOIN request r ON r.id=c.request"
    " JOIN name key ON key.id=r.key JOIN name team ON team.id=r.team"
    " WHERE r.end_ms>=?1 AND r.end_ms<?2"
    " AND (?3 OR key.text=?4 OR (?5<>'' AND team.text=?5))";

static bool
read_kept(struct books *b, const struct ask *ask, const char *kind, size_t size,
    char *ret, unsigned *ret_count)
{
	sqlite3 *db = books_sums(b);
	const char *last = "since_ms";
	char sql[400];
	sqlite3_stmt *q;
	unsigned n = 0;
	bool row, ok;

	if (db == NULL)
		return false;
	if (books_has(db, "kept", "last_ms"))
		last = "last_ms";
	snprintf(sql, sizeof(sql), kept_sql, last, last, last);
	q = books_prepare(b, db, sql);
	if (q == NULL)
		return false;
	sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, ask->from_ms);
	sqlite3_bind_int64(q, 3, ask->to_ms);
	while ((ok = books_step(b, q, &row)) && row && n < PROVENANCE_MAX) {
		memmove(ret + size, ret, n++ * size);
		str_copy(ret, size, books_text(q, 0));
	}
	sqlite3_finalize(q);
	*ret_count = n;
	return ok;
}

static bool
count_in(struct books *b, sqlite3 *db, const struct ask *ask, const struct scope *scope,
    int64_t *count)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!books_has(db, "correction", "seq"))
		return true;
	q = books_prepare(b, db, corrections_sql);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, ask->from_ms);
	sqlite3_bind_int64(q, 2, ask->to_ms);
	sqlite3_bind_int(q, 3, scope->all);
	sqlite3_bind_text(
	    q, 4, scope->key == NULL ? "" : scope->key, -1, SQLITE_STATIC);
	sqlite3_bind_text(
	    q, 5, scope->team == NULL ? "" : scope->team, -1, SQLITE_STATIC);
	ok = books_step(b, q, &row);
	if (ok && row)
		*count += sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return ok;
}

static bool
read_corrections(struct books *b, const struct ask *ask, const struct scope *scope,
    struct provenance *ret)
{
	int last = date_month(ask->to_ms - 1);
	int64_t count = 0;

	for (int m = date_month(ask->from_ms); m <= last; m++) {
		sqlite3 *db = books_month(b, m);

		if (db == NULL && b->why[0] == '\0')
			continue;
		if (db == NULL || !count_in(b, db, ask, scope, &count))
			return false;
	}
	ret->corrections = count;
	return true;
}

bool
provenance_read(struct books *b, const struct ask *ask, const struct scope *scope,
    struct provenance *ret)
{
	*ret = (struct provenance){.corrections = -1};
	return read_kept(b, ask, "policy", sizeof(ret->policy[0]), ret->policy[0],
		   &ret->policies) &&
	       read_kept(b, ask, "prices", sizeof(ret->prices[0]), ret->prices[0],
		   &ret->price_books) &&
	       (ask->filters > 0 || read_corrections(b, ask, scope, ret));
}
