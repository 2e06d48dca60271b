/* rollup.h: what happened in an hour, by what it is asked for. */
#ifndef METER_ROLLUP_H
#define METER_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"
#include "base/map.h"
#include "base/money.h"
#include "db.h"
#include "stage/meter.h"

#define ROLLUP_HOUR_MS 3600000LL

struct rollup_store {
	struct db *db;
	sqlite3_stmt *get, *put, *undo;
	/* No roll-up of this day is whole any more; -1: ask. fold.c makes them so. */
	int64_t undone;
	struct rollup_entry *entry; /* cells that the transaction has changed */
	unsigned entries, room;
	struct map *at; /* of many: where each stands */
};

bool rollup_open(struct rollup_store *r, struct db *db);
/* The same for long transactions over many cells. */
bool rollup_open_wide(struct rollup_store *r, struct db *db);
void rollup_close(struct rollup_store *r);

/* Inside the caller's transaction: begin, any number of slots, flush. A batch is mostly
 * of a few cells, so each is read and written once, not once a request. */
void rollup_begin(struct rollup_store *r);
/* Adds all attempts of a settled slot. */
bool rollup_add(struct rollup_store *r, const struct slot *s);
/* What an attempt cost more (or less) than was booked, in the hour of `at_ms`. */
bool rollup_correct(struct rollup_store *r, const struct slot *s,
    const struct slot_attempt *a, int64_t at_ms, int64_t more_pusd);
bool rollup_flush(struct rollup_store *r);

#endif
