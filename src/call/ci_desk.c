/* ci_desk.c: where a pipeline's job trades its OIDC token for a key. A thread of its
 * own: checking a signature takes its time, and the issuer may have to be asked. Its
 * answers come to the worker by mail. */
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "issuer.h"

#define JOBS_MAX 128
#define REST_MS  60000
/* Two questions to the issuer take no longer. */
#define PATIENCE_NS (25 * NS_PER_S)
/* Anybody may send a token: their refusals must not fill the log. One a second, and so
 * many at once. */
#define LOG_NS    NS_PER_S
#define LOG_BURST 20

struct job {
	TAILQ_ENTRY(job) link;
	struct message head; /* back to the worker */
	struct worker *worker;
	struct snapshot *snap; /* one reference */
	char *token;
	size_t token_len;
	struct issuer *issuer; /* whose keys it waits for; NULL: nobody's */
	bool asked;            /* the issuer was, in vain or not */
	int64_t until_ns;
	ci_done_fn *done;
	void *arg;
	struct ci_answer answer;
};
TAILQ_HEAD(job_list, job);

struct ci_desk {
	struct env *env;
	struct ci_keys *keys;
	CURLM *curl; /* NULL: the thread has not begun */
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	struct job_list fresh;
	unsigned jobs; /* fresh and waiting */
	bool stop;

	/* the thread's own */
	struct job_list waiting;
	struct ci_issuers issuers;
	struct issuer issuer[CI_MAX];
	int64_t log_due_ns; /* the next refusal may be told from then on */
	uint64_t unlogged;
};

/* ---- back to the worker ---- */

static void
job_free(struct job *j)
{
	snapshot_unref(j->snap);
	xfree_secret(j->token, j->token_len);
	explicit_bzero(j->answer.secret, sizeof(j->answer.secret));
	xfree(j);
}

static void
on_answer(void *receiver, struct message *m)
{
	struct job *j = container_of(m, struct job, head);

	(void)receiver;
	j->done(j->arg, &j->answer);
	job_free(j);
}

static void
answer(struct ci_desk *d, struct job *j)
{
	pthread_mutex_lock(&d->lock);
	d->jobs--;
	pthread_mutex_unlock(&d->lock);
	j->head.deliver = on_answer;
	mailbox_post(j->worker->mailbox, &j->head);
}

/* ---- the issuers ---- */

/* That of the rule; else a place for it: a free one, or that of whoever was asked
 * longest ago. NULL: all are being asked. */
static struct issuer *
issuer_for(struct ci_desk *d, const struct ci_rule *r)
{
	struct issuer *spare = NULL;

	for (size_t i = 0; i < CI_MAX; i++) {
		struct issuer *x = &d->issuer[i];

		if (issuer_is_of(x, r))
			return x;
		if (!x->fetching && (spare == NULL || x->began_ns < spare->began_ns))
			spare = x;
	}
	if (spare == NULL)
		return NULL;
	issuer_fini(spare, d->curl);
	issuer_init(spare, r);
	return spare;
}

static const struct jwks *
keys_of(struct ci_issuers *issuers, const struct ci_rule *r)
{
	struct ci_desk *d = container_of(issuers, struct ci_desk, issuers);
	struct issuer *i = issuer_for(d, r);

	return i == NULL ? NULL : issuer_keys(i, d->curl, d->env->mono_ns(d->env));
}

/* ---- one token ---- */

static void
tell(struct ci_desk *d, const struct ci_answer *a)
{
	int64_t now = d->env->mono_ns(d->env);

	if (d->log_due_ns < now - LOG_BURST * LOG_NS)
		d->log_due_ns = now - LOG_BURST * LOG_NS;
	if (d->log_due_ns > now) {
		d->unlogged++;
		return;
	}
	d->log_due_ns += LOG_NS;
	if (d->unlogged > 0)
		log_warn("a token of a pipeline got no key: %s (and %llu more since)",
		    a->why, (unsigned long long)d->unlogged);
	else
		log_warn("a token of a pipeline got no key: %s", a->why);
	d->unlogged = 0;
}

static void
give_key(struct ci_desk *d, struct ci_answer *a, int64_t now_s)
{
	a->expires_s = now_s + a->grant.rule->lifetime_s;
	a->result = CI_key;
	if (ci_keys_add(d->keys, &a->grant, a->expires_s, a->secret))
		return;
	a->result = CI_later;
	snprintf(a->why, sizeof(a->why), "ci '%s': too many keys are out",
	    a->grant.rule->name);
}

/* True: the job waits for its issuer. */
static bool
ask_issuer(struct ci_desk *d, struct job *j)
{
	int64_t now = d->env->mono_ns(d->env);
	const struct ci_rule *r = j->answer.grant.rule;
	struct issuer *i = r->own_keys ? NULL : issuer_for(d, r);
	bool known = i != NULL && issuer_keys(i, d->curl, now) != NULL;

	if (i != NULL && !j->asked && issuer_ask(i, d->curl, now)) {
		j->issuer = i;
		j->asked = true;
		TAILQ_INSERT_TAIL(&d->waiting, j, link);
		return true;
	}
	/* With keys at hand, this one is not among them. */
	j->answer.result = known ? CI_refused : CI_later;
	if (!known && i != NULL)
		snprintf(j->answer.why, sizeof(j->answer.why), "ci '%s': %.150s",
		    r->name, i->why[0] != '\0' ? i->why : "its keys are not known");
	return false;
}

