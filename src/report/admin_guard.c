/* admin_guard.c: a token where there is one; else loopback alone, and no page of a
 * browser on this machine: names that are made to point here (DNS rebinding) are told
 * by Host, forms of other sites by Origin. */
#include "admin_guard.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

/* "localhost" or a number, with or without a port.
 * A rebinding page has a name of its own. */
static bool
host_is_ours(struct str host)
{
	struct str name = host;
	const char *colon;

	if (host.len > 0 && host.p[0] == '[')
		return true; /* an IPv6 number: brackets hold nothing else */
	colon = memchr(host.p, ':', host.len);
	if (colon != NULL)
		name.len = (size_t)(colon - host.p);
	if (str_case_eq(name, STR("localhost")))
		return true;
	if (name.len == 0)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if ((name.p[i] < '0' || name.p[i] > '9') && name.p[i] != '.')
			return false;
	}
	return true;
}

/* "http://HOST" or "https://HOST" of the same HOST. */
static bool
origin_is_host(struct str origin, struct str host)
{
	if (str_starts(origin, STR("http://")))
		origin = str_skip(origin, 7);
	else if (str_starts(origin, STR("https://")))
		origin = str_skip(origin, 8);
	else
		return false;
	return str_case_eq(origin, host);
}

/* In constant time, whatever the lengths. */
static bool
token_fits(const char *authorization, const char *token)
{
	struct str shown = str_trim(str_of(authorization));
	struct sha256 a, b = hash_sha256(str_of(token));

	if (shown.len < 7 || !str_case_eq(str_make(shown.p, 7), STR("bearer ")))
		return false;
	a = hash_sha256(str_trim(str_skip(shown, 7)));
	return hash_sha256_eq(&a, &b);
}

int
admin_guard(const struct admin_guard_input *in, const char **ret_why)
{
	struct str host = str_of(in->host == NULL ? "" : in->host);

	if (in->post && in->origin != NULL &&
	    !origin_is_host(str_of(in->origin), host)) {
		*ret_why = "a page of another origin may not change anything here";
		return 403;
	}
	if (in->open)
		return 0;
	if (in->token != NULL) {
		if (in->authorization != NULL &&
		    token_fits(in->authorization, in->token))
			return 0;
		*ret_why = "the admin plane wants \"Authorization: Bearer TOKEN\" with "
			   "the token of admin.token in the policy";
		return 401;
	}
	if (!in->from_loopback) {
		*ret_why = "without admin.token in the policy the admin plane serves "
			   "this machine alone";
		return 403;
	}
	if (!host_is_ours(host)) {
		*ret_why = "the Host header is a name that is not this machine's; use "
			   "127.0.0.1 or localhost, or set admin.token";
		return 403;
	}
	return 0;
}
