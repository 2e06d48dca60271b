/* addresses.c: the resolver thread:
 * it alone asks for names, workers get answers by mail. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/env.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/snapshot.h"
#include "core/worker.h"
#include "resolve.h"
#include "transfer.h"

#define REFRESH_NS   (30 * NS_PER_S)
#define RETRY_NS     (2 * NS_PER_S) /* a name without an answer */
#define NUDGE_NS     NS_PER_S       /* not more often, however many connects fail */
#define STOP_WAIT_MS 500
#define WORKERS_MAX  64

struct name {
	TAILQ_ENTRY(name) link;
	char *host;
	char *addresses; /* the last good answer; NULL: none */
	int64_t asked_ns, due_ns;
	bool asked, failing;
	bool wanted; /* by the snapshot in force */
};

struct addresses_shared {
	struct env *env;
	pthread_mutex_t lock; /* of everything below; never held while asking */
	pthread_cond_t changed;
	TAILQ_HEAD(, name) names;
	struct worker *worker[WORKERS_MAX];
	unsigned workers;
	bool stop, gone;
	unsigned
	    refs; /* the owner, and the thread: it may hang in a look-up at the end */
};

/* ---- to the workers ---- */

struct answer {
	struct message head;
	char *host, *addresses;
};

static void
on_answer(void *receiver, struct message *m)
{
	struct answer *a = container_of(m, struct answer, head);
	struct worker *w = receiver;

	call_take_addresses(w->call, a->host, a->addresses);
	xfree(a->host);
	xfree(a->addresses);
	xfree(a);
}

static void
tell_locked(struct addresses_shared *s, const struct name *n)
{
	for (unsigned i = 0; i < s->workers; i++) {
		struct answer *a = xcalloc(1, sizeof(*a));

		a->head.deliver = on_answer;
		a->host = xstrdup(n->host);
		a->addresses = xstrdup(n->addresses);
		mailbox_post(s->worker[i]->mailbox, &a->head);
	}
}

/* ---- asking ---- */

static struct name *
find_locked(struct addresses_shared *s, const char *host)
{
	struct name *n;

	TAILQ_FOREACH (n, &s->names, link) {
		if (str_case_eq(str_of(n->host), str_of(host)))
			return n;
	}
	return NULL;
}

/* Blocks for as long as the system's resolver likes. */
static int
ask(const char *host, struct buf *ret)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	int error = getaddrinfo(host, NULL, &hints, &list);

	if (error != 0)
		return error;
	resolve_format(list, ret);
	freeaddrinfo(list);
	return ret->len > 0 ? 0 : EAI_NONAME;
}

static void
note_locked(
    struct addresses_shared *s, struct name *n, int error, const struct buf *got)
{
	int64_t now = s->env->mono_ns(s->env);

	n->asked = true;
	n->due_ns = now + (n->addresses == NULL && error != 0 ? RETRY_NS : REFRESH_NS);
	if (error != 0) {
		if (!n->failing)
			log_warn("no address for %s: %s; %s", n->host,
			    gai_strerror(error),
			    n->addresses != NULL ? "keeping the last good answer"
						 : "its providers are out of reach");
		n->failing = true;
		return;
	}
	if (n->failing)
		log_info("%s has an address again", n->host);
	n->failing = false;
	if (n->addresses != NULL && resolve_same(n->addresses, got->p))
		return;
	xfree(n->addresses);
	n->addresses = xstrdup(got->p);
	tell_locked(s, n);
}

static void
look_up_locked(struct addresses_shared *s, struct name *n)
{
	char *host = xstrdup(n->host);
	struct buf got;
	int error;

	n->asked_ns = s->env->mono_ns(s->env);
	pthread_mutex_unlock(&s->lock);
	buf_init(&got, 4096);
	error = ask(host, &got);
	pthread_mutex_lock(&s->lock);
	/* Names are never taken off the list, so `n` is still there. */
	if (!s->stop)
		note_locked(s, n, error, &got);
	buf_fini(&got);
	xfree(host);
	pthread_cond_broadcast(&s->changed);
}

static struct name *
next_locked(struct addresses_shared *s)
{
	struct name *n, *first = NULL;

	TAILQ_FOREACH (n, &s->names, link) {
		if (n->wanted && (first == NULL || n->due_ns < first->due_ns))
			first = n;
	}
	return first;
}

static void
wait_until_locked(struct addresses_shared *s, int64_t at_ns)
{
	struct timespec t = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};

	(void)pthread_cond_timedwait(&s->changed, &s->lock, &t);
}

