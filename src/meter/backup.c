/* backup.c: copies the ledger's files. ledger.db is copied first and gets its name
 * last: so it knows of no row that the months lack, and where it is the copy is whole.
 */
#include "backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "store_copy.h"
#include "store_file.h"

#define PART      ".part"
#define STEP_NS   (2 * NS_PER_MS)
#define SYNC_EACH (8LL << 20)
#define TRIES     5

struct work {
	struct ledger_backup *b;
	const char *dir;
	struct months months;
	char why[STORE_WHY];
	/* of the file under way */
	int month;
	char part[4096];
	struct store_copy *copy;
	enum copy_step step;
	int64_t bytes;
};

void
backup_init(struct ledger_backup *b, struct env *env, const char *state_dir)
{
	*b = (struct ledger_backup){.env = env};
	snprintf(b->state_dir, sizeof(b->state_dir), "%s", state_dir);
	pthread_mutex_init(&b->mutex, NULL);
}

void
backup_join(struct ledger_backup *b)
{
	if (b->joinable)
		pthread_join(b->thread, NULL);
	b->joinable = false;
}

void
backup_fini(struct ledger_backup *b)
{
	backup_join(b);
	pthread_mutex_destroy(&b->mutex);
}

/* ---- in the ledger thread ---- */

static void
begin_copy(void *arg)
{
	struct work *w = arg;

	w->copy = store_copy_begin(
	    w->b->store, w->b->env, w->b->state_dir, w->month, w->part, w->why);
}

static void
step_copy(void *arg)
{
	struct work *w = arg;

	w->step = store_copy_step(w->copy, STEP_NS, &w->bytes, w->why);
}

static void
end_copy(void *arg)
{
	struct work *w = arg;

	store_copy_end(w->copy);
	w->copy = NULL;
}

struct timed {
	void (*fn)(void *);
	struct work *work;
	int64_t ns;
};

static void
run_timed(void *arg)
{
	struct timed *t = arg;
	struct env *env = t->work->b->env;
	int64_t began = env->mono_ns(env);

	t->fn(t->work);
	t->ns = env->mono_ns(env) - began;
}

/* False: the ledger is being closed. */
static bool
have_done(struct work *w, void (*fn)(void *))
{
	struct ledger_backup *b = w->b;
	struct timed t = {.fn = fn, .work = w};

	if (b->jobs == NULL)
		run_timed(&t);
	else if (!ledger_jobs_do(b->jobs, run_timed, &t, b->wake, b->wake_arg)) {
		snprintf(w->why, sizeof(w->why), "frugald was stopped meanwhile");
		return false;
	}
	pthread_mutex_lock(&b->mutex);
	if (t.ns > b->status_shared.longest_step_ns)
		b->status_shared.longest_step_ns = t.ns;
	pthread_mutex_unlock(&b->mutex);
	return true;
}

/* ---- a file ---- */

static bool
failed(struct work *w, const char *what, const char *path)
{
	snprintf(w->why, sizeof(w->why), "%.120s cannot be %s: %.80s", path, what,
	    strerror(errno));
	return false;
}

static bool
sync_part(struct work *w)
{
	return w->b->env->sync_file(w->b->env, w->part) || failed(w, "synced", w->part);
}

/* All pages, synced now and then, so that the last time is not a long one: the ledger's
 * own commits wait for the same disk. */
static bool
copy_pages(struct work *w)
{
	int64_t synced = 0;

	do {
		if (!have_done(w, step_copy) || w->step == COPY_failed)
			return false;
		if (w->bytes - synced < SYNC_EACH && w->step == COPY_more)
			continue;
		if (!sync_part(w))
			return false;
		synced = w->bytes;
	} while (w->step == COPY_more);
	return true;
}

static bool
copy_once(struct work *w)
{
	bool ok;

	store_copy_path(w->dir, w->month, PART, w->part, sizeof(w->part));
	if (!have_done(w, begin_copy) || w->copy == NULL)
		return false;
	ok = copy_pages(w);
	/* When nobody does it any more, nobody is in its way either. */
	if (!have_done(w, end_copy))
		end_copy(w);
	return ok && sync_part(w);
}

/* The file may be closed on the way, by an error of the disk or because the month is
 * over. */
