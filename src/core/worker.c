/* worker.c: one thread's world: a loop, a share of the front, a share of the back. */
#include "core/worker.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/request.h"

/* Of edge and deferred work in one turn; more waits until sockets had theirs. */
#define PASSES 3

struct worker_message {
	struct message head;
	struct snapshot *snap; /* or NULL */
	int grace_ms;
};

static void
on_mail(struct watch *watch, uint32_t events)
{
	struct worker *w = container_of(watch, struct worker, mail);

	(void)events;
	mailbox_drain(w->mailbox, w);
}

static bool
init(struct worker *w, char ret_why[static 256])
{
	const char *what = "an epoll set";

	w->loop = loop_new(w->env);
	if (w->loop == NULL)
		goto fail;
	what = "a mailbox";
	w->mailbox = mailbox_new();
	if (w->mailbox == NULL)
		goto fail;
	w->mail.on_ready = on_mail;
	if (!loop_watch(w->loop, &w->mail, mailbox_fd(w->mailbox), EPOLLIN))
		goto fail;
	what = "libcurl";
	w->call = call_new(w);
	if (w->call == NULL)
		goto fail;
	what = "libmicrohttpd";
	w->edge = edge_new(w, w->shared->edge);
	if (w->edge != NULL)
		return true;
fail:
	snprintf(ret_why, 256,
	    "worker %u cannot have %s: check the limit of open files", w->index, what);
	return false;
}

struct worker *
worker_new(const struct shared *s, unsigned index, struct snapshot *snap,
    char ret_why[static 256])
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->index = index;
	w->shared = s;
	w->env = s->env;
	w->snap = snapshot_ref(snap);
	w->outlook = NULL;
	w->counters = xcalloc(1, sizeof(*w->counters));
	w->log = log_ring_new();
	w->recent = recent_new();
	w->taps = taps_new();
	TAILQ_INIT(&w->requests);
	w->mail.fd = -1;
	if (!init(w, ret_why)) {
		worker_free(w);
		return NULL;
	}
	call_adopt(w->call, w->snap);
	return w;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	assert(TAILQ_EMPTY(&w->requests));
	/* What came after the thread's last turn owns memory and snapshots. */
	if (w->edge != NULL)
		mailbox_drain(w->mailbox, w);
	edge_free(w->edge);
	call_free(w->call);
	taps_free(w->taps);
	if (w->loop != NULL)
		loop_unwatch(w->loop, &w->mail);
	mailbox_free(w->mailbox);
	loop_free(w->loop);
	log_ring_free(w->log);
	recent_free(w->recent);
	xfree(w->counters);
	snapshot_unref(w->snap);
	xfree(w);
}

/* ---- messages ---- */

static void
on_publish(void *receiver, struct message *m)
{
	struct worker_message *msg = container_of(m, struct worker_message, head);
	struct worker *w = receiver;
	struct snapshot *old = w->snap;

	w->snap = msg->snap; /* requests admitted from now on see this */
	call_adopt(w->call, w->snap);
	snapshot_unref(old); /* the last request in flight frees it */
	xfree(msg);
}

void
worker_publish(struct worker *w, struct snapshot *snap)
{
	struct worker_message *msg = xcalloc(1, sizeof(*msg));

	msg->head.deliver = on_publish;
	msg->snap = snap;
	mailbox_post(w->mailbox, &msg->head);
}

static void
on_drain(void *receiver, struct message *m)
{
	struct worker_message *msg = container_of(m, struct worker_message, head);
	struct worker *w = receiver;

	w->draining = true;
	w->drain_deadline_ns =
	    w->env->mono_ns(w->env) + (int64_t)msg->grace_ms * NS_PER_MS;
	edge_drain(w->edge);
	xfree(msg);
}

void
worker_drain(struct worker *w, int grace_ms)
{
	struct worker_message *msg = xcalloc(1, sizeof(*msg));

	msg->head.deliver = on_drain;
	msg->grace_ms = grace_ms;
	mailbox_post(w->mailbox, &msg->head);
}

/* ---- the thread ---- */

/* What still runs at the end of grace gets its error event and one more second to take
 * it; then its connection is shut. */
static void
cut_running(struct worker *w, int64_t now)
{
	struct request *r;

	TAILQ_FOREACH (r, &w->requests, link) {
		if (r->live != NULL)
			loop_defer(w->loop, &r->cut);
		else if (r->outcome == OUT_unset)
			request_fail(r, OUT_shutdown);
	}
	if (now > w->drain_deadline_ns + NS_PER_S)
		edge_abort(w->edge);
}

static int64_t
next_wait_ns(struct worker *w)
{
	int64_t due = edge_due_ns(w->edge);
	int64_t now = w->env->mono_ns(w->env);
	int64_t wait = due == INT64_MAX ? -1 : due > now ? due - now : 0;

	if (w->draining && (wait < 0 || wait > 20 * NS_PER_MS))
		wait = 20 * NS_PER_MS;
	return wait;
}

/* One turn. The order matters and is all there is to know. */
static void
turn(struct worker *w)
{
	/* Sockets of upstreams and clients, messages,
	 * deadlines; then what they deferred. */
	loop_turn(w->loop, next_wait_ns(w));
	/* Requests read, answers written, and what that sets off: an answer that is
	 * there at once goes out without another look at the sockets. */
	for (int i = 0; i < PASSES && edge_due_ns(w->edge) == 0; i++) {
		edge_run(w->edge);
		loop_act(w->loop);
	}
	if (w->draining && loop_now(w->loop) > w->drain_deadline_ns)
		cut_running(w, loop_now(w->loop));
	if (w->draining && edge_idle(w->edge) && w->live == 0)
		w->stop = true;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	while (!w->stop)
		turn(w);
	return NULL;
}

bool
worker_start(struct worker *w)
{
	return pthread_create(&w->thread, NULL, worker_main, w) == 0;
}

void
worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
}
