/* ledger_jobs.h: what other threads have to have done by the ledger thread, between two
 * batches: copies, corrections. */
#ifndef METER_LEDGER_JOBS_H
#define METER_LEDGER_JOBS_H

#include <pthread.h>
#include <stdbool.h>

struct ledger_jobs {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct ledger_job *job_shared; /* NULL: none waits */
	bool ended_shared;             /* nobody does any more */
};

void ledger_jobs_init(struct ledger_jobs *j);
void ledger_jobs_fini(struct ledger_jobs *j);

/* Any thread but the ledger's: has it done, and waits until it is. `wake` tells the
 * ledger thread. False: that has ended, nothing was done. */
bool ledger_jobs_do(struct ledger_jobs *j, void (*fn)(void *arg), void *arg,
    void (*wake)(void *), void *wake_arg);

/* ---- ledger thread ---- */

/* At most one. */
void ledger_jobs_turn(struct ledger_jobs *j);
void ledger_jobs_end(struct ledger_jobs *j);

#endif
