/* upgrade.c: the way back from a newer release: a copy of all files as they were before
 * they were brought forward. It is what a backup is, in a folder of the state folder.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "base/env.h"
#include "base/log.h"
#include "base/util.h"
#include "store_copy.h"
#include "store_file.h"

#define FOLDER  "before-v"
#define KEEP_MS (30 * 86400000LL)
#define ROOM    (64LL << 20) /* beside the copy */

/* Both kinds of files go forward together: the sum grows with either. */
static size_t
release(void)
{
	return schema_ledger.steps + schema_month.steps;
}

struct look {
	struct env *env;
	const char *dir;
	bool older, newer;
	/* ledger.db or the last month is older: this release has not run since */
	bool behind;
	int last; /* month */
	int64_t bytes;
};

/* Whether it is older. What is no database is not told here, but by whoever opens it
 * next. */
static bool
look_at(struct look *l, const char *name, const struct schema *schema)
{
	char path[4096];
	sqlite3_stmt *q = NULL;
	int64_t bytes, version = 0;
	struct db db = {0};
	bool row;

	snprintf(path, sizeof(path), "%s/%s", l->dir, name);
	bytes = l->env->file_size(l->env, path);
	if (bytes < 0)
		return false;
	l->bytes += bytes;
	if (sqlite3_open_v2(path, &db.handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_db_config(db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		if (db_prepare(&db, "PRAGMA user_version", &q) &&
		    db_step(&db, q, &row) && row)
			version = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	db_close(&db);
	l->older |= version > 0 && version < (int64_t)schema->steps;
	l->newer |= version > (int64_t)schema->steps;
	return version > 0 && version < (int64_t)schema->steps;
}

static void
on_name(void *arg, const char *name)
{
	int number = month_parse(str_of(name));
	struct look *l = arg;
	bool older = number != 0 && look_at(l, name, &schema_month);

	if (number <= l->last)
		return;
	l->last = number;
	l->behind = older;
}

static bool
copy_all(struct look *l, const char *dir, char ret_why[static 256])
{
	int64_t room = l->env->free_bytes(l->env, l->dir);
	struct ledger_backup_status st;

	if (room >= 0 && room < l->bytes + ROOM) {
		snprintf(ret_why, 256,
		    "the ledger in %.100s is of an older release and is copied before "
		    "it is brought forward: that needs %lld MiB more",
		    l->dir, (long long)((l->bytes + ROOM - room) >> 20) + 1);
		return false;
	}
	if (!backup_whole(l->env, l->dir, dir, &st)) {
		snprintf(ret_why, 256, "before the upgrade: %.200s", st.why);
		return false;
	}
	log_info("the ledger is of an older release and is brought forward; it is kept "
		 "in %s as it was",
	    dir);
	return true;
}

struct folder {
	struct env *env;
	const char *dir;
	bool ok;
};

static void
remove_month(void *arg, const char *name)
{
	struct folder *f = arg;
	char path[4200];

	if (month_parse(str_of(name)) == 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	f->ok = f->env->remove_file(f->env, path) && f->ok;
}

/* Whoever has gone back and comes again has rows that a copy of the first time lacks:
 * it must not pass for the way back of today. ledger.db goes last, so that a crash here
 * leaves one that is older still. */
static bool
drop_stale(const struct look *l, const char *dir, const char *whole)
{
	struct folder f = {.env = l->env, .dir = dir, .ok = true};

	if (!l->behind ||
	    backup_last_end_ms(l->env, l->dir) <= backup_last_end_ms(l->env, dir))
		return true;
	return l->env->list_dir(l->env, dir, remove_month, &f) && f.ok &&
	       l->env->remove_file(l->env, whole);
}

static bool
has_sums(const struct look *l)
{
	char path[4096];

	store_copy_path(l->dir, 0, "", path, sizeof(path));
	return l->env->file_size(l->env, path) >= 0;
}

bool
upgrade_prepare(struct env *env, const char *state_dir, char ret_why[static 256])
{
	struct look l = {.env = env, .dir = state_dir};
	char dir[4096], whole[4096];
	bool sums_older;

	sums_older = look_at(&l, "ledger.db", &schema_ledger);
	if (!env->list_dir(env, state_dir, on_name, &l)) {
		snprintf(ret_why, 256, "the folder %.140s cannot be read: %s",
		    state_dir, strerror(errno));
		return false;
	}
	/* Of a newer one nothing is touched; what lacks its ledger.db is no whole to go
	 * back to. */
	if (!l.older || l.newer || !has_sums(&l))
		return true;
	snprintf(dir, sizeof(dir), "%s/" FOLDER "%zu", state_dir, release());
	store_copy_path(dir, 0, "", whole, sizeof(whole));
	l.behind |= sums_older;
	if (env->file_size(env, whole) >= 0 && !drop_stale(&l, dir, whole)) {
		snprintf(ret_why, 256, "%.140s cannot be removed: %.60s", dir,
		    strerror(errno));
		return false;
	}
	return env->file_size(env, whole) >= 0 || copy_all(&l, dir, ret_why);
}

/* ---- the way back ---- */

static long
number_of(const char *name)
{
	return str_starts(str_of(name), STR(FOLDER))
		   ? strtol(name + sizeof(FOLDER) - 1, NULL, 10)
		   : 0;
}

/* That which was made last. */
static void
on_folder(void *arg, const char *name)
{
	long *last = arg;

	if (number_of(name) > *last)
		*last = number_of(name);
}

void
upgrade_way_back(struct env *env, const char *state_dir, char *ret, size_t cap)
{
	long last = 0;

	(void)env->list_dir(env, state_dir, on_folder, &last);
	if (last == 0)
		snprintf(ret, cap,
		    "start the newer frugald again, or restore a backup made before "
		    "the upgrade");
	else
		snprintf(ret, cap,
		    "start the newer frugald again, or go back: frugald ledger restore "
		    "%.70s/" FOLDER "%ld --state %.70s --force",
		    state_dir, last, state_dir);
}

/* ---- when it is not needed any more ---- */

static void
remove_file(void *arg, const char *name)
{
	struct folder *f = arg;
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	f->ok = f->env->remove_file(f->env, path) && f->ok;
}

/* Since when it is known, in the ledger: a folder tells no time. */
static bool
forget_one(struct store *s, long number, int64_t now_ms, char ret_why[static STORE_WHY])
{
	char dir[4096], key[40];
	struct folder f = {.env = s->env, .dir = dir, .ok = true};
	int64_t since;

	snprintf(key, sizeof(key), FOLDER "%ld", number);
	snprintf(dir, sizeof(dir), "%s/%s", s->dir, key);
	if (!store_use_ledger(s) || !store_get_meta(s, key, &since) ||
	    (since == 0 && !store_put_meta(s, key, now_ms))) {
		snprintf(ret_why, STORE_WHY, "%.200s", s->db.why);
		return false;
	}
	if (since == 0 || now_ms - since < KEEP_MS)
		return true;
	f.ok = s->env->list_dir(s->env, dir, remove_file, &f) && f.ok &&
	       s->env->remove_file(s->env, dir);
	if (!f.ok)
		snprintf(ret_why, STORE_WHY, "%.180s cannot be removed: %s", dir,
		    strerror(errno));
	else
		log_info("%s is not needed any more and is removed", dir);
	return f.ok;
}

bool
upgrade_forget(struct store *s, int64_t now_ms, char ret_why[static STORE_WHY])
{
	long last = 0;

	(void)s->env->list_dir(s->env, s->dir, on_folder, &last);
	return last == 0 || forget_one(s, last, now_ms, ret_why);
}
