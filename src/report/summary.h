/* summary.h: what was spent, by what it is asked for. */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/sketch.h"
#include "ask.h"
#include "facts.h"
#include "kinds.h"
#include "provenance.h"
#include "refusals.h"
#include "tagged.h"
#include "yardstick.h"

struct snapshot;

#define GROUP_SERVED 256

/* Facts that have the same values of what was grouped by. */
struct group {
	char *value[ASK_GROUPS]; /* owned */
	enum tier tier;
	char provider[64];
	bool mixed_tier, mixed_provider; /* then these two say nothing */
	char served[GROUP_SERVED];       /* models as served, a line each */
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
	/* By kind of token, which add up to what was paid: exact where rows tell. */
	struct kinds kinds;
	bool rows_known; /* they do, and how many sessions there were */
	int64_t sessions;
	/* Else of roll-ups and rows together, about. */
	struct sketch sketch;
	bool sketched; /* all of them tell */
	struct tagged tagged;
	int64_t with_rows; /* requests whose rows are still there */
	struct {
		int number;
		bool there; /* its file */
	} month;            /* that was looked for last */
	struct refusals refusals;
	struct provenance provenance;
	const struct snapshot *snap;     /* NULL: not known */
	struct yardstick_run *yardstick; /* NULL: each request's own baseline */
	struct books *books;
	int64_t complete_until_ms; /* all that ended before is in; -1 unknown */
};

/* `snap` NULL: which tags are in roll-ups is not known; it outlives the summary.
 * `ask->baseline` is one of its models. False: `b->why`. Fini in any case. */
bool summary_run(struct summary *s, struct books *b, const struct snapshot *snap,
    const struct ask *ask, const struct scope *scope);
void summary_fini(struct summary *s);

/* The object of GET /v1/costs/summary; false: it does not fit. */
bool summary_json(const struct summary *s, struct buf *ret) MUST_CHECK;

/* ---- the same, in parts ---- */

/* Of the object that is open: trust, budgets, limits, provenance. */
void summary_beside_json(const struct summary *s, struct json *j);
/* What was saved, net, less than nothing for a loss; false: nothing was compared. */
bool summary_saved(const struct sums *s, struct pusd_sum *ret);
/* num / den; null when there is nothing to divide by. */
void summary_put_share(struct json *j, const char *key, wide num, wide den);

#endif
