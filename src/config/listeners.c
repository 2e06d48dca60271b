/* listeners.c: where we listen, and whether that is safe. */
#include "build.h"

#include <arpa/inet.h>
#include <string.h>

#include "classes.h"
#include "value.h"

static void
address(
    struct build *b, const char *text, struct diag_place at, struct listen_address *ret)
{
	struct str host;
	uint16_t port;

	if (!value_address(str_of(text), &host, &port)) {
		diag_error(b->r.d, at,
		    "'%s' is not an address to listen at; write ADDRESS:PORT with a "
		    "numeric address, such as 127.0.0.1:4600 or [::1]:4600",
		    text);
		return;
	}
	ret->text = text;
	ret->host = arena_str(b->r.mem, host);
	ret->port = port;
}

static bool
is_loopback(const char *host)
{
	return host == NULL || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* "ADDRESS" or "ADDRESS/BITS". */
static bool
is_network(struct str s)
{
	struct str rest = s, host;
	unsigned char raw[16];
	int64_t bits = 0;
	char text[64];
	bool v4, v6;

	if (!str_split(&rest, '/', &host))
		return false;
	str_copy(text, sizeof(text), host);
	v4 = inet_pton(AF_INET, text, raw) == 1;
	v6 = inet_pton(AF_INET6, text, raw) == 1;
	if (host.len < s.len && !value_int(rest, &bits))
		return false;
	return (v4 && bits <= 32) || (v6 && bits <= 128);
}

static void
tls(struct build *b)
{
	struct config *c = b->c;
	const struct node *n = node_get(b->root, "tls");

	b->s->tls_cert = c->tls_cert;
	b->s->tls_key = c->tls_key;
	if ((c->tls_cert == NULL) != (c->tls_key == NULL) && n != NULL) {
		diag_error(b->r.d, n->key_at,
		    "tls needs both `cert` and `key`; add %s: PATH",
		    c->tls_cert == NULL ? "cert" : "key");
		return;
	}
	if (c->tls_key == NULL || b->texts != NULL)
		return;
	if (b->env->file_size(b->env, c->tls_cert) < 0)
		diag_error(b->r.d, node_place(n, "cert"),
		    "'%s' cannot be read; check the path", c->tls_cert);
	if (b->env->file_size(b->env, c->tls_key) < 0)
		diag_error(b->r.d, node_place(n, "key"),
		    "'%s' cannot be read; check the path", c->tls_key);
	else if ((b->env->file_mode(b->env, c->tls_key) & 007) != 0)
		diag_warning(b->r.d, node_place(n, "key"),
		    "'%s' can be read by everybody; chmod 0640 it", c->tls_key);
}

/* The file may say another address than the one that is in force. */
static const char *
until_restart(const struct build *b)
{
	return b->running == NULL ? "" : " (the address in force until a restart)";
}

/* Off loopback strangers connect: they must show a key, and not in clear text. */
static void
off_loopback(struct build *b)
{
	struct diag_place at = node_place(b->root, "listen");

	if (is_loopback(b->s->listen.host))
		return;
	if (b->s->keys_file == NULL)
		diag_error(b->r.d, at,
		    "listening off loopback without keys lets anybody spend your "
		    "money; add keys_file: PATH, or listen at 127.0.0.1%s",
		    until_restart(b));
	if (b->s->tls_cert == NULL && !b->s->behind_proxy)
		diag_error(b->r.d, at,
		    "listening off loopback shows keys and prompts to the network; add "
		    "tls: {cert: PATH, key: PATH}, or behind_proxy: true when a proxy "
		    "does TLS%s",
		    until_restart(b));
}

static void
admin_off_loopback(struct build *b)
{
	const struct node *n = node_get(b->root, "admin");
	struct diag_place at = node_place(n == NULL ? b->root : n, "listen");

	if (is_loopback(b->s->admin_listen.host))
		return;
	if (b->c->admin_token == NULL)
		diag_error(b->r.d, at,
		    "the admin port off loopback needs a token; add token: env:NAME, "
		    "or listen at 127.0.0.1%s",
		    until_restart(b));
	if (!b->s->behind_proxy)
		diag_error(b->r.d, at,
		    "the admin port speaks plain HTTP; listen at 127.0.0.1, or put a "
		    "proxy in front and say behind_proxy: true%s",
		    until_restart(b));
}

static struct listen_address
keep_address(struct build *b, const struct listen_address *a)
{
	return (struct listen_address){.text = arena_str(b->r.mem, str_of(a->text)),
	    .host = arena_str(b->r.mem, str_of(a->host)),
	    .port = a->port};
}

static const char *
keep_text(struct build *b, const char *text)
{
	return text == NULL ? NULL : arena_str(b->r.mem, str_of(text));
}

/* What only a restart changes stays as it is in the daemon that runs, and everything
 * below judges that: else a reload could take the keys away from an open door. */
static void
carry_over(struct build *b)
{
	const struct snapshot *r = b->running;
	struct snapshot *s = b->s;

	if (r == NULL)
		return;
	s->listen = keep_address(b, &r->listen);
	s->admin_listen = keep_address(b, &r->admin_listen);
	s->tls_cert = keep_text(b, r->tls_cert);
	s->tls_key = keep_text(b, r->tls_key);
	s->state_dir = keep_text(b, r->state_dir);
	s->workers = r->workers;
	s->limits.slots = r->limits.slots;
}

static void
admin(struct build *b)
{
	const struct node *n = node_get(b->root, "admin");
	struct diag_place at = node_place(n == NULL ? b->root : n, "listen");

	address(b, b->c->admin_listen, at, &b->s->admin_listen);
	if (b->c->admin_token != NULL)
		b->s->admin_token = build_secret(b, b->c->admin_token);
}

static bool
is_wildcard(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Two doors at one place: the second would not open. */
static void
same_place(struct build *b)
{
	const struct listen_address *l = &b->s->listen, *a = &b->s->admin_listen;
	const struct node *n = node_get(b->root, "admin");

	if (l->host == NULL || a->host == NULL || l->port == 0 || l->port != a->port)
		return;
	if (strcmp(l->host, a->host) != 0 && !is_wildcard(l->host) &&
	    !is_wildcard(a->host))
		return;
	diag_error(b->r.d, node_place(n == NULL ? b->root : n, "listen"),
	    "the admin port and the clients' are the same, %u; choose another for one "
	    "of them",
	    a->port);
}

void
build_listeners(struct build *b)
{
	struct snapshot *s = b->s;
	const struct config *c = b->c;
	const struct node *proxies = c->trusted_proxies;

	address(b, c->listen, node_place(b->root, "listen"), &s->listen);
	s->behind_proxy = c->behind_proxy;
	s->half_close_serve = c->half_close == 1;
	s->workers = (unsigned)c->workers;
	s->state_dir = c->state;
	s->keys_file = c->keys_file;
	s->log = c->log;
	s->limits = c->limits;
	s->ledger = c->ledger;
	s->timeouts = c->timeouts;
	s->trusted_proxies = texts_read(&b->r, proxies);
	for (const struct node *n = proxies == NULL ? NULL : proxies->first; n != NULL;
	     n = n->next) {
		if (!is_network(n->text))
			diag_error(b->r.d, n->at,
			    "'%s' is not an address or network; write 10.0.0.7 or "
			    "10.0.0.0/8",
			    n->text.p);
	}
	if (s->limits.body_bytes_total < s->limits.body_bytes)
		diag_error(b->r.d,
		    node_place(node_get(b->root, "limits"), "body_bytes"),
		    "body_bytes is less than max_body: not one such request would fit; "
		    "raise it");
	tls(b);
	admin(b);
	/* What is made again opens no door. */
	if (b->texts != NULL)
		return;
	same_place(b);
	carry_over(b);
	off_loopback(b);
	admin_off_loopback(b);
}
