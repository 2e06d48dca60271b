/* summary.h: what was spent, by what it is asked for. */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "ask.h"
#include "facts.h"

struct snapshot;

/* Facts that have the same values of what was grouped by. */
struct group {
	char *value[ASK_GROUPS]; /* owned */
	enum tier tier;
	char provider[64];
	bool mixed_tier, mixed_provider; /* then these two say nothing */
	struct sums sums;
};

struct summary {
	const struct ask *ask;
	const struct scope *scope;
	struct map *by_key;
	struct group **group; /* sorted by summary_run() */
	size_t groups, room;
	struct group *rest; /* what is beyond the limit; NULL: nothing */
	size_t rest_groups;
	struct sums total;
	struct hist tokens, ttft, total_time;
	bool used_rollups, used_rows;
	/* What only rows tell of the total: kinds of token, which add up to what was
	 * paid, and how many sessions there were. */
	bool rows_known;
	struct pusd_sum kind[TOKEN_COUNT], kind_other;
	int64_t sessions;
	int64_t complete_until_ms; /* all that ended before is in; -1 unknown */
};

/* `snap` NULL: which tags are in roll-ups is not known.
 * False: `b->why`. Fini in any case. */
bool summary_run(struct summary *s, struct books *b, const struct snapshot *snap,
    const struct ask *ask, const struct scope *scope);
void summary_fini(struct summary *s);

/* The object of GET /v1/costs/summary; false: it does not fit. */
bool summary_json(const struct summary *s, struct buf *ret) MUST_CHECK;

#endif
