/* str.c: comparing, cutting and reading slices. */
#include "base/str.h"

static char
lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
str_case_eq(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

struct str
str_trim(struct str a)
{
	while (a.len > 0 && blank(a.p[a.len - 1]))
		a.len--;
	while (a.len > 0 && blank(a.p[0]))
		a = str_skip(a, 1);
	return a;
}

bool
str_split(struct str *rest, char sep, struct str *ret_part)
{
	const char *at;

	if (rest->p == NULL)
		return false;
	at = memchr(rest->p, sep, rest->len);
	if (at == NULL) {
		*ret_part = *rest;
		*rest = str_make(NULL, 0);
		return true;
	}
	*ret_part = str_make(rest->p, (size_t)(at - rest->p));
	*rest = str_skip(*rest, ret_part->len + 1);
	return true;
}

bool
str_to_u64(struct str a, uint64_t *ret)
{
	uint64_t v = 0;

	if (a.len == 0)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (a.p[i] < '0' || a.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(a.p[i] - '0'), &v))
			return false;
	}
	*ret = v;
	return true;
}

bool
str_glob(struct str pattern, struct str text)
{
	if (pattern.len > 0 && pattern.p[pattern.len - 1] == '*')
		return str_starts(text, str_make(pattern.p, pattern.len - 1));
	return str_eq(pattern, text);
}

size_t
str_copy(char *dst, size_t cap, struct str src)
{
	size_t n = src.len;

	if (cap == 0)
		return 0;
	if (n > cap - 1)
		n = cap - 1;
	if (n > 0)
		memcpy(dst, src.p, n);
	dst[n] = '\0';
	return n;
}

/* RFC 3629, section 4: the second byte's range is what shuts out overlong forms,
 * surrogates and what lies beyond U+10FFFF. */
int
str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t
str_utf8(struct str a)
{
	const unsigned char *p = (const unsigned char *)a.p;
	unsigned char low = 0x80, high = 0xBF;
	size_t n;

	if (a.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (a.len < n)
		return 0;
	if (p[0] == 0xE0)
		low = 0xA0;
	else if (p[0] == 0xED)
		high = 0x9F;
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xF4)
		high = 0x8F;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return n;
}
