/* ip.c: which addresses nobody outside of this network has. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

static bool
v4_private(const unsigned char a[4])
{
	return a[0] == 0 || a[0] == 10 || a[0] == 127 ||
	       (a[0] == 100 && (a[1] & 0xC0) == 64) || (a[0] == 169 && a[1] == 254) ||
	       (a[0] == 172 && (a[1] & 0xF0) == 16) || (a[0] == 192 && a[1] == 168) ||
	       (a[0] == 198 && (a[1] & 0xFE) == 18) || a[0] >= 224;
}

static bool
v6_private(const unsigned char a[16])
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF}, zeros[12];
	static const unsigned char nat64[12] = {0x00, 0x64, 0xFF, 0x9B};

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, zeros, 12) == 0 ||
	    memcmp(a, nat64, 12) == 0)
		return v4_private(a + 12);
	/* fc00::/7, fe80::/10, fec0::/10, ff00::/8 */
	return (a[0] & 0xFE) == 0xFC || (a[0] == 0xFE && (a[1] & 0x80) != 0) ||
	       a[0] == 0xFF;
}

enum ip_reach
ip_reach(const char *text)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, text, a) == 1)
		return v4_private(a) ? IP_private : IP_public;
	if (inet_pton(AF_INET6, text, a) == 1)
		return v6_private(a) ? IP_private : IP_public;
	return IP_none;
}
