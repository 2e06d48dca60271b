/* scan_plain.h: over the plain bytes of a string, most of them 16 at a time. */
#ifndef BASE_SCAN_PLAIN_H
#define BASE_SCAN_PLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if !defined(__SSE2__)
/* May one of eight bytes be a quote, a backslash, a control character or not ASCII?
 * Never false when one is; the caller looks again, byte by byte. */
static inline bool
scan_odd_word(uint64_t v)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');

	return (((v - ones * ' ') | (quote - ones) | (slash - ones) | v) & tops) != 0;
}
#endif

static inline bool
scan_odd(uint8_t c)
{
	return c < ' ' || c >= 0x80 || c == '"' || c == '\\';
}

/* The first byte that is a quote, a backslash, a control character or not ASCII. */
static inline const uint8_t *
scan_plain_end(const uint8_t *p, const uint8_t *end)
{
#if defined(__SSE2__)
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Compared as signed, what is not ASCII is less than a blank, too. */
		__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' '));
		__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
		__m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
		__m128i any = _mm_or_si128(low, _mm_or_si128(quote, slash));
		unsigned mask = (unsigned)_mm_movemask_epi8(any);

		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#else
	for (; end - p >= 8; p += 8) {
		uint64_t v;

		memcpy(&v, p, sizeof(v));
		if (scan_odd_word(v))
			break;
	}
#endif
	while (p < end && !scan_odd(*p))
		p++;
	return p;
}

#endif
