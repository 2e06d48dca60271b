/* conn.c: a client's connection: hang-ups that libmicrohttpd does not see, deadlines
 * that it does not have. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* behind <netinet/in.h> */
#include <linux/sockios.h>

#include "base/mem.h"
#include "front.h"
#include "wire.h"

/* How often a client that takes an answer is looked at: so many times within the time
 * that it may stall. */
#define LOOKS 4

/* A client that takes less of an answer a second, for as long as it may stall, does not
 * read: it only wants to be waited for. */
#define READ_BYTES_PER_S 64

/* So often a new connection is looked at for its first bytes. */
#define LOOKS_FRESH 4

/* A body that brings less than so much in so long crawls. */
#define CRAWL_MS    20000
#define CRAWL_BYTES 1024

/* What a client that sends no more has sent is read within this, if it is read at all.
 */
#define HALF_CLOSED_MS 1000

/* So long libmicrohttpd has to close what is shut. */
#define CUT_MS 250

/* ---- deadlines ---- */

int64_t
conn_now(const struct edge_conn *c)
{
	return loop_now(c->front->edge->worker->loop);
}

bool
conn_tls(const struct edge_conn *c)
{
	return c->front->edge->tls_cert.len > 0;
}

const struct limits *
conn_limits(const struct edge_conn *c)
{
	return &c->front->edge->worker->snap->limits;
}

/* Is anything wanted from the client now? */
static bool
awaits(const struct edge_conn *c)
{
	return c->state != CONN_work && c->state != CONN_send && c->state != CONN_cut;
}

/* The timer is armed for the nearest deadline there was; later ones are seen when it is
 * due, so that moving a deadline away costs nothing. */
void
conn_enter(struct edge_conn *c, enum conn_state state, int64_t deadline_ms)
{
	struct loop *loop = c->front->edge->worker->loop;

	c->state = state;
	if (c->half_closed && awaits(c) && deadline_ms > HALF_CLOSED_MS)
		deadline_ms = HALF_CLOSED_MS;
	c->deadline_ns =
	    deadline_ms < 0 ? INT64_MAX : conn_now(c) + deadline_ms * NS_PER_MS;
	if (deadline_ms < 0)
		return;
	if (c->timer.heap_index == 0 || c->deadline_ns < c->timer.due_ns)
		loop_timer(loop, &c->timer, c->deadline_ns);
}

