/* scan_string.c: run through the inside of a JSON string. */
#include "scan_token.h"

static inline uint32_t
four_bytes(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Characters of two and three bytes, which are nearly all that are not ASCII; the rare
 * ones among them with a narrower second byte are left to others. */
static inline const uint8_t *
common_utf8_run(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 4)
		return p;
	for (const uint8_t *last = end - 4; p <= last;) {
		uint32_t v = four_bytes(p);

		if ((v & 0xc0c0f0) == 0x8080e0 && *p != 0xe0 && *p != 0xed)
			p += 3;
		else if ((v & 0xc0e0) == 0x80c0 && *p >= 0xc2)
			p += 2;
		else
			break;
	}
	return p;
}

/* Characters that are not ASCII and lie whole in the piece. */
static const uint8_t *
utf8_run(const uint8_t *p, const uint8_t *end)
{
	size_t n;

	for (;;) {
		p = common_utf8_run(p, end);
		if (p == end || *p < 0x80)
			return p;
		n = str_utf8(str_make((const char *)p, (size_t)(end - p)));
		if (n == 0)
			return p;
		p += n;
	}
}

/* What may stand behind a backslash, but for 'u'. */
static inline bool
short_escape(uint8_t c)
{
	static const bool may[256] = {
	    ['"'] = true,
	    ['\\'] = true,
	    ['/'] = true,
	    ['b'] = true,
	    ['f'] = true,
	    ['n'] = true,
	    ['r'] = true,
	    ['t'] = true,
	};

	return may[c];
}

/* The first byte that ends the string, or that step() must look at: a fault, or what
 * may go on in the next piece. */
static const uint8_t *
run(struct scan_string *x, const uint8_t *p, const uint8_t *end)
{
	for (;;) {
		p = scan_plain_end(p, end);
		if (p == end)
			return p;
		if (*p == '\\' && end - p >= 2 && short_escape(p[1])) {
			x->saved++;
			p += 2;
		} else if (*p >= 0x80) {
			p = utf8_run(p, end);
			if (p < end && *p >= 0x80)
				return p;
		} else {
			return p;
		}
	}
}

/* The first byte of a character: what must follow (RFC 3629, section 4). */
static enum scan_error
utf8_lead(struct scan_string *x, uint8_t c)
{
	if (c < 0xc2 || c > 0xf4)
		return SCAN_utf8;
	x->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	x->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	x->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	x->state = STRING_utf8;
	return SCAN_ok;
}

static enum scan_error
utf8_next(struct scan_string *x, uint8_t c)
{
	if (c < x->low || c > x->high)
		return SCAN_utf8;
	x->low = 0x80;
	x->high = 0xbf;
	if (--x->need == 0)
		x->state = STRING_plain;
	return SCAN_ok;
}

static enum scan_error
escape(struct scan_string *x, uint8_t c)
{
	if (c == 'u') {
		x->hex = 0;
		x->hex_left = 4;
		x->state = STRING_hex;
		return SCAN_ok;
	}
	if (!short_escape(c))
		return SCAN_syntax;
	x->saved++;
	x->state = STRING_plain;
	return SCAN_ok;
}

/* A UTF-16 unit is complete: halves of a surrogate pair come together or not at all. */
static enum scan_error
unit(struct scan_string *x)
{
	bool high = x->hex >= 0xd800 && x->hex <= 0xdbff;
	bool low = x->hex >= 0xdc00 && x->hex <= 0xdfff;

	if (low != (x->surrogate != 0))
		return SCAN_utf8;
	x->saved += x->hex < 0x80 ? 5 : x->hex < 0x800 ? 4 : 3;
	x->surrogate = high ? x->hex : 0;
	x->state = high ? STRING_low : STRING_plain;
	return SCAN_ok;
}

static enum scan_error
hex(struct scan_string *x, uint8_t c)
{
	unsigned v;

	if (c >= '0' && c <= '9')
		v = c - (unsigned)'0';
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		v = (c | 0x20U) - 'a' + 10;
	else
		return SCAN_syntax;
	x->hex = (uint16_t)((unsigned)x->hex << 4 | v);
	return --x->hex_left == 0 ? unit(x) : SCAN_ok;
}

/* A byte that is not plain, or comes behind one that was not. */
static enum scan_error
step(struct scan_string *x, uint8_t c)
{
	switch (x->state) {
	case STRING_plain:
		if (c >= 0x80)
			return utf8_lead(x, c);
		if (c != '\\')
			return c < ' ' ? SCAN_syntax : SCAN_ok;
		x->state = STRING_escape;
		return SCAN_ok;
	case STRING_utf8:
		return utf8_next(x, c);
	case STRING_escape:
		return escape(x, c);
	case STRING_hex:
		return hex(x, c);
	case STRING_low:
		x->state = STRING_low_u;
		return c == '\\' ? SCAN_ok : SCAN_utf8;
	case STRING_low_u:
		return c == 'u' ? escape(x, c) : SCAN_utf8;
	}
	return SCAN_syntax;
}

const uint8_t *
scan_string_run(struct scan_string *x, const uint8_t *p, const uint8_t *end,
    enum scan_error *ret_error)
{
	for (;;) {
		if (x->state == STRING_plain)
			p = run(x, p, end);
		if (p == end || (x->state == STRING_plain && *p == '"'))
			return p;
		*ret_error = step(x, *p);
		if (*ret_error != SCAN_ok)
			return p;
		p++;
	}
}
