/* ledger_budget.h: the ledger thread's part in budgets: sums out of rows for those that
 * are new, what was spent without a grant, refusals.
 *
 * Why a budget that comes with a reload starts with exactly what was spent. Say its
 * rules have generation G. The sums in ledger.db cover the rows up to `up_to`; between
 * two batches they get the new budget, and its accounts in memory get those sums, once.
 * A request is charged to the account by its worker if it has a grant, which those of
 * generation G and later have; all others (slot_request.rules < G) are charged by this
 * thread, when it books them after that moment; what it booked before, the sums had. So
 * each attempt is in exactly one of three: the sums, a late charge, a settled grant.
 * What is left to see to is that no row of generation G is in the sums already: the
 * main thread waits with publishing G until they are in; if it cannot wait any longer
 * it says so first, and from then on this thread books nothing that it takes before it
 * has made the sums. A batch that it has tried to book and could not is of before that.
 */
#ifndef METER_LEDGER_BUDGET_H
#define METER_LEDGER_BUDGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/request.h"

struct store;

#define REFUSALS_MAX 256

struct ledger_budgets {
	struct env *env;
	struct store *store;
	struct budgets *budgets; /* NULL: there are none to charge */

	/* ledger thread */
	struct snapshot *in;   /* whose budgets are kept */
	uint32_t generation;   /* of it */
	uint32_t *since;       /* of each budget of it */
	uint32_t newest;       /* of them */
	struct snapshot *next; /* whose budgets are being summed up; NULL: none */
	uint32_t next_generation;
	bool wanted;                   /* the store knows of it */
	struct refusal_count *refusal; /* that are not in yet */
	unsigned refusals;
	int64_t pruned_ns;

	pthread_mutex_t mutex;
	struct snapshot *asked_shared; /* newer than `next`; NULL: none */
	uint32_t asked_generation_shared, done_shared;
	bool published_shared; /* rows of that generation may come */
	int done_fd;
};

void ledger_budgets_init(
    struct ledger_budgets *b, struct env *env, struct store *store);
void ledger_budgets_fini(struct ledger_budgets *b); /* takes a zeroed one */

/* Main: asks for the budgets of a snapshot. */
void ledger_budgets_ask(
    struct ledger_budgets *b, struct snapshot *snap, uint32_t generation);
/* Main: waits until they are in force. False: not within that time, and from now on
 * rows under them may come. */
bool ledger_budgets_wait(struct ledger_budgets *b, uint32_t generation, int wait_ms);

/* ---- ledger thread, between two batches ---- */

enum budgets_step { BUDGETS_idle, BUDGETS_more, BUDGETS_failed };
/* Some rows further. */
enum budgets_step ledger_budgets_go(struct ledger_budgets *b);
/* Before a batch is booked for the first time. False: it must wait. */
bool ledger_budgets_ready(struct ledger_budgets *b);
/* After it was. */
void ledger_budgets_charge(struct ledger_budgets *b, const struct slot *s);
/* Now and then. */
void ledger_budgets_keep(struct ledger_budgets *b);

#endif
