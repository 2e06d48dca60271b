/* base64url.c: there is one way to write some bytes, so a token cannot be written in
 * two. */
#include "base64url.h"

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool
base64url_read(struct str s, uint8_t *ret)
{
	unsigned bits = 0, have = 0;

	if (s.len % 4 == 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int v = value_of(s.p[i]);

		if (v < 0)
			return false;
		bits = (bits << 6 | (unsigned)v) & 0xFFFF;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		*ret++ = (uint8_t)(bits >> have);
	}
	return (bits & ((1U << have) - 1)) == 0;
}
