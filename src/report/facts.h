/* facts.h: what the ledger holds, as one kind of record, whether it comes from an
 * hourly roll-up or from a single attempt. */
#ifndef REPORT_FACTS_H
#define REPORT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"
#include "base/money.h"
#include "base/str.h"
#include "core/request.h"
#include "core/sets.h"
#include "books.h"

/* Sums, for a fact, a group of facts, or all. */
struct sums {
	int64_t requests, attempts, failed, unpriced, estimated_rows;
	int64_t tokens[TOKEN_COUNT];
	int64_t reasoning;
	struct pusd_sum paid, list;
	struct pusd_sum wasted;          /* paid for attempts that did not answer */
	struct pusd_sum estimated;       /* of paid: rests on a basis, not on usage */
	struct pusd_sum exposure;        /* Σ (at most − amount) of those */
	struct pusd_sum baseline;        /* what the baseline would have cost … */
	struct pusd_sum compared;        /* … for the requests that cost this */
	struct pusd_sum gone, escalated; /* of wasted: by clients, by cascades */
	struct pusd_sum bias, var;       /* of the baseline: baseline_error() */
	int64_t compared_requests;       /* of which baseline and compared are */
};
void sums_add(struct sums *into, const struct sums *from);

struct fact {
	int64_t at_ms; /* of a roll-up, its hour's begin */
	bool rolled;   /* a roll-up: of tags it has those of that depth */
	struct str model, provider, key, team, route, class_name;
	struct str tags; /* "name=value\n…" */
	enum tier tier;
	struct str served; /* models as served, a line each */
	struct str price;  /* its id; of a roll-up the last one's */
	struct str user;   /* rows only */
	uint64_t session;  /* rows only */
	/* Rows that are asked for so: what they were decided from. */
	bool comparable; /* the answer of its request, and priced */
	struct fact_decision {
		uint64_t outlook;
		struct decision_row row;
		struct str policy, basis;
	} decision;
	struct sums sums;
	struct str sessions; /* a roll-up's sketch, packed */
	/* A roll-up's histograms, packed; a row's values, -1: none. */
	struct str tokens_hist, ttft_hist, total_hist;
	int64_t tokens, ttft_ms, total_ms;
};

/* Columns 1 to 8 of a row: team, key, route, class, model, provider, tier, tags. */
void fact_dimensions(sqlite3_stmt *s, struct fact *f);

typedef void fact_fn(void *arg, const struct fact *f);

/* Whole hours. False: `b->why`. */
bool facts_from_rollups(
    struct books *b, int64_t from_hour, int64_t to_hour, fact_fn *each, void *arg);
/* The same, where a whole day may be one fact, whose hour is its first. */
bool facts_from_days(
    struct books *b, int64_t from_hour, int64_t to_hour, fact_fn *each, void *arg);
/* Which rows. */
struct facts_want {
	int64_t from_ms, to_ms; /* requests that ended within [from, to) */
	bool decisions;         /* with what they were decided from */
	/* Only requests with this tag, by its index; NULL: all. */
	const char *tag, *value;
};
/* Attempts, at what they cost after all where that was corrected. Months without a file
 * give nothing. */
bool facts_from_rows(
    struct books *b, const struct facts_want *want, fact_fn *each, void *arg);

/* Corrections that were made within [from, to): what an attempt cost more, or less,
 * with the dimensions of its request; among the rows, as in the roll-ups. */
bool facts_from_corrections(
    struct books *b, int64_t from_ms, int64_t to_ms, fact_fn *each, void *arg);

/* The value of a tag, empty when there is none. */
struct str facts_tag(struct str tags, struct str name);

#endif
