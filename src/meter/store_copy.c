/* store_copy.c: copies of SQLite's files by its own means. What the ledger's connection
 * writes meanwhile goes into the copy, too, so that it never has to begin anew. */
#include "store_copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/mem.h"
#include "store_file.h"

#define PAGES_AT_ONCE 16

struct store_copy {
	struct env *env;
	struct db *lent;   /* the store's; NULL: `own` */
	sqlite3 *own, *to; /* only read; only written */
	sqlite3_backup *own_copy;
};

void
store_copy_path(const char *dir, int month, const char *end, char *ret, size_t cap)
{
	size_t n;

	if (month == 0)
		snprintf(ret, cap, "%s/ledger.db", dir);
	else
		month_path(dir, month, ret, cap);
	n = strlen(ret);
	snprintf(ret + n, cap - n, "%s", end);
}

static bool
fail(const char *what, const char *path, sqlite3 *db, char ret_why[static STORE_WHY])
{
	snprintf(ret_why, STORE_WHY, "%.120s cannot be %s: %.80s", path, what,
	    db == NULL ? "no memory" : sqlite3_errmsg(db));
	return false;
}

/* The copy is synced when it is whole; until then it has no name that counts. Made by
 * us, so that it is nobody else's to read, and belongs to whom its folder does; SQLite
 * makes what it puts beside it alike. */
static bool
open_target(struct store_copy *c, const char *to, char ret_why[static STORE_WHY])
{
	if (!c->env->write_file(c->env, to, STR(""))) {
		snprintf(ret_why, STORE_WHY, "%.140s cannot be made: %s", to,
		    strerror(errno));
		return false;
	}
	if (sqlite3_open_v2(to, &c->to,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK &&
	    sqlite3_exec(c->to, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL,
		NULL, NULL) == SQLITE_OK)
		return true;
	return fail("made", to, c->to, ret_why);
}

/* A folder of copies may be one that nobody may write: without a log nothing needs to
 * be. The bytes that mean something in a URI are escaped. */
static void
untouched_uri(const char *path, char *ret, size_t cap)
{
	size_t n = (size_t)snprintf(ret, cap, "file:");

	for (; *path != '\0' && n + 16 < cap; path++) {
		if (strchr("%?#", *path) != NULL)
			n += (size_t)snprintf(ret + n, cap - n, "%%%02X", *path);
		else
			ret[n++] = *path;
	}
	snprintf(ret + n, cap - n, "?immutable=1");
}

/* A month that the ledger does not write just now has a reader of its own. */
static bool
open_own(struct store_copy *c, const char *path, bool written,
    char ret_why[static STORE_WHY])
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	char wal[4200], uri[8192];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(uri, sizeof(uri), "%s", path);
	if (!written && c->env->file_size(c->env, wal) <= 0) {
		untouched_uri(path, uri, sizeof(uri));
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	}
	if (sqlite3_open_v2(uri, &c->own, flags, NULL) != SQLITE_OK)
		return fail("read", path, c->own, ret_why);
	sqlite3_busy_timeout(c->own, 1000);
	sqlite3_db_config(c->own, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return true;
}

static struct db *
lent_by(struct store *s, int month)
{
	if (s == NULL)
		return NULL;
	if (month == 0)
		return store_use_ledger(s) ? &s->db : NULL;
	return s->month.number == month ? &s->month.db : NULL;
}

struct store_copy *
store_copy_begin(struct store *s, struct env *env, const char *dir, int month,
    const char *to, char ret_why[static STORE_WHY])
{
	struct store_copy *c = xcalloc(1, sizeof(*c));
	sqlite3_backup *b;
	char path[4096];

	c->env = env;
	c->lent = lent_by(s, month);
	store_copy_path(dir, month, "", path, sizeof(path));
	if (!open_target(c, to, ret_why) ||
	    (c->lent == NULL && !open_own(c, path, s != NULL, ret_why)))
		goto failed;
	b = sqlite3_backup_init(
	    c->to, "main", c->lent != NULL ? c->lent->handle : c->own, "main");
	if (b == NULL) {
		fail("made", to, c->to, ret_why);
		goto failed;
	}
	if (c->lent != NULL)
		c->lent->copy = b;
	else
		c->own_copy = b;
	return c;
failed:
	c->lent = NULL;
	store_copy_end(c);
	return NULL;
}

enum copy_step
store_copy_step(struct store_copy *c, int64_t ns, int64_t *ret_bytes,
    char ret_why[static STORE_WHY])
{
	int64_t until = c->env->mono_ns(c->env) + ns;
	sqlite3_backup *b = c->lent != NULL ? c->lent->copy : c->own_copy;
	int rc;

	if (b == NULL)
		return COPY_again;
	do {
		rc = sqlite3_backup_step(b, PAGES_AT_ONCE);
	} while (rc == SQLITE_OK && c->env->mono_ns(c->env) < until);
	*ret_bytes =
	    4096LL * (sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b));
	if (rc == SQLITE_DONE)
		return COPY_whole;
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return COPY_more;
	snprintf(ret_why, STORE_WHY, "the copy cannot be written: %.120s",
	    sqlite3_errstr(rc));
	return COPY_failed;
}

void
store_copy_end(struct store_copy *c)
{
	if (c == NULL)
		return;
	if (c->lent != NULL) {
		sqlite3_backup_finish(c->lent->copy);
		c->lent->copy = NULL;
	}
	sqlite3_backup_finish(c->own_copy);
	sqlite3_close(c->own);
	sqlite3_close(c->to);
	xfree(c);
}
