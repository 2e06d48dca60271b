/* query.c: SQL has a thread of its own, so that neither a worker nor the health checks
 * ever wait for a disk. */
#include "query.h"

#include <pthread.h>

#include "answer.h"
#include "base/env.h"
#include "base/mem.h"
#include "books.h"
#include "config/snapshot.h"
#include "core/worker.h"
#include "gate.h"
#include "report.h"

#define QUEUE_MAX   32
#define LIMIT_NS    (2 * NS_PER_S)
#define RECENT_MS   900000
#define PATIENCE_NS (3 * NS_PER_S / 2)
/* The ledger takes some milliseconds; when it takes longer, there is a reason. */
#define SOON_NS  (5 * NS_PER_MS)
#define AGAIN_NS (50 * NS_PER_MS)
#define FIRST_NS (100 * NS_PER_MS)

struct query {
	struct report *report;
	struct books books;
	pthread_t thread;
	bool started;
	pthread_mutex_t mutex; /* of everything below */
	pthread_cond_t changed;
	TAILQ_HEAD(, query_job) jobs;
	unsigned waiting;
	bool stop;
};

struct query_job *
query_job_new(struct str target, const struct scope *scope,
    void (*done)(struct query_job *), void *arg)
{
	struct query_job *j = xcalloc(1, sizeof(*j));

	j->target = xmemdup(target.p, target.len);
	j->scope.all = scope == NULL;
	if (scope != NULL) {
		j->scope.key = xstrdup(scope->key == NULL ? "" : scope->key);
		j->scope.team = xstrdup(scope->team == NULL ? "" : scope->team);
	}
	j->done = done;
	j->arg = arg;
	buf_init(&j->body, ANSWER_MAX);
	return j;
}

void
query_job_free(struct query_job *j)
{
	if (j == NULL)
		return;
	xfree(j->target);
	xfree((char *)(uintptr_t)j->scope.key);
	xfree((char *)(uintptr_t)j->scope.team);
	buf_fini(&j->body);
	xfree(j);
}

/* ---- the thread ---- */

/* The one that has waited longest of those that are due; NULL: none, and when the next
 * one is. */
static struct query_job *
due_locked(struct query *q, int64_t *ret_next_ns)
{
	int64_t now = q->books.env->mono_ns(q->books.env);
	struct query_job *j;

	*ret_next_ns = INT64_MAX;
	TAILQ_FOREACH (j, &q->jobs, link) {
		if (j->due_ns <= now)
			return j;
		if (j->due_ns < *ret_next_ns)
			*ret_next_ns = j->due_ns;
	}
	return NULL;
}

static void
wait_locked(struct query *q, int64_t until_ns)
{
	struct timespec t = {.tv_sec = (time_t)(until_ns / NS_PER_S),
	    .tv_nsec = (long)(until_ns % NS_PER_S)};

	if (until_ns == INT64_MAX)
		pthread_cond_wait(&q->changed, &q->mutex);
	else
		pthread_cond_timedwait(&q->changed, &q->mutex, &t);
}

/* Waits for a job; NULL: stop. */
static struct query_job *
take(struct query *q)
{
	struct query_job *j = NULL;
	int64_t next;

	pthread_mutex_lock(&q->mutex);
	while (!q->stop && (j = due_locked(q, &next)) == NULL)
		wait_locked(q, next);
	if (q->stop)
		j = NULL;
	if (j != NULL) {
		TAILQ_REMOVE(&q->jobs, j, link);
		q->waiting--;
	}
	pthread_mutex_unlock(&q->mutex);
	return j;
}

/* A request that began lately may have ended without its row being in: the ledger
 * commits each batch within some milliseconds. */
static bool
too_early(const struct query *q, const struct query_job *j)
{
	struct env *env = q->books.env;
	struct id id;

	if (j->status == GATE_NOT_YET)
		return true;
	if (j->status != 404 || !report_is_request(str_of(j->target), &id))
		return false;
	return env_wall_ms(env) - id_ms(id) < RECENT_MS &&
	       env->mono_ns(env) - j->asked_ns < PATIENCE_NS;
}

static void
run(struct query *q, struct query_job *j)
{
	struct env *env = q->books.env;
	struct snapshot *snap = report_snapshot(q->report);
	int64_t now = env->mono_ns(env);

	buf_clear(&j->body);
	q->books.asked_ms = j->asked_ms;
	q->books.waited_ms = (now - j->asked_ns) / NS_PER_MS;
	q->books.deadline_ns = now + LIMIT_NS;
	j->status = report_answer(
	    &q->books, snap, str_of(j->target), &j->scope, &j->body, &j->text);
	snapshot_unref(snap);
}

/* Others go first. */
static void
later(struct query *q, struct query_job *j)
{
	int64_t now = q->books.env->mono_ns(q->books.env);

	j->due_ns = now + (now - j->asked_ns < FIRST_NS ? SOON_NS : AGAIN_NS);
	pthread_mutex_lock(&q->mutex);
	TAILQ_INSERT_TAIL(&q->jobs, j, link);
	q->waiting++;
	pthread_mutex_unlock(&q->mutex);
}

static void *
query_main(void *arg)
{
	struct query *q = arg;
	struct query_job *j;

	pthread_setname_np(pthread_self(), "query");
	while ((j = take(q)) != NULL) {
		run(q, j);
		if (too_early(q, j))
			later(q, j);
		else
			j->done(j);
	}
	return NULL;
}

/* ---- from outside ---- */

struct query *
query_new(struct report *r, const char *state_dir)
{
	struct query *q = xcalloc(1, sizeof(*q));
	pthread_condattr_t attr;

	q->report = r;
	books_init(&q->books, r->env, state_dir);
	q->books.ledger = r->o.shared->ledger;
	q->books.slots = r->o.shared->slots;
	q->books.in_flight = r;
	q->books.budgets = r->o.shared->budgets;
	pthread_mutex_init(&q->mutex, NULL);
	/* A wall clock that is set back must not make a short rest a long one. */
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	TAILQ_INIT(&q->jobs);
	return q;
}

bool
query_start(struct query *q)
{
	q->started = pthread_create(&q->thread, NULL, query_main, q) == 0;
	return q->started;
}

bool
query_put(struct query *q, struct query_job *j)
{
	struct env *env = q->books.env;
	bool ok;

	j->asked_ms = env_wall_ms(env);
	j->asked_ns = env->mono_ns(env);
	pthread_mutex_lock(&q->mutex);
	ok = !q->stop && q->waiting < QUEUE_MAX;
	if (ok) {
		TAILQ_INSERT_TAIL(&q->jobs, j, link);
		q->waiting++;
		pthread_cond_signal(&q->changed);
	}
	pthread_mutex_unlock(&q->mutex);
	return ok;
}

void
query_stop(struct query *q)
{
	struct query_job *j;

	pthread_mutex_lock(&q->mutex);
	q->stop = true;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->mutex);
	if (q->started)
		pthread_join(q->thread, NULL);
	q->started = false;
	while ((j = TAILQ_FIRST(&q->jobs)) != NULL) {
		TAILQ_REMOVE(&q->jobs, j, link);
		j->status =
		    report_error(&j->body, 503, NULL, "frugald is shutting down");
		j->done(j);
	}
}

void
query_free(struct query *q)
{
	if (q == NULL)
		return;
	books_fini(&q->books);
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->mutex);
	xfree(q);
}
