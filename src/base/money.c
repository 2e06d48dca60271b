/* money.c: exact division, decimal text, and sums that outgrow 64 bits. */
#include "base/money.h"

#include <assert.h>
#include <string.h>

#define PLACES 12U

__extension__ typedef unsigned __int128 uwide;

static uwide
magnitude(wide v)
{
	return v < 0 ? -(uwide)v : (uwide)v;
}

bool
pusd_divide(wide num, int64_t den, struct pusd *ret)
{
	wide q = num / den, r = num % den;

	assert(den > 0);
	/* Towards minus infinity, so that the remainder counts upwards from `q`. */
	if (r < 0) {
		q--;
		r += den;
	}
	if (2 * r > den || (2 * r == den && (q & 1) != 0))
		q++;
	if (q < INT64_MIN || q > INT64_MAX)
		return false;
	ret->v = (int64_t)q;
	return true;
}

/* Digits are made from the last one to the first, behind them the sign. */
static void
format(uwide v, bool negative, unsigned places, char *ret)
{
	char text[PUSD_TEXT_BYTES];
	char *p = text + sizeof(text);

	*--p = '\0';
	for (unsigned digits = 0; v > 0 || digits <= places; digits++) {
		if (digits == places && places > 0)
			*--p = '.';
		*--p = (char)('0' + (int)(v % 10));
		v /= 10;
	}
	if (negative)
		*--p = '-';
	memcpy(ret, p, (size_t)(text + sizeof(text) - p));
}

void
pusd_format(struct pusd a, char ret[static PUSD_TEXT_BYTES])
{
	format(magnitude(a.v), a.v < 0, PLACES, ret);
}

void
pusd_sum_format(struct pusd_sum a, char ret[static PUSD_TEXT_BYTES])
{
	format(magnitude(a.v), a.v < 0, PLACES, ret);
}

void
pusd_sum_round(struct pusd_sum a, unsigned places, char ret[static PUSD_TEXT_BYTES])
{
	uwide v = magnitude(a.v), unit = 1, r;

	assert(places <= PLACES);
	for (unsigned i = places; i < PLACES; i++)
		unit *= 10;
	r = v % unit;
	v /= unit;
	if (2 * r > unit || (2 * r == unit && (v & 1) != 0))
		v++;
	/* No "-0.00": people read it as a debt. */
	format(v, a.v < 0 && v > 0, places, ret);
}

static bool
push_digit(int64_t *v, int c)
{
	return c >= '0' && c <= '9' && !__builtin_mul_overflow(*v, INT64_C(10), v) &&
	       !__builtin_add_overflow(*v, (int64_t)(c - '0'), v);
}

bool
pusd_parse(struct str decimal, struct pusd *ret)
{
	struct str whole, rest = decimal;
	int64_t v = 0;
	bool point;

	if (!str_split(&rest, '.', &whole) || whole.len == 0)
		return false;
	point = whole.len < decimal.len;
	if (point && (rest.len == 0 || rest.len > PLACES))
		return false;
	for (size_t i = 0; i < whole.len; i++)
		if (!push_digit(&v, whole.p[i]))
			return false;
	for (size_t i = 0; i < PLACES; i++)
		if (!push_digit(&v, i < rest.len ? rest.p[i] : '0'))
			return false;
	ret->v = v;
	return true;
}

void
pusd_sum_split(struct pusd_sum a, int64_t *ret_hi, int64_t *ret_lo)
{
	wide hi = a.v / PUSD_PER_USD, lo = a.v % PUSD_PER_USD;

	if (lo < 0) {
		hi--;
		lo += PUSD_PER_USD;
	}
	/* Rows end at $9.22 M: it takes 10^12 of them to get near. */
	assert(hi >= INT64_MIN && hi <= INT64_MAX);
	*ret_hi = (int64_t)hi;
	*ret_lo = (int64_t)lo;
}

struct pusd_sum
pusd_sum_join(int64_t hi, int64_t lo)
{
	return (struct pusd_sum){.v = (wide)hi * PUSD_PER_USD + lo};
}
