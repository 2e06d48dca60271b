/* feature.h: what is read off a prompt in one pass: tokens for hashed weights, counts.
 */
#ifndef CLASSIFY_FEATURES_H
#define CLASSIFY_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "decode.h"
#include "lexicon.h"

struct prompt;
struct task;

/* A change of what is counted or how it is hashed makes old weights useless: raise it.
 */
#define FEATURES_VERSION 3U

#define BUCKETS    65536U
#define TOKENS_MAX 8192U
#define SEEN       8192U
#define ONE        64 /* weight of a token that occurs once */

/* Words of the last line that are tokens of their own. */
#define LINE_WORDS 24U

/* Of a long text the head says what is wanted and the tail often says it again. */
#define TASK_HEAD    6144U
#define TASK_TAIL    2048U
#define CONTEXT_HEAD 1024U
#define CONTEXT_TAIL 512U

/* Words of the training texts, so that a text of unknown words can be told. */
#define VOCABULARY_BYTES 65536U

/* Which words a text had, for training: it is read before the vocabulary is made. */
struct heard {
	uint32_t *bit; /* of the vocabulary; xfree() it */
	size_t count, room;
};

/* Where a text stands in the request. */
enum part { PART_task, PART_system, PART_context, PART_COUNT };

enum surface {
#define SURFACE(name, help) SURFACE_##name,
#include "surface.def"
	SURFACE_COUNT
};

/* Counts of the pending task. */
struct counts {
	uint32_t words, letters, long_words, capital_words, upper, accents, foreign;
	uint32_t digits, numbers, big_numbers, chars, lines, code_lines, list_items;
	uint32_t options, questions, operators, braces, brackets, commas, quotes;
	uint32_t sentences, backslashes, dollars, ticks, colons, longest_line;
	uint32_t cue[CUE_COUNT];
};

/* Of one line of the task: with long texts what is asked is one of a few words. */
struct line {
	uint32_t words, questions;
	uint8_t cue[CUE_COUNT];
};

struct features {
	const struct lexicon *lexicon;
	const uint8_t *vocabulary; /* NULL: all words are known */
	const char *rows;          /* 16 bytes a bucket, to be fetched early; NULL */
	uint8_t *once, *twice;     /* a vocabulary that is being made; NULL */
	struct heard *heard;       /* NULL: not wanted */

	struct counts counts;
	struct line first_line, last_line; /* with words in them */
	uint32_t system_cue[CUE_COUNT], context_cue[CUE_COUNT], first_cue[CUE_COUNT];
	uint32_t bytes[PART_COUNT]; /* before they are cut */
	uint32_t known_words, all_words;
	uint32_t pending;     /* turns back to the one that holds the task */
	bool thanks, follows; /* a mere "yes, go on" */

	uint32_t tokens, distinct; /* tokens: those kept, at most TOKENS_MAX */
	uint16_t bucket[TOKENS_MAX];
	uint8_t add[TOKENS_MAX]; /* what it adds to the square root of its count */
	uint8_t seen[SEEN];
};

void features_init(struct features *f, const struct lexicon *lexicon);

/* The text under way. */
struct walk {
	struct features *f;
	enum part part;
	struct decode decode;
	/* a word, number or run of punctuation under way */
	uint32_t hash, len, before, run, run_len, words;
	uint32_t stem[STEM_MOST + 1]; /* hash of the first letters, by their number;
					 [0]: of more */
	bool capitals, numeric;
	/* a character of a script without blanks */
	uint32_t last[2];
	/* the line */
	uint32_t line_chars, line_tokens;
	bool code_line;
	struct line line;
	uint32_t line_word[LINE_WORDS]; /* of the last line with words in it, too */
	uint32_t line_words;
};

void walk_begin(struct walk *w, struct features *f, enum part part, bool plain);
/* Any pieces of the text, cut anywhere. */
void walk_feed(struct walk *w, struct str raw);
void walk_end(struct walk *w);

/* The pending task of a request and what surrounds it. */
void features_read(
    struct features *f, const struct task *task, const struct prompt *prompt);
void features_read_text(struct features *f, struct str text);

/* Every value about 0 .. 1. `task` NULL: a text alone. */
void features_surface(
    const struct features *f, const struct task *task, float ret[SURFACE_COUNT]);

#endif
