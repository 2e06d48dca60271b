/* store.h: where rows are kept for good. The seam is narrow so that a second store can
 * stand beside SQLite. Ledger thread only. */
#ifndef METER_STORE_H
#define METER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "stage/meter.h"

struct env;
struct store;

#define STORE_WHY 256

/* Opens or makes, migrates forward, replays what roll-ups have missed. On failure
 * `ret_why` says what and what to do. */
bool store_open(struct env *env, const char *dir, struct store **ret,
    char ret_why[static STORE_WHY]);
void store_close(struct store *s); /* takes NULL */

/* Rows and roll-ups of closed slots; durable when it returns true. A request that is in
 * already changes nothing. On failure nothing of the batch is lost: call again. */
bool store_commit(struct store *s, const struct slot *const *slot, unsigned count,
    char ret_why[static STORE_WHY]);

/* A text by hash, once. */
bool store_keep(struct store *s, const char *kind, const char *hash, struct str text);

/* The newest outlook, or a fresh one numbered 0; outlook_clear() it. */
void store_load_outlook(struct store *s, struct outlook *ret);
/* What a value was reckoned from, for going on after a restart. */
struct store_learned {
	char cell[PACE_NAME + 8];
	char *bytes;
	size_t len;
};
/* The values in which `to` differs from `from`, under `to`'s number; and `count` cells
 * that take the place of older ones. All or nothing. */
bool store_save_outlook(struct store *s, const struct outlook *from,
    const struct outlook *to, const struct store_learned *learned, unsigned count);
void store_load_learned(struct store *s,
    void (*each)(void *arg, struct str cell, struct str bytes), void *arg);

/* What a team or key has spent at contract terms in a month, by the tier of what served
 * it. */
bool store_month_spend(struct store *s, enum share_of of, const char *name, int month,
    struct pusd_sum ret[static TIER_COUNT]);

/* Moves the write-ahead log back; cheap when there is little. */
void store_checkpoint(struct store *s);

#endif
