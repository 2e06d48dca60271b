/* verify.h: the audit, as its files share it. */
#ifndef METER_VERIFY_H
#define METER_VERIFY_H

#include "base/map.h"
#include "budget_kept.h"
#include "month.h"
#include "month_scan.h"
#include "rollup.h"

/* What was in force for some rows. */
struct verify_force;
struct verify_correction;

#define VERIFY_PRICES 256

/* What a model cost at a provider in some minute, found before. */
struct verify_price {
	const struct verify_force *force;
	int64_t minute;
	char model[SLOT_NAME], provider[SLOT_NAME];
	const struct provider *at; /* NULL: there is no such */
	struct contract_price price;
};

struct verify {
	struct env *env;
	const char *dir;
	void (*each)(void *arg, const struct verify_finding *f);
	void *arg;
	struct verify_report *ret;
	char *why; /* 256 bytes */

	struct db sums;          /* ledger.db: one reading transaction */
	struct budget_kept kept; /* its rules */
	struct budget_sums spent;
	int64_t counted_ms;
	int64_t gone_until_ms; /* rows of months before that are gone; 0: none are */

	struct db scratch; /* roll-ups made again, of one month */
	struct rollup_store rollup;

	struct verify_correction *correction; /* of all months */
	size_t corrections, corrections_room;

	struct map *forces; /* basis -> struct verify_force */
	struct verify_price *price;

	/* of the month under way */
	char file[24];
	struct db month;
	int number;
	int64_t up_to;
	int64_t old_hour; /* up to here roll-ups lack the columns of later releases */
	const char *unit; /* of the roll-ups that are compared: "hour", "day" */
};

/* `where` as printf(). */
void verify_tell(struct verify *v, const char *written, const char *computed,
    const char *where, ...) PRINTF_LIKE(4, 5);
bool verify_fail(struct verify *v, const struct db *db, const char *what);

/* Of the month under way, a number that ledger.db keeps; 0: none. */
bool verify_meta(struct verify *v, const char *what, int64_t *ret);

/* ---- verify_correct.c ---- */

/* Those of the month that is open; before roll-ups of any month. */
bool verify_corrections_take(struct verify *v);
/* Those that count in the month under way, to its roll-ups. */
bool verify_corrections_add(struct verify *v);
void verify_corrections_free(struct verify *v);

/* ---- verify_price.c ---- */

void verify_attempt(struct verify *v, const struct month_scan *s, unsigned n);
void verify_prices_free(struct verify *v);

/* ---- verify_sums.c ---- */

bool verify_sums_begin(struct verify *v);
bool verify_sums_add(struct verify *v, const struct month_scan *s);
/* Roll-ups of the month under way. */
bool verify_rollups(struct verify *v);
/* Roll-ups of months whose rows are gone. */
bool verify_rollups_gone(struct verify *v, int64_t from_hour, int64_t to_hour);
bool verify_budgets(struct verify *v);
/* Two lists of roll-ups, in the order of their keys, side by side. */
bool verify_walk(struct verify *v, sqlite3_stmt *kept, sqlite3_stmt *made);

/* ---- verify_days.c ---- */

/* Days against their hours. */
bool verify_days(struct verify *v);

#endif