static bool
copy_file(struct work *w, int month)
{
	w->month = month;
	for (int i = 0; i < TRIES; i++) {
		if (!copy_once(w))
			return false;
		if (w->step == COPY_whole)
			return true;
	}
	snprintf(w->why, sizeof(w->why), "the ledger was closed again and again");
	return false;
}

static bool
name_file(struct work *w, int month)
{
	char part[4096], path[4096];
	struct env *env = w->b->env;

	store_copy_path(w->dir, month, PART, part, sizeof(part));
	store_copy_path(w->dir, month, "", path, sizeof(path));
	if (!env->move_file(env, part, path))
		return failed(w, "named", path);
	pthread_mutex_lock(&w->b->mutex);
	w->b->status_shared.files++;
	w->b->status_shared.bytes += env->file_size(env, path);
	pthread_mutex_unlock(&w->b->mutex);
	return true;
}

/* ---- all of them ---- */

/* Retention may have removed one meanwhile. */
static bool
is_gone(struct work *w, int month)
{
	char path[4096];

	store_copy_path(w->b->state_dir, month, "", path, sizeof(path));
	return w->b->env->file_size(w->b->env, path) < 0;
}

static bool
copy_months(struct work *w, unsigned *ret_count)
{
	*ret_count = 0;
	for (unsigned i = 0; i < w->months.count; i++) {
		int month = w->months.number[i];

		if (is_gone(w, month))
			continue;
		if (!copy_file(w, month) || !name_file(w, month))
			return false;
		(*ret_count)++;
	}
	return true;
}

/* What a restore wants to know, in the copy itself. */
static bool
sign(struct work *w, unsigned months)
{
	char part[4096], sql[200];
	struct db db;
	bool ok;

	store_copy_path(w->dir, 0, PART, part, sizeof(part));
	snprintf(sql, sizeof(sql),
	    "INSERT OR REPLACE INTO meta VALUES('" BACKUP_UNTIL "',%lld),"
	    "('" BACKUP_MONTHS "',%u)",
	    (long long)w->b->status_shared.until_ms, months);
	ok = db_open(&db, part) && db_exec(&db, sql);
	if (ok)
		db_leave(&db);
	else
		snprintf(w->why, sizeof(w->why), "%.150s", db.why);
	db_close(&db);
	return ok && w->b->env->sync_file(w->b->env, part);
}

static void
remove_logs(struct work *w)
{
	static const char *const ends[] = {PART "-wal", PART "-shm", PART "-journal"};
	char path[4096];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		store_copy_path(w->dir, 0, ends[i], path, sizeof(path));
		if (w->b->env->file_size(w->b->env, path) >= 0)
			w->b->env->remove_file(w->b->env, path);
	}
}

/* Months of a backup that was broken off, which has its PART, are removed: those that
 * the ledger has no more would make the new one look as if it lacked something. Others
 * are somebody's. */
static bool
clear_months(struct work *w)
{
	struct env *env = w->b->env;
	struct months there = {.count = 0};
	char path[4096];

	if (!months_list(env, w->dir, &there))
		return failed(w, "read", w->dir);
	store_copy_path(w->dir, 0, PART, path, sizeof(path));
	if (there.count > 0 && env->file_size(env, path) < 0) {
		snprintf(w->why, sizeof(w->why),
		    "%.150s has months of a ledger already; name a new folder", w->dir);
		return false;
	}
	for (unsigned i = 0; i < there.count; i++) {
		store_copy_path(w->dir, there.number[i], "", path, sizeof(path));
		if (!env->remove_file(env, path))
			return failed(w, "removed", path);
	}
	return true;
}

static bool
prepare(struct work *w)
{
	struct env *env = w->b->env;
	char path[4096];

	if (!env->make_dir(env, w->dir))
		return failed(w, "made", w->dir);
	store_copy_path(w->dir, 0, "", path, sizeof(path));
	if (env->file_size(env, path) >= 0) {
		snprintf(w->why, sizeof(w->why),
		    "%.150s has a ledger already; name a new folder", w->dir);
		return false;
	}
	return clear_months(w) && (months_list(env, w->b->state_dir, &w->months) ||
				      failed(w, "read", w->b->state_dir));
}

