/* meter.h: what every call cost: slots that kill -9 cannot lose, prices, the ledger. */
#ifndef STAGE_METER_H
#define STAGE_METER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/money.h"
#include "base/str.h"
#include "config/contract.h"
#include "config/prices.h"
#include "config/snapshot.h"
#include "core/sets.h"

struct env;
struct snapshot;

/* The exact cost of disjoint token kinds by one row, rounded once half-even: (Σ tokens
 * × price × service factor + fees) × contract factor (ppm; 1,000,000: list). Unknown
 * (-1) counts are 0. False: a kind that has tokens, or calls, has no price (unpriced),
 * or the amount does not fit. */
bool price_cost(const struct price_row *row, const struct usage *u,
    struct str service_tier, int64_t contract_ppm, struct pusd *ret) MUST_CHECK;

/* What `ms` of a machine cost that serves `places` requests at once, rounded once
 * half-even. False: it does not fit. */
bool price_machine(
    struct pusd per_hour, int64_t ms, int32_t places, struct pusd *ret) MUST_CHECK;

/* How far off a baseline may be because nobody knows how long its answer would have
 * been. `output_ppm` of it are for the answer, and the expected length rests on
 * `samples` answers that were seen. Added up over requests: `*bias`, one standard error
 * of the expected length, in which all are wrong together, and `*var`, the variance of
 * single answers in pico-dollars times dollars, which are wrong each by itself. */
void baseline_error(int64_t baseline_pusd, uint32_t output_ppm, uint32_t samples,
    struct pusd_sum *bias, struct pusd_sum *var);
/* Half of the 95 % interval around the sum of such baselines. */
struct pusd_sum baseline_half_95(struct pusd_sum bias, struct pusd_sum var);

/* The kinds in force for a request of so many input tokens. */
const struct price_kinds *price_kinds_for(
    const struct price_row *row, int64_t input_tokens);

/* ---- slots: one per request in flight, in a mapped file ---- */

#define SLOT_BYTES    4096
#define SLOT_ATTEMPTS 5
#define SLOT_NAME     40

/* Plain data, as it stands in the file: no pointers, fixed width, zeroed when free. */
struct slot_request {
	struct id id;
	int64_t start_ms; /* wall clock */
	char key[SLOT_NAME], team[SLOT_NAME], user[64], route[SLOT_NAME], asked[64];
	char class_name[20], data[24], mode[12], path[32];
	char policy[12], classifier[16];
	char basis[12]; /* short hash of all that was in force; "": not kept */
	uint64_t session, outlook;
	uint32_t rules; /* generation of the budgets that have granted it */
	float complexity, confidence;
	char budget[SLOT_NAME]; /* whose cap has changed or refused what was decided */
	char baseline[SLOT_NAME], decided[SLOT_NAME];
	int64_t baseline_pusd; /* counterfactual, an estimate; -1 unknown */
	/* How sure: see baseline_error(). */
	uint32_t baseline_output_ppm, baseline_samples;
	float baseline_success;
	uint8_t stream, below_quality, unsure, pinned;
	uint8_t shares; /* 1 << enum share_of: whose share on frontier models counts */
	uint16_t plan_len, tags_len;
	uint16_t rollup_tags_len;         /* the part of `tags` that roll-ups have */
	uint16_t decision_len;            /* 0: it did not fit */
	uint8_t decision[DECISION_BYTES]; /* see decision_pack() */
	uint8_t plan[260];                /* packed numbers, see plan_pack() */
	/* "name=value\n…", those of depth rollup first,
	 * then index, then store; cut at a whole tag */
	char tags[320];
	uint8_t tag_source[16]; /* enum tag_source, in the order of `tags` */
};

/* What the number of an answer's tokens says of how long such answers get. */
enum answer_length {
	LENGTH_unknown, /* nothing: it was refused, or is several answers */
	LENGTH_whole,   /* it ended by itself */
	LENGTH_least,   /* it was cut off at its maximum */
};

#define PRICE_NONE UINT32_MAX

