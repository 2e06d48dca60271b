/* raw.c: the usage as a provider told it, in few bytes: its words are always the same,
 * so that a file keeps them once; the numbers are what a row has of its own. */
#include <stdio.h>
#include <string.h>

#include "stage/meter.h"

/* In the place of a number; of one whose zeros in front count, such as a fraction's. */
#define NUMBER '\x01'
#define DIGITS '\x02'
/* One more would not fit with a 1 before it. */
#define DIGITS_MAX 18U

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits_at(struct str raw, size_t at)
{
	size_t n = 0;

	while (at + n < raw.len && n < DIGITS_MAX && is_digit(raw.p[at + n]))
		n++;
	return n;
}

static size_t
put_varint(uint8_t *dst, uint64_t v)
{
	size_t n = 0;

	for (; v > 0x7F; v >>= 7)
		dst[n++] = (uint8_t)(v | 0x80);
	dst[n++] = (uint8_t)v;
	return n;
}

bool
raw_usage_split(struct str raw, struct raw_usage *ret)
{
	ret->shape_len = 0;
	ret->numbers_len = 0;
	if (raw.len == 0 || raw.len > SLOT_RAW_USAGE)
		return false;
	for (size_t at = 0; at < raw.len;) {
		size_t n = digits_at(raw, at);
		bool as_is = n > 0 && ((at > 0 && raw.p[at - 1] == '.') ||
					  (n > 1 && raw.p[at] == '0'));
		uint64_t v = as_is ? 1 : 0;

		if (raw.p[at] == NUMBER || raw.p[at] == DIGITS)
			return false;
		if (n == 0) {
			ret->shape[ret->shape_len++] = raw.p[at++];
			continue;
		}
		for (size_t i = 0; i < n; i++)
			v = v * 10 + (uint64_t)(raw.p[at + i] - '0');
		ret->shape[ret->shape_len++] = as_is ? DIGITS : NUMBER;
		ret->numbers_len += put_varint(ret->numbers + ret->numbers_len, v);
		at += n;
	}
	return true;
}

static bool
take_varint(struct str *from, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; from->len > 0 && shift < 64; shift += 7) {
		uint8_t c = (uint8_t)*from->p;

		*from = str_skip(*from, 1);
		v |= (uint64_t)(c & 0x7F) << shift;
		if ((c & 0x80) == 0) {
			*ret = v;
			return true;
		}
	}
	return false;
}

bool
raw_usage_join(struct str shape, struct str numbers, struct buf *ret)
{
	size_t start = ret->len;
	uint64_t v;

	for (size_t i = 0; i < shape.len; i++) {
		char text[24];

		if (shape.p[i] != NUMBER && shape.p[i] != DIGITS) {
			if (!buf_append(ret, shape.p + i, 1))
				return false;
			continue;
		}
		if (!take_varint(&numbers, &v))
			return false;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
		if (!buf_append(ret, text + (shape.p[i] == DIGITS),
			strlen(text) - (shape.p[i] == DIGITS)))
			return false;
	}
	return numbers.len == 0 && ret->len > start;
}
