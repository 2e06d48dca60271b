/* warm.c: one handshake with every TLS provider before the first request comes: the
 * file of certificates is parsed, and later connections resume a session. */
#include "base/ip.h"
#include "base/mem.h"
#include "base/trace.h"
#include "core/worker.h"
#include "resolve.h"
#include "transfer.h"

#define WARMUP_MS 10000L

struct warmup {
	struct transfer transfer;
	TAILQ_ENTRY(warmup) link;
	struct call *call;
	CURL *easy;
	struct arena *mem;
	bool allow_private, added;
};

static void
end(struct warmup *u)
{
	struct call *c = u->call;

	TAILQ_REMOVE(&c->warmups, u, link);
	if (u->added)
		multi_remove(c->multi[0], u->easy);
	curl_easy_cleanup(u->easy);
	arena_free(u->mem);
	xfree(u);
}

static void
on_done(struct transfer *t, CURLcode result)
{
	struct warmup *u = container_of(t, struct warmup, transfer);

	trace(&u->call->worker->shared->trace, attempt, "first handshake: %s",
	    curl_easy_strerror(result));
	end(u);
}

static int
on_connected(void *warmup, char *ip, char *own_ip, int port, int own_port)
{
	const struct warmup *u = warmup;

	(void)own_port;
	trace(&u->call->worker->shared->trace, attempt, "first handshake %s -> [%s]:%d",
	    own_ip, ip, port);
	return u->allow_private || ip_reach(ip) == IP_public ? CURL_PREREQFUNC_OK
							     : CURL_PREREQFUNC_ABORT;
}

/* A HEAD without a key: with TLS 1.3 the ticket to resume with comes after the
 * handshake, so something must be read. */
static void
begin(struct call *c, const struct provider *p, struct origin *o)
{
	struct warmup *u = xcalloc(1, sizeof(*u));
	struct curl_slist *resolve;

	u->transfer.on_done = on_done;
	u->call = c;
	u->easy = curl_easy_init();
	u->mem = arena_new(4096);
	u->allow_private = p->allow_private;
	if (u->easy == NULL) {
		arena_free(u->mem);
		xfree(u);
		return;
	}
	options_fix(u->easy, c);
	options_provider(u->easy, p);
	(void)curl_easy_setopt(u->easy, CURLOPT_URL, p->url);
	(void)curl_easy_setopt(u->easy, CURLOPT_NOBODY, 1L);
	(void)curl_easy_setopt(u->easy, CURLOPT_TIMEOUT_MS, WARMUP_MS);
	(void)curl_easy_setopt(u->easy, CURLOPT_PRIVATE, &u->transfer);
	(void)curl_easy_setopt(u->easy, CURLOPT_PREREQFUNCTION, on_connected);
	(void)curl_easy_setopt(u->easy, CURLOPT_PREREQDATA, u);
	if (!o->literal) {
		resolve = arena_alloc(u->mem, sizeof(*resolve));
		resolve->data = (char *)origin_resolve_line(o, u->mem);
		(void)curl_easy_setopt(u->easy, CURLOPT_RESOLVE, resolve);
	}
	TAILQ_INSERT_TAIL(&c->warmups, u, link);
	u->added = multi_add(c->multi[0], u->easy);
	if (!u->added)
		end(u);
}

void
warm_providers(struct call *c)
{
	const struct snapshot *s = c->worker->snap;

	for (unsigned i = 0; i < s->provider_count; i++) {
		const struct provider *p = &s->providers[i];
		struct origin *o = call_origin_of(c, p);

		/* Through a proxy the first request does it. */
		if (!p->tls || p->proxy != NULL || o->warmed)
			continue;
		if (!origin_known(c, o))
			continue;
		o->warmed = true;
		begin(c, p, o);
	}
}

void
warm_stop(struct call *c)
{
	struct warmup *u;

	while ((u = TAILQ_FIRST(&c->warmups)) != NULL)
		end(u);
}