static bool
copy_all(struct work *w)
{
	unsigned months;

	if (!prepare(w) || !copy_file(w, 0) || !copy_months(w, &months) ||
	    !sign(w, months))
		return false;
	remove_logs(w);
	return name_file(w, 0);
}

static void
run(struct ledger_backup *b)
{
	struct work w = {.b = b, .dir = b->status_shared.dir};
	bool ok = copy_all(&w);

	if (ok)
		log_info("backup: %u files are in %s", b->status_shared.files, w.dir);
	else
		log_error("backup into %s: %s", w.dir, w.why);
	pthread_mutex_lock(&b->mutex);
	b->status_shared.ended_ms = env_wall_ms(b->env);
	str_copy(b->status_shared.why, sizeof(b->status_shared.why), str_of(w.why));
	b->status_shared.state = ok ? BACKUP_done : BACKUP_failed;
	pthread_mutex_unlock(&b->mutex);
}

static void *
backup_main(void *arg)
{
	pthread_setname_np(pthread_self(), "backup");
	run(arg);
	return NULL;
}

/* False: another one is under way. */
static bool
reserve(struct ledger_backup *b, const char *dir, int64_t until_ms)
{
	struct ledger_backup_status *st = &b->status_shared;
	bool idle;

	pthread_mutex_lock(&b->mutex);
	idle = st->state != BACKUP_running;
	if (idle) {
		*st = (struct ledger_backup_status){.state = BACKUP_running,
		    .began_ms = env_wall_ms(b->env),
		    .until_ms = until_ms};
		str_copy(st->dir, sizeof(st->dir), str_of(dir));
	}
	pthread_mutex_unlock(&b->mutex);
	return idle;
}

bool
backup_start(struct ledger_backup *b, const char *dir, int64_t until_ms,
    char ret_why[static 256])
{
	if (!reserve(b, dir, until_ms)) {
		snprintf(ret_why, 256, "a backup is under way already");
		return false;
	}
	backup_join(b);
	b->joinable =
	    b->jobs != NULL && pthread_create(&b->thread, NULL, backup_main, b) == 0;
	if (!b->joinable)
		run(b);
	return true;
}

void
backup_get(struct ledger_backup *b, struct ledger_backup_status *ret)
{
	pthread_mutex_lock(&b->mutex);
	*ret = b->status_shared;
	pthread_mutex_unlock(&b->mutex);
}

/* ---- without a daemon ---- */

int64_t
backup_last_end_ms(struct env *env, const char *state_dir)
{
	struct months m = {.count = 0};
	int64_t last = -1;

	(void)months_list(env, state_dir, &m);
	for (unsigned i = 0; i < m.count; i++) {
		char path[4096];
		sqlite3_stmt *q = NULL;
		struct db db;
		bool row;

		month_path(state_dir, m.number[i], path, sizeof(path));
		if (db_open(&db, path) &&
		    db_prepare(&db, "SELECT MAX(end_ms) FROM request", &q) &&
		    db_step(&db, q, &row) && sqlite3_column_int64(q, 0) > last)
			last = sqlite3_column_int64(q, 0);
		sqlite3_finalize(q);
		db_close(&db);
	}
	return last;
}

bool
backup_whole(struct env *env, const char *state_dir, const char *dir,
    struct ledger_backup_status *ret)
{
	struct ledger_backup b;

	backup_init(&b, env, state_dir);
	(void)backup_start(
	    &b, dir, backup_last_end_ms(env, state_dir), b.status_shared.why);
	*ret = b.status_shared;
	backup_fini(&b);
	return ret->state == BACKUP_done;
}

bool
ledger_backup_offline(struct env *env, const char *state_dir, const char *dir,
    struct ledger_backup_status *ret)
{
	char path[4096];
	void *lock;
	bool ok;

	snprintf(path, sizeof(path), "%s/ledger.lock", state_dir);
	lock = env->lock_file(env, path);
	if (lock == NULL) {
		*ret = (struct ledger_backup_status){.state = BACKUP_failed};
		snprintf(ret->why, sizeof(ret->why), "the ledger in %.120s: %s",
		    state_dir,
		    errno == EWOULDBLOCK
			? "a daemon is using it; leave --state out to ask that one"
			: strerror(errno));
		return false;
	}
	ok = backup_whole(env, state_dir, dir, ret);
	env->unlock_file(env, lock);
	return ok;
}
