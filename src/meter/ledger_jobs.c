/* ledger_jobs.c: a place for one piece of work; whoever waits for it waits long anyway.
 */
#include "ledger_jobs.h"

#include "base/mem.h"

struct ledger_job {
	void (*fn)(void *arg);
	void *arg;
	bool done;
};

void
ledger_jobs_init(struct ledger_jobs *j)
{
	*j = (struct ledger_jobs){0};
	pthread_mutex_init(&j->mutex, NULL);
	pthread_cond_init(&j->changed, NULL);
}

void
ledger_jobs_fini(struct ledger_jobs *j)
{
	pthread_mutex_destroy(&j->mutex);
	pthread_cond_destroy(&j->changed);
}

bool
ledger_jobs_do(struct ledger_jobs *j, void (*fn)(void *arg), void *arg,
    void (*wake)(void *), void *wake_arg)
{
	struct ledger_job *job = xcalloc(1, sizeof(*job));
	bool done;

	job->fn = fn;
	job->arg = arg;
	pthread_mutex_lock(&j->mutex);
	while (j->job_shared != NULL && !j->ended_shared)
		pthread_cond_wait(&j->changed, &j->mutex);
	if (!j->ended_shared) {
		j->job_shared = job;
		wake(wake_arg);
	}
	while (!job->done && !j->ended_shared)
		pthread_cond_wait(&j->changed, &j->mutex);
	done = job->done;
	pthread_mutex_unlock(&j->mutex);
	xfree(job); /* done, or nobody looks at it any more */
	return done;
}

void
ledger_jobs_turn(struct ledger_jobs *j)
{
	struct ledger_job *job;

	pthread_mutex_lock(&j->mutex);
	job = j->job_shared;
	pthread_mutex_unlock(&j->mutex);
	if (job == NULL)
		return;
	job->fn(job->arg);
	pthread_mutex_lock(&j->mutex);
	job->done = true;
	j->job_shared = NULL;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->mutex);
}

void
ledger_jobs_end(struct ledger_jobs *j)
{
	pthread_mutex_lock(&j->mutex);
	j->ended_shared = true;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->mutex);
}
