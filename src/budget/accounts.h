/* accounts.h: what was spent and is held, as the files of this folder share it. */
#ifndef BUDGET_ACCOUNTS_H
#define BUDGET_ACCOUNTS_H

#include <pthread.h>
#include <sys/queue.h>

#include "core/request.h"

#define ACCOUNT_BUCKETS 262144U
#define RULE_BUCKETS    4096U
#define COUNTS_MAX      1024U

/* A budget as it was published last, and its accounts. Kept for good once its name was
 * seen: grants that are live point to it. */
struct kept_rule {
	char name[BUDGET_NAME];
	struct kept_rule *next;
	uint64_t hash;
	uint32_t since; /* 0: not in force */
	uint32_t in;    /* last generation that had it */
	struct pusd_sum cap;
	int32_t warn_ppm[BUDGET_WARN_MAX];
	unsigned warns;
	enum hold_kind hold;
	int64_t period_ms, resets_ms; /* current; resets_ms 0: to be reckoned */
	TAILQ_HEAD(account_list, account) accounts; /* in force; oldest first */
};

struct account {
	struct kept_rule *rule;
	LIST_ENTRY(account) in_bucket;
	TAILQ_ENTRY(account) in_rule;
	uint64_t hash;
	int64_t period_ms, resets_ms;
	struct pusd_sum spent, held;
	uint32_t live;  /* grants */
	uint16_t marks; /* of `warn_at` that were passed */
	bool orphan;    /* its rule is gone: in no list, freed with its last grant */
	uint64_t refused, downgraded, overruns;
	char value[]; /* at most BUDGET_VALUE with its NUL */
};
LIST_HEAD(account_bucket, account);

struct budgets {
	struct env *env;
	uint64_t key[2]; /* of the hash of values */
	pthread_mutex_t lock;
	/* all below: with the lock */
	int64_t now_ms; /* the latest that was seen */
	bool clock_behind;
	uint32_t generation;
	const struct snapshot *newest; /* for comparing only */
	struct kept_rule **by_place;   /* of its budgets */
	unsigned by_places;
	struct kept_rule *rules[RULE_BUCKETS];
	struct account_bucket *buckets;
	unsigned accounts;
	int64_t sweep_ms; /* nothing is to be had before */
	uint64_t grants, refusals;
	uint64_t events[BUDGET_EVENTS];
	/* What is to be told, by the hour. */
	uint64_t count_hash[COUNTS_MAX];
	struct refusal_count *counts; /* NULL: there were none yet */
	unsigned counted;
};

/* ---- rules.c ---- */

/* The clock never goes back: a period that is over stays over. True: `wall_ms` is far
 * behind, which is to be logged once, without the lock. */
bool budgets_clock_locked(struct budgets *b, int64_t wall_ms);
void budgets_log_behind(int64_t wall_ms, int64_t now_ms);
/* The rule as it is in force; NULL: it is gone, or the ledger adds what requests of so
 * old a snapshot spend. */
struct kept_rule *kept_in_force_locked(
    struct budgets *b, const struct snapshot *snap, const struct budget *rule);

/* ---- table.c: rules and accounts by name ---- */

struct kept_rule *kept_find_locked(const struct budgets *b, const char *name);
struct kept_rule *kept_add_locked(struct budgets *b, const char *name);
/* Brings the rule's period up to the clock. */
void kept_period_locked(
    struct budgets *b, struct kept_rule *k, const struct budget *rule);
uint64_t account_hash(const struct budgets *b, const char *value);
struct account *account_find_locked(const struct budgets *b, const struct kept_rule *k,
    uint64_t hash, const char *value, int64_t period_ms);
struct account *account_add_locked(struct budgets *b, struct kept_rule *k,
    uint64_t hash, const char *value, int64_t period_ms);
/* Those whose period is over and who hold nothing go, until there is room. */
bool account_room_locked(struct budgets *b, unsigned wanted);
/* The rule is gone: its accounts go, with their last grant at the latest. */
void accounts_drop_locked(struct budgets *b, struct kept_rule *k);

/* ---- events.c ---- */

void event_count_locked(struct budgets *b, enum budget_event e, const char *name,
    const struct budget_who *who);

#endif
