/* in_flight.c: asks every worker how many of its requests carry a tag. */
#include "in_flight.h"

#include <pthread.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "report.h"

#define PATIENCE_NS (NS_PER_S / 4)

/* Shared by who asks and by the messages; the last one frees it. */
struct question {
	struct run_tag *tags;
	unsigned count;
	bool all;
	char *key, *team;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t changed;
	unsigned refs, open; /* messages that are not answered */
	int64_t found;
};

struct ask_message {
	struct message head;
	struct question *q;
};

static void
unref(struct question *q)
{
	unsigned left;

	pthread_mutex_lock(&q->mutex);
	left = --q->refs;
	pthread_mutex_unlock(&q->mutex);
	if (left > 0)
		return;
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->mutex);
	xfree(q->tags);
	xfree(q->key);
	xfree(q->team);
	xfree(q);
}

/* ---- on a worker ---- */

static bool
has_tag(const struct request *r, const struct run_tag *t)
{
	for (unsigned i = 0; i < r->tag_count; i++) {
		if (str_is(r->tags[i].name, t->name))
			return str_is(r->tags[i].value, t->value);
	}
	return false;
}

/* Once its slot is closed a request is on its way into the ledger. */
static bool
counts(const struct question *q, const struct request *r)
{
	struct scope scope = {.key = q->key, .team = q->team, .all = q->all};

	if (r->in.endpoint != EP_generate || r->in.dry || r->outcome != OUT_unset ||
	    (r->slot == NULL && r->called))
		return false;
	for (unsigned i = 0; i < q->count; i++) {
		if (!has_tag(r, &q->tags[i]))
			return false;
	}
	return scope_sees(&scope, str_of(r->who.key_name), str_of(r->who.team_name));
}

static void
on_question(void *receiver, struct message *m)
{
	struct ask_message *msg = container_of(m, struct ask_message, head);
	struct worker *w = receiver;
	struct question *q = msg->q;
	const struct request *r;
	int64_t found = 0;

	TAILQ_FOREACH (r, &w->requests, link)
		found += counts(q, r);
	pthread_mutex_lock(&q->mutex);
	q->found += found;
	q->open--;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->mutex);
	unref(q);
	xfree(msg);
}

/* ---- who asks ---- */

static struct question *
question_new(const struct run_tag *tags, unsigned count, const struct scope *scope)
{
	struct question *q = xcalloc(1, sizeof(*q));
	pthread_condattr_t attr;

	q->tags = xcalloc(count + 1, sizeof(*tags));
	memcpy(q->tags, tags, count * sizeof(*tags));
	q->count = count;
	q->all = scope->all;
	q->key = xstrdup(scope->key == NULL ? "" : scope->key);
	q->team = xstrdup(scope->team == NULL ? "" : scope->team);
	pthread_mutex_init(&q->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

int64_t
in_flight_count(struct report *r, const struct run_tag *tags, unsigned count,
    const struct scope *scope)
{
	struct question *q = question_new(tags, count, scope);
	int64_t until = r->env->mono_ns(r->env) + PATIENCE_NS, found;
	struct timespec t = {
	    .tv_sec = (time_t)(until / NS_PER_S), .tv_nsec = (long)(until % NS_PER_S)};
	int late = 0;

	q->open = r->o.worker_count;
	q->refs = r->o.worker_count + 1;
	for (unsigned i = 0; i < r->o.worker_count; i++) {
		struct ask_message *msg = xcalloc(1, sizeof(*msg));

		msg->head.deliver = on_question;
		msg->q = q;
		mailbox_post(r->o.workers[i]->mailbox, &msg->head);
	}
	pthread_mutex_lock(&q->mutex);
	while (q->open > 0 && late == 0)
		late = pthread_cond_timedwait(&q->changed, &q->mutex, &t);
	found = q->open == 0 ? q->found : -1;
	pthread_mutex_unlock(&q->mutex);
	unref(q);
	return found;
}
