/* corrections.c: what was said of amounts after they were booked. */
#include <stdio.h>
#include <string.h>

#include "dates.h"
#include "facts.h"
#include "record.h"

/* The month of a correction is that of its request, at any time before; ledger.db knows
 * which months have any. */
static const char months_sql[] = "SELECT substr(key,11) FROM meta WHERE key GLOB "
				 "'corrected:*'";

/* What was taken to be the amount before it. */
#define WAS                                                                   \
	"ifnull((SELECT p.amount_pusd FROM correction p WHERE p.request="     \
	"c.request AND p.n=c.n AND p.seq<c.seq ORDER BY p.seq DESC LIMIT 1)," \
	"max(ifnull(a.amount_pusd,0),0))"

/* %s: the tags of the request. */
static const char facts_sql[] =
    "SELECT c.at_ms,team.text,key.text,route.text,class.text,model.text,provider.text,"
    "a.tier,%s,user.text,r.session,c.amount_pusd-" WAS ",a.outcome,price.text,"
    "served.text FROM correction c JOIN request r ON r.id=c.request"
    " JOIN attempt a ON a.request=r.seq AND a.n=c.n"
    " JOIN name team ON team.id=r.team JOIN name key ON key.id=r.key"
    " JOIN name route ON route.id=r.route JOIN name class ON class.id=r.class"
    " JOIN name user ON user.id=r.user JOIN name model ON model.id=a.model"
    " JOIN name provider ON provider.id=a.provider JOIN name price ON price.id=a.price"
    " JOIN name served ON served.id=a.served_model"
    " WHERE c.at_ms>=?1 AND c.at_ms<?2";

static void
read_fact(sqlite3_stmt *s, struct fact *f)
{
	enum outcome own = (enum outcome)sqlite3_column_int(s, 12);

	*f = (struct fact){.tokens = -1, .ttft_ms = -1, .total_ms = -1};
	f->at_ms = sqlite3_column_int64(s, 0);
	fact_dimensions(s, f);
	f->user = books_text(s, 9);
	f->session = (uint64_t)sqlite3_column_int64(s, 10);
	f->sums.paid.v = sqlite3_column_int64(s, 11);
	f->price = books_text(s, 13);
	f->served = books_text(s, 14);
	if (own != OUT_served)
		f->sums.wasted = f->sums.paid;
}

static bool
facts_in(struct books *b, sqlite3 *db, const int64_t between[static 2], fact_fn *each,
    void *arg)
{
	char sql[2000];
	sqlite3_stmt *s;
	bool row = false, ok;

	if (!books_has(db, "correction", "seq"))
		return true;
	snprintf(sql, sizeof(sql), facts_sql, books_tags_sql(db));
	s = books_prepare(b, db, sql);
	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, between[0]);
	sqlite3_bind_int64(s, 2, between[1]);
	while ((ok = books_step(b, s, &row)) && row) {
		struct fact f;

		read_fact(s, &f);
		each(arg, &f);
	}
	sqlite3_finalize(s);
	return ok;
}

/* "2026-11"; 0: it is none. */
static int
month_number(struct str text)
{
	struct str year;
	uint64_t y, m;

	return str_split(&text, '-', &year) && str_to_u64(year, &y) &&
		       str_to_u64(text, &m) && m >= 1 && m <= 12 && y < 10000
		   ? (int)(y * 12 + m - 1)
		   : 0;
}

bool
facts_from_corrections(
    struct books *b, int64_t from_ms, int64_t to_ms, fact_fn *each, void *arg)
{
	const int64_t between[] = {from_ms, to_ms};
	sqlite3 *sums = books_sums(b);
	sqlite3_stmt *q = sums == NULL ? NULL : books_prepare(b, sums, months_sql);
	bool row = false, ok = true;

	if (q == NULL)
		return false;
	while (ok && (ok = books_step(b, q, &row)) && row) {
		int m = month_number(books_text(q, 0));
		sqlite3 *db = m == 0 ? NULL : books_month(b, m);

		if (db != NULL)
			ok = facts_in(b, db, between, each, arg);
		else
			ok = b->why[0] == '\0'; /* its file was removed */
	}
	sqlite3_finalize(q);
	return ok;
}

/* ---- of one request ---- */

static const char request_sql[] =
    "SELECT at_ms,n,amount_pusd,why FROM correction WHERE request=?1 ORDER BY seq";

bool
record_read_corrections(struct books *b, sqlite3 *db, struct record *r)
{
	sqlite3_stmt *q;
	uint8_t id[16];
	bool row = false, ok;

	if (!books_has(db, "correction", "seq"))
		return true;
	q = books_prepare(b, db, request_sql);
	if (q == NULL)
		return false;
	id_bytes(r->id, id);
	sqlite3_bind_blob(q, 1, id, sizeof(id), SQLITE_STATIC);
	while ((ok = books_step(b, q, &row)) && row) {
		struct record_correction *c = &r->correction[r->corrections];
		struct str why = books_text(q, 3);

		/* Of more than are shown the last ones. */
		if (r->corrections == nitems(r->correction)) {
			memmove(r->correction, r->correction + 1,
			    sizeof(r->correction) - sizeof(*c));
			c--;
		} else {
			r->corrections++;
		}
		c->at_ms = sqlite3_column_int64(q, 0);
		c->attempt = (unsigned)sqlite3_column_int(q, 1);
		c->amount_pusd = books_known(q, 2);
		c->why = str_make(arena_str(r->mem, why), why.len);
	}
	sqlite3_finalize(q);
	return ok;
}
