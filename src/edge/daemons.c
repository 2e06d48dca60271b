/* daemons.c: libmicrohttpd's daemons: made on demand, run when there is something to
 * do, gone when they are empty. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "front.h"

/* Certificate and key. */
#define PEM_MAX (1U << 20)

/* A daemon that wants another turn so often is looked at. */
#define BUSY_TURNS 64U

/* TLS 1.2 and later. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* ---- called by libmicrohttpd ---- */

static void
on_connection(void *front, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode how)
{
	if (how == MHD_CONNECTION_NOTIFY_STARTED)
		conn_open(front, mhd, context);
	else if (*context != NULL)
		conn_close(*context);
}

/* Paths stay as they came: matched as bytes, they cannot mean two things. */
static size_t
on_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
	(void)cls;
	(void)mhd;
	return strlen(text);
}

static void on_log(void *front, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void
on_log(void *front, const char *fmt, va_list ap)
{
	const struct front *f = front;
	char text[256];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	struct str line;

	if (n < 0)
		return;
	line = str_trim(str_of(text));
	trace(&f->edge->worker->shared->trace, edge, "libmicrohttpd: %.*s",
	    (int)line.len, line.p);
}

static void
on_panic(void *cls, const char *file, unsigned line, const char *why)
{
	(void)cls;
	log_error("libmicrohttpd gave up at %s:%u: %s", file, line,
	    why == NULL ? "no reason given" : why);
	abort();
}

/* ---- a daemon ---- */

static void
on_front(struct watch *w, uint32_t events)
{
	(void)events;
	front_ready(container_of(w, struct front, watch));
}

static struct MHD_Daemon *
start(struct front *f)
{
	struct edge *e = f->edge;
	bool tls = e->tls_cert.len > 0;
	unsigned flags = MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			 (tls ? (unsigned)MHD_USE_TLS : 0U);
	struct MHD_OptionItem secure[] = {
	    {MHD_OPTION_HTTPS_MEM_CERT, 0, e->tls_cert.p},
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, e->tls_key.p},
	    {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
	    {MHD_OPTION_END, 0, NULL},
	};

	/* No MHD_OPTION_CONNECTION_TIMEOUT: it knows inactivity only, one byte now and
	 * then keeps a connection alive; conn.c has deadlines. Strictness stays at 0:
	 * its own refusals send their head twice; guard.c is stricter. */
	return MHD_start_daemon(flags, 0, NULL, NULL, handler_on_request, f,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, f, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, f, MHD_OPTION_NOTIFY_COMPLETED, handler_on_completed, f,
	    MHD_OPTION_URI_LOG_CALLBACK, handler_on_line, f,
	    MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
	    MHD_OPTION_CONNECTION_LIMIT, FRONT_CONNECTIONS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
	    MHD_OPTION_ARRAY, tls ? secure : &secure[3], MHD_OPTION_END);
}

static void
front_free(struct front *f)
{
	struct edge *e = f->edge;

	assert(f->connections == 0);
	loop_unwatch(e->worker->loop, &f->watch);
	if (f->ready)
		TAILQ_REMOVE(&e->ready, f, ready_link);
	TAILQ_REMOVE(&e->fronts, f, link);
	if (f->daemon != NULL)
		MHD_stop_daemon(f->daemon);
	xfree(f);
}

static struct front *
front_new(struct edge *e)
{
	struct front *f = xcalloc(1, sizeof(*f));
	const union MHD_DaemonInfo *info = NULL;

	f->edge = e;
	TAILQ_INIT(&f->conns);
	TAILQ_INIT(&f->fresh);
	f->watch = (struct watch){.fd = -1, .on_ready = on_front};
	TAILQ_INSERT_TAIL(&e->fronts, f, link);
	f->daemon = start(f);
	if (f->daemon != NULL)
		info = MHD_get_daemon_info(f->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info != NULL &&
	    loop_watch(e->worker->loop, &f->watch, info->epoll_fd, EPOLLIN))
		return f;
	front_free(f);
	return NULL;
}

/* The first with room: the later ones get empty and go. */
static struct front *
with_room(struct edge *e)
{
	struct front *f;

	TAILQ_FOREACH (f, &e->fronts, link) {
		if (f->connections < FRONT_CONNECTIONS)
			return f;
	}
	return front_new(e);
}

bool
front_add(
    struct edge *e, int fd, const struct sockaddr *address, socklen_t address_bytes)
{
	struct front *f = with_room(e);

	if (f == NULL) {
		(void)close(fd);
		return false;
	}
	/* It closes the socket when it does not take it. */
	return MHD_add_connection(f->daemon, fd, address, address_bytes) == MHD_YES;
}

void
front_ready(struct front *f)
{
	if (f->ready)
		return;
	f->ready = true;
	TAILQ_INSERT_TAIL(&f->edge->ready, f, ready_link);
}

/* ---- every turn ---- */

static void
resume(struct edge *e)
{
	struct edge_conn *c;

	while ((c = TAILQ_FIRST(&e->waking)) != NULL) {
		TAILQ_REMOVE(&e->waking, c, waking_link);
		c->waking = false;
		c->suspended = false;
		MHD_resume_connection(c->mhd);
		front_ready(c->front);
	}
}

static bool
spare(const struct front *f)
{
	const struct front *first = TAILQ_FIRST(&f->edge->fronts);

	return f->connections == 0 && (f != first || TAILQ_NEXT(first, link) != NULL);
}

/* It has more to do than it does in one go, or is stuck. */
static void
run_again(struct front *f)
{
	struct edge_conn *c;

	front_ready(f);
	if (++f->busy_turns % BUSY_TURNS != 0)
		return;
	TAILQ_FOREACH (c, &f->conns, link)
		conn_unstick(c);
}

static void
run(struct front *f)
{
	unsigned long long wait_ms;
	struct edge_conn *c, *next;

	for (c = TAILQ_FIRST(&f->fresh); c != NULL; c = next) {
		next = TAILQ_NEXT(c, fresh_link);
		conn_look(c);
	}
	(void)MHD_run(f->daemon);
	if (spare(f))
		front_free(f);
	else if (MHD_get_timeout(f->daemon, &wait_ms) == MHD_YES && wait_ms == 0)
		run_again(f);
	else
		f->busy_turns = 0;
}

void
edge_run(struct edge *e)
{
	struct front_list now = TAILQ_HEAD_INITIALIZER(now);
	struct front *f;

	resume(e);
	TAILQ_CONCAT(&now, &e->ready, ready_link);
	while ((f = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, f, ready_link);
		f->ready = false;
		run(f);
	}
}

int64_t
edge_due_ns(struct edge *e)
{
	return TAILQ_EMPTY(&e->ready) && TAILQ_EMPTY(&e->waking) ? INT64_MAX : 0;
}

/* ---- life ---- */

static bool
read_pem(struct edge *e, const char *path, struct buf *ret)
{
	struct env *env = e->worker->env;

	buf_init(ret, PEM_MAX);
	if (path == NULL || env->read_file(env, path, PEM_MAX, ret))
		return true;
	log_error("tls: %s: %s", path, strerror(errno));
	return false;
}

struct edge *
edge_new(struct worker *w, struct edge_shared *s)
{
	struct edge *e = xcalloc(1, sizeof(*e));

	e->worker = w;
	e->shared = s;
	TAILQ_INIT(&e->fronts);
	TAILQ_INIT(&e->ready);
	TAILQ_INIT(&e->waking);
	TAILQ_INIT(&e->refusals);
	atomic_fetch_add_explicit(&s->workers, 1, memory_order_relaxed);
	MHD_set_panic_func(on_panic, NULL);
	listen_begin(e);
	/* One daemon from the start: what keeps it from working is known at once. */
	if (read_pem(e, w->snap->tls_cert, &e->tls_cert) &&
	    read_pem(e, w->snap->tls_key, &e->tls_key) && front_new(e) != NULL)
		return e;
	edge_free(e);
	return NULL;
}

void
edge_free(struct edge *e)
{
	struct front *f;

	if (e == NULL)
		return;
	assert(e->connections == 0);
	listen_end(e);
	while ((f = TAILQ_FIRST(&e->fronts)) != NULL)
		front_free(f);
	atomic_fetch_sub_explicit(&e->shared->workers, 1, memory_order_relaxed);
	xfree_secret(e->tls_key.p, e->tls_key.cap);
	buf_fini(&e->tls_cert);
	xfree(e);
}

/* ---- the end ---- */

static void
for_each(struct edge *e, void (*act)(struct edge_conn *))
{
	struct edge_conn *c;
	struct front *f;

	TAILQ_FOREACH (f, &e->fronts, link) {
		TAILQ_FOREACH (c, &f->conns, link)
			act(c);
	}
}

void
edge_drain(struct edge *e)
{
	if (!e->draining)
		listen_end(e);
	e->draining = true;
	for_each(e, conn_hurry);
}

bool
edge_idle(const struct edge *e)
{
	return e->connections == 0;
}

void
edge_abort(struct edge *e)
{
	for_each(e, conn_cut);
}
