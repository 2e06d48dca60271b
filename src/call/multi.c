/* multi.c: libcurl's multis on the worker's loop: sockets, a timer each, handles,
 * origins. */
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
	struct multi *multi;
	uint32_t events; /* that epoll waits for */
	bool rests;
	struct sock *next_free;
};

/* ---- what libcurl has finished ---- */

static void
reap(struct multi *m)
{
	const CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(m->curl, &left)) != NULL) {
		struct transfer *t = NULL;
		CURLcode result = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		t->on_done(t, result);
	}
}

static void
act(struct multi *m, curl_socket_t fd, int ready)
{
	int running;

	(void)curl_multi_socket_action(m->curl, fd, ready, &running);
	reap(m);
}

/* ---- sockets ---- */

static void
wake(struct call *c, struct sock *s)
{
	if (!s->rests)
		return;
	s->rests = false;
	c->resting[s->watch.fd] = NULL;
	s->multi->rests--;
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
	s->multi->rests++;
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
		give_sock(s->multi->call, s);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		ready |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		ready |= CURL_CSELECT_OUT;
	act(s->multi, w->fd, ready);
}

static struct sock *
take_sock(struct multi *m)
{
	struct call *c = m->call;
	struct sock *s = c->free_socks;

	if (s == NULL)
		s = xcalloc(1, sizeof(*s));
	else
		c->free_socks = s->next_free;
	*s = (struct sock){.multi = m, .watch = {.fd = -1, .on_ready = on_ready}};
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
on_socket(CURL *easy, curl_socket_t fd, int what, void *multi, void *sock)
{
	struct multi *m = multi;
	struct call *c = m->call;
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
		s = take_sock(m);
		s->events = events;
		if (!loop_watch(c->worker->loop, &s->watch, fd, events)) {
			give_sock(c, s);
			return 0;
		}
	}
	/* curl_multi_assign(3) may be called here. */
	(void)curl_multi_assign(m->curl, fd, s);
	return 0;
}

/* ---- its timer ---- */

static void
on_due(struct timer *t)
{
	act(container_of(t, struct multi, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void
on_kick(struct deferred *d)
{
	act(container_of(d, struct multi, kick), CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timer(CURLM *curl, long timeout_ms, void *multi)
{
	struct multi *m = multi;
	struct worker *w = m->call->worker;

	(void)curl;
	/* "At once" is how a new transfer begins: not one turn later. */
	loop_defer_cancel(w->loop, &m->kick);
	if (timeout_ms <= 0)
		loop_timer_stop(w->loop, &m->timer);
	if (timeout_ms == 0)
		loop_defer(w->loop, &m->kick);
	if (timeout_ms > 0)
		loop_timer(w->loop, &m->timer,
		    w->env->mono_ns(w->env) + timeout_ms * NS_PER_MS);
	return 0;
}

/* ---- multis ---- */

static void
multi_free(struct multi *m)
{
	struct call *c = m->call;
	struct origin *o;

	for (size_t fd = 0; fd < c->resting_room; fd++) {
		if (c->resting[fd] != NULL && c->resting[fd]->multi == m)
			give_sock(c, c->resting[fd]);
	}
	/* Closes what was kept, and gives its sockets back. */
	(void)curl_multi_cleanup(m->curl);
	loop_timer_stop(c->worker->loop, &m->timer);
	loop_defer_cancel(c->worker->loop, &m->kick);
	loop_defer_cancel(c->worker->loop, &m->leave);
	TAILQ_FOREACH (o, &c->origins, link)
		o->loaded &= ~(UINT64_C(1) << m->number);
	c->multi[m->number] = NULL;
	xfree(m);
}

static void
on_leave(struct deferred *d)
{
	struct multi *m = container_of(d, struct multi, leave);

	if (m->running == 0)
		multi_free(m);
}

static struct multi *
multi_new(struct call *c, unsigned number)
{
	CURLM *curl = curl_multi_init();
	struct multi *m;

	if (curl == NULL)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	*m = (struct multi){.call = c, .curl = curl, .number = number};
	m->timer.on_due = on_due;
	m->kick.run = on_kick;
	m->leave.run = on_leave;
	(void)curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, m);
	(void)curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(curl, CURLMOPT_TIMERDATA, m);
	(void)curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, CONNECTIONS_NEVER);
	(void)curl_multi_setopt(curl, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	c->multi[number] = m;
	return m;
}

struct multi *
call_multi(struct call *c)
{
	for (unsigned i = 0; i < nitems(c->multi); i++) {
		if (c->multi[i] == NULL)
			return multi_new(c, i);
		if (c->multi[i]->running < MULTI_TRANSFERS)
			return c->multi[i];
	}
	return c->multi[0]; /* slower than it could be, but nobody is refused */
}

bool
multi_add(struct multi *m, CURL *easy)
{
	if (curl_multi_add_handle(m->curl, easy) != CURLM_OK)
		return false;
	m->running++;
	return true;
}

/* The later ones get empty and go: their idle connections are nobody's. */
void
multi_remove(struct multi *m, CURL *easy)
{
	(void)curl_multi_remove_handle(m->curl, easy);
	if (--m->running == 0 && m->number > 0)
		loop_defer(m->call->worker->loop, &m->leave);
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
		o->loaded = 0;
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
	c->share = curl_share_init();
	if (c->share == NULL)
		return false;
	(void)curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	return multi_new(c, 0) != NULL;
}

struct call *
call_new(struct worker *w)
{
	struct call *c;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->worker = w;
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
	for (unsigned i = 0; i < nitems(c->multi); i++) {
		if (c->multi[i] != NULL)
			multi_free(c->multi[i]);
	}
	if (c->share != NULL)
		(void)curl_share_cleanup(c->share);
	xfree(c->resting);
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
