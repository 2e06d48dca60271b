/* listen.c: one listening socket for all workers; who accepts, and who is sent away. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "front.h"

#define BACKLOG 4096

/* Accepted in one go, so that a storm does not starve those who are here. */
#define BATCH 16

/* A worker with so many more than the mean leaves new connections to the others... */
#define ABOVE_MEAN 8U
/* ...for so long: they may sleep, and it is woken for what still waits. */
#define STEP_BACK_NS (2 * NS_PER_MS)
/* No descriptors, not even one to say no with. */
#define STARVED_NS (100 * NS_PER_MS)

/* Sent away, but the client may still be sending: closed at once, its kernel would
 * throw our answer away. */
#define REFUSALS_MAX 64U
#define REFUSAL_NS   NS_PER_S

/* Descriptors that neither clients nor their
 * upstreams have: logs, ledger, epoll sets. */
#define DESCRIPTORS_OWN 96U

#define REFUSAL_BODY                                                               \
	"{\"error\":{\"message\":\"frugald has no room for this connection now\"," \
	"\"type\":\"overloaded_error\",\"param\":null,\"code\":\"overloaded\"}}\n"

struct refusal {
	TAILQ_ENTRY(refusal) link;
	struct edge *edge;
	struct watch watch;
	struct timer timer;
};

/* ---- the socket ---- */

static bool
fill_address(
    const char *host, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_bytes)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	*ret = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(ret, &in, sizeof(in));
		*ret_bytes = sizeof(in);
		return true;
	}
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		memcpy(ret, &in6, sizeof(in6));
		*ret_bytes = sizeof(in6);
		return true;
	}
	return false;
}

static void
explain(const char *host, uint16_t port, char ret_why[static 256])
{
	const char *hint =
	    errno == EADDRINUSE ? "; is another frugald running? stop it, or choose "
				  "another port at `listen`"
	    : errno == EACCES   ? "; ports below 1024 need privileges"
	    : errno == EADDRNOTAVAIL ? "; no interface of this machine has that address"
				     : "";

	snprintf(ret_why, 256, "cannot listen at %s port %u: %s%s", host, port,
	    strerror(errno), hint);
}