/* Written before the first byte goes upstream, but for what the answer brings. */
struct slot_attempt {
	/* intent */
	char model[SLOT_NAME], provider[SLOT_NAME], region[24], price_id[56];
	uint8_t tier, sent, first_byte, closed;
	uint8_t unbilled; /* costs nothing by its nature: counting tokens */
	uint8_t basis, usage_inconsistent, unpriced;
	uint8_t length;    /* enum answer_length */
	uint8_t warm_kind; /* enum warm_kind, of the cache below */
	uint8_t tiered;    /* we asked for a tier of service */
	uint8_t flaw;      /* enum flaw: of the first of a cascade */
	int32_t contract_ppm;
	uint16_t outcome;
	int16_t http_status;
	int32_t calls; /* of tools with a fee of their own; -1: not said */
	int64_t start_ms;
	int64_t granted_ms; /* in which periods of budgets it counts; never before an
				earlier one's, whatever the clock does */
	int64_t price_input_pusd, price_output_pusd; /* per token; -1 unknown */
	/* The same of the contract's own price row, and 1 more, so that 0 says that it
	 * has none; PRICE_NONE: that row does not tell. */
	uint32_t fixed_input, fixed_output;
	int64_t at_most_pusd;    /* the hold; -1 unpriced */
	int64_t machine_pusd;    /* expected, of a machine that is paid by the hour */
	int64_t input_estimate;  /* tokens */
	int64_t text_bytes;      /* of the prompt; 0 where text is not all of it */
	int64_t expected_output; /* tokens, of this model for this class */
	/* Where the session's last turn was answered: how long ago, and the tokens of
	 * this prompt that were cached then; -1: it was not here. */
	int32_t warm_idle_ms, warm_tokens;
	/* as it passes */
	int64_t output_seen; /* tokens, estimated */
	/* result */
	int64_t tokens[TOKEN_COUNT]; /* -1: the provider did not say */
	int64_t reasoning;
	int64_t list_pusd, amount_pusd; /* -1: unpriced */
	int32_t connect_ms, ttft_ms, total_ms;
	float expected_usd; /* intent: its cost, an estimate; below 0: unpriced */
	char served_model[48], service_tier[12];
};

#define SLOT_RAW_USAGE 504

enum slot_state { SLOT_free, SLOT_open, SLOT_closed };

/* One slot as it stands in the file. */
struct slot {
	_Atomic uint32_t state;
	uint32_t crc; /* of the request part */
	uint16_t outcome, attempts, raw_usage_len, worker;
	int64_t end_ms;
	struct slot_request request;
	struct slot_attempt attempt[SLOT_ATTEMPTS];
	char raw_usage[SLOT_RAW_USAGE]; /* of the attempt that answered */
};
_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot is one page");

struct slots; /* the file of this process */

/* Makes `slots.<ulid>` in the state folder with room for `count`
 * requests in flight, shared out evenly among the workers. Books
 * nothing: see slots_recover(). NULL: errno. */
struct slots *slots_create(
    struct env *env, const char *state_dir, unsigned count, unsigned workers);
/* Takes NULL. Removes the file when every slot is free, else leaves it for recovery. */
void slots_close(struct slots *s);

/* Worker only. NULL: none is left: answer OUT_no_slot. */
struct slot *slot_open(
    struct slots *s, unsigned worker, const struct slot_request *intent);
/* Index of the new attempt; -1: SLOT_ATTEMPTS are spent. The intent is in the file when
 * this returns. */
int slot_attempt_open(struct slot *s, const struct slot_attempt *intent);
/* Just before the first byte goes upstream: from here on it may cost money. */
static inline void
slot_attempt_sent(struct slot *s, int attempt)
{
	s->attempt[attempt].sent = 1;
}

/* As the answer passes; `output_tokens` is the tap's estimate. */
static inline void
slot_attempt_seen(struct slot *s, int attempt, int64_t output_tokens)
{
	s->attempt[attempt].output_seen = output_tokens;
	s->attempt[attempt].first_byte = 1;
}

/* Settles one attempt; a second call changes nothing. */
void slot_attempt_close(struct slot *s, int attempt, const struct slot_attempt *result,
    struct str raw_usage);
/* A settled answer that was put aside is served after all. */
static inline void
slot_attempt_served(struct slot *s, int attempt)
{
	s->attempt[attempt].outcome = OUT_served;
}
/* No further attempt follows: hands the slot to the ledger thread and wakes it. */
void slot_close(
    struct slots *s, struct slot *slot, enum outcome outcome, int64_t end_ms);
/* Any thread: for metrics and tests. */
unsigned slots_in_use(const struct slots *s);

/* ---- the ledger thread's side of the slots ---- */

/* Waits until something was closed or the time is over. */
void slots_wait(struct slots *s, int timeout_ms);
void slots_wake(struct slots *s);
/* Up to `cap` closed slots, oldest first of each worker; gives the number. They stay
 * closed until slots_release(). */
