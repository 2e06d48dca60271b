/* client.c: speaks HTTP to a running daemon. */
#include "client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/request.h"
#include "look.h"

#define TIMEOUT_MS 30000L

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
	return buf_append(arg, p, size * n) ? size * n : 0;
}

static void
set_options(CURL *easy, const struct call *call, char *error, struct buf *ret_body)
{
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "frugald/" FRUGALD_VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, ret_body);
	if (call->token != NULL) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, call->token);
	}
	if (call->body != NULL)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
}

long
client_call(const struct call *call, struct buf *ret_body)
{
	struct curl_slist *headers =
	    curl_slist_append(NULL, "content-type: application/json");
	char error[CURL_ERROR_SIZE] = "";
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (easy == NULL || headers == NULL)
		goto out;
	set_options(easy, call, error, ret_body);
	if (call->body != NULL)
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(easy);
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
out:
	if (status == 0) {
		buf_clear(ret_body);
		buf_printf(ret_body, "%s",
		    error[0] != '\0' ? error : curl_easy_strerror(code));
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	return status;
}

/* An answer other than 2xx, in words. */
static bool
refused(struct cli *c, const char *who, long status, struct str body)
{
	const char *message = look_error(c, body);

	if (status == 401 || status == 403)
		cli_fail("%s refuses: %s; FRUGALD_KEY must hold the admin token, or a "
			 "client's key where FRUGALD_URL is the clients' port",
		    who, message);
	else
		cli_fail("%s answers %ld: %s", who, status, message);
	return false;
}

static const char *
daemon_url(void)
{
	const char *base = getenv("FRUGALD_URL");

	return base == NULL || base[0] == '\0' ? "http://127.0.0.1:4601" : base;
}

static long
ask(struct cli *c, const char *target, const char *body, struct buf *ret_body)
{
	const char *base = daemon_url(), *key = getenv("FRUGALD_KEY");
	struct call call = {.body = body, .timeout_ms = TIMEOUT_MS};
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	call.url = arena_printf(c->mem, "%.*s%s", (int)len, base, target);
	call.token = key != NULL && key[0] != '\0' ? key : NULL;
	return client_call(&call, ret_body);
}

bool
daemon_try(struct cli *c, const char *target, struct buf *ret_body)
{
	return ask(c, target, NULL, ret_body) / 100 == 2;
}

/* Says what is wrong with any other status than 2xx. */
static bool
is_fine(struct cli *c, long status, const struct buf *body)
{
	const char *base = daemon_url();

	if (status != 0)
		return status / 100 == 2 || refused(c, base, status, buf_str(body));
	cli_fail(
	    "no daemon answers at %s (%s); is it running? FRUGALD_URL names another",
	    base, body->p);
	return false;
}

bool
daemon_ask(struct cli *c, const char *target, const char *body, struct buf *ret_body)
{
	return is_fine(c, ask(c, target, body, ret_body), ret_body);
}

long
daemon_tell(struct cli *c, const char *target, const char *body, struct buf *ret_body)
{
	long status = ask(c, target, body, ret_body);

	if (status != 0 && status / 100 != 2)
		(void)refused(c, daemon_url(), status, buf_str(ret_body));
	return status;
}

bool
ledger_ask(struct cli *c, const char *target, struct buf *ret_body)
{
	const char *dir = c->opt[OPT_state];
	int status;

	if (dir == NULL)
		return daemon_ask(c, target, NULL, ret_body);
	status = report_offline(c->env, dir, str_of(target), ret_body);
	if (status / 100 == 2)
		return true;
	cli_fail("%s", look_error(c, buf_str(ret_body)));
	return false;
}

long
ledger_status_of(struct cli *c, const char *target, struct buf *ret_body)
{
	const char *dir = c->opt[OPT_state];
	long status;

	if (dir == NULL) {
		status = ask(c, target, NULL, ret_body);
		if (status != 412)
			(void)is_fine(c, status, ret_body);
		return status;
	}
	status = report_offline(c->env, dir, str_of(target), ret_body);
	if (status / 100 != 2 && status != 412)
		cli_fail("%s", look_error(c, buf_str(ret_body)));
	return status;
}
