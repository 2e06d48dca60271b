/* letters.c: the kinds of characters, by the blocks of Unicode: coarse, and the same
 * everywhere. */
#include "letters.h"

#include "base/util.h"

static const struct {
	uint32_t to; /* last of the block */
	enum letter_kind kind;
} blocks[] = {
    {0x00A0, LETTER_blank},
    {0x00BF, LETTER_mark},
    {0x024F, LETTER_accent},
    {0x02AF, LETTER_foreign}, /* phonetic */
    {0x036F, LETTER_mark},
    {0x0DFF, LETTER_foreign}, /* Greek to Sinhala */
    {0x0EFF, LETTER_joined},  /* Thai, Lao */
    {0x0FFF, LETTER_joined},  /* Tibetan */
    {0x109F, LETTER_joined},  /* Myanmar */
    {0x10FF, LETTER_foreign}, /* Georgian */
    {0x11FF, LETTER_dense},   /* Hangul letters */
    {0x177F, LETTER_foreign},
    {0x17FF, LETTER_joined}, /* Khmer */
    {0x1DFF, LETTER_foreign},
    {0x1EFF, LETTER_accent}, /* Vietnamese, mostly */
    {0x1FFF, LETTER_foreign},
    {0x200A, LETTER_blank},
    {0x2BFF, LETTER_mark}, /* punctuation, arrows, operators, symbols */
    {0x2DFF, LETTER_foreign},
    {0x2FFF, LETTER_dense},
    {0x3000, LETTER_blank},
    {0x3004, LETTER_mark},
    {0x3007, LETTER_dense},
    {0x303F, LETTER_mark},
    {0x9FFF, LETTER_dense},
    {0xABFF, LETTER_foreign},
    {0xD7FF, LETTER_dense},
    {0xF8FF, LETTER_mark},
    {0xFAFF, LETTER_dense},
    {0xFDFF, LETTER_foreign},
    {0xFE6F, LETTER_mark},
    {0xFEFE, LETTER_foreign},
    {0xFF0F, LETTER_mark}, /* wide forms */
    {0xFF19, LETTER_digit},
    {0xFF20, LETTER_mark},
    {0xFF3A, LETTER_accent},
    {0xFF40, LETTER_mark},
    {0xFF5A, LETTER_accent},
    {0xFF65, LETTER_mark},
    {0xFFDC, LETTER_dense},
    {0xFFFF, LETTER_mark},
    {0x1EFFF, LETTER_foreign},
    {0x1FFFF, LETTER_mark}, /* pictures */
    {0x3FFFF, LETTER_dense},
};

static enum letter_kind
ascii_kind(uint32_t c)
{
	if ((c | 32) >= 'a' && (c | 32) <= 'z')
		return LETTER_latin;
	if (c >= '0' && c <= '9')
		return LETTER_digit;
	if (c == '\n')
		return LETTER_line;
	return c <= ' ' || c == 0x7F ? LETTER_blank : LETTER_mark;
}

enum letter_kind
letter_kind(uint32_t point)
{
	size_t lo = 0, hi = nitems(blocks) - 1;

	if (point < 0x80)
		return ascii_kind(point);
	if (point == 0xD7 || point == 0xF7)
		return LETTER_mark;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (point <= blocks[mid].to)
			hi = mid;
		else
			lo = mid + 1;
	}
	return point <= blocks[lo].to ? blocks[lo].kind : LETTER_mark;
}

/* Latin beyond ASCII: pairs of capital and small letter. */
static uint32_t
small_latin(uint32_t c)
{
	if (c >= 0xC0 && c <= 0xDE)
		return c + 32;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
		return c % 2 == 1 ? c + 1 : c;
	if ((c >= 0x100 && c <= 0x177) || (c >= 0x1E00 && c <= 0x1EFF))
		return c | 1;
	if (c == 0x1A0 || c == 0x1AF)
		return c + 1;
	return c;
}

uint32_t
letter_small(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c < 0x250 || (c >= 0x1E00 && c <= 0x1EFF))
		return small_latin(c);
	if ((c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
		return c + 32;
	return c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

uint32_t
letter_point(struct str s)
{
	static const uint8_t mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	size_t n = str_utf8(s);
	uint32_t point = (unsigned char)s.p[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		point = point << 6 | ((unsigned char)s.p[i] & 0x3FU);
	return point;
}
