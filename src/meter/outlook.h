/* outlook.h: an outlook while it is made: as rows of the ledger, and handed out. */
#ifndef METER_OUTLOOK_H
#define METER_OUTLOOK_H

#include "db.h"
#include "stage/meter.h"

/* From now on outlook_take() gives a copy of `fresh`. */
void outlook_publish(struct outlook_shared *o, const struct outlook *fresh);

/* Quantiles of fewer samples are no evidence; older ones count a little less than one,
 * so this says eight. */
#define PACE_FEW 7.5F

/* The paces of a place, made when it is new; NULL: there is no room. The list is the
 * caller's memory: outlook_clear() it. */
struct outlook_pace *outlook_pace_make(struct outlook *o, struct str name);
/* snapshot_place() of a name as it stands in `struct outlook_pace`. */
uint64_t outlook_place(struct str name);

/* ---- outlook_cells.c ---- */

/* The newest outlook; one numbered 0 where nothing was learned. */
void outlook_cells_load(struct db *db, struct outlook *ret);
/* The values in which `to` differs from `from`, under its number; in the caller's
 * transaction. `put` is outlook_cells_sql, prepared. */
extern const char outlook_cells_sql[];
bool outlook_cells_put(struct db *db, sqlite3_stmt *put, const struct outlook *from,
    const struct outlook *to, int64_t at_ms);

#endif
