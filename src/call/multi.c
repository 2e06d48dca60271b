/* multi.c: libcurl's multi on the worker's loop:
 * sockets, its one timer, handles, origins. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "base/mem.h"
#include "core/worker.h"
#include "resolve.h"
#include "transfer.h"

/* send.c has a limit that costs less to keep. */
#define CONNECTIONS_NEVER 1000000L

/* One socket of libcurl's. Between two transfers it rests: libcurl is done with it and
 * epoll still knows it, so that a kept connection costs no epoll_ctl(2). */
struct sock {
	struct watch watch;
	struct call *call;
	uint32_t events; /* that epoll waits for */
	bool rests;
	struct sock *next_free;
};

/* ---- what libcurl has finished ---- */

static void
reap(struct call *c)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct transfer *t = NULL;
		CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		t->on_done(t, result);
	}
}

static void
act(struct call *c, curl_socket_t fd, int ready)
{
	(void)curl_multi_socket_action(c->multi, fd, ready, &c->running);
	reap(c);
}

/* ---- sockets ---- */

static void
wake(struct call *c, struct sock *s)
{
	if (!s->rests)
		return;
	s->rests = false;
	c->resting[s->watch.fd] = NULL;
	c->rests--;
}

static void
give_sock(struct call *c, struct sock *s)
{
	wake(c, s);
	loop_unwatch(c->worker->loop, &s->watch);
	s->next_free = c->free_socks;
	c->free_socks = s;
}

static void
rest(struct call *c, struct sock *s)
{
	size_t fd = (size_t)s->watch.fd, room = c->resting_room;

	if (fd >= room) {
		room = 2 * fd + 64;
		c->resting = xrealloc(c->resting, room * sizeof(*c->resting));
		memset(c->resting + c->resting_room, 0,
		    (room - c->resting_room) * sizeof(*c->resting));
		c->resting_room = room;
	}
	s->rests = true;
	c->resting[fd] = s;
	c->rests++;
}

/* NULL: epoll does not know it. */
static struct sock *
resting(const struct call *c, curl_socket_t fd)
{
	return fd >= 0 && (size_t)fd < c->resting_room ? c->resting[fd] : NULL;
}

static void
on_ready(struct watch *w, uint32_t events)
{
	struct sock *s = container_of(w, struct sock, watch);
	int ready = 0;

	if (s->rests) {
		/* Hung up, most likely: libcurl will see before it uses it again. */
		give_sock(s->call, s);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		ready |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		ready |= CURL_CSELECT_OUT;
	act(s->call, w->fd, ready);
}

static struct sock *
take_sock(struct call *c)
{
	struct sock *s = c->free_socks;

	if (s == NULL)
		s = xcalloc(1, sizeof(*s));
	else
		c->free_socks = s->next_free;
	*s = (struct sock){.call = c, .watch = {.fd = -1, .on_ready = on_ready}};
	return s;
}

static void
want(struct call *c, struct sock *s, uint32_t events)
{
	wake(c, s);
	if (s->events != events)
		(void)!loop_rewatch(c->worker->loop, &s->watch, events);
	s->events = events;
}

/* What rested under this number is closed: epoll has forgotten it by itself. Where
 * libcurl closes one it does not always say. */
curl_socket_t
call_open_socket(void *call, curlsocktype purpose, struct curl_sockaddr *a)
{
	curl_socket_t fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	struct sock *s = resting(call, fd);

	(void)purpose;
	if (s != NULL)
		give_sock(call, s);
	return fd;
}

/* Never fails: that would end the whole multi for good. A socket that epoll has no
 * memory for stays silent, and its transfer meets its deadline. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *call, void *sock)
{
	struct call *c = call;
	struct sock *s = sock;
	uint32_t events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) |
			  ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			rest(c, s);
		return 0;
	}
	if (s != NULL) {
		want(c, s, events);
		return 0;
	}
	s = resting(c, fd);
	if (s != NULL) {
		want(c, s, events);
	} else {
		s = take_sock(c);
		s->events = events;
		if (!loop_watch(c->worker->loop, &s->watch, fd, events)) {
			give_sock(c, s);
			return 0;
		}
	}
	/* curl_multi_assign(3) may be called here. */
	(void)curl_multi_assign(c->multi, fd, s);
	return 0;
}

/* ---- its timer ---- */

