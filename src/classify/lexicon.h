/* lexicon.h: from the hash of a word, or of its first letters, to what it hints at. */
#ifndef CLASSIFY_LEXICON_H
#define CLASSIFY_LEXICON_H

#include <stdint.h>

enum cue {
#define CUE(name, help) CUE_##name,
#include "cue.def"
	CUE_COUNT
};

/* Part of the weights file: 24 bits of the hash and the cue + 1; 0: free. Full words
 * are entered with LEXICON_WHOLE added to their hash, stems by their first 4, 5 or 6
 * letters. */
#define LEXICON_SLOTS 4096U
#define LEXICON_WHOLE 0x5bd1e995U
#define STEM_LEAST    4U
#define STEM_MOST     6U

struct lexicon {
	uint32_t slot[LEXICON_SLOTS];
};

/* The word's hash, letter by letter; begins with HASH_BEGIN. */
#define HASH_BEGIN 0x811c9dc5U
static inline uint32_t
hash_letter(uint32_t h, uint32_t letter)
{
	return (h ^ letter) * 0x01000193U;
}

static inline uint32_t
hash_mix(uint32_t h)
{
	h ^= h >> 15;
	h *= 0x2c1b3c6dU;
	return h ^ h >> 13;
}

/* -1: it hints at nothing. */
static inline int
lexicon_find(const struct lexicon *l, uint32_t hash)
{
	uint32_t mixed = hash_mix(hash), i = mixed % LEXICON_SLOTS;

	for (; l->slot[i] != 0; i = (i + 1) % LEXICON_SLOTS) {
		if ((l->slot[i] ^ mixed) >> 8 == 0)
			return (int)(l->slot[i] & 255U) - 1;
	}
	return -1;
}

/* From lexicon.def. */
void lexicon_make(struct lexicon *ret);

#endif
