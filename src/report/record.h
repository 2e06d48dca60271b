/* record.h: all that the ledger holds of one request. */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/money.h"
#include "base/util.h"
#include "core/sets.h"
#include "ask.h"
#include "books.h"
#include "stage/report.h"

#define RECORD_ATTEMPTS 8

struct record_attempt {
	struct str model, provider, region, price, served_model, service_tier,
	    raw_usage;
	enum tier tier;
	enum outcome outcome;
	enum basis basis;
	enum flaw flaw; /* of the first of a cascade */
	bool sent, first_byte, inconsistent, unpriced, unbilled;
	int http_status;
	int64_t contract_ppm, start_ms;
	int64_t list_pusd, amount_pusd, at_most_pusd; /* -1 unknown */
	int64_t tokens[TOKEN_COUNT], reasoning;       /* -1 unknown */
	int64_t calls; /* of tools with a fee; -1 unknown */
	int64_t input_estimate, expected_output;
	int64_t connect_ms, ttft_ms, total_ms; /* -1 unknown */
};

/* What an attempt cost after all. */
struct record_correction {
	int64_t at_ms, amount_pusd;
	unsigned attempt;
	struct str why;
};

struct record {
	struct arena *mem; /* everything below points into it */
	struct id id;
	int64_t start_ms, end_ms;
	struct str budget; /* whose cap has changed what was decided */
	struct str key, team, user, route, asked, path, class_name, data, mode, policy,
	    classifier, baseline, decided, tags, plan;
	struct str basis, decision; /* empty: an older release's row, or no room */
	enum tag_source source[16]; /* in the order of `tags` */
	unsigned sources;           /* 0: an older release's row */
	uint64_t session, outlook;
	double complexity, confidence, baseline_success;
	int64_t baseline_pusd; /* -1 unknown */
	bool stream, below_quality, unsure, pinned;
	enum outcome outcome;
	struct record_attempt attempt[RECORD_ATTEMPTS];
	unsigned attempts;
	struct record_correction correction[8]; /* the last of them */
	unsigned corrections;
	struct pusd_sum cost;
	bool unpriced;
};

enum record_found { RECORD_found, RECORD_missing, RECORD_unreadable };

/* Fini in any case. What is outside of the scope is missing. */
enum record_found record_load(
    struct books *b, struct id id, const struct scope *scope, struct record *ret);
void record_fini(struct record *r);

/* corrections.c. False: `b->why`. */
bool record_read_corrections(struct books *b, sqlite3 *db, struct record *r);

/* The object of GET /v1/requests/ID, and the text of `frugald explain`. */
struct recompute;
void record_json(const struct record *r, const struct recompute *c, struct buf *ret);
void record_text(const struct record *r, const struct recompute *c, struct buf *ret);
/* All from which the decision is made again elsewhere: the row, the texts that were in
 * force, the outlook's cells. False: `ret_why`. */
bool record_input(const struct record *r, struct books *b, struct buf *ret,
    char ret_why[static 256]) MUST_CHECK;

#endif