unsigned slots_take(struct slots *s, struct slot **ret, unsigned cap);
/* After COMMIT. */
void slots_release(struct slots *s, struct slot *const *slot, unsigned count);

/* At start: every slot of dead processes below `state_dir`, settled by its basis, is
 * given to `book` in one call; when that answers true the files are removed. Of a
 * damaged file what can be read is booked, and the file stays; a slot whose CRC does
 * not fit is skipped (the CRC is written before the first send). Gives the number
 * given to `book`; -1: a file is of another layout, could not be read or not booked:
 * `ret_why` says what and what to do, and nothing is removed. */
int slots_recover(struct env *env, const char *state_dir,
    bool (*book)(void *arg, const struct slot *const *slot, unsigned count), void *arg,
    char ret_why[static 256]);

/* The row of models that cost no list price:
 * providers with `local: true`. All kinds 0. */
const struct price_row *price_local(void);

/* What a model costs at its provider number `at`, for a request that came then. */
struct contract_price price_for(
    const struct snapshot *s, const struct model *m, unsigned at, int64_t at_s);

/* What an estimate after a crash is made by: into the intent. */
void price_note(const struct contract_price *p, struct slot_attempt *a);

/* What an attempt without usage is booked at, by its basis. Token counts
 * that are known (>= 0) are kept. Also what recovery calls. */
void settle_by_basis(struct slot_attempt *a, enum basis basis);

/* The usage as a provider told it: its words, in which places stand for the numbers,
 * and the numbers in seven bits a byte. */
struct raw_usage {
	char shape[SLOT_RAW_USAGE];
	uint8_t numbers[SLOT_RAW_USAGE];
	size_t shape_len, numbers_len;
};
/* False: it is kept as it is. */
bool raw_usage_split(struct str raw, struct raw_usage *ret) MUST_CHECK;
/* Appends it as it was. False: the two do not fit, or `ret` is full. */
bool raw_usage_join(struct str shape, struct str numbers, struct buf *ret) MUST_CHECK;

/* A plan in few bytes: for each candidate model index, provider, reason, rule, success,
 * cost, and the signal that it was judged by. The policy that is kept by hash gives the
 * names back. */
struct plan;
size_t plan_pack(const struct plan *p, uint8_t *ret, size_t cap);
struct packed_candidate {
	unsigned model, at;
	int reason, rule;
	double success, cost_usd; /* -1: unpriced */
	bool by_rule;             /* the tier of service that is asked for */
	/* of older rows nothing is known, so they were up */
	bool up;
	int32_t ttft_ms, wait_ms, wait_high_ms; /* -1: unknown */
};
/* Gives the number of candidates; 0 for damaged bytes. */
unsigned plan_unpack(struct str packed, struct packed_candidate *ret, unsigned cap);

/* ---- the ledger: its own thread, the only code that writes SQLite ---- */

struct ledger;

struct ledger_status {
	bool healthy;                              /* commits work */
	uint64_t rows, batches, errors, recovered; /* rows: requests */
	/* wall clock: all that ended before is in,
	 * but for what a worker was just handing over */
	int64_t committed_until_ms;
	char error[160]; /* the last one, for people; "" */
};

/* Opens `ledger.db` and the month file in `state_dir`, migrates the schema forward,
 * takes the ledger's lock, books the slots of dead processes. False: `ret_why` says
 * what and what to do. */
bool ledger_open(struct env *env, const char *state_dir, struct ledger **ret,
    char ret_why[static 256]);
/* Starts the thread that drains `slots` and publishes what it learns in `outlook`. */
struct outlook_shared;
bool ledger_start(
    struct ledger *l, struct slots *slots, struct outlook_shared *outlook);
/* Drains what is closed, commits, checkpoints, ends the thread. Takes NULL. */
void ledger_stop(struct ledger *l);
void ledger_close(struct ledger *l);
/* How long to keep what; at the start nothing is removed. Any thread. */
void ledger_set_terms(struct ledger *l, const struct ledger_terms *terms);
/* One relaxed load: false when commits fail, then nothing may be sent (OUT_no_slot). */
bool ledger_accepts(const struct ledger *l);
void ledger_status_get(struct ledger *l, struct ledger_status *ret); /* any thread */
/* Keeps policy, price book and weights by hash, before their first row. Any thread. */
void ledger_keep(struct ledger *l, const char *kind, const char *hash, struct str text);

