/* scan_text.c: what JSON strings and numbers mean, once they are known to be valid. */
#include "base/scan.h"

const char *
scan_error_text(enum scan_error e)
{
	switch (e) {
	case SCAN_ok:
		return "valid JSON";
	case SCAN_syntax:
		return "a syntax error";
	case SCAN_utf8:
		return "text that is not UTF-8";
	case SCAN_depth:
		return "too many levels of nesting";
	case SCAN_duplicate:
		return "a key that stands twice";
	case SCAN_number_range:
		return "a number out of range";
	case SCAN_truncated:
		return "the end of the text too early";
	case SCAN_refused:
		return "a value that is not acceptable";
	}
	return "an error";
}

/* ---- strings ---- */

static unsigned
hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static size_t
put_utf8(char *dst, unsigned c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i > 1; i--) {
		dst[i - 1] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	dst[0] = (char)(lead[n] | c);
	return n;
}

/* The escape that begins at src[at]; gives the bytes that it takes of `src`. */
static size_t
unescape_one(struct str src, size_t at, char *dst, size_t *len)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = src.p[at + 1];
	const char *known = strchr(from, c);
	unsigned unit;

	if (c != 'u') {
		dst[(*len)++] = known == NULL ? c : to[known - from];
		return 2;
	}
	unit = hex4(src.p + at + 2);
	if (unit < 0xd800 || unit > 0xdbff || src.len - at < 12) {
		*len += put_utf8(dst + *len, unit);
		return 6;
	}
	unit = 0x10000 + ((unit & 0x3ff) << 10) + (hex4(src.p + at + 8) & 0x3ff);
	*len += put_utf8(dst + *len, unit);
	return 12;
}

size_t
scan_unescape(struct str src, char *dst)
{
	size_t len = 0, i = 0;

	while (i < src.len) {
		const char *escape = memchr(src.p + i, '\\', src.len - i);
		size_t plain =
		    (escape == NULL ? src.len : (size_t)(escape - src.p)) - i;

		memcpy(dst + len, src.p + i, plain);
		len += plain;
		i += plain;
		if (escape != NULL)
			i += unescape_one(src, i, dst, &len);
	}
	dst[len] = '\0';
	return len;
}

size_t
scan_text_bytes(struct str raw)
{
	const char *p = raw.p, *end = p + raw.len;
	size_t n = raw.len;

	while (p < end && (p = memchr(p, '\\', (size_t)(end - p))) != NULL &&
	       end - p >= 2) {
		if (p[1] != 'u' || end - p < 6) {
			n--;
			p += 2;
			continue;
		}
		n -= p[2] != '0' || p[3] > '7' ? 3 : p[3] != '0' || p[4] > '7' ? 4 : 5;
		p += 6;
	}
	return n;
}

/* ---- numbers ---- */

/* value × 10^exponent; the value ends in no zero,
 * so that 1.000 and 1e3 are no worse than 1. */
struct decimal {
	uint64_t value;
	int64_t exponent;
};

static bool
push_digit(struct decimal *d, unsigned digit)
{
	if (digit == 0) {
		d->exponent += d->value != 0;
		return true;
	}
	for (; d->exponent > 0; d->exponent--) {
		if (__builtin_mul_overflow(d->value, 10U, &d->value))
			return false;
	}
	return !__builtin_mul_overflow(d->value, 10U, &d->value) &&
	       !__builtin_add_overflow(d->value, digit, &d->value);
}

/* The digits up to the 'e', which is left in `*rest`. */
static bool
read_digits(struct str *rest, struct decimal *ret)
{
	int64_t places = 0;
	bool fraction = false;

	*ret = (struct decimal){0};
	for (; rest->len > 0 && (rest->p[0] | 0x20) != 'e';
	     *rest = str_skip(*rest, 1)) {
		unsigned digit = (unsigned)rest->p[0] - (unsigned)'0';

		if (rest->p[0] == '.') {
			fraction = true;
			continue;
		}
		places += fraction;
		if (digit > 9 || !push_digit(ret, digit))
			return false;
	}
	ret->exponent -= places;
	return true;
}

/* "e+12", or nothing. */
static bool
read_exponent(struct str rest, int64_t *ret)
{
	bool negative;
	uint64_t v;

	*ret = 0;
	if (rest.len == 0)
		return true;
	rest = str_skip(rest, 1);
	negative = rest.len > 0 && rest.p[0] == '-';
	if (negative || (rest.len > 0 && rest.p[0] == '+'))
		rest = str_skip(rest, 1);
	if (!str_to_u64(rest, &v) || v > INT32_MAX)
		return false;
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool
scan_int(struct str number, int64_t *ret)
{
	bool negative = number.len > 0 && number.p[0] == '-';
	struct decimal d;
	int64_t exponent;

	if (number.len == (size_t)negative)
		return false;
	number = str_skip(number, negative);
	if (!read_digits(&number, &d) || !read_exponent(number, &exponent))
		return false;
	exponent += d.exponent;
	if (d.value == 0)
		exponent = 0;
	for (; exponent > 0; exponent--) {
		if (__builtin_mul_overflow(d.value, 10U, &d.value))
			return false;
	}
	if (exponent < 0 || d.value > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = negative ? (int64_t)(0 - d.value) : (int64_t)d.value;
	return true;
}

bool
scan_text(struct str raw, enum scan_kind kind, char *dst, size_t cap)
{
	size_t len;

	if (kind != SCAN_string || raw.len < 2 || raw.len - 2 >= cap)
		return false;
	len = scan_unescape(str_make(raw.p + 1, raw.len - 2), dst);
	return strlen(dst) == len;
}
