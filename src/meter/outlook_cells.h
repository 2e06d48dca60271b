/* outlook_cells.h: an outlook as rows of the ledger. */
#ifndef METER_OUTLOOK_CELLS_H
#define METER_OUTLOOK_CELLS_H

#include "db.h"
#include "stage/meter.h"

/* The newest outlook; one numbered 0 where nothing was learned. */
void outlook_cells_load(struct db *db, struct outlook *ret);
/* The values in which `to` differs from `from`, under its number; in the caller's
 * transaction. `put` is outlook_cells_sql, prepared. */
extern const char outlook_cells_sql[];
bool outlook_cells_put(struct db *db, sqlite3_stmt *put, const struct outlook *from,
    const struct outlook *to, int64_t at_ms);

#endif
