/* fold.h: roll-ups of days, made of those of their hours, so that a summary of a month
 * reads thirty times as little. */
#ifndef METER_FOLD_H
#define METER_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

/* How far the work has come; zeroed: nowhere. */
struct fold {
	int64_t from_hour; /* what came before was looked at */
	int64_t day;       /* under way; 0: none */
	int64_t due_ms;    /* wall clock: when it is looked for days again */
	/* The last cell of it that was added. */
	int64_t hour;
	char *after[8]; /* team … tags; owned */
};
void fold_fini(struct fold *f);

/* A small step, in a transaction of its own. `*ret_more`: another one may follow.
 * False: `db->why`; begin again later. */
bool fold_step(struct fold *f, struct db *db, int64_t wall_ms, bool *ret_more);

#endif
