/* report.c: the report thread writes the log;
 * admin listener and query thread hang on it. */
#include "report.h"

#include <stdio.h>
#include <sys/epoll.h>

#include "admin.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"
#include "query.h"

/* Lines are gathered for so long, so that a busy worker is not woken for each. */
#define FLUSH_NS (20 * NS_PER_MS)
#define LINE_MAX 65536U
/* So much is written at once, and not every line alone. */
#define LOG_GATHER 3072U

struct snapshot *
report_snapshot(struct report *r)
{
	struct snapshot *s;

	pthread_mutex_lock(&r->mutex);
	s = snapshot_ref(r->snap_shared);
	pthread_mutex_unlock(&r->mutex);
	return s;
}

/* ---- the log ---- */

static void
write_out(struct report *r, struct buf *lines)
{
	if (lines->len > 0)
		log_writer_put(&r->log, buf_str(lines));
	buf_clear(lines);
}

static void
write_lines(struct report *r)
{
	struct buf lines;

	buf_init(&lines, LOG_GATHER + LINE_MAX);
	for (unsigned i = 0; i < r->o.worker_count; i++) {
		log_ring_quiet(r->o.workers[i]->log);
		while (log_ring_take(r->o.workers[i]->log, &lines)) {
			if (lines.len > LOG_GATHER)
				write_out(r, &lines);
		}
	}
	write_out(r, &lines);
	buf_fini(&lines);
	atomic_store_explicit(
	    &r->log_dropped_shared, r->log.dropped, memory_order_relaxed);
}

static void
on_flush(struct timer *t)
{
	write_lines(container_of(t, struct report, flush));
}

static void
on_lines(void *receiver, struct message *m)
{
	struct report *r = receiver;

	log_ring_noticed(m);
	loop_timer(r->loop, &r->flush, r->env->mono_ns(r->env) + FLUSH_NS);
}

/* ---- messages ---- */

struct report_message {
	struct message head;
	struct snapshot *snap; /* NULL: stop */
};

static void
on_message(void *receiver, struct message *m)
{
	struct report_message *msg = container_of(m, struct report_message, head);
	struct report *r = receiver;
	struct snapshot *old = r->log_snap;

	if (msg->snap == NULL) {
		r->stop = true;
	} else {
		write_lines(r); /* what came before goes where it went */
		r->log_snap = msg->snap;
		log_writer_use(&r->log, r->log_snap->log);
		drift_watch_use(r, r->log_snap);
		snapshot_unref(old);
	}
	xfree(msg);
}

static void
post(struct report *r, struct snapshot *snap)
{
	struct report_message *msg = xcalloc(1, sizeof(*msg));

	msg->head.deliver = on_message;
	msg->snap = snap;
	mailbox_post(r->mailbox, &msg->head);
}

void
report_publish(struct report *r, struct snapshot *snap)
{
	struct snapshot *old;

	pthread_mutex_lock(&r->mutex);
	old = r->snap_shared;
	r->snap_shared = snap;
	pthread_mutex_unlock(&r->mutex);
	snapshot_unref(old);
	post(r, snapshot_ref(snap));
}

void
report_ready(struct report *r, bool ready)
{
	atomic_store(&r->ready_shared, ready);
}

/* ---- the thread ---- */

static void
on_mail(struct watch *w, uint32_t events)
{
	struct report *r = container_of(w, struct report, mail);

	(void)events;
	mailbox_drain(r->mailbox, r);
}

static void *
report_main(void *arg)
{
	struct report *r = arg;

	pthread_setname_np(pthread_self(), "report");
	while (!r->stop)
		loop_turn(r->loop, -1);
	write_lines(r);
	return NULL;
}

/* ---- start and stop ---- */

static bool
init(struct report *r, char ret_why[static 256])
{
	snprintf(ret_why, 256, "the report thread: check the limit of open files");
	r->loop = loop_new(r->env);
	r->mailbox = mailbox_new();
	if (r->loop == NULL || r->mailbox == NULL)
		return false;
	r->mail.on_ready = on_mail;
	if (!loop_watch(r->loop, &r->mail, mailbox_fd(r->mailbox), EPOLLIN))
		return false;
	for (unsigned i = 0; i < r->o.worker_count; i++)
		log_ring_attach(r->o.workers[i]->log, r->mailbox, on_lines);
	log_writer_use(&r->log, r->log_snap->log);
	drift_watch_start(r);
	limit_watch_start(r);
	r->query = query_new(r, r->o.snap->state_dir);
	r->admin = admin_new(r, ret_why);
	return r->admin != NULL;
}

struct report *
report_new(const struct report_options *o, char ret_why[static 256])
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->o = *o;
	r->env = o->shared->env;
	r->snap_shared = o->snap;
	r->log_snap = snapshot_ref(o->snap);
	r->mail.fd = -1;
	r->flush.on_due = on_flush;
	pthread_mutex_init(&r->mutex, NULL);
	log_writer_init(&r->log, r->env);
	drift_watch_init(r);
	if (init(r, ret_why))
		return r;
	report_free(r);
	return NULL;
}

bool
report_start(struct report *r)
{
	r->started = query_start(r->query) &&
		     pthread_create(&r->thread, NULL, report_main, r) == 0;
	return r->started;
}

void
report_stop(struct report *r)
{
	if (r == NULL)
		return;
	query_stop(r->query); /* its last answers go to workers and connections */
	admin_free(r->admin);
	r->admin = NULL;
	if (!r->started)
		return;
	post(r, NULL);
	pthread_join(r->thread, NULL);
	r->started = false;
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	admin_free(r->admin);
	query_free(r->query);
	if (r->loop != NULL)
		loop_unwatch(r->loop, &r->mail);
	loop_free(r->loop);
	mailbox_free(r->mailbox);
	log_writer_fini(&r->log);
	drift_watch_fini(r);
	snapshot_unref(r->log_snap);
	snapshot_unref(r->snap_shared);
	pthread_mutex_destroy(&r->mutex);
	xfree(r);
}
