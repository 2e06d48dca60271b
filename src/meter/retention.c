/* retention.c: takes away what need not be kept any longer, a small step at a time, so
 * that no commit waits for it. Rows are never changed: they go with their month's file.
 */
#include "retention.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "base/env.h"
#include "base/log.h"
#include "base/util.h"
#include "store_file.h"

#define EACH_NS    (3600 * NS_PER_S)
#define SOON_NS    (300 * NS_PER_S) /* after the start */
#define STEPPED_NS (60 * NS_PER_S)
#define DAY_MS     86400000LL

enum step { STEP_done, STEP_more, STEP_failed };

static bool
remove_one(struct store *s, const char *path)
{
	return s->env->file_size(s->env, path) < 0 || s->env->remove_file(s->env, path);
}

/* The file first: a log without its file is nothing, a file without its log lacks rows
 * and would be taken for whole. */
static bool
remove_month(struct store *s, int number)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char path[4096];
	size_t n;

	if (s->month.number == number)
		store_leave_month(s);
	month_path(s->dir, number, path, sizeof(path));
	n = strlen(path);
	for (size_t i = 0; i < nitems(parts); i++) {
		snprintf(path + n, sizeof(path) - n, "%s", parts[i]);
		if (!remove_one(s, path))
			return false;
	}
	return true;
}

static enum step
retain_months(struct store *s, int64_t before_ms, char ret_why[static STORE_WHY])
{
	struct months m;
	int oldest = 0;

	if (!store_months(s, &m)) {
		snprintf(ret_why, STORE_WHY, "the folder %.120s cannot be read: %s",
		    s->dir, strerror(errno));
		return STEP_failed;
	}
	for (unsigned i = 0; i < m.count; i++) {
		if (oldest == 0 || m.number[i] < oldest)
			oldest = m.number[i];
	}
	if (oldest == 0 || month_begin_ms(oldest + 1) > before_ms)
		return STEP_done;
	if (!remove_month(s, oldest)) {
		snprintf(ret_why, STORE_WHY,
		    "rows of %04d-%02d are older than keep_days, but their file cannot "
		    "be removed: %s",
		    oldest / 12, oldest % 12 + 1, strerror(errno));
		return STEP_failed;
	}
	log_info("rows of %04d-%02d are older than keep_days; their file is removed",
	    oldest / 12, oldest % 12 + 1);
	return STEP_more;
}

/* ---- in ledger.db ---- */

/* Each removes little, and nothing when it is done. `?1` is milliseconds. */
static const char *const sweeps[] = {
    /* An hour at a time. */
    "DELETE FROM rollup WHERE hour=(SELECT MIN(hour) FROM rollup)"
    " AND (hour+1)*3600000<=?1",
    "DELETE FROM refusal WHERE hour=(SELECT MIN(hour) FROM refusal)"
    " AND (hour+1)*3600000<=?1",
    /* Sums `in all` of whom nobody has heard since. */
    "DELETE FROM budget WHERE (rule,value,period_ms) IN (SELECT rule,value,period_ms"
    " FROM budget WHERE period_ms=0 AND at_ms<?1 LIMIT 1000)",
    /* What was in force then stays, and all since; a request that began before a
     * reload may have ended a day after it. */
    "DELETE FROM kept WHERE (kind,hash) IN (SELECT k.kind,k.hash FROM kept k WHERE"
    " k.last_ms<(SELECT MAX(n.last_ms) FROM kept n WHERE n.kind=k.kind"
    " AND n.last_ms<=?1-86400000) LIMIT 16)",
};

static enum step
sweep(struct store *s, const char *sql, int64_t before_ms)
{
	sqlite3_stmt *q;
	bool ok;

	if (!db_prepare(&s->db, sql, &q))
		return STEP_failed;
	sqlite3_bind_int64(q, 1, before_ms);
	ok = db_run(&s->db, q);
	sqlite3_finalize(q);
	if (!ok)
		return STEP_failed;
	return sqlite3_changes(s->db.handle) > 0 ? STEP_more : STEP_done;
}

/* ---- what was learned ---- */

#define NEXT_CELLS                                                         \
	"(SELECT cell,number,at_ms FROM outlook_cell WHERE (cell,number)>" \
	"(?2,?3) ORDER BY cell,number LIMIT 1000)"

/* Of outlook N a cell has the newest row up to N: an older one may go when the one that
 * came after it is old as well. */
