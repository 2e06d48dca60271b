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

/* ---- budgets: sums of the rows, kept with every batch ---- */

struct budget;
struct refusal_count;

/* From now on sums shall be kept for these, which are copied. False: one has a time
 * zone that this machine does not know. */
bool store_rules_want(struct store *s, const struct budget *rule, unsigned count);
enum store_rules {
	RULES_in,   /* they are kept */
	RULES_more, /* rows have to be read */
	RULES_failed
};
/* Goes on by at most so many rows. Batches may be committed between two calls. */
enum store_rules store_rules_go(struct store *s, unsigned rows);

struct store_spent {
	const char *name; /* of the budget */
	const char *value;
	int64_t period_ms;
	struct pusd_sum spent;
};
/* All sums that are kept, those touched last first, and the latest moment that a row
 * counts at. */
bool store_spent(struct store *s, int64_t *ret_counted_ms,
    void (*each)(void *arg, const struct store_spent *spent), void *arg);
/* Removes some sums of periods that are long over. */
bool store_prune(struct store *s, bool *ret_more);
bool store_add_refusals(struct store *s, const struct refusal_count *r, unsigned count);
/* One small step of taking away what need not be kept any longer, by the wall clock;
 * `*ret_more`: another one may follow. */
bool store_retain(struct store *s, const struct ledger_terms *terms, bool *ret_more,
    char ret_why[static STORE_WHY]);
/* One small step of making roll-ups of days; true: another one may follow. */
bool store_fold(struct store *s);
/* From now on rows of settled requests are without raw usage, plan and decision. */
void store_slim(struct store *s, bool slim);

bool store_correct(struct store *s, const struct ledger_correction *c,
    struct ledger_corrected *ret, char ret_why[static STORE_WHY]);

/* Moves the write-ahead log back; cheap when there is little. */
void store_checkpoint(struct store *s);
/* Lets go of the pages that the files have in memory. */
void store_rest(struct store *s);

#endif
