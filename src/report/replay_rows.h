/* replay_rows.h: the ledger's requests one after the other, as a replay needs them. */
#ifndef REPORT_REPLAY_ROWS_H
#define REPORT_REPLAY_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/request.h"
#include "books.h"

/* One request with the attempt that answered, or its last one. */
struct replay_row {
	int64_t start_ms, end_ms;
	uint64_t session, outlook;
	float complexity, confidence;
	/* The same text is the same pointer, and lives as long as the reader. */
	const char *key, *team, *asked, *class_name, *policy, *basis;
	const char *model, *provider, *service_tier;
	enum outcome outcome;
	enum basis basis_of_cost;
	enum tier tier;
	unsigned attempts;
	bool unpriced, unbilled; /* any attempt; the last one: it costs nothing */
	struct pusd_sum booked;  /* of all attempts */
	int64_t amount_pusd;     /* of the last one; -1 unknown */
	int64_t contract_ppm, input_estimate, total_ms;
	struct usage usage;
	uint16_t plan_len, decision_len, tags_len;
	char plan[sizeof(((struct slot_request *)0)->plan)];
	char decision[DECISION_BYTES];
	char tags[sizeof(((struct slot_request *)0)->tags)];
};

struct replay_reader;

/* Requests that ended within [from, to) and are `o`'s, in the order of their ends. */
struct replay_reader *replay_reader_new(
    struct books *b, const struct replay_options *o);
void replay_reader_free(struct replay_reader *r); /* takes NULL */
/* Gives the number of rows, 0 at the end; -1: the books' `why`. */
int replay_reader_next(
    struct replay_reader *r, struct replay_row *ret, unsigned cap) MUST_CHECK;

#endif
