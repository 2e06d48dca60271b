/* verify_correct.c: corrections stand in the month of their request, and count in the
 * hour in which they were said, which may be in another. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "verify.h"

struct verify_correction {
	struct slot slot; /* as roll-ups take it */
	struct slot_attempt attempt;
	int64_t at_ms, more_pusd;
};

void
verify_corrections_free(struct verify *v)
{
	xfree(v->correction);
	v->correction = NULL;
	v->corrections = v->corrections_room = 0;
}

static void
keep(struct verify *v, const struct month_scan *s, unsigned n, int64_t at_ms,
    int64_t more_pusd)
{
	if (v->corrections == v->corrections_room) {
		v->corrections_room =
		    v->corrections_room == 0 ? 16 : v->corrections_room * 2;
		v->correction = xrealloc(
		    v->correction, v->corrections_room * sizeof(*v->correction));
	}
	v->correction[v->corrections++] = (struct verify_correction){.slot = s->slot,
	    .attempt = *month_scan_attempt(s, n),
	    .at_ms = at_ms,
	    .more_pusd = more_pusd};
}

/* What was taken before: by the correction before, else as it was booked. */
static int64_t
before(sqlite3_stmt *q, const struct slot_attempt *a)
{
	return sqlite3_column_int(q, 5) ? sqlite3_column_int64(q, 6) : a->amount_pusd;
}

static bool
take_one(struct verify *v, sqlite3_stmt *q, struct month_scan *s)
{
	int n = sqlite3_column_int(q, 2);
	bool row = false;
	bool ok = month_scan_open(s, &v->month, sqlite3_column_int64(q, 4) - 1) &&
		  month_scan_next(s, &row);

	if (ok && row && n >= 0 && (unsigned)n < s->attempts_seen) {
		int64_t was = before(q, month_scan_attempt(s, (unsigned)n));

		keep(v, s, (unsigned)n, sqlite3_column_int64(q, 1),
		    sqlite3_column_int64(q, 3) - (was > 0 ? was : 0));
	}
	month_scan_close(s);
	return ok;
}

static const char corrections_sql[] =
    "SELECT c.seq, c.at_ms, c.n, c.amount_pusd, r.seq, p.seq IS NOT NULL,"
    " p.amount_pusd FROM correction c JOIN request r ON r.id=c.request"
    " LEFT JOIN correction p ON p.seq=(SELECT MAX(b.seq) FROM correction b WHERE"
    " b.request=c.request AND b.n=c.n AND b.seq<c.seq) WHERE c.seq<=?1";

bool
verify_corrections_take(struct verify *v)
{
	struct month_scan *s = xcalloc(1, sizeof(*s));
	sqlite3_stmt *q = NULL;
	int64_t up_to;
	bool row = true, ok;

	ok = verify_meta(v, "corrected", &up_to) &&
	     db_prepare(&v->month, corrections_sql, &q);
	if (ok)
		sqlite3_bind_int64(q, 1, up_to);
	while (ok && (ok = db_step(&v->month, q, &row)) && row)
		ok = take_one(v, q, s);
	sqlite3_finalize(q);
	xfree(s);
	return ok || verify_fail(v, &v->month, v->file);
}

bool
verify_corrections_add(struct verify *v)
{
	for (size_t i = 0; i < v->corrections; i++) {
		const struct verify_correction *c = &v->correction[i];

		if (month_of(c->at_ms) == v->number &&
		    !rollup_correct(
			&v->rollup, &c->slot, &c->attempt, c->at_ms, c->more_pusd))
			return verify_fail(v, &v->scratch, "a temporary file");
	}
	return true;
}
