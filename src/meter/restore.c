/* restore.c: a copy of the ledger back into a state folder. The files are copied under
 * other names and checked first; while they get their own, a mark keeps daemons away.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "base/env.h"
#include "store_copy.h"
#include "store_file.h"

#define PART    ".restored"
#define MARK    "restore.unfinished"
#define ASIDE   "%.200s/before-restore-%lld"
#define LONG_NS (3600 * NS_PER_S)

struct restore {
	struct env *env;
	const char *from, *to;
	struct months months;
	struct ledger_restored *ret;
	char *why; /* 256 bytes */
};

static bool
failed(struct restore *r, const char *path, const char *why)
{
	snprintf(r->why, 256, "%.140s: %.100s", path, why);
	return false;
}

static void
mark_path(const char *state_dir, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s/" MARK, state_dir);
}

bool
restore_is_unfinished(struct env *env, const char *state_dir, char ret_why[static 256])
{
	char path[4096];

	mark_path(state_dir, path, sizeof(path));
	if (env->file_size(env, path) < 0)
		return false;
	snprintf(ret_why, 256,
	    "a restore into %.120s was broken off; run `frugald ledger restore` with "
	    "--force once more",
	    state_dir);
	return true;
}

/* ---- is the copy whole? ---- */

static int64_t
meta_of(struct db *db, const char *key)
{
	sqlite3_stmt *q = NULL;
	int64_t v = -1;
	bool row;

	if (db_prepare(db, "SELECT value FROM meta WHERE key=?1", &q)) {
		db_text(q, 1, str_of(key));
		if (db_step(db, q, &row) && row)
			v = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	return v;
}

static bool
look_into(struct restore *r)
{
	char path[4096];

	store_copy_path(r->from, 0, "", path, sizeof(path));
	if (r->env->file_size(r->env, path) < 0)
		return failed(r, r->from,
		    "there is no ledger.db, which a backup writes last; it is none, or "
		    "not whole");
	return months_list(r->env, r->from, &r->months) ||
	       failed(r, r->from, strerror(errno));
}

/* What the backup has written into its ledger.db; one made by other means has not. */
static bool
read_signature(struct restore *r)
{
	char path[4096], why[100];
	struct db db;
	int64_t months = -1;

	store_copy_path(r->to, 0, PART, path, sizeof(path));
	if (db_open(&db, path)) {
		r->ret->until_ms = meta_of(&db, BACKUP_UNTIL);
		months = meta_of(&db, BACKUP_MONTHS);
	}
	db_close(&db);
	if (months < 0 || (unsigned)months == r->months.count)
		return true;
	snprintf(why, sizeof(why), "%lld months were copied, %u are there",
	    (long long)months, r->months.count);
	return failed(r, r->from, why);
}

static bool
is_sound(struct restore *r, const char *path, const struct schema *schema)
{
	sqlite3_stmt *q = NULL;
	struct db db;
	bool row, ok;

	ok = db_open(&db, path) && db_prepare(&db, "PRAGMA integrity_check(1)", &q) &&
	     db_step(&db, q, &row);
	if (!ok)
		failed(r, path, db.why);
	else if (!row || strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
		ok = failed(r, path, "the copy is damaged; take an older one");
	sqlite3_finalize(q);
	if (ok && !db_migrate(&db, "main", schema))
		ok = failed(r, path, db.why);
	db_leave(&db);
	db_close(&db);
	return ok;
}

/* Into the state folder, under another name. */
static bool
fetch(struct restore *r, int month)
{
	char part[4096], why[STORE_WHY] = "it was changed meanwhile";
	struct store_copy *c;
	enum copy_step step;
	int64_t bytes;

	store_copy_path(r->to, month, PART, part, sizeof(part));
	c = store_copy_begin(NULL, r->env, r->from, month, part, why);
	if (c == NULL)
		return failed(r, r->from, why);
	do {
		step = store_copy_step(c, LONG_NS, &bytes, why);
	} while (step == COPY_more);
	store_copy_end(c);
	if (step != COPY_whole)
		return failed(r, r->from, why);
	return is_sound(r, part, month == 0 ? &schema_ledger : &schema_month) &&
	       (r->env->sync_file(r->env, part) || failed(r, part, strerror(errno)));
}

/* ---- what was there ---- */

struct old {
	struct restore *r;
	unsigned count;
	bool ok;
};

static bool
is_ledger(const char *name)
{
	return strncmp(name, "ledger", 6) == 0 && strcmp(name, "ledger.lock") != 0 &&
	       strstr(name, PART) == NULL;
}

static void
on_old(void *arg, const char *name)
{
	struct old *o = arg;

	o->count += is_ledger(name);
}

static void
put_aside(void *arg, const char *name)
{
	struct old *o = arg;
	struct env *env = o->r->env;
	char from[4096], to[4096];

	if (!is_ledger(name) || !o->ok)
		return;
	snprintf(from, sizeof(from), "%s/%s", o->r->to, name);
	snprintf(to, sizeof(to), "%s/%s", o->r->ret->aside, name);
	if (!env->move_file(env, from, to))
		o->ok = failed(o->r, to, strerror(errno));
}

/* By the moment; never a folder that is there: what an earlier try has put aside, in
 * the same second or before a clock was set back, must not be written over. */
static void
name_aside(struct restore *r)
{
	int64_t s = env_wall_ms(r->env) / 1000;

	do {
		snprintf(
		    r->ret->aside, sizeof(r->ret->aside), ASIDE, r->to, (long long)s++);
	} while (r->env->file_size(r->env, r->ret->aside) >= 0);
}

/* Into a folder beside them. */
static bool
clear(struct restore *r)
{
	struct old o = {.r = r, .ok = true};

	if (!r->env->list_dir(r->env, r->to, on_old, &o))
		return failed(r, r->to, strerror(errno));
	if (o.count == 0)
		return true;
	name_aside(r);
	if (!r->env->make_dir(r->env, r->ret->aside))
		return failed(r, r->ret->aside, strerror(errno));
	return r->env->list_dir(r->env, r->to, put_aside, &o) && o.ok;
}

static bool
may_write(struct restore *r, bool force)
{
	struct old o = {.r = r, .ok = true};

	if (!r->env->list_dir(r->env, r->to, on_old, &o))
		return failed(r, r->to, strerror(errno));
	if (o.count == 0 || force)
		return true;
	return failed(r, r->to,
	    "there is a ledger already; --force puts it aside, or name another folder");
}

/* ---- the files ---- */

static bool
name_file(struct restore *r, int month)
{
	static const char *const logs[] = {PART "-wal", PART "-shm"};
	char part[4096], path[4096];

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		store_copy_path(r->to, month, logs[i], path, sizeof(path));
		if (r->env->file_size(r->env, path) >= 0)
			r->env->remove_file(r->env, path);
	}
	store_copy_path(r->to, month, PART, part, sizeof(part));
	store_copy_path(r->to, month, "", path, sizeof(path));
	return r->env->move_file(r->env, part, path) ||
	       failed(r, path, strerror(errno));
}

static bool
put_in_place(struct restore *r)
{
	char mark[4096];

	mark_path(r->to, mark, sizeof(mark));
	if (!r->env->write_file(r->env, mark, STR("a restore is under way\n")))
		return failed(r, mark, strerror(errno));
	if (!clear(r))
		return false;
	for (unsigned i = 0; i < r->months.count; i++) {
		if (!name_file(r, r->months.number[i]))
			return false;
	}
	return name_file(r, 0) &&
	       (r->env->remove_file(r->env, mark) || failed(r, mark, strerror(errno)));
}

static void
drop_part(void *arg, const char *name)
{
	const struct restore *r = arg;
	char path[4096];

	if (strncmp(name, "ledger", 6) != 0 || strstr(name, PART) == NULL)
		return;
	snprintf(path, sizeof(path), "%s/%s", r->to, name);
	(void)r->env->remove_file(r->env, path);
}

/* As large as the ledger, beside the ledger, and nobody would look for them. */
static bool
give_up(struct restore *r)
{
	(void)r->env->list_dir(r->env, r->to, drop_part, r);
	return false;
}

static bool
fetch_all(struct restore *r)
{
	if (!fetch(r, 0) || !read_signature(r))
		return false;
	for (unsigned i = 0; i < r->months.count; i++) {
		if (!fetch(r, r->months.number[i]))
			return false;
	}
	return true;
}

/* ---- what is in it ---- */

static void
count_rows(struct restore *r)
{
	for (unsigned i = 0; i < r->months.count; i++) {
		sqlite3_stmt *q = NULL;
		char path[4096];
		struct db db;
		bool row;

		month_path(r->to, r->months.number[i], path, sizeof(path));
		if (db_open(&db, path) &&
		    db_prepare(&db, "SELECT COUNT(*), MAX(end_ms) FROM request", &q) &&
		    db_step(&db, q, &row)) {
			r->ret->requests += sqlite3_column_int64(q, 0);
			if (sqlite3_column_int64(q, 1) > r->ret->last_ms)
				r->ret->last_ms = sqlite3_column_int64(q, 1);
		}
		sqlite3_finalize(q);
		db_close(&db);
	}
	r->ret->months = r->months.count;
}

/* As a start of the daemon does it: roll-ups and sums of budgets catch up with the
 * rows, slots of dead processes are booked. */
static bool
derive(struct restore *r)
{
	struct ledger *l = NULL;
	struct ledger_status st;

	if (!ledger_open(r->env, r->to, &l, r->why))
		return false;
	ledger_status_get(l, &st);
	r->ret->recovered = (int)st.recovered;
	ledger_close(l);
	return true;
}

bool
ledger_restore(struct env *env, const char *dir, const char *state_dir, bool force,
    struct ledger_restored *ret, char ret_why[static 256])
{
	struct restore r = {
	    .env = env, .from = dir, .to = state_dir, .ret = ret, .why = ret_why};
	char path[4096];
	void *lock;
	bool ok;

	ret_why[0] = '\0';
	*ret = (struct ledger_restored){.until_ms = -1};
	if (strlen(state_dir) > 200)
		return failed(&r, state_dir, "its path is longer than 200 bytes");
	if (!env->make_dir(env, state_dir))
		return failed(&r, state_dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/ledger.lock", state_dir);
	lock = env->lock_file(env, path);
	if (lock == NULL)
		return failed(&r, state_dir,
		    errno == EWOULDBLOCK ? "a daemon is using it; stop that one first"
					 : strerror(errno));
	ok = may_write(&r, force) && look_into(&r) && (fetch_all(&r) || give_up(&r)) &&
	     put_in_place(&r);
	if (ok)
		count_rows(&r);
	env->unlock_file(env, lock);
	return ok && derive(&r);
}
