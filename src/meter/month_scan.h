/* month_scan.h: a month's rows in their order, back as slots: for roll-ups and budgets
 * that are made again, and for whoever audits them. */
#ifndef METER_MONTH_SCAN_H
#define METER_MONTH_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "stage/meter.h"

/* Rows of the first release have one attempt more than a slot. */
#define ROW_ATTEMPTS 6

struct month_scan {
	struct db *db;
	sqlite3_stmt *requests, *attempts, *name;
	char **text; /* by id */
	size_t texts;
	bool attempt_there; /* the second cursor stands on a row */
	int64_t seq;        /* of the row that was given last */
	bool old;           /* of a release that did not say how sure a baseline is */
	unsigned attempts_seen;        /* of it: all */
	struct slot slot;              /* as roll-ups take it */
	struct slot_attempt beyond[2]; /* more attempts than a slot has: the last two */
};

/* Rows after `seq`. False: db->why; close it all the same. */
bool month_scan_open(struct month_scan *s, struct db *db, int64_t seq);
/* The next request, in `slot`; `*ret_row` false: there is none. False: db->why. */
bool month_scan_next(struct month_scan *s, bool *ret_row);
void month_scan_close(struct month_scan *s); /* takes a zeroed one */

/* Each attempt as it was written, also where a slot has no room for it. */
static inline const struct slot_attempt *
month_scan_attempt(const struct month_scan *s, unsigned i)
{
	return s->attempts_seen <= SLOT_ATTEMPTS || i < SLOT_ATTEMPTS - 1
		   ? &s->slot.attempt[i]
		   : &s->beyond[i - (SLOT_ATTEMPTS - 1)];
}

#endif