/* No SO_REUSEPORT: a second frugald would take half of our clients in silence. */
static int
open_listener(const char *host, uint16_t port, char ret_why[static 256])
{
	struct sockaddr_storage sa;
	socklen_t bytes;
	int on = 1, fd;

	if (!fill_address(host, port, &sa, &bytes)) {
		snprintf(ret_why, 256, "'%s' is not a numeric address", host);
		return -1;
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&sa, bytes) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	explain(host, port, ret_why);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

struct edge_shared *
edge_listen(const char *host, uint16_t port, char ret_why[static 256])
{
	int fd = open_listener(host, port, ret_why);
	struct edge_shared *s;
	struct rlimit lim = {.rlim_cur = 1024};

	if (fd < 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->fd = fd;
	(void)getrlimit(RLIMIT_NOFILE, &lim);
	s->descriptors =
	    lim.rlim_cur < UINT32_MAX ? (unsigned)lim.rlim_cur : UINT32_MAX;
	return s;
}

void
edge_shared_free(struct edge_shared *s)
{
	if (s == NULL)
		return;
	(void)close(s->fd);
	xfree(s);
}

unsigned
edge_connections(const struct edge_shared *s)
{
	return atomic_load_explicit(&s->connections, memory_order_relaxed);
}

bool
descriptors_left(const struct edge_shared *s)
{
	unsigned clients = edge_connections(s);
	unsigned busy = atomic_load_explicit(&s->busy, memory_order_relaxed);
	/* Two for each daemon of libmicrohttpd; both counts may be in flux. */
	unsigned own = DESCRIPTORS_OWN + clients / (FRONT_CONNECTIONS / 2);

	return (uint64_t)clients + busy + own < s->descriptors;
}

/* ---- sent away ---- */

static void
say_no(int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
				   "Content-Type: application/json\r\n"
				   "Retry-After: 1\r\nx-should-retry: true\r\n"
				   "Connection: close\r\nContent-Length: ";
	char answer[sizeof(text) + sizeof(REFUSAL_BODY) + 16];
	int n = snprintf(answer, sizeof(answer), "%s%zu\r\n\r\n%s", text,
	    sizeof(REFUSAL_BODY) - 1, REFUSAL_BODY);

	(void)!send(fd, answer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
}

static void
forget(struct refusal *f)
{
	struct loop *loop = f->edge->worker->loop;
	int fd = f->watch.fd;

	loop_unwatch(loop, &f->watch);
	loop_timer_stop(loop, &f->timer);
	TAILQ_REMOVE(&f->edge->refusals, f, link);
	f->edge->refused--;
	(void)close(fd);
	xfree(f);
}

static void
on_refused(struct watch *w, uint32_t events)
{
	struct refusal *f = container_of(w, struct refusal, watch);
	char bin[4096];
	ssize_t n = recv(w->fd, bin, sizeof(bin), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN) || (events & EPOLLERR) != 0)
		forget(f);
}

static void
on_refused_due(struct timer *t)
{
	forget(container_of(t, struct refusal, timer));
}

static void
send_away(struct edge *e, int fd)
{
	struct loop *loop = e->worker->loop;
	struct refusal *f;

	count(e->worker, connections_refused);
	say_no(fd);
	if (e->refused >= REFUSALS_MAX || e->draining) {
		(void)close(fd);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	f->edge = e;
	f->watch.on_ready = on_refused;
	f->timer.on_due = on_refused_due;
	if (!loop_watch(loop, &f->watch, fd, EPOLLIN)) {
		(void)close(fd);
		xfree(f);
		return;
	}
	TAILQ_INSERT_TAIL(&e->refusals, f, link);
	e->refused++;
	loop_timer(loop, &f->timer, loop_now(loop) + REFUSAL_NS);
}

/* No descriptor is left: the reserve takes the connection, so that the client hears why
 * and the listener does not stay ready for ever. */
static bool
refuse_with_reserve(struct edge *e)
{
	int fd;

	if (e->reserve < 0)
		return false;
	(void)close(e->reserve);
	fd = accept4(e->shared->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		count(e->worker, connections_refused);
		say_no(fd);
		(void)close(fd);
	}
	e->reserve = eventfd(0, EFD_CLOEXEC);
	return fd >= 0;
}

/* ---- accept ---- */

static bool
above_mean(const struct edge *e)
{
	unsigned all = edge_connections(e->shared);
	unsigned workers =
	    atomic_load_explicit(&e->shared->workers, memory_order_relaxed);

	return e->connections > all / workers + ABOVE_MEAN;
}

static void
step_back(struct edge *e, int64_t ns)
{
	struct loop *loop = e->worker->loop;

	loop_unwatch(loop, &e->listener);
	loop_timer(loop, &e->listen_again, loop_now(loop) + ns);
}

static void
take(struct edge *e, int fd, const struct sockaddr *sa, socklen_t bytes)
{
	struct edge_shared *s = e->shared;
	unsigned most = (unsigned)e->worker->snap->limits.connections;
	int on = 1;

	if (edge_connections(s) >= most || !descriptors_left(s)) {
		send_away(e, fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (front_add(e, fd, sa, bytes))
		count(e->worker, connections_accepted);
}

/* False: nothing more to take now. */
static bool
accept_one(struct edge *e)
{
	struct sockaddr_storage sa = {0};
	socklen_t bytes = sizeof(sa);
	int fd = accept4(e->shared->fd, (struct sockaddr *)&sa, &bytes,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		take(e, fd, (struct sockaddr *)&sa, bytes);
		return true;
	}
	if (errno == ECONNABORTED || errno == EINTR)
		return true;
	if (errno == EAGAIN)
		return false;
	if (errno == EMFILE || errno == ENFILE) {
		if (!refuse_with_reserve(e))
			step_back(e, STARVED_NS);
		return false;
	}
	step_back(e, STARVED_NS); /* ENOBUFS, ENOMEM, or the listener is closed */
	return false;
}

static void
on_listener(struct watch *w, uint32_t events)
{
	struct edge *e = container_of(w, struct edge, listener);

	if ((events & EPOLLHUP) != 0) { /* edge_close_listener() */
		loop_unwatch(e->worker->loop, w);
		return;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		if (!accept_one(e))
			return;
		if (above_mean(e)) {
			step_back(e, STEP_BACK_NS);
			return;
		}
	}
}

static void
watch_listener(struct edge *e)
{
	struct loop *loop = e->worker->loop;

	if (e->draining || e->listener.fd >= 0)
		return;
	if (!loop_watch(loop, &e->listener, e->shared->fd, EPOLLIN | EPOLLEXCLUSIVE))
		loop_timer(loop, &e->listen_again, loop_now(loop) + STARVED_NS);
}

static void
on_listen_again(struct timer *t)
{
	watch_listener(container_of(t, struct edge, listen_again));
}

void
listen_begin(struct edge *e)
{
	e->listener = (struct watch){.fd = -1, .on_ready = on_listener};
	e->listen_again.on_due = on_listen_again;
	e->reserve = eventfd(0, EFD_CLOEXEC);
	watch_listener(e);
}

void
listen_end(struct edge *e)
{
	struct refusal *f, *next;

	loop_unwatch(e->worker->loop, &e->listener);
	loop_timer_stop(e->worker->loop, &e->listen_again);
	for (f = TAILQ_FIRST(&e->refusals); f != NULL; f = next) {
		next = TAILQ_NEXT(f, link);
		forget(f);
	}
	if (e->reserve >= 0)
		(void)close(e->reserve);
	e->reserve = -1;
}

/* Workers may be at accept4() with the descriptor, so it stays theirs and only stops to
 * listen. Who had got through before is told, and not reset. */
void
edge_close_listener(struct edge_shared *s)
{
	int fd;

	while ((fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		say_no(fd);
		(void)close(fd);
	}
	(void)shutdown(s->fd, SHUT_RD);
}
