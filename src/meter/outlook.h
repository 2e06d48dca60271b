/* outlook.h: an outlook while it is made: as rows of the ledger, and handed out. */
#ifndef METER_OUTLOOK_H
#define METER_OUTLOOK_H

#include "db.h"
#include "stage/meter.h"

/* From now on outlook_take() gives a copy of `fresh`. */
void outlook_publish(struct outlook_shared *o, const struct outlook *fresh);

/* Which step of warmth a rest belongs to; -1: longer than anything is kept, or none. */
int outlook_warm_step(int64_t idle_ms);

/* ---- outlook_cells.c ---- */

/* The newest outlook; one numbered 0 where nothing was learned. */
void outlook_cells_load(struct db *db, struct outlook *ret);
/* The values in which `to` differs from `from`, under its number; in the caller's
 * transaction. `put` is outlook_cells_sql, prepared. */
extern const char outlook_cells_sql[];
bool outlook_cells_put(struct db *db, sqlite3_stmt *put, const struct outlook *from,
    const struct outlook *to, int64_t at_ms);

#endif
