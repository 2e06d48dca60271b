/* decode.c: characters out of bytes that come in any pieces. */
#include "decode.h"

#include <string.h>

/* The digits behind \u have come. */
static bool
escaped_point(struct decode *d, uint32_t *ret)
{
	uint32_t point = d->point;

	if (point >= 0xD800 && point < 0xDC00) {
		d->high = point;
		return false;
	}
	if (point >= 0xDC00 && point < 0xE000 && d->high != 0)
		point = 0x10000 + ((d->high & 0x3FFU) << 10) + (point & 0x3FFU);
	d->high = 0;
	*ret = point;
	return true;
}

static bool
escape(struct decode *d, unsigned char c, uint32_t *ret)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	const char *at = c == 0 ? NULL : strchr(from, c);

	d->escaped = false;
	if (c == 'u') {
		d->digits_left = 4;
		d->point = 0;
		return false;
	}
	*ret = at != NULL ? (unsigned char)to[at - from] : c;
	return true;
}

static bool
digit(struct decode *d, unsigned char c, uint32_t *ret)
{
	uint32_t v = c <= '9' ? c & 15U : (c & 7U) + 9;

	d->point = d->point << 4 | v;
	return --d->digits_left == 0 && escaped_point(d, ret);
}

/* Of what is no UTF-8, as behind a cut, nothing becomes of it. */
static bool
beyond_ascii(struct decode *d, unsigned char c, uint32_t *ret)
{
	if (c < 0xC0) {
		if (d->more == 0)
			return false;
		d->point = d->point << 6 | (c & 0x3FU);
		*ret = d->point;
		return --d->more == 0;
	}
	d->more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
	d->point = c & (0x3FU >> d->more);
	return false;
}

bool
decode_byte(struct decode *d, unsigned char c, uint32_t *ret)
{
	if (d->digits_left > 0)
		return digit(d, c, ret);
	if (d->escaped)
		return escape(d, c, ret);
	if (c >= 0x80)
		return beyond_ascii(d, c, ret);
	d->more = 0;
	d->escaped = c == '\\' && !d->plain;
	*ret = c;
	return !d->escaped;
}
