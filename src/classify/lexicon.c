/* lexicon.c: lexicon.def as a table of hashes. */
#include "lexicon.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "base/util.h"
#include "letters.h"

static const struct {
	enum cue cue;
	const char *words;
} rows[] = {
#define LEX(cue, words) {CUE_##cue, words},
#include "lexicon.def"
};

static void
enter(struct lexicon *l, uint32_t hash, enum cue cue)
{
	uint32_t mixed = hash_mix(hash), i = mixed % LEXICON_SLOTS;

	if (lexicon_find(l, hash) >= 0)
		return; /* the first row that names it has it */
	while (l->slot[i] != 0)
		i = (i + 1) % LEXICON_SLOTS;
	l->slot[i] = (mixed & ~255U) | ((uint32_t)cue + 1);
}

static void
enter_word(struct lexicon *l, struct str word, enum cue cue)
{
	uint32_t hash = HASH_BEGIN, letters = 0;
	bool stem = word.len > 1 && word.p[word.len - 1] == '*';

	word.len -= stem;
	while (word.len > 0 && !(stem && letters == STEM_MOST)) {
		size_t n = str_utf8(word);

		assert(n > 0);
		hash = hash_letter(hash, letter_small(letter_point(word)));
		word = str_skip(word, n);
		letters++;
	}
	enter(l, hash + (stem ? 0 : LEXICON_WHOLE), cue);
}

void
lexicon_make(struct lexicon *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < nitems(rows); i++) {
		struct str rest = str_of(rows[i].words), word;

		while (str_split(&rest, ' ', &word)) {
			if (word.len > 0)
				enter_word(ret, word, rows[i].cue);
		}
	}
}
