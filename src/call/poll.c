/* poll.c: a thread that asks local machines how long their queues are. It has a multi
 * of its own, so that a server that hangs keeps nobody but itself waiting; it begins
 * with the first provider that has `poll`, so that others do not pay for it. */
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/snapshot.h"
#include "core/request.h"
#include "poll_read.h"
#include "queue.h"
#include "resolve.h"
#include "transfer.h"

#define PAGE_BYTES  (1U << 20)
#define TIMEOUT_MIN 1000
#define TIMEOUT_MAX 5000
#define FRESH_POLLS 3
#define REST_MS     60000
#define LINE_BYTES  16384U
#define URL_BYTES   2048U

#define set(easy, option, value) (void)curl_easy_setopt(easy, CURLOPT_##option, value)

/* What is asked, one after the other; either of two will do. */
static const struct {
	unsigned count;
	enum poll_page page[2];
} rounds[] = {
    [POLL_vllm] = {1, {PAGE_vllm_metrics}},
    [POLL_llamacpp] = {2, {PAGE_llamacpp_slots, PAGE_llamacpp_metrics}},
    [POLL_ollama] = {1, {PAGE_ollama_ps}},
};

static const char *const paths[POLL_PAGES] = {
    [PAGE_vllm_metrics] = "/metrics",
    [PAGE_llamacpp_slots] = "/slots",
    [PAGE_llamacpp_metrics] = "/metrics",
    [PAGE_ollama_ps] = "/api/ps",
};

/* A provider with `poll`. */
struct machine_poll {
	const struct provider *provider; /* of the snapshot in force */
	CURL *easy;
	struct curl_slist *headers, *resolve;
	bool running;
	int64_t due_ns;
	unsigned at; /* of the round */
	bool any;    /* a page of this round has told something */
	struct told told;
	struct buf body;
};

struct poller {
	struct env *env;
	struct addresses_shared *addresses;
	CURLM *curl; /* NULL: the thread has not begun */
	pthread_t thread;

	pthread_mutex_t lock;
	struct snapshot *fresh; /* to be taken over; NULL: none */
	bool stop;

	/* the thread's own */
	struct snapshot *snap;
	struct machine_poll machine[PROVIDERS_MAX];
	unsigned machines;
};

/* ---- called by libcurl ---- */

static size_t
on_body(char *p, size_t size, size_t n, void *machine)
{
	struct machine_poll *m = machine;

	return buf_append(&m->body, p, size * n) ? size * n : 0;
}

static int
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
on_connected(void *machine, char *ip, char *own_ip, int port, int own_port)
{
	const struct machine_poll *m = machine;
	const struct provider *p = m->provider;

	(void)own_ip;
	(void)port;
	(void)own_port;
	if (!p->allow_private && p->proxy == NULL && ip_reach(ip) != IP_public)
		return CURL_PREREQFUNC_ABORT;
	return CURL_PREREQFUNC_OK;
}

/* ---- one page ---- */

/* The pages of a server stand beside its API. */
static void
set_url(const struct machine_poll *m, enum poll_page page)
{
	size_t len = strlen(m->provider->url);
	char url[URL_BYTES];

	if (len >= 3 && strcmp(m->provider->url + len - 3, "/v1") == 0)
		len -= 3;
	snprintf(url, sizeof(url), "%.*s%s", (int)len, m->provider->url, paths[page]);
	set(m->easy, URL, url);
}

/* The resolver alone asks for names. False: it has no answer yet. */
static bool
set_addresses(const struct poller *s, struct machine_poll *m)
{
	char host[256], *addresses, *line;
	uint16_t port;
	size_t bytes;

	resolve_target(m->provider, host, sizeof(host), &port);
	if (ip_reach(host) != IP_none)
		return true;
	addresses = addresses_now(s->addresses, host);
	if (addresses == NULL)
		return false;
	bytes = strlen(host) + strlen(addresses) + 16;
	line = xcalloc(1, bytes);
	snprintf(line, bytes, "%s:%u:%s", host, port, addresses);
	curl_slist_free_all(m->resolve);
	m->resolve = curl_slist_append(NULL, line);
	set(m->easy, RESOLVE, m->resolve);
	xfree(line);
	xfree(addresses);
	return m->resolve != NULL;
}

