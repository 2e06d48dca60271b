/* scan_number.c: run through a JSON number; refuse what no double can hold. */
#include "scan_token.h"

/* The greatest power of ten that a double still has. */
#define EXPONENT_MAX 308
/* Beyond this there is no need to know an exponent exactly. */
#define EXPONENT_ENOUGH INT64_C(1000000000)

/* The grammar of RFC 8259, section 6. False: the byte is not of the number. */
static bool
digit(struct scan_number *x, unsigned d)
{
	switch (x->state) {
	case NUM_begin:
	case NUM_minus:
		x->state = d == 0 ? NUM_zero : NUM_whole;
		x->nonzero = d != 0;
		return true;
	case NUM_zero:
		return false;
	case NUM_whole:
		x->scale++;
		return true;
	case NUM_dot:
	case NUM_fraction:
		x->state = NUM_fraction;
		x->scale -= !x->nonzero;
		x->nonzero |= d != 0;
		return true;
	case NUM_e:
	case NUM_sign:
	case NUM_exponent:
		x->state = NUM_exponent;
		if (x->exponent < EXPONENT_ENOUGH)
			x->exponent = x->exponent * 10 + d;
		return true;
	}
	return false;
}

static bool
sign(struct scan_number *x, uint8_t c)
{
	if (x->state == NUM_begin && c == '-') {
		x->state = NUM_minus;
		return true;
	}
	if (x->state != NUM_e)
		return false;
	x->exponent_negative = c == '-';
	x->state = NUM_sign;
	return true;
}

static bool
take(struct scan_number *x, uint8_t c)
{
	bool whole = x->state == NUM_zero || x->state == NUM_whole;

	if (c >= '0' && c <= '9')
		return digit(x, c - (unsigned)'0');
	if (c == '-' || c == '+')
		return sign(x, c);
	if (c == '.' && whole) {
		x->state = NUM_dot;
		return true;
	}
	if ((c | 0x20) == 'e' && (whole || x->state == NUM_fraction)) {
		x->state = NUM_e;
		return true;
	}
	return false;
}

static enum scan_error
finish(const struct scan_number *x)
{
	int64_t exponent = x->exponent_negative ? -x->exponent : x->exponent;

	if (x->state != NUM_zero && x->state != NUM_whole && x->state != NUM_fraction &&
	    x->state != NUM_exponent)
		return SCAN_syntax;
	/* Integers may have any length: whoever reads one checks its range. */
	if (x->state == NUM_exponent && x->nonzero &&
	    x->scale + exponent > EXPONENT_MAX)
		return SCAN_number_range;
	return SCAN_ok;
}

const uint8_t *
scan_number_run(struct scan_number *x, const uint8_t *p, const uint8_t *end,
    enum scan_error *ret_error)
{
	while (p < end && take(x, *p))
		p++;
	if (p < end)
		*ret_error = finish(x);
	return p;
}