static const char cells_sql[] =
    "DELETE FROM outlook_cell WHERE (cell,number) IN (SELECT c.cell,c.number FROM"
    " " NEXT_CELLS " c WHERE c.at_ms<=?1 AND (SELECT n.at_ms FROM outlook_cell n WHERE"
    " n.cell=c.cell AND n.number>c.number ORDER BY n.number LIMIT 1)<=?1)";
static const char last_cell_sql[] =
    "SELECT cell,number FROM " NEXT_CELLS " ORDER BY cell DESC,number DESC LIMIT 1";

static sqlite3_stmt *
prepare_cells(struct store *s, const char *sql, int64_t before_ms)
{
	sqlite3_stmt *q;

	if (!db_prepare(&s->db, sql, &q))
		return NULL;
	sqlite3_bind_int64(q, 1, before_ms);
	db_text(q, 2, str_of(s->swept.cell));
	sqlite3_bind_int64(q, 3, s->swept.number);
	return q;
}

/* Goes through all cells, some at each step; there may be millions. */
static enum step
retain_cells(struct store *s, int64_t before_ms)
{
	sqlite3_stmt *last = prepare_cells(s, last_cell_sql, before_ms);
	sqlite3_stmt *cut = prepare_cells(s, cells_sql, before_ms);
	bool row = false, ok;

	ok = last != NULL && cut != NULL && db_step(&s->db, last, &row) &&
	     (!row || db_run(&s->db, cut));
	if (ok && row) {
		str_copy(s->swept.cell, sizeof(s->swept.cell),
		    str_of((const char *)sqlite3_column_text(last, 0)));
		s->swept.number = sqlite3_column_int64(last, 1);
	} else {
		s->swept.cell[0] = '\0';
	}
	sqlite3_finalize(last);
	sqlite3_finalize(cut);
	return !ok ? STEP_failed : row ? STEP_more : STEP_done;
}

static enum step
retain_sums(struct store *s, int64_t before_ms, char ret_why[static STORE_WHY])
{
	enum step step = STEP_done;

	if (!store_use_ledger(s))
		step = STEP_failed;
	for (size_t i = 0; step == STEP_done && i < nitems(sweeps); i++)
		step = sweep(s, sweeps[i], before_ms);
	if (step == STEP_done)
		step = retain_cells(s, before_ms);
	if (step == STEP_failed) {
		snprintf(ret_why, STORE_WHY,
		    "sums older than keep_months cannot be removed: %.150s", s->db.why);
		store_close_ledger(s);
	}
	return step;
}

/* ---- all of it ---- */

bool
store_retain(struct store *s, const struct ledger_terms *terms, bool *ret_more,
    char ret_why[static STORE_WHY])
{
	int64_t now = env_wall_ms(s->env);
	enum step step = STEP_done;

	if (terms->keep_days > 0)
		step = retain_months(s, now - terms->keep_days * DAY_MS, ret_why);
	if (step == STEP_done && terms->keep_months > 0)
		step = retain_sums(
		    s, month_begin_ms(month_of(now) - terms->keep_months), ret_why);
	if (step == STEP_done && !upgrade_forget(s, now, ret_why))
		step = STEP_failed;
	*ret_more = step == STEP_more;
	return step != STEP_failed;
}

/* What is old is told by the wall clock; one that has been set meanwhile may yet be set
 * back, and what was removed would be gone. */
static bool
clock_is_steady(struct retention *r, struct env *env)
{
	int64_t apart = env->wall_ns(env) - env->mono_ns(env);
	int64_t step = apart - r->apart_ns;

	r->apart_ns = apart;
	return step < STEPPED_NS && step > -STEPPED_NS;
}

void
retention_init(struct retention *r, struct env *env)
{
	*r = (struct retention){.due_ns = env->mono_ns(env) + SOON_NS};
	(void)clock_is_steady(r, env);
}

void
retention_turn(struct retention *r, struct env *env, struct store *store,
    const struct ledger_terms *terms)
{
	char why[STORE_WHY];
	bool more = false;

	if (!r->going && env->mono_ns(env) >= r->due_ns) {
		r->going = clock_is_steady(r, env);
		r->due_ns = env->mono_ns(env) + EACH_NS;
	}
	if (!r->going)
		return;
	if (!store_retain(store, terms, &more, why))
		log_warn("%s; it is tried again in an hour", why);
	r->going = more;
}