static bool
ask(struct poller *s, struct machine_poll *m)
{
	if (!set_addresses(s, m))
		return false;
	set_url(m, rounds[m->provider->poll].page[m->at]);
	buf_init(&m->body, PAGE_BYTES);
	m->running = curl_multi_add_handle(s->curl, m->easy) == CURLM_OK;
	if (!m->running)
		buf_fini(&m->body);
	return m->running;
}

static void
end_round(struct poller *s, struct machine_poll *m)
{
	if (!m->any) {
		queue_untold(m->provider->queue);
		return;
	}
	queue_told(m->provider->queue, &m->told,
	    m->provider->poll_ms * NS_PER_MS * FRESH_POLLS, s->env->mono_ns(s->env));
}

static void
next_page(struct poller *s, struct machine_poll *m)
{
	while (m->at < rounds[m->provider->poll].count) {
		if (ask(s, m))
			return;
		m->at++;
	}
	end_round(s, m);
}

static void
begin_round(struct poller *s, struct machine_poll *m, int64_t now_ns)
{
	m->due_ns = now_ns + m->provider->poll_ms * NS_PER_MS;
	m->at = 0;
	m->any = false;
	m->told = TOLD_NOTHING;
	next_page(s, m);
}

static void
stop_transfer(struct poller *s, struct machine_poll *m)
{
	if (!m->running)
		return;
	(void)curl_multi_remove_handle(s->curl, m->easy);
	buf_fini(&m->body);
	m->running = false;
}

static void
on_page(struct poller *s, struct machine_poll *m, CURLcode result)
{
	enum poll_page page = rounds[m->provider->poll].page[m->at++];
	long status = 0;

	(void)curl_easy_getinfo(m->easy, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_OK && status == 200 &&
	    poll_read(page, buf_str(&m->body), &m->told))
		m->any = true;
	stop_transfer(s, m);
	next_page(s, m);
}

/* ---- the machines of a snapshot ---- */

static int32_t
timeout_ms(const struct provider *p)
{
	if (p->poll_ms < TIMEOUT_MIN)
		return TIMEOUT_MIN;
	return p->poll_ms < TIMEOUT_MAX ? p->poll_ms : TIMEOUT_MAX;
}

static void
add_header(struct machine_poll *m, const char *line)
{
	struct curl_slist *more = curl_slist_append(m->headers, line);

	if (more != NULL)
		m->headers = more;
}

static void
set_headers(struct machine_poll *m)
{
	const struct provider *p = m->provider;
	struct buf line;

	if (p->keys > 0) {
		buf_init(&line, LINE_BYTES);
		buf_printf(&line, "Authorization: Bearer %s", p->key[0].secret);
		add_header(m, line.p);
		buf_fini(&line);
	}
	for (unsigned i = 0; p->headers != NULL && p->headers[i] != NULL; i++)
		add_header(m, p->headers[i]);
	set(m->easy, HTTPHEADER, m->headers);
}

static void
add_machine(struct poller *s, const struct provider *p)
{
	struct machine_poll *m = &s->machine[s->machines];

	*m = (struct machine_poll){.provider = p, .easy = curl_easy_init()};
	if (m->easy == NULL) {
		log_warn("%s is not asked for its queue: no memory", p->name);
		return;
	}
	s->machines++;
	options_common(m->easy);
	options_provider(m->easy, p);
	set(m->easy, HTTPGET, 1L);
	set(m->easy, TIMEOUT_MS, (long)timeout_ms(p));
	set(m->easy, WRITEFUNCTION, on_body);
	set(m->easy, WRITEDATA, m);
	set(m->easy, PREREQFUNCTION, on_connected);
	set(m->easy, PREREQDATA, m);
	set(m->easy, PRIVATE, m);
	set_headers(m);
}

