/* words.h: from a word to what it hints at. */
#ifndef CLASSIFY_WORDS_H
#define CLASSIFY_WORDS_H

#include <stdbool.h>

#include "base/str.h"
#include "surface.h"

/* `word` in lower case. False: it hints at nothing. */
bool word_cue(struct str word, enum cue *ret);

/* For the unit test: the search needs it. */
bool words_sorted(void);

#endif
