/* books.h: the ledger's files, only ever read; what is committed is seen, nothing is
 * locked and nothing checkpointed. One thread. */
#ifndef REPORT_BOOKS_H
#define REPORT_BOOKS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct env;
struct budgets;
struct ledger;
struct report;
struct slots;

#define BOOKS_MONTHS 4

struct books {
	struct env *env;
	char dir[3800];
	struct ledger *ledger; /* of the daemon that runs here; NULL: none does */
	struct slots *slots;
	struct report *in_flight; /* who knows what is under way; NULL: nobody */
	int64_t asked_ms;         /* wall clock: when the question came */
	int64_t waited_ms;        /* since then, for what was not yet there */
	int64_t deadline_ns;      /* monotonic; 0: none */
	sqlite3 *sums;            /* ledger.db */
	struct budgets *budgets;  /* of that daemon, too */
	struct {
		int number; /* 0: none */
		sqlite3 *db;
		uint64_t used;
	} month[BOOKS_MONTHS];
	uint64_t uses;
	char why[256]; /* of the last failure */
};

void books_init(struct books *b, struct env *env, const char *state_dir);
void books_fini(struct books *b); /* takes a zeroed one */

/* NULL: `why`. Kept open for the next time. */
sqlite3 *books_sums(struct books *b);
/* NULL with an empty `why`: that month has no file. */
sqlite3 *books_month(struct books *b, int number);

/* NULL: `why`. The caller finalizes it. */
sqlite3_stmt *books_prepare(struct books *b, sqlite3 *db, const char *sql);
/* True with `*ret_row`; false: `why`. */
bool books_step(struct books *b, sqlite3_stmt *s, bool *ret_row);
/* Months of older releases lack columns. */
bool books_has(sqlite3 *db, const char *table, const char *column);
/* The expression that gives the tags of the request `r` of a month. */
const char *books_tags_sql(sqlite3 *db);
/* Whether the last failure was the time limit. */
bool books_too_slow(const struct books *b);

/* The text of a column, alive until the next step. */
static inline struct str
books_text(sqlite3_stmt *s, int i)
{
	const char *p = (const char *)sqlite3_column_text(s, i);

	return str_make(p == NULL ? "" : p, (size_t)sqlite3_column_bytes(s, i));
}

/* -1 for NULL: unknown. */
static inline int64_t
books_known(sqlite3_stmt *s, int i)
{
	return sqlite3_column_type(s, i) == SQLITE_NULL ? -1
							: sqlite3_column_int64(s, i);
}

#endif
