/* ledger_own.h: the ledger as its own files see it. */
#ifndef METER_LEDGER_OWN_H
#define METER_LEDGER_OWN_H

#include <pthread.h>

#include "backup.h"
#include "learn.h"
#include "ledger_budget.h"
#include "ledger_jobs.h"
#include "retention.h"
#include "store.h"

#define BATCH_MAX 512

struct kept {
	struct kept *next;
	char *kind, *hash;
	char *text;
	size_t len;
};

struct ledger {
	struct env *env;
	struct store *store;
	void *lock;
	struct slots *slots;
	struct learn learn;
	struct ledger_budgets budgets;
	pthread_t thread;
	bool started;
	_Atomic bool stop;
	_Atomic bool accepts;
	pthread_mutex_t mutex; /* of …_shared */
	struct ledger_status status_shared;
	struct kept *kept_shared;
	struct slot *batch[BATCH_MAX];
	unsigned batched;
	bool tried;       /* to book it */
	int64_t taken_ms; /* wall clock: before the batch was taken */
	int64_t checkpoint_ns, outlook_ns;
	uint64_t rows_seen; /* at the last checkpoint */
	bool rested;
	struct ledger_terms terms_shared;
	struct retention retention;
	struct ledger_jobs jobs;
	struct ledger_backup backup;
	bool folding; /* the next step may follow at once */
};

/* Of the slots; for ledger_jobs_do(). */
void ledger_wake(void *slots);

#endif
