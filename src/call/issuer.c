/* issuer.c: OpenID Connect Discovery 1.0: the issuer's document says where its keys
 * are. Only over TLS, and only from the issuer itself. */
#include "issuer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/ip.h"
#include "base/jwt.h"
#include "base/mem.h"
#include "config/snapshot.h"
#include "transfer.h"

#define DOCUMENT   "/.well-known/openid-configuration"
#define PAGE_BYTES ((size_t)256 << 10)
#define URL_BYTES  2048U
#define TIMEOUT_MS 10000L
/* A token with a key that is not known may make us ask so often. */
#define AGAIN_NS (60 * NS_PER_S)
#define OLD_NS   (3600 * NS_PER_S)
#define GONE_NS  (86400 * NS_PER_S)

#define set(easy, option, value) (void)curl_easy_setopt(easy, CURLOPT_##option, value)

void
issuer_init(struct issuer *i, const struct ci_rule *r)
{
	*i = (struct issuer){.name = xstrdup(r->issuer),
	    .ca_file = r->ca_file == NULL ? NULL : xstrdup(r->ca_file),
	    .allow_private = r->allow_private};
}

bool
issuer_is_of(const struct issuer *i, const struct ci_rule *r)
{
	if (i->name == NULL || strcmp(i->name, r->issuer) != 0 ||
	    i->allow_private != r->allow_private)
		return false;
	return i->ca_file == NULL || r->ca_file == NULL
		   ? i->ca_file == r->ca_file
		   : strcmp(i->ca_file, r->ca_file) == 0;
}

static void
stop(struct issuer *i, CURLM *curl)
{
	if (!i->fetching)
		return;
	(void)curl_multi_remove_handle(curl, i->easy);
	curl_easy_cleanup(i->easy);
	i->easy = NULL;
	buf_fini(&i->body);
	i->fetching = false;
}

void
issuer_fini(struct issuer *i, CURLM *curl)
{
	stop(i, curl);
	jwks_free(i->keys);
	xfree(i->name);
	xfree(i->ca_file);
	*i = (struct issuer){0};
}

/* ---- called by libcurl ---- */

static size_t
on_body(char *p, size_t size, size_t n, void *issuer)
{
	struct issuer *i = issuer;

	return buf_append(&i->body, p, size * n) ? size * n : 0;
}

static int
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
on_connected(void *issuer, char *ip, char *own_ip, int port, int own_port)
{
	const struct issuer *i = issuer;

	(void)own_ip;
	(void)port;
	(void)own_port;
	return i->allow_private || ip_reach(ip) == IP_public ? CURL_PREREQFUNC_OK
							     : CURL_PREREQFUNC_ABORT;
}

/* ---- asking ---- */

static bool
begin(struct issuer *i, CURLM *curl, const char *url)
{
	buf_init(&i->body, PAGE_BYTES);
	set(i->easy, URL, url);
	i->fetching = curl_multi_add_handle(curl, i->easy) == CURLM_OK;
	if (!i->fetching)
		buf_fini(&i->body);
	return i->fetching;
}

bool
issuer_ask(struct issuer *i, CURLM *curl, int64_t now_ns)
{
	size_t len = strlen(i->name);
	char url[URL_BYTES];

	if (i->fetching)
		return true;
	if (i->began_ns != 0 && now_ns - i->began_ns < AGAIN_NS)
		return false;
	i->began_ns = now_ns;
	i->asks_keys = false;
	i->easy = curl_easy_init();
	if (i->easy == NULL)
		return false;
	options_common(i->easy);
	set(i->easy, PROTOCOLS_STR, "https");
	set(i->easy, PROXY, "");
	set(i->easy, TIMEOUT_MS, TIMEOUT_MS);
	set(i->easy, HTTPGET, 1L);
	if (i->ca_file != NULL)
		set(i->easy, CAINFO, i->ca_file);
	set(i->easy, WRITEFUNCTION, on_body);
	set(i->easy, WRITEDATA, i);
	set(i->easy, PREREQFUNCTION, on_connected);
	set(i->easy, PREREQDATA, i);
	set(i->easy, PRIVATE, i);
	while (len > 0 && i->name[len - 1] == '/')
		len--;
	snprintf(url, sizeof(url), "%.*s" DOCUMENT, (int)len, i->name);
	if (begin(i, curl, url))
		return true;
	curl_easy_cleanup(i->easy);
	i->easy = NULL;
	return false;
}

/* ---- the answers ---- */

static bool
fail(struct issuer *i, const char *what, const char *why)
{
	snprintf(i->why, sizeof(i->why), "%.60s: %.90s", what, why);
	return true;
}

static bool
is_page(struct issuer *i, CURLcode result)
{
	const char *what = i->asks_keys ? "its keys" : "its " DOCUMENT;
	char text[40];
	long status = 0;

	(void)curl_easy_getinfo(i->easy, CURLINFO_RESPONSE_CODE, &status);
	snprintf(text, sizeof(text), "it answers %ld", status);
	if (result != CURLE_OK)
		return !fail(i, what, curl_easy_strerror(result));
	return status == 200 || !fail(i, what, text);
}

/* The document's own `issuer` must be the one that was asked (section 4.3): else
 * somebody else's keys would be taken for its. */
static bool
read_document(struct issuer *i, char ret_url[static URL_BYTES])
{
	json_t *root = json_loadb(i->body.p == NULL ? "" : i->body.p, i->body.len,
	    JSON_REJECT_DUPLICATES, NULL);
	const char *issuer = json_string_value(json_object_get(root, "issuer"));
	const char *url = json_string_value(json_object_get(root, "jwks_uri"));
	bool ok = false;

	if (issuer == NULL || strcmp(issuer, i->name) != 0)
		(void)fail(i, "its " DOCUMENT, "it is another issuer's");
	else if (url == NULL || strncmp(url, "https://", 8) != 0 ||
		 strlen(url) >= URL_BYTES)
		(void)fail(i, "its " DOCUMENT, "jwks_uri is no https:// URL");
	else
		ok = true;
	if (ok)
		snprintf(ret_url, URL_BYTES, "%s", url);
	json_decref(root);
	return ok;
}

static bool
take_keys(struct issuer *i, int64_t now_ns)
{
	char why[JWT_WHY_BYTES];
	struct jwks *keys =
	    jwks_parse(i->body.p == NULL ? STR("") : buf_str(&i->body), why);

	if (keys == NULL)
		return fail(i, "its keys", why);
	jwks_free(i->keys);
	i->keys = keys;
	i->fetched_ns = now_ns;
	i->why[0] = '\0';
	return true;
}

bool
issuer_on_done(struct issuer *i, CURLM *curl, CURLcode result, int64_t now_ns)
{
	char url[URL_BYTES];
	bool more = false;

	if (is_page(i, result)) {
		if (i->asks_keys)
			(void)take_keys(i, now_ns);
		else
			more = read_document(i, url);
	}
	if (more) {
		(void)curl_multi_remove_handle(curl, i->easy);
		buf_fini(&i->body);
		i->fetching = false;
		i->asks_keys = true;
		if (begin(i, curl, url))
			return false;
		curl_easy_cleanup(i->easy);
		i->easy = NULL;
		return fail(i, "its keys", "they cannot be asked for");
	}
	stop(i, curl);
	return true;
}

const struct jwks *
issuer_keys(struct issuer *i, CURLM *curl, int64_t now_ns)
{
	int64_t age_ns = now_ns - i->fetched_ns;

	if (i->keys == NULL || (age_ns > OLD_NS && issuer_ask(i, curl, now_ns)))
		return NULL;
	return age_ns > GONE_NS ? NULL : i->keys;
}
