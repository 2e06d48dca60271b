/* words.h: from a word to what it hints at. */
#ifndef CLASSIFY_WORDS_H
#define CLASSIFY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "surface.h"

/* Which first three bytes occur: most words of a prompt need no search. Made anew for
 * each text, which costs less than two searches. No entry is shorter than its first
 * three bytes but those that are whole words. */
struct word_filter {
	uint64_t bits[32];
	uint16_t from[257]; /* by first byte: where its entries begin */
};
void word_filter_init(struct word_filter *f);

/* `word` in lower case. False: it hints at nothing. */
bool word_cue(const struct word_filter *f, struct str word, enum cue *ret);

/* For the unit test: the search needs it. */
bool words_sorted(void);

#endif
