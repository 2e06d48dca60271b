/* providers.c: base URLs, keys, headers and terms of the providers. */
#include "build.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/ip.h"
#include "base/util.h"
#include "value.h"

bool
host_is_private(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || ip_reach(host) == IP_private;
}

static bool
host_ok(struct str h)
{
	for (size_t i = 0; i < h.len; i++) {
		unsigned char c = (unsigned char)h.p[i];

		if (c <= ' ' || c >= 0x7F || strchr("@?#\\%\"<>[]{}|^`", c) != NULL)
			return false;
	}
	return h.len > 0 && h.len < 254;
}

/* Cuts "host", "host:port", "[v6]" or "[v6]:port". */
static bool
cut_host(struct str at, bool is_tls, struct str *ret_host, uint16_t *ret_port)
{
	struct str host = at, rest = at;
	int64_t port = is_tls ? 443 : 80;

	if (at.len > 0 && at.p[0] == '[') {
		rest = str_skip(at, 1);
		if (!str_split(&rest, ']', &host) || host.len + 2 > at.len)
			return false;
		if (rest.len > 0 && rest.p[0] != ':')
			return false;
		rest = str_skip(rest, 1);
	} else if (str_split(&rest, ':', &host) && host.len + 1 == at.len) {
		return false; /* a colon and nothing behind it */
	}
	if (rest.len > 0 && (!value_int(rest, &port) || port == 0 || port > 65535))
		return false;
	*ret_host = host;
	*ret_port = (uint16_t)port;
	return host_ok(host);
}

static bool
path_ok(struct str path)
{
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c <= ' ' || c >= 0x7F || strchr("?#\\\"<>", c) != NULL)
			return false;
	}
	return true;
}

static bool
parse_url(struct build *b, struct str url, struct provider *p)
{
	struct str rest, at, path;

	while (url.len > 0 && url.p[url.len - 1] == '/')
		url.len--;
	p->tls = str_starts(url, STR("https://"));
	if (!p->tls && !str_starts(url, STR("http://")))
		return false;
	rest = str_skip(url, p->tls ? 8 : 7);
	path = rest;
	if (!str_split(&path, '/', &at))
		return false;
	path = str_skip(rest, at.len);
	if (!cut_host(at, p->tls, &at, &p->port) || !path_ok(path))
		return false;
	p->url = arena_str(b->r.mem, url);
	p->host = arena_str(b->r.mem, at);
	p->base_path = arena_str(b->r.mem, path);
	return true;
}

static void
check_url(struct build *b, struct provider_draft *d)
{
	struct provider *p = &d->p;
	struct diag_place at = node_place(d->draft.node, "url");
	const struct node *local;

	p->allow_private = d->allow_private < 0 ? p->local : d->allow_private != 0;
	if (d->url == NULL)
		return;
	if (strchr(d->url, '@') != NULL) {
		/* Not shown: there may be a password in it. */
		diag_error(b->r.d, at,
		    "url: a base URL has no user and no password; write "
		    "https://HOST[:PORT]/PATH, and the provider's key at `key`");
		return;
	}
	if (!parse_url(b, str_of(d->url), p)) {
		diag_error(b->r.d, at,
		    "url: '%s' is not a base URL; write https://HOST[:PORT]/PATH, "
		    "without ? or #",
		    d->url);
		return;
	}
	local = node_get(d->draft.node, "local");
	if (host_is_private(p->host) && !p->allow_private &&
	    (local == NULL || !local->bad))
		diag_error(b->r.d, at,
		    "url: %s is a private address; add allow_private: true if that is "
		    "meant",
		    p->host);
	if (!p->tls && !host_is_private(p->host) && (d->key != NULL || d->keys != NULL))
		diag_warning(b->r.d, at,
		    "url: the key of '%s' goes over the network in clear text; write "
		    "https://",
		    p->name);
}

static void
add_key(struct build *b, struct provider *p, const struct node *n)
{
	if (p->keys == PROVIDER_KEYS_MAX) {
		diag_error(b->r.d, n->at, "keys: at most %d fit; remove some",
		    PROVIDER_KEYS_MAX);
		return;
	}
	p->key[p->keys].secret = build_secret(b, n);
	p->key[p->keys++].source = n->text.p;
}

static void
read_keys(struct build *b, struct provider_draft *d)
{
	const struct node *list = d->keys;

	if (d->key != NULL && d->key->kind == NODE_list)
		list = d->key;
	else if (d->key != NULL)
		add_key(b, &d->p, d->key);
	if (list == NULL)
		return;
	if (d->key != NULL && d->keys != NULL) {
		diag_error(b->r.d, d->keys->key_at,
		    "`key` and `keys` are both here; put all into `keys`");
		return;
	}
	if (list->kind != NODE_list) {
		add_key(b, &d->p, list);
		return;
	}
	for (const struct node *n = list->first; n != NULL; n = n->next)
		add_key(b, &d->p, n);
}