/* Where what was spent is charged that no grant has charged, and refusals come from.
 * Before ledger_adopt(). */
struct budgets;
void ledger_budgets(struct ledger *l, struct budgets *b);
/* The budgets of `snap`, published as `generation`, start with what the rows say was
 * spent: those that are new are summed up, those that are gone are dropped. Before
 * ledger_start(): done when this returns; false: the ledger cannot be read. Else waits
 * so long at most, and is to be called before workers get `snap`; false: it will be
 * done before the first row under `snap` is booked. Reads some 300,000 rows a second
 * when there is something to sum up. */
bool ledger_adopt(
    struct ledger *l, struct snapshot *snap, uint32_t generation, int wait_ms);

/* ---- corrections ---- */

/* Somebody knows what an attempt cost after all: a row of its own, beside the
 * attempt's, which stays as it is. Sums have the difference in the hour of the
 * correction. */
struct ledger_correction {
	struct id request;
	int attempt; /* from 0 on; -1: the one that answered, else the last */
	struct pusd amount;
	char why[256];
};
struct ledger_corrected {
	int attempt;
	char model[SLOT_NAME], provider[SLOT_NAME];
	int64_t was_pusd; /* -1: it was not known */
	int64_t at_ms;
};
/* Any thread; waits until it is durable. False: `ret_why`. */
bool ledger_correct(struct ledger *l, const struct ledger_correction *c,
    struct ledger_corrected *ret, char ret_why[static 256]);

/* ---- copies of the ledger ---- */

enum backup_state { BACKUP_none, BACKUP_running, BACKUP_done, BACKUP_failed };
struct ledger_backup_status {
	enum backup_state state;
	char dir[3800];
	int64_t began_ms, ended_ms; /* wall clock; 0: not yet */
	int64_t until_ms;           /* all that ended before is in it; -1: unknown */
	int64_t bytes;
	unsigned files;
	int64_t longest_step_ns; /* so long a commit may have had to wait */
	char why[256];           /* it failed */
};
/* Any thread: begins to copy the running ledger into the folder `dir`, which is made,
 * or must have none yet. False: `ret_why`. */
bool ledger_backup(struct ledger *l, const char *dir, char ret_why[static 256]);
void ledger_backup_get(struct ledger *l, struct ledger_backup_status *ret);
/* The same, all of it, of a state folder that no daemon uses. */
bool ledger_backup_offline(struct env *env, const char *state_dir, const char *dir,
    struct ledger_backup_status *ret);

/* What a copy has brought back. */
struct ledger_restored {
	int64_t until_ms; /* nothing is known of what ended later; -1: unknown */
	int64_t requests, last_ms;
	unsigned months;
	int recovered;   /* requests out of the slots that were found in the folder */
	char aside[256]; /* where the old files are; "": there were none */
};
/* Puts the copy in `dir` into a state folder that no daemon uses, which has no ledger,
 * or with `force` whatever it has is put aside. Roll-ups and budgets are brought up to
 * the rows, slots of dead processes booked. False: `ret_why`; the copy is as it was,
 * and the state folder is refused until a restore has come to its end. */
bool ledger_restore(struct env *env, const char *dir, const char *state_dir, bool force,
    struct ledger_restored *ret, char ret_why[static 256]);

/* ---- the audit: everything that can be reckoned again is ---- */

/* Why something cannot be. */
enum verify_skip {
#define VERIFY_SKIP(name, text) VERIFY_##name,
#include "core/verify.def"
	VERIFY_SKIPS
};
const char *verify_skip_text(enum verify_skip s);

struct verify_finding {
	char where[256]; /* file, row, column, for people */
	char written[96], computed[96];
};
struct verify_report {
	uint64_t requests, attempts, rollups, budgets, kept; /* that came out the same,
								or not */
	uint64_t waiting;  /* requests that are not in the sums yet */
	uint64_t unpriced; /* attempts, which have no price now either */
	uint64_t differences;
	uint64_t skipped[VERIFY_SKIPS];
	uint64_t files;
};
/* Reads the ledger in a state folder; a daemon may run on it. Every difference is given
 * to `each`. False: it cannot be read; `ret_why` says what and what to do. */
bool ledger_verify(struct env *env, const char *state_dir,
    void (*each)(void *arg, const struct verify_finding *f), void *arg,
    struct verify_report *ret, char ret_why[static 256]);

/* ---- learned values ---- */

