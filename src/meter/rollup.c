/* rollup.c: hourly sums with mergeable histograms, so that a summary needs no rows. */
#include "rollup.h"

#include <string.h>

#include "base/mem.h"
#include "rollup_cell.h"

#define DIMENSIONS 9
#define HOUR_MS    3600000LL

static const char get_sql[] =
    "SELECT " ROLLUP_COLUMNS " FROM rollup WHERE hour=?1 AND team=?2 AND key=?3 AND"
    " route=?4 AND class=?5 AND model=?6 AND provider=?7 AND tier=?8 AND tags=?9";
static const char put_sql[] =
    "INSERT OR REPLACE INTO rollup(hour,team,key,route,class,model,provider,tier,"
    "tags," ROLLUP_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,"
    "?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,"
    "?35,?36,?37,?38,?39,?40)";

bool
rollup_open(struct rollup_store *r, struct db *db)
{
	r->db = db;
	return db_prepare(db, get_sql, &r->get) && db_prepare(db, put_sql, &r->put);
}

void
rollup_close(struct rollup_store *r)
{
	sqlite3_finalize(r->get);
	sqlite3_finalize(r->put);
	*r = (struct rollup_store){0};
}

static void
bind_dimensions(sqlite3_stmt *q, const struct slot *s, const struct slot_attempt *a)
{
	const struct slot_request *r = &s->request;

	sqlite3_bind_int64(q, 1, s->end_ms / HOUR_MS);
	db_text(q, 2, str_of(r->team));
	db_text(q, 3, str_of(r->key));
	db_text(q, 4, str_of(r->route));
	db_text(q, 5, str_of(r->class_name));
	db_text(q, 6, str_of(a->model));
	db_text(q, 7, str_of(a->provider));
	sqlite3_bind_int(q, 8, a->tier);
	db_text(q, 9, str_make(r->tags, r->rollup_tags_len));
}

static int64_t
known(int64_t v)
{
	return v > 0 ? v : 0;
}

static void
add_money(struct pusd_sum *sum, int64_t pusd)
{
	if (pusd > 0)
		sum->v += pusd;
}

/* The attempt that answered, or the last one, stands for its request. */
static void
add_request(struct rollup_cell *c, const struct slot *s, const struct slot_attempt *a)
{
	const struct slot_request *r = &s->request;
	int64_t tokens = 0;

	c->requests++;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		tokens += known(a->tokens[k]);
	hist_add(&c->tokens_hist, tokens);
	if (a->ttft_ms >= 0)
		hist_add(&c->ttft_hist, a->ttft_ms);
	if (a->total_ms >= 0)
		hist_add(&c->total_hist, a->total_ms);
	/* Only what can be compared is: an answer with both prices known. */
	if (s->outcome == OUT_served && r->baseline_pusd >= 0 && !a->unpriced) {
		add_money(&c->baseline, r->baseline_pusd);
		add_money(&c->compared, a->amount_pusd);
	}
}

static void
add_attempt(struct rollup_cell *c, const struct slot_attempt *a)
{
	bool estimated = a->basis != BASIS_reported && a->basis != BASIS_none;

	c->attempts++;
	c->failed += a->outcome != OUT_served;
	c->unpriced += a->unpriced;
	c->estimated_rows += estimated;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		c->tokens[k] += known(a->tokens[k]);
	c->reasoning += known(a->reasoning);
	add_money(&c->paid, a->amount_pusd);
	add_money(&c->list, a->list_pusd);
	if (a->outcome != OUT_served)
		add_money(&c->wasted, a->amount_pusd);
	if (estimated) {
		add_money(&c->estimated, a->amount_pusd);
		add_money(&c->exposure, a->at_most_pusd - known(a->amount_pusd));
	}
}

static bool
add_one(struct rollup_store *r, const struct slot *s, unsigned i, struct rollup_cell *c)
{
	const struct slot_attempt *a = &s->attempt[i];
	bool row, ok;

	rollup_cell_zero(c);
	bind_dimensions(r->get, s, a);
	if (!db_step(r->db, r->get, &row))
		return false;
	ok = !row || rollup_cell_read(r->get, 0, c);
	sqlite3_reset(r->get);
	if (!ok)
		return false;
	add_attempt(c, a);
	if (i + 1 == s->attempts)
		add_request(c, s, a);
	bind_dimensions(r->put, s, a);
	rollup_cell_bind(r->put, DIMENSIONS + 1, c);
	return db_run(r->db, r->put);
}

bool
rollup_add(struct rollup_store *r, const struct slot *s)
{
	struct rollup_cell *c = xcalloc(1, sizeof(*c));
	bool ok = true;

	for (unsigned i = 0; ok && i < s->attempts; i++)
		ok = add_one(r, s, i, c);
	xfree(c);
	return ok;
}
