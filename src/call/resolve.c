/* resolve.c: names and addresses, without asking anybody. */
#include "resolve.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/snapshot.h"

#define ADDRESSES_MAX 16

/* "http://user@host:3128" or "host:3128" as libcurl reads it; 1080 is its own default.
 */
static bool
read_proxy(const char *proxy, char *ret_host, size_t cap, uint16_t *ret_port)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	uint64_t n = 1080;
	bool ok = false;

	if (u == NULL)
		return false;
	if (curl_url_set(u, CURLUPART_URL, proxy,
		CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		struct str h = str_of(host);

		if (curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK)
			(void)str_to_u64(str_of(port), &n);
		if (h.len > 2 && h.p[0] == '[')
			h = str_make(h.p + 1, h.len - 2);
		str_copy(ret_host, cap, h);
		*ret_port = (uint16_t)n;
		ok = true;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return ok;
}

void
resolve_target(const struct provider *p, char *ret_host, size_t cap, uint16_t *ret_port)
{
	if (p->proxy != NULL && read_proxy(p->proxy, ret_host, cap, ret_port))
		return;
	str_copy(ret_host, cap, str_of(p->host));
	*ret_port = p->port;
}

static bool
listed(struct str list, struct str one)
{
	struct str part;

	while (str_split(&list, ',', &part)) {
		if (str_eq(part, one))
			return true;
	}
	return false;
}

static bool
numeric(const struct addrinfo *ai, char *dst, size_t cap)
{
	char ip[INET6_ADDRSTRLEN];

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, ip, sizeof(ip), NULL, 0,
		NI_NUMERICHOST) != 0)
		return false;
	/* A zone means nothing elsewhere, and libcurl does not take it here. */
	if (strchr(ip, '%') != NULL)
		return false;
	return (size_t)snprintf(
		   dst, cap, ai->ai_family == AF_INET6 ? "[%s]" : "%s", ip) < cap;
}

void
resolve_format(const struct addrinfo *list, struct buf *ret)
{
	char one[INET6_ADDRSTRLEN + 3];
	unsigned n = 0;

	for (const struct addrinfo *ai = list; ai != NULL && n < ADDRESSES_MAX;
	     ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		if (!numeric(ai, one, sizeof(one)) || listed(buf_str(ret), str_of(one)))
			continue;
		buf_printf(ret, "%s%s", n > 0 ? "," : "", one);
		n++;
	}
}

bool
resolve_same(const char *a, const char *b)
{
	struct str rest = str_of(a), part;

	if (strlen(a) != strlen(b))
		return false;
	while (str_split(&rest, ',', &part)) {
		if (!listed(str_of(b), part))
			return false;
	}
	return true;
}
