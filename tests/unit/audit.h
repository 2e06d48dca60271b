/* audit.h: are the roll-ups the sums of the rows? Adds up by itself, in 128 bits. */
#ifndef UNIT_AUDIT_H
#define UNIT_AUDIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/hist.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/money.h"
#include "core/sets.h"

enum { AUDIT_COUNTS = 5 + TOKEN_COUNT + 1, AUDIT_SUMS = 11 };

struct audit_cell {
	int64_t count[AUDIT_COUNTS]; /* in the order of the roll-up's columns */
	wide sum[AUDIT_SUMS];
	int64_t compared;
	uint64_t tokens, ttft, total; /* entries of the histograms */
};

static const char audit_rollups[] =
    "SELECT hour||'|'||team||'|'||key||'|'||route||'|'||class||'|'||model||'|'||"
    "provider||'|'||tier||'|'||tags,requests,attempts,failed,unpriced,estimated,"
    "input_uncached,cache_read,cache_write_5m,cache_write_1h,audio_input,image_input,"
    "output,audio_output,reasoning,paid_hi,paid_lo,list_hi,list_lo,wasted_hi,wasted_lo,"
    "estimated_hi,estimated_lo,exposure_hi,exposure_lo,baseline_hi,baseline_lo,"
    "compared_hi,compared_lo,gone_hi,gone_lo,escalated_hi,escalated_lo,bias_hi,bias_lo,"
    "var_hi,var_lo,tokens_hist,ttft_hist,total_hist,compared_requests FROM rollup";

static const char audit_rows[] =
    "SELECT (r.end_ms/3600000)||'|'||team.text||'|'||key.text||'|'||route.text||'|'||"
    "class.text||'|'||model.text||'|'||provider.text||'|'||a.tier||'|'||"
    "substr(CASE r.tagset WHEN 0 THEN r.tags ELSE (SELECT text FROM name WHERE"
    " id=r.tagset) END,1,r.rollup_tags),"
    "a.n=ifnull((SELECT MAX(b.n) FROM attempt b WHERE b.request=r.seq AND b.outcome=1 "
    "AND r.outcome=1),r.attempts-1),a.outcome,a.flags&8!=0,a.basis,"
    "ifnull(a.input_uncached,0),ifnull(a.cache_read,0),ifnull(a.cache_write_5m,0),"
    "ifnull(a.cache_write_1h,0),ifnull(a.audio_input,0),ifnull(a.image_input,0),"
    "ifnull(a.output,0),ifnull(a.audio_output,0),ifnull(a.reasoning,0),"
    "ifnull(a.amount_pusd,0),ifnull(a.list_pusd,0),ifnull(a.at_most_pusd,-1),"
    "CASE WHEN r.baseline_pusd IS NULL THEN -1 WHEN r.baseline=a.model THEN"
    " ifnull(a.amount_pusd,0) ELSE r.baseline_pusd END,r.outcome,"
    "a.ttft_ms IS NOT NULL,"
    "a.total_ms IS NOT NULL,r.baseline=a.model,ifnull(r.baseline_output_ppm,1000000),"
    "ifnull(r.baseline_samples,0) FROM attempt a JOIN request r ON r.seq=a.request"
    " JOIN name team ON team.id=r.team JOIN name key ON key.id=r.key"
    " JOIN name route ON route.id=r.route JOIN name class ON class.id=r.class"
    " JOIN name model ON model.id=a.model JOIN name provider ON provider.id=a.provider";

static inline struct audit_cell *
audit_cell(struct map *m, sqlite3_stmt *q)
{
	struct str key = str_of((const char *)sqlite3_column_text(q, 0));
	struct audit_cell *c = map_get(m, key);

	if (c == NULL) {
		c = xcalloc(1, sizeof(*c));
		map_put(m, key, c);
	}
	return c;
}

static inline void
audit_row(struct map *m, sqlite3_stmt *q)
{
	struct audit_cell *c = audit_cell(m, q);
	bool last = sqlite3_column_int(q, 1),
	     served = sqlite3_column_int(q, 2) == OUT_served;
	int basis = sqlite3_column_int(q, 4);
	bool unpriced = sqlite3_column_int(q, 3);
	int64_t paid = sqlite3_column_int64(q, 14), most = sqlite3_column_int64(q, 16);
	int64_t baseline = sqlite3_column_int64(q, 17);

	c->count[0] += last;
	c->count[1]++;
	c->count[2] += !served;
	c->count[3] += unpriced;
	c->count[4] += basis == BASIS_partial || basis == BASIS_unknown;
	for (int i = 0; i <= TOKEN_COUNT; i++)
		c->count[5 + i] += sqlite3_column_int64(q, 5 + i);
	c->sum[0] += paid;
	c->sum[1] += sqlite3_column_int64(q, 15);
	c->sum[2] += served ? 0 : paid;
	if (sqlite3_column_int(q, 2) == OUT_client_gone ||
	    sqlite3_column_int(q, 2) == OUT_slow_client)
		c->sum[7] += paid;
	if (sqlite3_column_int(q, 2) == OUT_escalated)
		c->sum[8] += paid;
	if (basis == BASIS_partial || basis == BASIS_unknown) {
		c->sum[3] += paid;
		c->sum[4] += most > paid ? most - paid : 0;
	}
	if (!last)
		return;
	if (sqlite3_column_int(q, 18) == OUT_served && baseline >= 0 && !unpriced) {
		wide output = (wide)baseline * sqlite3_column_int64(q, 22) / 1000000;

		c->compared++;
		c->sum[5] += baseline;
		c->sum[6] += paid;
		if (sqlite3_column_int(q, 21) == 0) {
			c->sum[9] += (wide)((double)output /
					    sqrt(20 + sqlite3_column_double(q, 23)));
			c->sum[10] += output * output / PUSD_PER_USD;
		}
	}
	c->tokens++;
	c->ttft += (uint64_t)sqlite3_column_int(q, 19);
	c->total += (uint64_t)sqlite3_column_int(q, 20);
}