static bool
header_name_ok(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", c) != NULL)
			return false;
	}
	return s.len > 0;
}

static bool
header_value_ok(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
			return false;
	}
	return true;
}

static bool
header_is_ours(struct str name)
{
	static const char *const ours[] = {"authorization", "x-api-key", "api-key",
	    "host", "content-length", "content-type", "transfer-encoding", "connection",
	    "expect"};

	for (size_t i = 0; i < nitems(ours); i++) {
		if (str_case_eq(name, str_of(ours[i])))
			return true;
	}
	return false;
}

static void
read_headers(struct build *b, struct provider_draft *d)
{
	const char **lines;
	size_t i = 0;

	if (d->headers == NULL)
		return;
	lines = arena_alloc(b->r.mem, (d->headers->count + 1) * sizeof(*lines));
	for (const struct node *n = d->headers->first; n != NULL; n = n->next) {
		if (header_is_ours(n->key))
			diag_error(b->r.d, n->key_at,
			    "headers: '%s' is set by frugald; remove it (keys go into "
			    "`key`)",
			    n->key.p);
		else if (!header_name_ok(n->key) || !header_value_ok(n->text))
			diag_error(b->r.d, n->key_at,
			    "headers: '%s' is not an HTTP header; check name and value",
			    n->key.p);
		else
			lines[i++] =
			    arena_printf(b->r.mem, "%s: %s", n->key.p, n->text.p);
	}
	d->p.headers = lines;
}

/* What is printed back is kept with the policy and shown to whoever may see that; the
 * finding does not repeat it. */
static void
check_proxy(struct build *b, const struct provider_draft *d)
{
	if (d->p.proxy != NULL && strchr(d->p.proxy, '@') != NULL)
		diag_warning(b->r.d, node_place(d->draft.node, "proxy"),
		    "proxy: its user and password are not kept secret: `frugald "
		    "check`, "
		    "/admin/policy and the ledger have them; take a proxy that asks "
		    "for none");
}

static void
inherit(int32_t *own, int32_t general)
{
	if (*own < 0)
		*own = general;
}

/* Others have room, or say when they do not. */
static void
check_poll(struct build *b, const struct provider_draft *d)
{
	const struct node *local = node_get(d->draft.node, "local");

	if (d->poll < 0 || d->p.local || (local != NULL && local->bad))
		return;
	diag_error(b->r.d, node_place(d->draft.node, "poll"),
	    "poll: only the queue of a machine of your own is asked for; add local: "
	    "true, or remove this key");
}

static void
finish(struct build *b, struct provider_draft *d, unsigned index)
{
	struct provider *p = &d->p;
	const struct timeouts *t = &b->c->timeouts;

	p->name = d->draft.name;
	p->index = index;
	p->api =
	    d->api < 0 ? "" : row_find(schema_providers.rows, "api")->words[d->api];
	p->poll = d->poll < 0 ? POLL_none : (enum poll_kind)(d->poll + 1);
	check_poll(b, d);
	p->book = d->book == NULL ? p->name : d->book;
	p->contract_ppm = 1000000 - llround(d->discount * 1e6);
	p->bytes_per_token_milli = (int32_t)lround(d->bytes_per_token * 1000);
	inherit(&p->timeouts.connect_ms, t->connect_ms);
	inherit(&p->timeouts.first_byte_ms, t->first_byte_ms);
	inherit(&p->timeouts.flex_first_byte_ms, t->flex_first_byte_ms);
	inherit(&p->timeouts.idle_ms, t->idle_ms);
	inherit(&p->timeouts.total_ms, t->total_ms);
	if (p->ca_file != NULL && b->texts == NULL &&
	    b->env->file_size(b->env, p->ca_file) < 0)
		diag_error(b->r.d, node_place(d->draft.node, "ca_file"),
		    "ca_file: '%s' cannot be read; check the path", p->ca_file);
}

void
build_providers(struct build *b)
{
	unsigned count = b->c->providers.count;

	b->providers = arena_alloc(b->r.mem, (count + 1) * sizeof(*b->providers));
	for (unsigned i = 0; i < count; i++) {
		struct provider_draft *d = draft_provider(b->c, i);

		finish(b, d, i);
		check_url(b, d);
		check_proxy(b, d);
		read_keys(b, d);
		read_headers(b, d);
		b->providers[i] = d->p;
	}
	b->s->providers = b->providers;
	b->s->provider_count = count;
}
