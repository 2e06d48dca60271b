/* survey.c: a message to each worker; who asks waits, but not for one that hangs. */
#include "survey.h"

#include <pthread.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "report.h"

#define PATIENCE_NS (NS_PER_S / 4)

/* Shared by who asks and by the messages; the last one frees it. */
struct survey {
	struct env *env;
	survey_fn *look;
	void (*free_arg)(void *arg);
	void *arg;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t changed;
	unsigned refs, open; /* messages that are not answered */
	bool *has;           /* by worker */
};

struct survey_message {
	struct message head;
	struct survey *survey;
};

static void
unref(struct survey *s)
{
	unsigned left;

	pthread_mutex_lock(&s->mutex);
	left = --s->refs;
	pthread_mutex_unlock(&s->mutex);
	if (left > 0)
		return;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	s->free_arg(s->arg);
	xfree(s->has);
	xfree(s);
}

static void
on_survey(void *receiver, struct message *m)
{
	struct survey_message *msg = container_of(m, struct survey_message, head);
	struct survey *s = msg->survey;
	struct worker *w = receiver;

	s->look(s->arg, w);
	pthread_mutex_lock(&s->mutex);
	s->has[w->index] = true;
	s->open--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	unref(s);
	xfree(msg);
}

struct survey *
survey_new(struct report *r, survey_fn *look, void (*free_arg)(void *arg), void *arg)
{
	struct survey *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->env = r->env;
	s->look = look;
	s->free_arg = free_arg;
	s->arg = arg;
	s->has = xcalloc(r->o.worker_count + 1, sizeof(*s->has));
	s->open = r->o.worker_count;
	s->refs = r->o.worker_count + 1;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	for (unsigned i = 0; i < r->o.worker_count; i++) {
		struct survey_message *msg = xcalloc(1, sizeof(*msg));

		msg->head.deliver = on_survey;
		msg->survey = s;
		mailbox_post(r->o.workers[i]->mailbox, &msg->head);
	}
	return s;
}

bool
survey_wait(struct survey *s)
{
	int64_t until = s->env->mono_ns(s->env) + PATIENCE_NS;
	struct timespec t = {
	    .tv_sec = (time_t)(until / NS_PER_S), .tv_nsec = (long)(until % NS_PER_S)};
	int late = 0;
	bool all;

	pthread_mutex_lock(&s->mutex);
	while (s->open > 0 && late == 0)
		late = pthread_cond_timedwait(&s->changed, &s->mutex, &t);
	all = s->open == 0;
	pthread_mutex_unlock(&s->mutex);
	return all;
}

bool
survey_has(struct survey *s, unsigned worker)
{
	bool has;

	pthread_mutex_lock(&s->mutex);
	has = s->has[worker];
	pthread_mutex_unlock(&s->mutex);
	return has;
}

void
survey_free(struct survey *s)
{
	unref(s);
}
