/* budget_kept.h: what was spent within budgets, as sums in ledger.db: made of the rows,
 * as roll-ups are, and in their transactions. */
#ifndef METER_BUDGET_KEPT_H
#define METER_BUDGET_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "core/request.h"
#include "db.h"

/* ---- sums in memory ---- */

struct budget_entry {
	unsigned rule; /* index */
	char value[BUDGET_VALUE];
	int64_t period_ms;
	int64_t at_ms; /* of the last attempt */
	struct pusd_sum spent;
};

/* Of some attempts by some rules. Zeroed: of none. */
struct budget_sums {
	const struct budget *rule;
	const struct budget **order; /* of them; see budget_order() */
	const int64_t *from_ms;      /* earlier periods do not matter; NULL: all do */
	unsigned rules;
	struct budget_entry *entry;
	size_t entries, room;
	struct map *at;
};

/* `rule` (and `from_ms`) stay the caller's. */
void budget_sums_init(struct budget_sums *s, const struct budget *rule, unsigned rules);
void budget_sums_fini(struct budget_sums *s);
/* Every attempt counts in the period in which it was granted, else began. */
void budget_sums_add(struct budget_sums *s, const struct slot *slot);
/* Is there one of the same rule, value and period? */
bool budget_sums_find(const struct budget_sums *s, const struct budget_entry *e);
void budget_sums_clear(struct budget_sums *s);

/* When an attempt counts. */
static inline int64_t
budget_at_ms(const struct slot_attempt *a)
{
	return a->granted_ms > 0 ? a->granted_ms : a->start_ms;
}

/* Whose request a row is. `tag` has room for SLOT_TAGS. */
#define SLOT_TAGS 16
void budget_row_who(const struct slot_request *r, struct tag tag[static SLOT_TAGS],
    struct budget_who *ret);

/* Sums are kept of this period and the one before it: where that begins, when the last
 * attempt of all counted at `at_ms`. INT64_MIN: they are kept for good. */
int64_t budget_kept_from_ms(const struct budget *rule, int64_t at_ms);

/* ---- in ledger.db ---- */

struct budget_kept {
	struct env *env;
	struct db *db;
	sqlite3_stmt *get, *put;
	struct arena *mem; /* of the rules */
	struct budget *rule;
	int64_t *id; /* of each */
	unsigned rules;
	struct budget_sums sums; /* of the transaction under way */
};

/* With the rules that the file has. A rule whose time zone this machine does not know
 * is left out. False: db->why. */
bool budget_kept_open(struct budget_kept *k, struct env *env, struct db *db);
void budget_kept_close(struct budget_kept *k); /* takes a zeroed one */

/* Inside the caller's transaction, as rollup_begin() and the others. */
void budget_begin(struct budget_kept *k);
void budget_add(struct budget_kept *k, const struct slot *s);
bool budget_flush(struct budget_kept *k);

/* Inside the caller's transaction: drops the rule `i`, adds one; puts sums of rules
 * whose ids are `id`. */
bool budget_drop(struct budget_kept *k, int64_t id);
bool budget_make(struct budget_kept *k, const struct budget *rule, int64_t *ret_id);
bool budget_put(struct budget_kept *k, const struct budget_sums *s, const int64_t *id);
/* Some of what is kept no longer. */
bool budget_prune(struct budget_kept *k, int64_t at_ms, bool *ret_more);

/* A copy in `mem`, with its own clock. False: its time zone is not on this machine. */
bool budget_copy(
    struct env *env, const struct budget *from, struct arena *mem, struct budget *ret);

#endif
