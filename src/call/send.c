/* send.c: hands an attempt to libcurl; from here on it may cost money. */
#include <stdio.h>

#include "base/ip.h"
#include "core/worker.h"
#include "resolve.h"
#include "transfer.h"
#include "tls.h"

/* Up to so many transfers at once libcurl may look for an idle connection itself. */
#define CROWD 256
/* Beyond so many connections of a worker, in use or idle, none is kept. */
#define KEPT_MAX 1024

#define set(easy, option, value) (void)curl_easy_setopt(easy, CURLOPT_##option, value)

/* ---- called by libcurl ---- */

static size_t
on_read(char *dst, size_t size, size_t n, void *attempt)
{
	struct attempt *a = attempt;
	size_t len = pieces_read(&a->body, a->body_sent, dst, size * n);

	a->body_sent += len;
	return len;
}

static void
count_handshake(struct attempt *a)
{
	struct worker *w = a->request->worker;

	if (!a->provider->tls || a->io->reused)
		return;
	count(w, tls_handshakes);
	if (tls_was_resumed(a->easy))
		count(w, tls_resumed);
}

/* The connection stands and the request is about to leave. libcurl comes here a second
 * time when a kept connection has died under the request and it means to send it again
 * by itself: that may be billed twice, so it is refused and becomes an attempt with a
 * row of its own. */
static int
on_connected(void *attempt, char *ip, char *own_ip, int port, int own_port)
{
	struct attempt *a = attempt;
	struct attempt_io *io = a->io;
	struct request *r = a->request;
	struct worker *w = r->worker;
	long connects = 0;

	(void)own_port;
	if (io->prereqs++ > 0)
		return CURL_PREREQFUNC_ABORT;
	if (!a->provider->allow_private && a->provider->proxy == NULL &&
	    ip_reach(ip) != IP_public) {
		io->private_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	(void)curl_easy_getinfo((CURL *)a->easy, CURLINFO_NUM_CONNECTS, &connects);
	io->reused = connects == 0;
	if (io->resolve != NULL && io->origin_version == io->origin->version)
		io->origin->loaded |= UINT64_C(1) << io->multi->number;
	count_handshake(a);
	a->sent = true;
	a->connected_ns = w->env->mono_ns(w->env);
	if (a->slot_index >= 0 && r->slot != NULL)
		slot_attempt_sent(r->slot, a->slot_index);
	trace(&w->shared->trace, attempt, "%u %s %s -> [%s]:%d %s", a->number,
	    a->provider->name, own_ip, ip, port, io->reused ? "kept" : "new");
	deadline_arm(a);
	return CURL_PREREQFUNC_OK;
}

/* ---- the row ---- */

static void
set_body(struct attempt *a)
{
	CURL *easy = a->easy;

	set(easy, POST, 1L);
	set(easy, POSTFIELDSIZE_LARGE, (curl_off_t)a->body.bytes);
	/* NULL: on_read() gives it. There is no seek function on purpose. */
	set(easy, POSTFIELDS, a->io->whole);
	set(easy, READFUNCTION, on_read);
	set(easy, READDATA, a);
}

static void
set_callbacks(struct attempt *a)
{
	CURL *easy = a->easy;

	set(easy, PRIVATE, &a->io->transfer);
	set(easy, ERRORBUFFER, a->io->why);
	set(easy, HEADERFUNCTION, answer_on_header);
	set(easy, HEADERDATA, a);
	set(easy, WRITEFUNCTION, answer_on_body);
	set(easy, WRITEDATA, a);
	set(easy, PREREQFUNCTION, on_connected);
	set(easy, PREREQDATA, a);
}

/* libcurl walks all connections to a host to find an idle one, and all there are to
 * close one that is too many: 0.4 ms each at 9,000. So it is told what we know. */
static void
set_reuse(struct attempt *a)
{
	const struct multi *m = a->io->multi;
	bool none_idle = m->running > CROWD && m->rests == 0;
	bool too_many = m->running + m->rests >= KEPT_MAX;

	set(a->easy, FRESH_CONNECT, a->fresh_connection || none_idle ? 1L : 0L);
	set(a->easy, FORBID_REUSE, too_many ? 1L : 0L);
}

static void
set_target(struct attempt *a)
{
	CURL *easy = a->easy;
	struct attempt_io *io = a->io;
	struct arena *mem = a->request->mem;

	set(easy, URL, io->url);
	set(easy, HTTPHEADER, io->headers);
	set_reuse(a);
	if (io->origin->literal || (io->origin->loaded >> io->multi->number & 1) != 0)
		return;
	io->origin_version = io->origin->version;
	io->resolve = arena_alloc(mem, sizeof(*io->resolve));
	io->resolve->data = (char *)origin_resolve_line(io->origin, mem);
	set(easy, RESOLVE, io->resolve);
}

static enum next
fail(struct attempt *a, enum outcome o, const char *text)
{
	a->outcome = o;
	snprintf(a->error_text, sizeof(a->error_text), "%s", text);
	return END;
}

enum next
attempt_send(struct attempt *a)
{
	struct call *c = a->request->worker->call;
	struct attempt_io *io = a->io;

	io->origin = call_origin_of(c, a->provider);
	/* libcurl would start a thread and ask; the resolver has asked already. */
	if (!origin_known(c, io->origin))
		return fail(a, OUT_refused_connect, "its name has no address");
	io->multi = call_multi(c);
	a->easy = io->multi != NULL ? call_take_handle(c) : NULL;
	if (a->easy == NULL)
		return fail(a, OUT_overloaded, "no memory for another transfer");
	io->transfer.on_done = judge_on_done;
	options_provider(a->easy, a->provider);
	set_callbacks(a);
	set_target(a);
	set_body(a);
	deadline_arm(a);
	if (multi_add(io->multi, a->easy)) {
		a->request->called = true;
		return NEXT;
	}
	call_give_handle(c, a->easy);
	a->easy = NULL;
	return fail(a, OUT_overloaded, "no memory for another transfer");
}
