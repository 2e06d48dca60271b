/* scan_token.h: the insides of strings and numbers, for the scanner; in any pieces. */
#ifndef BASE_SCAN_TOKEN_H
#define BASE_SCAN_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/scan.h"
#include "scan_plain.h"

/* A string under way, from behind its opening quote; zeroed to begin. */
struct scan_string {
	enum {
		STRING_plain,
		STRING_utf8,
		STRING_escape,
		STRING_hex,
		STRING_low,   /* the '\' of a surrogate's second half */
		STRING_low_u, /* and its 'u' */
	} state;
	size_t saved; /* bytes that escapes take beyond the text they stand for */
	uint8_t need, low, high; /* UTF-8: bytes to come, and what the next may be */
	uint8_t hex_left;
	uint16_t hex, surrogate;
};

/* Gives the closing quote, or `end`;
 * or sets `*ret_error` and gives the byte to blame. */
const uint8_t *scan_string_run(struct scan_string *x, const uint8_t *p,
    const uint8_t *end, enum scan_error *ret_error);

/* A number under way; zeroed to begin. */
struct scan_number {
	enum {
		NUM_begin,
		NUM_minus,
		NUM_zero,
		NUM_whole,
		NUM_dot,
		NUM_fraction,
		NUM_e,
		NUM_sign,
		NUM_exponent,
	} state;
	bool nonzero, exponent_negative;
	int64_t scale;    /* power of ten of the first digit that is not 0 */
	int64_t exponent; /* as written */
};

/* Gives the first byte that is not of the number, or `end`; errors as above. */
const uint8_t *scan_number_run(struct scan_number *x, const uint8_t *p,
    const uint8_t *end, enum scan_error *ret_error);

#endif
