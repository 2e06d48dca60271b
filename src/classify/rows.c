/* rows.c: sums of hashed weights, in integers: the same on every machine. */
#include "model.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void
rows_sum_plain(const struct classifier *c, const struct features *f, uint32_t salt,
    int32_t ret[HEAD_COUNT])
{
	for (unsigned h = 0; h < HEAD_COUNT; h++)
		ret[h] = 0;
	for (uint32_t i = 0; i < f->tokens; i++) {
		const int8_t *row = c->row[f->bucket[i] ^ salt];

		for (unsigned h = 0; h < HEAD_COUNT; h++)
			ret[h] += row[h] * f->add[i];
	}
}

#if defined(__x86_64__)
/* Two tokens at a time: their rows are interleaved, so that one instruction multiplies
 * and adds both. */
__attribute__((target("avx2"))) static void
rows_sum_avx2(const struct classifier *c, const struct features *f, uint32_t salt,
    int32_t ret[HEAD_COUNT])
{
	__m256i low = _mm256_setzero_si256(), high = low;
	uint32_t i = 0, n = f->tokens;

	for (; i < n; i += 2) {
		/* A token without a partner has one of weight 0. */
		uint32_t j = i + 1 < n ? i + 1 : i, add = i + 1 < n ? f->add[j] : 0;
		__m256i a = _mm256_cvtepi8_epi16(
		    _mm_load_si128((const __m128i *)c->row[f->bucket[i] ^ salt]));
		__m256i b = _mm256_cvtepi8_epi16(
		    _mm_load_si128((const __m128i *)c->row[f->bucket[j] ^ salt]));
		__m256i by = _mm256_set1_epi32((int)(f->add[i] | add << 16));

		low = _mm256_add_epi32(
		    low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), by));
		high = _mm256_add_epi32(
		    high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), by));
	}
	/* The halves hold 0-3 and 8-11, 4-7 and 12-15. */
	_mm256_storeu_si256((__m256i *)ret, _mm256_permute2x128_si256(low, high, 0x20));
	_mm256_storeu_si256(
	    (__m256i *)(ret + 8), _mm256_permute2x128_si256(low, high, 0x31));
}
#endif

void
rows_sum(const struct classifier *c, const struct features *f, uint32_t salt,
    int32_t ret[HEAD_COUNT])
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		rows_sum_avx2(c, f, salt, ret);
		return;
	}
#endif
	rows_sum_plain(c, f, salt, ret);
}