static void
free_all(struct addresses_shared *s)
{
	struct name *n;

	while ((n = TAILQ_FIRST(&s->names)) != NULL) {
		TAILQ_REMOVE(&s->names, n, link);
		xfree(n->host);
		xfree(n->addresses);
		xfree(n);
	}
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	xfree(s);
}

/* The lock is held, and is gone afterwards. */
static void
unref_locked(struct addresses_shared *s)
{
	bool last = --s->refs == 0;

	pthread_mutex_unlock(&s->lock);
	if (last)
		free_all(s);
}

static void *
resolver_main(void *arg)
{
	struct addresses_shared *s = arg;

	pthread_setname_np(pthread_self(), "resolver");
	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		struct name *n = next_locked(s);

		if (n == NULL)
			pthread_cond_wait(&s->changed, &s->lock);
		else if (n->due_ns > s->env->mono_ns(s->env))
			wait_until_locked(s, n->due_ns);
		else
			look_up_locked(s, n);
	}
	s->gone = true;
	pthread_cond_broadcast(&s->changed);
	unref_locked(s);
	return NULL;
}

/* ---- for the others ---- */

struct addresses_shared *
addresses_new(struct env *env)
{
	struct addresses_shared *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;
	pthread_t thread;

	s->env = env;
	s->refs = 2;
	TAILQ_INIT(&s->names);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&thread, NULL, resolver_main, s) != 0)
		xabort("no thread for the resolver");
	pthread_detach(thread);
	return s;
}

void
addresses_free(struct addresses_shared *a)
{
	int64_t until;

	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	a->workers = 0;
	pthread_cond_broadcast(&a->changed);
	/* A look-up under way cannot be stopped, and may need longer than we wait. */
	until = a->env->mono_ns(a->env) + STOP_WAIT_MS * NS_PER_MS;
	while (!a->gone && a->env->mono_ns(a->env) < until)
		wait_until_locked(a, until);
	unref_locked(a);
}

void
addresses_attach(
    struct addresses_shared *a, struct worker *const *workers, unsigned count)
{
	pthread_mutex_lock(&a->lock);
	a->workers = count < WORKERS_MAX ? count : WORKERS_MAX;
	memcpy(a->worker, workers, a->workers * sizeof(struct worker *));
	pthread_mutex_unlock(&a->lock);
}

static void
want_locked(struct addresses_shared *s, const char *host)
{
	struct name *n = find_locked(s, host);

	if (n == NULL) {
		n = xcalloc(1, sizeof(*n));
		n->host = xstrdup(host);
		TAILQ_INSERT_TAIL(&s->names, n, link);
	}
	n->wanted = true;
}

static bool
all_asked_locked(const struct addresses_shared *s)
{
	const struct name *n;

	TAILQ_FOREACH (n, &s->names, link) {
		if (n->wanted && !n->asked)
			return false;
	}
	return true;
}

void
addresses_want(struct addresses_shared *a, const struct snapshot *snap, int wait_ms)
{
	int64_t until = a->env->mono_ns(a->env) + wait_ms * NS_PER_MS;
	struct name *n;
	char host[256];
	uint16_t port;

	pthread_mutex_lock(&a->lock);
	TAILQ_FOREACH (n, &a->names, link)
		n->wanted = false;
	for (unsigned i = 0; i < snap->provider_count; i++) {
		resolve_target(&snap->providers[i], host, sizeof(host), &port);
		if (ip_reach(host) == IP_none)
			want_locked(a, host);
	}
	pthread_cond_broadcast(&a->changed);
	while (!all_asked_locked(a) && a->env->mono_ns(a->env) < until)
		wait_until_locked(a, until);
	pthread_mutex_unlock(&a->lock);
}

void
addresses_nudge(struct addresses_shared *a, const char *host)
{
	struct name *n;
	int64_t soon;

	pthread_mutex_lock(&a->lock);
	n = find_locked(a, host);
	if (n != NULL) {
		soon = n->asked_ns + NUDGE_NS;
		if (soon < n->due_ns) {
			n->due_ns = soon;
			pthread_cond_broadcast(&a->changed);
		}
	}
	pthread_mutex_unlock(&a->lock);
}

char *
addresses_now(struct addresses_shared *a, const char *host)
{
	const struct name *n;
	char *addresses = NULL;

	pthread_mutex_lock(&a->lock);
	n = find_locked(a, host);
	if (n != NULL && n->addresses != NULL)
		addresses = xstrdup(n->addresses);
	pthread_mutex_unlock(&a->lock);
	return addresses;
}
