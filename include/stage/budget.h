/* budget.h: money set aside before an attempt is sent. */
#ifndef STAGE_BUDGET_H
#define STAGE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"
#include "base/str.h"
#include "config/prices.h"
#include "config/snapshot.h"
#include "core/sets.h"

struct task;
struct tag;
struct candidate;
struct env;

/* The most that an attempt can cost: ((input bound × the dearest price of its kind of
 * part, cache writes among them + number of answers × output bound × output price) ×
 * the dearest tier of service that may be served for what is asked + fees) × contract,
 * at the dearest context tier that the prompt may fall into. `max_output` -1: none is
 * set, the model's own counts. False: unpriced. */
bool hold_worst_case(const struct task *task, const struct candidate *c,
    int64_t max_output, struct pusd *ret);

/* The same of a session whose prefix is in the provider's cache: that is not written
 * again, only the new part may be. */
bool hold_warm(const struct task *task, const struct candidate *c, int64_t max_output,
    struct pusd *ret);

/* May a maximum of ours be lower than the model's? Not than the client's; where it
 * named none, not with tools or a form of the answer, of which half is worth nothing.
 */
bool hold_may_shorten(const struct task *task);

/* Can the worst case be kept below `most`, by a maximum of ours where
 * hold_may_shorten() says so? Lowers `*max_output` (-1: none was set) to the one that
 * does. */
bool hold_fit(const struct task *task, const struct candidate *c, struct pusd most,
    int64_t *max_output);

/* Upper bound of the tokens of the prompt: every byte of text a token at most, opaque
 * parts by their bounds, what we cannot see the whole context. */
int64_t hold_input_bound(const struct task *task, int64_t context);

/* ---- budgets: what was spent and what is held, by account ----
 *
 * An account is a budget of the policy, a value (for those with one account for each)
 * and a period. Invariant: no grant makes spent + held > cap; what settles, is released
 * or passes of time never makes a grant possible that was already spent. One lock,
 * short: any thread may call. Kept by the budget's name over reloads. */

struct budgets;
struct account;

/* A request has no more budgets on its path; `check` refuses a policy that could. */
#define BUDGET_PATH_MAX BUDGETS_ON_PATH
/* So many accounts are kept; above them those whose period is over go first, and when
 * all are in force a new one is refused. */
#define ACCOUNTS_MAX 524288

/* Whose request it is, as the ledger keeps it. */
struct budget_who {
	struct str team, key, user; /* empty: none */
	uint64_t session;           /* 0: none */
	const struct tag *tags;
	unsigned tag_count;
};

/* What an attempt may cost. */
struct budget_need {
	struct pusd worst_case;
	struct pusd expected; /* p99 of what is learned; never above worst_case */
	bool unpriced;        /* neither is known: no budget can be kept */
};

/* What is held for one attempt. Zeroed: nothing. */
struct grant {
	unsigned count;
	struct account *account[BUDGET_PATH_MAX];
	struct pusd held[BUDGET_PATH_MAX];
	int64_t at_ms; /* in which periods: wall clock, but never back */
};

/* Why not: of those whose cap is too near the strictest (refuse, then local_only, then
 * downgrade), and of these the one with the least room; for people. */
struct budget_refusal {
	const struct budget *budget; /* of the snapshot; NULL: too many accounts */
	char value[BUDGET_VALUE];    /* of the account: the user, the run, … */
	struct pusd_sum spent, held;
	struct pusd needed; /* -1: not known */
	int64_t resets_ms;  /* wall clock; -1: never */
};

struct budgets *budgets_new(struct env *env);
void budgets_free(struct budgets *b); /* takes NULL; no grant may be live */

/* Before a snapshot is given to workers: accounts of budgets that it has no more stay
 * until their last hold has ended; one that comes back begins anew. Gives the
 * generation of its rules, for `snap->rules`, which goes with every row: rows of an
 * older one know nothing of budgets that are new in this. */
uint32_t budgets_publish(struct budgets *b, const struct snapshot *snap);
/* Of the rules under which a budget of this name began; 0: it is unknown. */
uint32_t budgets_since(struct budgets *b, const char *name);

