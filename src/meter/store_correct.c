/* store_correct.c: what an attempt cost after all: a row in the month of its request,
 * and the difference in the sums of the hour in which it was said. */
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "month_scan.h"
#include "store_file.h"

#define CAUGHT_UP "corrected:%04d-%02d"

struct found {
	int64_t seq;
	bool there;
};

static bool
fail(char ret_why[static STORE_WHY], const char *what, const char *why)
{
	snprintf(ret_why, STORE_WHY, "%s: %.200s", what, why);
	return false;
}

/* ---- which request ---- */

static bool
find_in(struct store *s, int month, const uint8_t id[static 16], struct found *ret)
{
	sqlite3_stmt *q;
	char path[4096];

	month_path(s->dir, month, path, sizeof(path));
	if (s->env->file_size(s->env, path) < 0)
		return true;
	if (!store_use_month(s, month))
		return false;
	q = s->month.find;
	sqlite3_bind_blob(q, 1, id, 16, SQLITE_STATIC);
	if (!db_step(&s->month.db, q, &ret->there))
		return false;
	ret->seq = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return true;
}

/* The id says when it began; the file is that of its end. */
static bool
find(struct store *s, struct id id, struct found *ret, char ret_why[static STORE_WHY])
{
	int first = month_of(id_ms(id));
	uint8_t bytes[16];

	*ret = (struct found){0};
	id_bytes(id, bytes);
	for (int m = first; m <= first + 1 && !ret->there; m++) {
		if (!find_in(s, m, bytes, ret))
			return fail(ret_why, "the month", s->month.db.why);
	}
	if (!ret->there)
		snprintf(ret_why, STORE_WHY,
		    "no request of that id is in the ledger; it may still be under "
		    "way, or its month was removed");
	return ret->there;
}

static int
standing(const struct slot *s, unsigned attempts)
{
	for (unsigned i = s->attempts; s->outcome == OUT_served && i > 0; i--) {
		if (s->attempt[i - 1].outcome == OUT_served)
			return (int)i - 1;
	}
	return (int)attempts - 1;
}

/* ---- what it was taken to cost ---- */

static const char before_sql[] =
    "SELECT amount_pusd FROM correction WHERE request=?1 AND n=?2 AND seq<?3"
    " ORDER BY seq DESC LIMIT 1";

/* `before`: the number of the correction that is looked at. */
static bool
amount_before(struct store *s, const uint8_t id[static 16], int n, int64_t before,
    int64_t booked, int64_t *ret)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!db_prepare(&s->month.db, before_sql, &q))
		return false;
	sqlite3_bind_blob(q, 1, id, 16, SQLITE_STATIC);
	sqlite3_bind_int(q, 2, n);
	sqlite3_bind_int64(q, 3, before);
	ok = db_step(&s->month.db, q, &row);
	if (ok)
		*ret = row ? sqlite3_column_int64(q, 0) : booked;
	sqlite3_finalize(q);
	return ok;
}

/* ---- sums ---- */

static bool
add_one(struct store *s, sqlite3_stmt *c)
{
	const uint8_t *id = sqlite3_column_blob(c, 2);
	int64_t seq = sqlite3_column_int64(c, 0), was = 0;
	int n = sqlite3_column_int(c, 3);
	const struct slot_attempt *a;
	struct month_scan scan;
	bool row, ok;

	if (sqlite3_column_bytes(c, 2) != 16)
		return true;
	ok = month_scan_open(&scan, &s->month.db, sqlite3_column_int64(c, 5) - 1) &&
	     month_scan_next(&scan, &row);
	if (ok && row && n >= 0 && (unsigned)n < scan.attempts_seen) {
		a = month_scan_attempt(&scan, (unsigned)n);
		ok = amount_before(s, id, n, seq, a->amount_pusd, &was) &&
		     rollup_correct(&s->rollup, &scan.slot, a,
			 sqlite3_column_int64(c, 1),
			 sqlite3_column_int64(c, 4) - (was > 0 ? was : 0));
	}
	month_scan_close(&scan);
	return ok;
}

static const char missing_sql[] =
    "SELECT c.seq,c.at_ms,c.request,c.n,c.amount_pusd,r.seq FROM correction c"
    " JOIN request r ON r.id=c.request WHERE c.seq>?1 ORDER BY c.seq";

