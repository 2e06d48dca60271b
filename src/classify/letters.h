/* letters.h: of a character's number: its kind, and its small letter. */
#ifndef CLASSIFY_LETTERS_H
#define CLASSIFY_LETTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum letter_kind {
	LETTER_blank,
	LETTER_line,
	LETTER_mark, /* punctuation, symbols */
	LETTER_digit,
	LETTER_latin,   /* a to z */
	LETTER_accent,  /* Latin beyond */
	LETTER_foreign, /* other alphabets */
	LETTER_dense,   /* Han, Kana, Hangul: a word is a character or two */
	LETTER_joined,  /* Thai and its neighbours: words without blanks */
};

enum letter_kind letter_kind(uint32_t point);
/* For the scripts that matter; the others have none. */
uint32_t letter_small(uint32_t c);
/* Of the first character of UTF-8 that is known to be valid. */
uint32_t letter_point(struct str s);

#endif
