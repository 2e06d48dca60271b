/* meter.h: what every call cost: slots that kill -9 cannot lose, prices, the ledger. */
#ifndef STAGE_METER_H
#define STAGE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/money.h"
#include "base/str.h"
#include "config/prices.h"
#include "core/sets.h"

struct env;
struct snapshot;

/* The exact cost of disjoint token kinds by one row, rounded once half-even: Σ tokens × price
 * × service factor × contract factor (ppm; 1,000,000: list). Unknown (-1) token counts are 0.
 * False: a kind that has tokens has no price (unpriced), or the amount does not fit. */
bool price_cost(const struct price_row *row, const struct usage *u, struct str service_tier,
    int64_t contract_ppm, struct pusd *ret) MUST_CHECK;

/* The kinds in force for a request of so many input tokens. */
const struct price_kinds *price_kinds_for(const struct price_row *row, int64_t input_tokens);

/* ---- slots: one per request in flight, in a mapped file ---- */

#define SLOT_BYTES 4096
#define SLOT_ATTEMPTS 6
#define SLOT_NAME 40

/* Plain data, as it stands in the file: no pointers, fixed width, zeroed when free. */
struct slot_request {
	struct id id;
	int64_t start_ms; /* wall clock */
	char key[SLOT_NAME], team[SLOT_NAME], user[64], route[SLOT_NAME], asked[64];
	char class_name[20], data[24], mode[12], path[40];
	char policy[12], classifier[16];
	uint64_t session, outlook;
	float complexity, confidence;
	/* the baseline's counterfactual, estimate */
	char baseline[SLOT_NAME];
	int64_t baseline_pusd; /* -1 unknown */
	double baseline_success;
	char decided[SLOT_NAME];
	uint8_t dialect, stream, below_quality, unsure, pinned, pad_[3];
	uint16_t plan_len;
	uint8_t plan[256]; /* packed numbers, see meter/pack.h */
	uint16_t tags_len;
	char tags[320]; /* "name=value\n…", cut at a whole tag */
};

/* Written before the first byte goes upstream, but for what the answer brings. */
struct slot_attempt {
	/* intent */
	char model[SLOT_NAME], provider[SLOT_NAME], region[16], price_id[64];
	uint8_t tier, sent, closed, pad_;
	int32_t contract_ppm;
	int64_t start_ms;
	int64_t price_pusd[TOKEN_COUNT]; /* per token, of the row in force */
	int64_t at_most_pusd;	/* the hold; -1 unpriced */
	int64_t input_estimate; /* tokens */
	int64_t expected_output; /* tokens, of this model for this class */
	/* what is seen as it passes */
	int64_t output_seen; /* tokens, estimated; 0 before the first byte */
	uint8_t first_byte;
	/* result */
	uint8_t basis, usage_inconsistent, unpriced;
	uint16_t outcome;
	int16_t http_status;
	int64_t tokens[TOKEN_COUNT];
	int64_t reasoning;
	int64_t list_pusd, amount_pusd; /* -1: unpriced */
	int32_t connect_ms, ttft_ms, total_ms;
	char served_model[64], service_tier[16];
};

struct slots;	 /* the file of this process */
struct slot;	 /* one slot */

/* Makes `slots.<ulid>` in the state folder with room for `count` requests in flight. Books
 * nothing: see slots_recover(). NULL: errno. */
struct slots *slots_create(struct env *env, const char *state_dir, unsigned count,
    unsigned workers);
void slots_close(struct slots *s); /* takes NULL; removes the file when all is free */

/* Worker only, its own ring of free slots. NULL: none left: answer OUT_no_slot. */
struct slot *slot_open(struct slots *s, unsigned worker, const struct slot_request *intent);
/* Index of the new attempt; -1: SLOT_ATTEMPTS are spent. The intent is in the file when this
 * returns. */
int slot_attempt_open(struct slot *s, const struct slot_attempt *intent);
void slot_attempt_sent(struct slot *s, int attempt);
void slot_attempt_seen(struct slot *s, int attempt, int64_t output_tokens);
/* Settles one attempt; the first call holds, a second changes nothing. */
void slot_attempt_close(struct slot *s, int attempt, const struct slot_attempt *result,
    struct str raw_usage);
/* No further attempt follows: hands the slot to the ledger thread. */
void slot_close(struct slots *s, struct slot *slot, enum outcome outcome, int64_t end_ms);
/* For tests and metrics. */
unsigned slots_in_use(const struct slots *s);

/* What an attempt without usage is booked at, by its basis (design.md 2). Fills tokens,
 * list and contract amount of `a`. Also what recovery calls. */
void settle_by_basis(struct slot_attempt *a, enum basis basis);
/* The bill of an attempt whose provider reported usage. */
void settle_reported(struct slot_attempt *a, const struct price_row *row,
    const struct usage *u, struct str service_tier);

/* ---- the ledger: its own thread, the only code that writes SQLite ---- */

struct ledger;

struct ledger_status {
	bool healthy;		 /* commits work */
	uint64_t rows, batches, errors, recovered;
	int64_t committed_until_ms; /* wall clock: all that ended before is in */
	char error[160];	 /* the last one, for people; "" */
};

/* Opens `ledger.db` and the month file in `state_dir`, migrates the schema forward, takes the
 * ledger's lock, books the slots of dead processes. False: `ret_why` says what and what to
 * do. */
bool ledger_open(struct env *env, const char *state_dir, struct ledger **ret,
    char ret_why[static 256]);
/* Starts the thread that drains `slots` and publishes what it learns in `outlook`. */
struct outlook_shared;
bool ledger_start(struct ledger *l, struct slots *slots, struct outlook_shared *outlook);
/* Drains what is closed, commits, checkpoints, ends the thread. Takes NULL. */
void ledger_stop(struct ledger *l);
void ledger_close(struct ledger *l);
void ledger_status_get(struct ledger *l, struct ledger_status *ret); /* any thread */
/* Keeps policy, price book and weights by hash, before their first row. Any thread. */
void ledger_keep(struct ledger *l, const char *kind, const char *hash, struct str text);

/* ---- learned values ---- */

/* Immutable; published by the ledger thread; a request keeps the one it began with. */
struct outlook {
	uint64_t number;
	/* this release learns bytes per token by provider name, in thousandths */
	unsigned providers;
	struct {
		char name[SLOT_NAME];
		int32_t bytes_per_token_milli;
	} provider[32];
};
struct outlook_shared;
struct outlook_shared *outlook_shared_new(void);
void outlook_shared_free(struct outlook_shared *o);
const struct outlook *outlook_take(struct outlook_shared *o); /* one reference */
void outlook_release(const struct outlook *o);		      /* takes NULL */

#endif