/* A mean and of how many samples it is, at most; 0: there were none. */
struct outlook_mean {
	float mean, samples;
};

/* Steps of the time that a session has rested; see outlook_warmth(). */
#define WARM_STEPS 12
/* Prompt caches of minutes, and those that are to last an hour or longer. */
enum warm_kind { WARM_minutes, WARM_hour, WARM_KINDS };

/* Of answers of a model at a provider: milliseconds to the first byte, and output
 * tokens a second from then on. */
enum pace_value { PACE_ttft_p50, PACE_ttft_p90, PACE_rate_p10, PACE_rate_p50 };
#define PACE_VALUES 4
#define PACE_HOURS  24 /* of the day, UTC; behind them all of them together */
#define PACE_NAME   96 /* bytes */
#define PACES_MAX   64

/* Whose spend a share is of. Slots have a bit each for those that have a limit. */
enum share_of { SHARE_team, SHARE_key };

/* Immutable; published by the ledger thread; a request keeps the one it began with. */
struct outlook {
	uint64_t number;
	unsigned providers, models;
	struct outlook_provider {
		char name[SLOT_NAME];
		int32_t bytes_per_token_milli;
		/* share of caches still there */
		struct outlook_mean warm[WARM_KINDS][WARM_STEPS];
	} provider[32];
	struct outlook_model {
		char name[SLOT_NAME];
		struct outlook_mean length[CLASS_COUNT]; /* tokens of its answers */
		/* What 99 of 100 of its answers stay below, as a multiple of what each
		 * was expected to cost. */
		struct outlook_mean cost_p99;
	} model[64];
	unsigned shares;
	struct outlook_share {
		char name[SLOT_NAME];
		int32_t of, month; /* enum share_of; year × 12 + month, 0 January */
		float frontier;    /* of all that it spent */
	} share[SHARES_MAX];
	/* At most PACES_MAX; behind the outlook that outlook_take() gives, else memory
	 * of whoever has made it. */
	unsigned paces;
	struct outlook_pace *pace;
};
struct outlook_pace {
	uint64_t place; /* snapshot_place() */
	/* "MODEL at PROVIDER"; "tier MODEL at PROVIDER" when we asked for a tier of
	 * service */
	char name[PACE_NAME];
	/* quantiles as `mean`, and of how many samples */
	struct outlook_mean hour[PACE_HOURS + 1][PACE_VALUES];
};
/* NULL: nothing was learned of it, or `o` is NULL. */
const struct outlook_model *outlook_model(const struct outlook *o, const char *name);
const struct outlook_provider *outlook_provider(
    const struct outlook *o, const char *name);
/* That multiple, of so few samples as there are; COST_PRIOR where nothing is known. */
#define COST_PRIOR 4
double outlook_cost_p99(const struct outlook *o, const char *model);
/* How likely the provider still has the prompt cache of a session that has rested so
 * long, [0, 1]; never more after a longer rest. `p` NULL: as they say of themselves. */
double outlook_warmth(
    const struct outlook_provider *p, enum warm_kind kind, int64_t idle_ms);
/* Which step a rest belongs to; -1: longer than anything is kept, or none. */
int outlook_warm_step(int64_t idle_ms);
/* The longest rest of a step, in seconds. */
int32_t outlook_warm_until_s(unsigned step);
/* A row of the ledger's `outlook_cell` into a zeroed or older outlook: outlook N has of
 * each cell the newest row up to N. What is not known is left out. The caller's:
 * outlook_clear() it. */
void outlook_cell_take(
    struct outlook *o, struct str cell, double value, double samples);
/* Frees what outlook_cell_take() has made, and zeroes. */
void outlook_clear(struct outlook *o);
/* Of the place at that hour of the day: what was seen then, leaning on all hours as on
 * 30 samples more. -1: too little was seen of it, or `o` is NULL. */
double outlook_pace(
    const struct outlook *o, uint64_t place, int64_t wall_s, enum pace_value v);
/* Which share of its spend, at contract terms, a team or key has spent on frontier
 * models in the month (UTC) of `at_s`, [0, 1]; 0 where nothing is known. */
double outlook_share(
    const struct outlook *o, enum share_of of, const char *name, int64_t at_s);
struct outlook_shared;
struct outlook_shared *outlook_shared_new(void);
void outlook_shared_free(struct outlook_shared *o);
const struct outlook *outlook_take(struct outlook_shared *o); /* one reference */
void outlook_release(const struct outlook *o);                /* takes NULL */

#endif