static void
drop_machines(struct poller *s)
{
	for (unsigned i = 0; i < s->machines; i++) {
		stop_transfer(s, &s->machine[i]);
		curl_easy_cleanup(s->machine[i].easy);
		curl_slist_free_all(s->machine[i].headers);
		curl_slist_free_all(s->machine[i].resolve);
	}
	s->machines = 0;
	snapshot_unref(s->snap);
	s->snap = NULL;
}

static void
adopt(struct poller *s, struct snapshot *fresh)
{
	drop_machines(s);
	s->snap = fresh;
	for (unsigned i = 0; i < fresh->provider_count; i++) {
		const struct provider *p = &fresh->providers[i];

		if (p->poll != POLL_none && p->queue != NULL)
			add_machine(s, p);
	}
}

/* ---- the thread ---- */

/* Begins what is due; gives how long to rest. */
static int
begin_due(struct poller *s)
{
	int64_t now = s->env->mono_ns(s->env), rest_ms = REST_MS;

	for (unsigned i = 0; i < s->machines; i++) {
		struct machine_poll *m = &s->machine[i];
		int64_t ms;

		if (m->running)
			continue;
		if (m->due_ns <= now)
			begin_round(s, m, now);
		ms = (m->due_ns - now) / NS_PER_MS + 1;
		if (ms < rest_ms)
			rest_ms = ms;
	}
	return (int)rest_ms;
}

static void
move(struct poller *s)
{
	CURLMsg *message;
	int left;

	(void)curl_multi_perform(s->curl, &left);
	while ((message = curl_multi_info_read(s->curl, &left)) != NULL) {
		char *machine = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &machine);
		on_page(
		    s, (struct machine_poll *)(void *)machine, message->data.result);
	}
}

/* False: it is time to end. */
static bool
take_news(struct poller *s)
{
	struct snapshot *fresh;
	bool stop;

	pthread_mutex_lock(&s->lock);
	fresh = s->fresh;
	s->fresh = NULL;
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	if (fresh != NULL)
		adopt(s, fresh);
	return !stop;
}

static void *
poller_main(void *arg)
{
	struct poller *s = arg;

	pthread_setname_np(pthread_self(), "poller");
	while (take_news(s)) {
		int rest_ms;

		move(s);
		rest_ms = begin_due(s); /* what has begun does not rest */
		(void)curl_multi_poll(s->curl, NULL, 0, rest_ms, NULL);
	}
	drop_machines(s);
	return NULL;
}

/* ---- for the others ---- */

struct poller *
poller_new(struct env *env, struct addresses_shared *addresses)
{
	struct poller *s = xcalloc(1, sizeof(*s));

	s->env = env;
	s->addresses = addresses;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static bool
has_polls(const struct snapshot *snap)
{
	for (unsigned i = 0; i < snap->provider_count; i++) {
		if (snap->providers[i].poll != POLL_none)
			return true;
	}
	return false;
}

/* False: there is no thread, and nothing of it. */
static bool
begin(struct poller *s)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	s->curl = curl_multi_init();
	if (s->curl != NULL && pthread_create(&s->thread, NULL, poller_main, s) == 0)
		return true;
	curl_multi_cleanup(s->curl);
	s->curl = NULL;
	curl_global_cleanup();
	return false;
}

void
poller_publish(struct poller *s, struct snapshot *snap)
{
	struct snapshot *older;

	if (s->curl == NULL && !has_polls(snap)) {
		snapshot_unref(snap);
		return;
	}
	pthread_mutex_lock(&s->lock);
	older = s->fresh;
	s->fresh = snap;
	pthread_mutex_unlock(&s->lock);
	snapshot_unref(older);
	if (s->curl != NULL)
		(void)curl_multi_wakeup(s->curl);
	else if (!begin(s))
		log_warn("no thread to ask local machines for their queues: our own "
			 "calls count");
}

void
poller_free(struct poller *s)
{
	if (s == NULL)
		return;
	if (s->curl != NULL) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_mutex_unlock(&s->lock);
		(void)curl_multi_wakeup(s->curl);
		pthread_join(s->thread, NULL);
		(void)curl_multi_cleanup(s->curl);
		curl_global_cleanup();
	}
	snapshot_unref(s->fresh);
	pthread_mutex_destroy(&s->lock);
	xfree(s);
}
