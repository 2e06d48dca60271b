/* store_file.h: the store's files, for the parts of it that need them: rows and
 * roll-ups (store_sqlite.c), budgets (store_budget.c). */
#ifndef METER_STORE_FILE_H
#define METER_STORE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "budget_kept.h"
#include "db.h"
#include "fold.h"
#include "month.h"
#include "rollup.h"
#include "store.h"

struct store_adopt;

struct store {
	struct env *env;
	char dir[3800];
	struct db db; /* ledger.db */
	struct month month;
	struct rollup_store rollup;
	struct budget_kept budget;
	struct store_adopt *adopt; /* rules that are to be in force; NULL: they are */
	sqlite3_stmt *get_meta, *put_meta, *keep, *put_outlook, *put_learned;
	bool slim;
	struct fold fold;
	struct {
		char cell[PACE_NAME + 8];
		int64_t number;
	} swept;            /* how far the cells of the outlook were looked at */
	int64_t counted_ms; /* of the transaction: the latest that a row counts at */
	int64_t *seq;       /* of the batch under way */
	unsigned seq_room;
};

/* Those that have a file. False: errno. */
bool store_months(struct store *s, struct months *ret);
/* False: `month.db.why`. */
bool store_use_month(struct store *s, int number);
void store_leave_month(struct store *s);

/* After an error of the disk nothing that a connection remembers is believed: it is
 * closed, and opened again here. */
bool store_use_ledger(struct store *s);
void store_close_ledger(struct store *s);
/* Of ledger.db: a number by name, 0 when there is none; and "up_to:2026-11". */
bool store_get_meta(struct store *s, const char *key, int64_t *ret);
bool store_put_meta(struct store *s, const char *key, int64_t value);

/* ---- store_correct.c ---- */

/* Corrections of the open month that the roll-ups do not have yet. False: `ret_why`. */
bool store_catch_up_corrections(struct store *s, char ret_why[static STORE_WHY]);

/* ---- store_budget.c ---- */

void store_adopt_free(struct store *s);

#endif