static bool
add_missing(struct store *s, int64_t from, int64_t *ret_last)
{
	sqlite3_stmt *q;
	bool row = false, ok;

	if (!db_prepare(&s->month.db, missing_sql, &q))
		return false;
	sqlite3_bind_int64(q, 1, from);
	while ((ok = db_step(&s->month.db, q, &row)) && row && ok) {
		*ret_last = sqlite3_column_int64(q, 0);
		ok = add_one(s, q);
		if (!ok)
			break;
	}
	sqlite3_finalize(q);
	return ok;
}

bool
store_catch_up_corrections(struct store *s, char ret_why[static STORE_WHY])
{
	int64_t from, last;
	char key[40];
	bool ok;

	snprintf(key, sizeof(key), CAUGHT_UP, s->month.number / 12,
	    s->month.number % 12 + 1);
	if (!store_get_meta(s, key, &from))
		return fail(ret_why, "the roll-ups", s->db.why);
	last = from;
	rollup_begin(&s->rollup);
	ok = db_exec(&s->db, "BEGIN IMMEDIATE") && add_missing(s, from, &last) &&
	     (last == from ||
		 (rollup_flush(&s->rollup) && store_put_meta(s, key, last))) &&
	     db_exec(&s->db, "COMMIT");
	if (ok)
		return true;
	fail(ret_why, "the roll-ups",
	    s->db.why[0] != '\0' ? s->db.why : s->month.db.why);
	sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	store_close_ledger(s);
	return false;
}

/* ---- the row ---- */

static bool
insert(struct store *s, const struct ledger_correction *c,
    const struct ledger_corrected *r, char ret_why[static STORE_WHY])
{
	uint8_t id[16];
	sqlite3_stmt *q;
	bool ok;

	id_bytes(c->request, id);
	if (!db_prepare(&s->month.db,
		"INSERT INTO correction(at_ms,request,n,amount_pusd,why)"
		" VALUES(?1,?2,?3,?4,?5)",
		&q))
		return fail(ret_why, "the correction", s->month.db.why);
	sqlite3_bind_int64(q, 1, r->at_ms);
	sqlite3_bind_blob(q, 2, id, sizeof(id), SQLITE_STATIC);
	sqlite3_bind_int(q, 3, r->attempt);
	sqlite3_bind_int64(q, 4, c->amount.v);
	db_text(q, 5, str_of(c->why));
	ok = db_run(&s->month.db, q);
	sqlite3_finalize(q);
	if (!ok) {
		fail(ret_why, "the correction", s->month.db.why);
		store_leave_month(s);
	}
	return ok;
}

static bool
describe(struct store *s, const struct ledger_correction *c, int64_t seq,
    struct ledger_corrected *ret, char ret_why[static STORE_WHY])
{
	const struct slot_attempt *a;
	struct month_scan scan;
	uint8_t id[16];
	bool row, ok;

	id_bytes(c->request, id);
	ok = month_scan_open(&scan, &s->month.db, seq - 1) &&
	     month_scan_next(&scan, &row) && row;
	if (!ok)
		fail(ret_why, "the request", s->month.db.why);
	ret->attempt = c->attempt >= 0 || !ok
			   ? c->attempt
			   : standing(&scan.slot, scan.attempts_seen);
	if (ok && (unsigned)ret->attempt >= scan.attempts_seen) {
		snprintf(ret_why, STORE_WHY, "it has %u attempts", scan.attempts_seen);
		ok = false;
	}
	if (ok) {
		a = month_scan_attempt(&scan, (unsigned)ret->attempt);
		str_copy(ret->model, sizeof(ret->model), str_of(a->model));
		str_copy(ret->provider, sizeof(ret->provider), str_of(a->provider));
		ok = amount_before(
		    s, id, ret->attempt, INT64_MAX, a->amount_pusd, &ret->was_pusd);
	}
	month_scan_close(&scan);
	return ok;
}

bool
store_correct(struct store *s, const struct ledger_correction *c,
    struct ledger_corrected *ret, char ret_why[static STORE_WHY])
{
	struct found f;

	*ret = (struct ledger_corrected){.at_ms = env_wall_ms(s->env)};
	if (!store_use_ledger(s))
		return fail(ret_why, "ledger.db", s->db.why);
	return find(s, c->request, &f, ret_why) &&
	       describe(s, c, f.seq, ret, ret_why) && insert(s, c, ret, ret_why) &&
	       store_catch_up_corrections(s, ret_why);
}