static void
on_due(struct timer *t)
{
	act(container_of(t, struct call, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void
on_kick(struct deferred *d)
{
	act(container_of(d, struct call, kick), CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timer(CURLM *multi, long timeout_ms, void *call)
{
	struct call *c = call;
	struct worker *w = c->worker;

	(void)multi;
	/* "At once" is how a new transfer begins: not one turn later. */
	loop_defer_cancel(w->loop, &c->kick);
	if (timeout_ms <= 0)
		loop_timer_stop(w->loop, &c->timer);
	if (timeout_ms == 0)
		loop_defer(w->loop, &c->kick);
	if (timeout_ms > 0)
		loop_timer(w->loop, &c->timer,
		    w->env->mono_ns(w->env) + timeout_ms * NS_PER_MS);
	return 0;
}

/* ---- handles ---- */

CURL *
call_take_handle(struct call *c)
{
	CURL *easy;

	if (c->idles > 0)
		return c->idle[--c->idles];
	easy = curl_easy_init();
	if (easy != NULL)
		options_fix(easy, c);
	return easy;
}

void
call_give_handle(struct call *c, CURL *easy)
{
	options_forget(easy);
	if (c->idles < nitems(c->idle))
		c->idle[c->idles++] = easy;
	else
		curl_easy_cleanup(easy);
}

/* ---- origins ---- */

struct origin *
call_origin(struct call *c, const char *host, uint16_t port)
{
	struct origin *o;

	TAILQ_FOREACH (o, &c->origins, link) {
		if (o->port == port && str_case_eq(str_of(o->host), str_of(host)))
			return o;
	}
	o = xcalloc(1, sizeof(*o));
	o->host = xstrdup(host);
	o->port = port;
	o->literal = ip_reach(host) != IP_none;
	TAILQ_INSERT_TAIL(&c->origins, o, link);
	return o;
}

bool
origin_known(struct call *c, struct origin *o)
{
	if (o->literal || o->addresses != NULL)
		return true;
	/* Its answer may have come before we asked for it, or be in the mail. */
	o->addresses = addresses_now(c->worker->shared->addresses, o->host);
	return o->addresses != NULL;
}

struct origin *
call_origin_of(struct call *c, const struct provider *p)
{
	char host[256];
	uint16_t port;

	resolve_target(p, host, sizeof(host), &port);
	return call_origin(c, host, port);
}

void
call_take_addresses(struct call *c, const char *host, const char *addresses)
{
	struct origin *o;

	TAILQ_FOREACH (o, &c->origins, link) {
		if (o->literal || !str_case_eq(str_of(o->host), str_of(host)))
			continue;
		xfree(o->addresses);
		o->addresses = xstrdup(addresses);
		o->version++;
		o->loaded = false;
	}
	warm_providers(c);
}

const char *
origin_resolve_line(const struct origin *o, struct arena *mem)
{
	return arena_printf(mem, "%s:%u:%s", o->host, o->port, o->addresses);
}

/* ---- life ---- */

static bool
init(struct call *c)
{
	c->multi = curl_multi_init();
	c->share = curl_share_init();
	if (c->multi == NULL || c->share == NULL)
		return false;
	(void)curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_NEVER);
	(void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return true;
}

struct call *
call_new(struct worker *w)
{
	struct call *c;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->worker = w;
	c->timer.on_due = on_due;
	c->kick.run = on_kick;
	TAILQ_INIT(&c->origins);
	TAILQ_INIT(&c->warmups);
	if (init(c))
		return c;
	call_free(c);
	return NULL;
}

static void
free_origins(struct call *c)
{
	struct origin *o;

	while ((o = TAILQ_FIRST(&c->origins)) != NULL) {
		TAILQ_REMOVE(&c->origins, o, link);
		xfree(o->host);
		xfree(o->addresses);
		xfree(o);
	}
}

void
call_free(struct call *c)
{
	struct sock *s;

	if (c == NULL)
		return;
	warm_stop(c);
	while (c->idles > 0)
		curl_easy_cleanup(c->idle[--c->idles]);
	/* Closes what was kept, and gives its sockets back. */
	if (c->multi != NULL)
		(void)curl_multi_cleanup(c->multi);
	if (c->share != NULL)
		(void)curl_share_cleanup(c->share);
	for (size_t fd = 0; fd < c->resting_room; fd++) {
		if (c->resting[fd] != NULL)
			give_sock(c, c->resting[fd]);
	}
	xfree(c->resting);
	loop_timer_stop(c->worker->loop, &c->timer);
	loop_defer_cancel(c->worker->loop, &c->kick);
	while ((s = c->free_socks) != NULL) {
		c->free_socks = s->next_free;
		xfree(s);
	}
	free_origins(c);
	xfree(c);
	curl_global_cleanup();
}

void
call_adopt(struct call *c, const struct snapshot *s)
{
	for (unsigned i = 0; i < s->provider_count; i++)
		(void)call_origin_of(c, &s->providers[i]);
	warm_providers(c);
}
