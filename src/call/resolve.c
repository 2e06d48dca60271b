/* resolve.c: names and addresses, without asking anybody. */
#include "resolve.h"

#include <arpa/inet.h>
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

bool
resolve_is_literal(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

static bool
v4_private(const unsigned char a[4])
{
	return a[0] == 0 || a[0] == 10 || a[0] == 127 ||
	       (a[0] == 100 && (a[1] & 0xC0) == 64) || (a[0] == 169 && a[1] == 254) ||
	       (a[0] == 172 && (a[1] & 0xF0) == 16) || (a[0] == 192 && a[1] == 168) ||
	       (a[0] == 198 && (a[1] & 0xFE) == 18) || a[0] >= 224;
}

bool
resolve_is_private(const char *ip)
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF}, zeros[12];
	static const unsigned char nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
	unsigned char a[16];

	if (inet_pton(AF_INET, ip, a) == 1)
		return v4_private(a);
	if (inet_pton(AF_INET6, ip, a) != 1)
		return true;
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, zeros, 12) == 0 ||
	    memcmp(a, nat64, 12) == 0)
		return v4_private(a + 12);
	/* fc00::/7, fe80::/10, fec0::/10, ff00::/8 */
	return (a[0] & 0xFE) == 0xFC || (a[0] == 0xFE && (a[1] & 0x80) != 0) ||
	       a[0] == 0xFF;
}