/* Sets `need` aside in every budget on the path, or in none. True also when there is
 * none. The caps are those last published, whatever `snap` says; budgets that are gone
 * or began after `snap->rules` (0: it is the last) do not count. What needs nothing
 * always fits. `ret_why` is filled on false; who gives up then tells budgets_count().
 */
bool budgets_grant(struct budgets *b, const struct snapshot *snap,
    const struct budget_who *who, const struct budget_need *need, struct grant *ret,
    struct budget_refusal *ret_why);
/* Ends the holds: `amount` was spent, in the periods in which they were granted; -1:
 * nobody knows, then what was held. Zeroes `g`; again, it changes nothing. Gives by how
 * much it was more than what was held in the worst case budgets (0: it was not): an
 * overrun. Logs and counts overruns and marks that are passed. */
struct pusd budgets_settle(struct budgets *b, struct grant *g, struct pusd amount);

/* What became of requests for a budget's sake. */
enum budget_event {
	BUDGET_refused,
	BUDGET_downgraded, /* another candidate serves than was decided */
	BUDGET_local_only, /* a local one, which was not decided */
	BUDGET_overrun,    /* more was spent than had been set aside */
	BUDGET_warned,     /* a mark of `warn_at` was passed */
	BUDGET_EVENTS
};
const char *budget_event_name(enum budget_event e);
/* Once for each request that a grant was refused to. */
void budgets_count(struct budgets *b, const struct budget_who *who,
    const struct budget_refusal *why, enum budget_event e);

/* Who may follow an attempt that a budget had no room for; the stricter is greater. */
enum cap_follows { CAP_others, CAP_local, CAP_nobody };

/* ---- what the ledger thread needs of them ---- */

/* Does the budget apply, and to which value? */
bool budget_value(const struct budget *rule, const struct budget_who *who,
    char ret[static BUDGET_VALUE]);
/* First moment of the period that `at_ms` is in (PER_all: 0), and of the next (-1). */
int64_t budget_period_ms(const struct budget *rule, int64_t at_ms);
int64_t budget_resets_ms(const struct budget *rule, int64_t at_ms);
/* What a settled attempt counts for: its amount; its bound where it is unpriced. Both
 * -1 when not known. */
struct pusd budget_charge(int64_t amount_pusd, int64_t at_most_pusd);
/* Adds what was spent before, or settled outside of any grant. */
void budgets_add(struct budgets *b, const struct budget *rule, const char *value,
    int64_t period_ms, struct pusd_sum spent);
/* Periods never begin before that of `at_ms`: what was granted up to then, says the
 * ledger. */
void budgets_not_before(struct budgets *b, int64_t at_ms);

/* ---- for people ---- */

struct budget_line {
	const char *name; /* lives as long as `b` */
	char value[BUDGET_VALUE];
	struct pusd_sum cap, spent, held;
	int64_t period_ms, resets_ms; /* -1: never */
	uint64_t refused, downgraded, overruns;
};
/* Accounts in force, at most `cap`, the most used share of the cap first; gives their
 * number. */
unsigned budgets_list(struct budgets *b, const struct snapshot *snap, int64_t wall_ms,
    struct budget_line *ret, unsigned cap);

/* One account, in the period that is current; zeros where nothing was spent of it. */
void budgets_look(struct budgets *b, const struct budget *rule, const char *value,
    struct budget_line *ret);

/* What was refused or changed since the last call, to be kept by the hour. */
struct refusal_count {
	int64_t hour; /* since 1970 */
	char team[40], key[40],
	    name[BUDGET_NAME]; /* overrun, warned: team, key empty */
	char kind[16];         /* budget_event_name() */
	uint64_t count;
};
unsigned budgets_take_refusals(
    struct budgets *b, struct refusal_count *ret, unsigned cap);

/* For /metrics. */
struct budgets_status {
	unsigned rules, accounts;
	uint64_t grants, refusals; /* refused grants, not requests */
	uint64_t events[BUDGET_EVENTS];
};
void budgets_status_get(struct budgets *b, struct budgets_status *ret);

#endif