static void
look_at(struct ci_desk *d, struct job *j)
{
	int64_t now_s = d->env->wall_ns(d->env) / NS_PER_S;
	struct ci_answer *a = &j->answer;

	a->result = CI_refused;
	switch (ci_check(j->snap, str_make(j->token, j->token_len), &d->issuers, now_s,
	    &a->grant, a->why)) {
	case CI_good:
		give_key(d, a, now_s);
		break;
	case CI_want_keys:
		if (ask_issuer(d, j))
			return;
		break;
	case CI_bad:
		break;
	}
	if (a->result != CI_key)
		tell(d, a);
	answer(d, j);
}

/* ---- the thread ---- */

/* Jobs that waited for `i`, or, NULL, that have waited for too long. */
static void
look_again(struct ci_desk *d, const struct issuer *i)
{
	int64_t now = d->env->mono_ns(d->env);
	struct job_list due = TAILQ_HEAD_INITIALIZER(due);
	struct job *j, *next;

	for (j = TAILQ_FIRST(&d->waiting); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (i == NULL ? now < j->until_ns : j->issuer != i)
			continue;
		TAILQ_REMOVE(&d->waiting, j, link);
		TAILQ_INSERT_TAIL(&due, j, link);
	}
	while ((j = TAILQ_FIRST(&due)) != NULL) {
		TAILQ_REMOVE(&due, j, link);
		look_at(d, j);
	}
}

static void
move(struct ci_desk *d)
{
	CURLMsg *message;
	int left;

	(void)curl_multi_perform(d->curl, &left);
	while ((message = curl_multi_info_read(d->curl, &left)) != NULL) {
		CURLcode result = message->data.result;
		char *issuer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &issuer);
		if (issuer_on_done((struct issuer *)(void *)issuer, d->curl, result,
			d->env->mono_ns(d->env)))
			look_again(d, (const struct issuer *)(void *)issuer);
	}
}

/* False: it is time to end. */
static bool
take_fresh(struct ci_desk *d, struct job_list *ret)
{
	bool stop;

	TAILQ_INIT(ret);
	pthread_mutex_lock(&d->lock);
	TAILQ_CONCAT(ret, &d->fresh, link);
	stop = d->stop;
	pthread_mutex_unlock(&d->lock);
	return !stop;
}

static void
give_up(struct ci_desk *d, struct job_list *jobs)
{
	struct job *j;

	while ((j = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, j, link);
		j->answer.result = CI_later;
		answer(d, j);
	}
}

static void *
desk_main(void *arg)
{
	struct ci_desk *d = arg;
	struct job_list fresh;
	struct job *j;

	pthread_setname_np(pthread_self(), "ci");
	while (take_fresh(d, &fresh)) {
		while ((j = TAILQ_FIRST(&fresh)) != NULL) {
			TAILQ_REMOVE(&fresh, j, link);
			look_at(d, j);
		}
		move(d);
		look_again(d, NULL);
		(void)curl_multi_poll(
		    d->curl, NULL, 0, TAILQ_EMPTY(&d->waiting) ? REST_MS : 1000, NULL);
	}
	give_up(d, &fresh);
	give_up(d, &d->waiting);
	for (size_t i = 0; i < CI_MAX; i++)
		issuer_fini(&d->issuer[i], d->curl);
	return NULL;
}

/* ---- for the others ---- */

struct ci_desk *
ci_desk_new(struct env *env, struct ci_keys *keys)
{
	struct ci_desk *d = xcalloc(1, sizeof(*d));

	d->env = env;
	d->keys = keys;
	d->issuers.keys_of = keys_of;
	TAILQ_INIT(&d->fresh);
	TAILQ_INIT(&d->waiting);
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

static bool
begin_locked(struct ci_desk *d)
{
	if (d->curl != NULL)
		return true;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	d->curl = curl_multi_init();
	if (d->curl != NULL && pthread_create(&d->thread, NULL, desk_main, d) == 0)
		return true;
	curl_multi_cleanup(d->curl);
	d->curl = NULL;
	curl_global_cleanup();
	return false;
}

bool
ci_desk_trade(struct ci_desk *d, struct worker *w, struct snapshot *snap,
    struct str token, ci_done_fn *done, void *arg)
{
	struct job *j;
	bool ok;

	pthread_mutex_lock(&d->lock);
	ok = !d->stop && d->jobs < JOBS_MAX && begin_locked(d);
	if (ok) {
		j = xcalloc(1, sizeof(*j));
		j->worker = w;
		j->snap = snapshot_ref(snap);
		j->token = xmemdup(token.p, token.len);
		j->token_len = token.len;
		j->until_ns = d->env->mono_ns(d->env) + PATIENCE_NS;
		j->done = done;
		j->arg = arg;
		TAILQ_INSERT_TAIL(&d->fresh, j, link);
		d->jobs++;
	}
	pthread_mutex_unlock(&d->lock);
	if (ok)
		(void)curl_multi_wakeup(d->curl);
	return ok;
}

void
ci_desk_free(struct ci_desk *d)
{
	if (d == NULL)
		return;
	if (d->curl != NULL) {
		pthread_mutex_lock(&d->lock);
		d->stop = true;
		pthread_mutex_unlock(&d->lock);
		(void)curl_multi_wakeup(d->curl);
		pthread_join(d->thread, NULL);
		(void)curl_multi_cleanup(d->curl);
		curl_global_cleanup();
	}
	pthread_mutex_destroy(&d->lock);
	xfree(d);
}