static inline uint64_t
audit_entries(sqlite3_stmt *q, int i)
{
	static struct hist h;

	assert_true(hist_unpack(
	    str_make(sqlite3_column_blob(q, i), (size_t)sqlite3_column_bytes(q, i)),
	    &h));
	return h.n;
}

static inline void
audit_rollup(struct map *m, sqlite3_stmt *q)
{
	struct audit_cell *c = audit_cell(m, q);

	for (int i = 0; i < AUDIT_COUNTS; i++)
		c->count[i] += sqlite3_column_int64(q, 1 + i);
	for (int i = 0; i < AUDIT_SUMS; i++) {
		int at = 1 + AUDIT_COUNTS + 2 * i;

		assert_in_range(sqlite3_column_int64(q, at + 1), 0, PUSD_PER_USD - 1);
		c->sum[i] += pusd_sum_join(
		    sqlite3_column_int64(q, at), sqlite3_column_int64(q, at + 1))
				 .v;
	}
	c->tokens += audit_entries(q, 1 + AUDIT_COUNTS + 2 * AUDIT_SUMS);
	c->ttft += audit_entries(q, 2 + AUDIT_COUNTS + 2 * AUDIT_SUMS);
	c->total += audit_entries(q, 3 + AUDIT_COUNTS + 2 * AUDIT_SUMS);
	c->compared += sqlite3_column_int64(q, 4 + AUDIT_COUNTS + 2 * AUDIT_SUMS);
}

static inline void
audit_read(const char *path, const char *sql, struct map *m,
    void (*each)(struct map *m, sqlite3_stmt *q))
{
	sqlite3 *db;
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW)
		each(m, q);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	sqlite3_close(db);
}

static inline bool
audit_same(const struct audit_cell *a, const struct audit_cell *b)
{
	return memcmp(a->count, b->count, sizeof(a->count)) == 0 &&
	       memcmp(a->sum, b->sum, sizeof(a->sum)) == 0 && a->tokens == b->tokens &&
	       a->ttft == b->ttft && a->total == b->total && a->compared == b->compared;
}

static inline bool
audit_equal(struct map *a, struct map *b, const char **ret_why)
{
	struct str key;
	void *cell;
	size_t at = 0;

	*ret_why = "there are roll-ups without rows, or rows without roll-ups";
	if (map_count(a) != map_count(b))
		return false;
	while (map_next(a, &at, &key, &cell)) {
		const struct audit_cell *other = map_get(b, key);

		*ret_why = "a roll-up is not the sum of its rows";
		if (other == NULL || !audit_same(other, cell))
			return false;
	}
	return true;
}

static inline void
audit_free(struct map *m)
{
	struct str key;
	void *cell;
	size_t at = 0;

	while (map_next(m, &at, &key, &cell))
		xfree(cell);
	map_free(m);
}

struct audit_files {
	const char *dir;
	struct map *rows;
};

static inline void
audit_file(void *arg, const char *name)
{
	struct audit_files *f = arg;
	struct str s = str_of(name);
	char path[256];

	if (!str_starts(s, STR("ledger-")) ||
	    !str_eq(str_skip(s, s.len - 3), STR(".db")))
		return;
	snprintf(path, sizeof(path), "%s/%.*s", f->dir, (int)s.len, s.p);
	audit_read(path, audit_rows, f->rows, audit_row);
}

/* NULL: all is well; else what is wrong. */
static inline const char *
audit(struct env *env, const char *dir)
{
	struct audit_files f = {.dir = dir, .rows = map_new()};
	struct map *rollups = map_new();
	const char *why = "the folder cannot be read";
	char path[256];
	bool ok;

	snprintf(path, sizeof(path), "%s/ledger.db", dir);
	ok = env->list_dir(env, dir, audit_file, &f);
	audit_read(path, audit_rollups, rollups, audit_rollup);
	ok = ok && audit_equal(f.rows, rollups, &why);
	audit_free(f.rows);
	audit_free(rollups);
	return ok ? NULL : why;
}

#endif