/* Has the client's system taken something since, or is there nothing to take? */
static bool
progresses(struct edge_conn *c)
{
	struct tcp_info info = {0};
	socklen_t bytes = sizeof(info);
	int waiting = 0;
	int64_t now = conn_now(c);
	uint64_t stall_ms = (uint64_t)conn_limits(c)->client_stall_ms;
	uint64_t least = stall_ms * READ_BYTES_PER_S / 1000 + 1;

	if (getsockopt(c->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0)
		return true; /* not TCP */
	(void)ioctl(c->watch.fd, SIOCOUTQ, &waiting);
	if (info.tcpi_bytes_acked >= c->acked + least ||
	    (c->suspended && waiting == 0)) {
		c->acked = info.tcpi_bytes_acked;
		c->acked_ns = now;
	}
	return now - c->acked_ns < (int64_t)stall_ms * NS_PER_MS;
}

static void
look_at_body(struct edge_conn *c)
{
	int64_t left_ms = (c->body_until_ns - conn_now(c)) / NS_PER_MS + 1;

	c->taken_looked = c->taken;
	conn_enter(c, CONN_body, left_ms < CRAWL_MS ? left_ms : CRAWL_MS);
}

void
conn_enter_body(struct edge_conn *c)
{
	c->taken = 0;
	c->body_until_ns = conn_now(c) + conn_limits(c)->body_ms * NS_PER_MS;
	look_at_body(c);
}

static void
body_due(struct edge_conn *c)
{
	if (conn_now(c) < c->body_until_ns && c->taken - c->taken_looked >= CRAWL_BYTES)
		look_at_body(c);
	else
		(void)request_fail(c->request, OUT_slow_body);
}

void
conn_enter_sending(struct edge_conn *c)
{
	conn_enter(c, CONN_send, conn_limits(c)->client_stall_ms / LOOKS + 1);
}

static void
sending_due(struct edge_conn *c)
{
	if (progresses(c))
		conn_enter_sending(c);
	else
		conn_gone(c, OUT_slow_client);
}

/* libmicrohttpd has not seen that the socket is shut: of one that the client had reset
 * before, there is no news. Once more it runs without a reason; then it is given the
 * connection anew, which makes it look. */
static void
push(struct edge_conn *c)
{
	bool again = c->pushed;

	c->pushed = true;
	conn_enter(c, CONN_cut, CUT_MS);
	front_ready(c->front);
	if (again && !c->suspended)
		conn_suspend(c);
	conn_wake(c);
}

static bool
unread(const struct edge_conn *c)
{
	int waiting = 0;

	return ioctl(c->watch.fd, FIONREAD, &waiting) == 0 && waiting > 0;
}

/* It waits for what will never come. */
static void
give_up(struct edge_conn *c)
{
	if (c->state == CONN_body)
		conn_gone(c, OUT_client_gone);
	else
		conn_cut(c);
}

static void
due(struct edge_conn *c)
{
	static const char *const what[] = {
	    [CONN_idle] = "kept alive and not used",
	    [CONN_head] = "a slow head",
	    [CONN_body] = "a slow body",
	    [CONN_drain] = "a slow body that was refused",
	    [CONN_linger] = "answered",
	    [CONN_work] = "",
	    [CONN_send] = "looking whether the client reads",
	    [CONN_cut] = "",
	};

	trace(&c->front->edge->worker->shared->trace, edge, "deadline: %s",
	    what[c->state]);
	if (c->half_closed && awaits(c) && !unread(c)) {
		give_up(c);
		return;
	}
	switch (c->state) {
	case CONN_body:
		body_due(c);
		break;
	case CONN_drain:
		reply_at_once(c->request);
		break;
	case CONN_send:
		sending_due(c);
		break;
	case CONN_idle:
	case CONN_head:
	case CONN_linger:
		conn_cut(c);
		break;
	case CONN_cut:
		push(c);
		break;
	case CONN_work:
		break;
	}
}

static void
on_due(struct timer *t)
{
	struct edge_conn *c = container_of(t, struct edge_conn, timer);

	if (c->deadline_ns == INT64_MAX)
		return;
	if (c->deadline_ns > conn_now(c))
		loop_timer(c->front->edge->worker->loop, t, c->deadline_ns);
	else
		due(c);
}

/* ---- to wait and to go on ---- */

void
conn_suspend(struct edge_conn *c)
{
	MHD_suspend_connection(c->mhd);
	c->suspended = true;
}

void
conn_wake(struct edge_conn *c)
{
	if (!c->suspended || c->waking)
		return;
	c->waking = true;
	TAILQ_INSERT_TAIL(&c->front->edge->waking, c, waking_link);
}

/* libmicrohttpd sees the end of the socket; if it looks away, it is told to look. */
void
conn_cut(struct edge_conn *c)
{
	if (c->state == CONN_cut)
		return;
	conn_enter(c, CONN_cut, CUT_MS);
	(void)shutdown(c->watch.fd, SHUT_RDWR);
	conn_wake(c);
}

void
conn_gone(struct edge_conn *c, enum outcome o)
{
	if (c->request != NULL)
		request_client_gone(c->request, o);
	conn_cut(c);
}

/* The size line of a chunk or a trailer fills all the memory that libmicrohttpd has for
 * the connection: it would try again for ever. */
void
conn_unstick(struct edge_conn *c)
{
	bool stuck = c->taken == c->taken_seen;
	int waiting = 0;

	c->taken_seen = c->taken;
	if (c->state != CONN_body && c->state != CONN_drain && c->state != CONN_linger)
		return;
	if (!stuck || ioctl(c->watch.fd, FIONREAD, &waiting) != 0 || waiting == 0)
		return;
	c->close = true;
	if (c->state == CONN_body)
		(void)request_fail_text(c->request, OUT_bad_framing, NULL,
		    "the size of a chunk, or a trailer, is too long");
	conn_cut(c);
}

/* ---- hang-ups ---- */

/* The client sends no more: it has gone, or it only says that its request is whole;
 * both look the same until something is written. While something is still to come,
 * libmicrohttpd sees the end itself, unless the end was there when it read the bytes
 * before it: after a read that fills less than its buffer it waits for news of the
 * socket, and there are none any more. */
static void
on_half_closed(struct edge_conn *c)
{
	c->half_closed = true;
	if (c->state == CONN_work && !c->front->edge->worker->snap->half_close_serve)
		conn_gone(c, OUT_client_gone);
	c->comment_due = c->state == CONN_work || c->state == CONN_send;
	if (c->state == CONN_send && c->events)
		conn_wake(c);
	if (awaits(c))
		conn_enter(c, c->state, HALF_CLOSED_MS);
}

/* Nothing of what the client ever sent was read yet:
 * what lies there is a head's begin. */
static bool
untouched(const struct edge_conn *c, size_t waiting)
{
	struct tcp_info info = {0};
	socklen_t bytes = sizeof(info);

	return getsockopt(c->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 &&
	       bytes > offsetof(struct tcp_info, tcpi_bytes_received) &&
	       info.tcpi_bytes_received == waiting;
}

void
conn_hurry(struct edge_conn *c)
{
	c->close = true;
	if (c->state == CONN_idle || (c->state == CONN_head && untouched(c, 0)))
		conn_cut(c);
}

static void
leave_fresh(struct edge_conn *c)
{
	if (c->fresh > 0)
		TAILQ_REMOVE(&c->front->fresh, c, fresh_link);
	c->fresh = 0;
}

/* A first head that has come in one piece is looked at while it is as it was sent. What
 * comes later, or in parts, libmicrohttpd may be the first to see: there guard.c has to
 * do. */
void
conn_look(struct edge_conn *c)
{
	char bytes[CONNECTION_BYTES];
	ssize_t n = recv(c->watch.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	struct str target;
	const char *why;

	if (n <= 0) {
		if (c->fresh == 1)
			leave_fresh(c);
		else
			c->fresh--;
		return;
	}
	leave_fresh(c);
	why = wire_check(str_make(bytes, (size_t)n), &target);
	if (why != NULL && untouched(c, (size_t)n))
		handler_refuse(c, target, why);
}

static void
on_client(struct watch *w, uint32_t events)
{
	struct edge_conn *c = container_of(w, struct edge_conn, watch);
	bool waits = c->state == CONN_work || c->state == CONN_send;

	front_ready(c->front);
	if (c->fresh > 0)
		conn_look(c);
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && waits)
		conn_gone(c, OUT_client_gone);
	else if ((events & EPOLLRDHUP) != 0 && !c->half_closed)
		on_half_closed(c);
	else if ((events & EPOLLIN) != 0 && c->state == CONN_idle)
		conn_enter(c, CONN_head, conn_limits(c)->header_ms);
}

/* ---- life ---- */

struct edge_conn *
conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

void
conn_open(struct front *f, struct MHD_Connection *mhd, void **ret_context)
{
	struct edge *e = f->edge;
	struct edge_conn *c = xcalloc(1, sizeof(*c));
	int fd =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	*ret_context = c;
	c->front = f;
	c->mhd = mhd;
	c->watch = (struct watch){.fd = -1, .on_ready = on_client};
	c->timer.on_due = on_due;
	TAILQ_INSERT_TAIL(&f->conns, c, link);
	f->connections++;
	e->connections++;
	atomic_fetch_add_explicit(&e->shared->connections, 1, memory_order_relaxed);
	if (!conn_tls(c)) {
		c->fresh = LOOKS_FRESH;
		TAILQ_INSERT_TAIL(&f->fresh, c, fresh_link);
	}
	conn_enter(c, CONN_head, conn_limits(c)->header_ms);
	/* Without a watch nobody would see it leave. */
	if (!loop_watch(e->worker->loop, &c->watch, fd, EPOLLIN | EPOLLRDHUP | EPOLLET))
		(void)shutdown(fd, SHUT_RDWR);
}

void
conn_close(struct edge_conn *c)
{
	struct edge *e = c->front->edge;

	leave_fresh(c);
	handler_forget(c, MHD_REQUEST_TERMINATED_WITH_ERROR);
	if (c->waking)
		TAILQ_REMOVE(&e->waking, c, waking_link);
	loop_unwatch(e->worker->loop, &c->watch);
	loop_timer_stop(e->worker->loop, &c->timer);
	TAILQ_REMOVE(&c->front->conns, c, link);
	c->front->connections--;
	e->connections--;
	atomic_fetch_sub_explicit(&e->shared->connections, 1, memory_order_relaxed);
	xfree(c);
}
