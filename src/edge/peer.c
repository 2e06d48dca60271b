/* peer.c: who is at the other end, also behind proxies that we trust. */
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct address {
	unsigned bits; /* 32 or 128 */
	unsigned char b[16];
};

static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};

/* An IPv4 address that wears an IPv6 coat is an IPv4 address. */
static void
unmap(struct address *a)
{
	if (a->bits != 128 || memcmp(a->b, mapped, sizeof(mapped)) != 0)
		return;
	memmove(a->b, a->b + sizeof(mapped), 4);
	a->bits = 32;
}

static bool
parse(struct str s, struct address *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len >= sizeof(text))
		return false;
	str_copy(text, sizeof(text), s);
	*ret = (struct address){.bits = 32};
	if (inet_pton(AF_INET, text, ret->b) == 1)
		return true;
	ret->bits = 128;
	if (inet_pton(AF_INET6, text, ret->b) != 1)
		return false;
	unmap(ret);
	return true;
}

void
peer_format(const struct sockaddr *sa, char *ret, size_t cap)
{
	struct address a = {0};

	ret[0] = '\0';
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		a.bits = 32;
		memcpy(a.b, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		a.bits = 128;
		memcpy(a.b, &in6->sin6_addr, 16);
		unmap(&a);
	} else {
		return;
	}
	if (inet_ntop(a.bits == 32 ? AF_INET : AF_INET6, a.b, ret, (socklen_t)cap) ==
	    NULL)
		ret[0] = '\0';
}

static bool
lies_in(const struct address *a, struct str network)
{
	struct address n;
	struct str host;
	uint64_t bits;
	bool whole = memchr(network.p, '/', network.len) == NULL;

	if (!str_split(&network, '/', &host) || !parse(host, &n) || n.bits != a->bits)
		return false;
	bits = n.bits;
	if (!whole && (!str_to_u64(network, &bits) || bits > n.bits))
		return false;
	for (uint64_t i = 0; i < bits; i++) {
		if (((n.b[i / 8] ^ a->b[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	}
	return true;
}

bool
peer_trusted(struct str address, const char *const *networks)
{
	struct address a;

	if (!parse(address, &a))
		return false;
	for (size_t i = 0; networks != NULL && networks[i] != NULL; i++) {
		if (lies_in(&a, str_of(networks[i])))
			return true;
	}
	return false;
}

/* Cuts the last element off. */
static bool
take_last(struct str *list, struct str *ret)
{
	size_t at = list->len;

	if (list->len == 0)
		return false;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	*ret = str_trim(str_make(list->p + at, list->len - at));
	list->len = at > 0 ? at - 1 : 0;
	return true;
}

struct str
peer_client(struct str direct, struct str forwarded, const char *const *networks)
{
	struct str at = direct, next;
	struct address a;

	while (peer_trusted(at, networks) && take_last(&forwarded, &next)) {
		if (!parse(next, &a))
			break; /* not an address: the last good one counts */
		at = next;
	}
	return at;
}
