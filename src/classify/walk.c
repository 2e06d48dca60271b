/* walk.c: from bytes to tokens and counts; any pieces, cut anywhere, give the same. */
#include <string.h>

#include "base/mem.h"
#include "feature.h"
#include "letters.h"

/* What tells the kinds of tokens apart. */
enum {
	SALT_pair = 0x3c6ef372,
	SALT_stem = 0x1f83d9ab,
	SALT_marks = 0x5be0cd19,
	SALT_first = 0x428a2f98,
	SALT_last = 0x71374491
};

/* Words of the system text count like those of the task: it often says what the task
 * is. Those of what came before do not. */
static const uint32_t part_salt[PART_COUNT] = {[PART_context] = 0x9b05688cU};

/* 64 * (sqrt(n + 1) - sqrt(n)): the tokens of a bucket add up to the square root of
 * their number, so that nothing must be sorted or looked up again. */
static const uint8_t root_step[] = {64, 27, 20, 17, 15, 14, 13, 12, 11, 10, 10, 10, 9,
    9, 9, 8, 8, 8, 8, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6};
#define ROOT_STEPS ((uint32_t)sizeof(root_step))

/* What is wanted stands in the first words of a text more often than anywhere else. */
#define FIRST_WORDS 12U

/* ---- tokens ---- */

static void
token(struct walk *w, uint32_t hash)
{
	struct features *f = w->f;
	uint32_t mixed = hash_mix(hash ^ part_salt[w->part]);
	uint32_t bucket = mixed >> 16, count;
	uint8_t *seen = &f->seen[bucket % SEEN];

	if (f->tokens == TOKENS_MAX)
		return;
	if (f->rows != NULL)
		__builtin_prefetch(f->rows + (size_t)bucket * 16);
	count = *seen;
	f->distinct += count == 0;
	*seen = (uint8_t)(count + (count < 255));
	f->bucket[f->tokens] = (uint16_t)bucket;
	f->add[f->tokens] =
	    count < ROOT_STEPS ? root_step[count] : root_step[ROOT_STEPS - 1];
	f->tokens++;
}

static uint32_t *
cues_of(struct walk *w)
{
	switch (w->part) {
	case PART_task:
		return w->f->counts.cue;
	case PART_system:
		return w->f->system_cue;
	default:
		return w->f->context_cue;
	}
}

static bool
cue(struct walk *w, uint32_t hash)
{
	int found = lexicon_find(w->f->lexicon, hash);

	if (found < 0)
		return false;
	cues_of(w)[found]++;
	w->line.cue[found] = (uint8_t)(w->line.cue[found] + (w->line.cue[found] < 255));
	w->f->first_cue[found] += w->words <= FIRST_WORDS && w->part != PART_context;
	return true;
}

static void
hear(struct heard *h, uint32_t bit)
{
	if (h->count == h->room) {
		h->room = 2 * h->room + 65536;
		h->bit = xrealloc(h->bit, h->room * sizeof(*h->bit));
	}
	h->bit[h->count++] = bit;
}

/* Is the word one of the training texts'? */
static void
look_up(struct features *f, uint32_t hash)
{
	uint32_t bit = hash_mix(hash) % (VOCABULARY_BYTES * 8), in = bit / 8;
	uint8_t mask = (uint8_t)(1U << bit % 8);

	f->all_words++;
	if (f->vocabulary != NULL)
		f->known_words += (f->vocabulary[in] & mask) != 0;
	if (f->once == NULL)
		return;
	if ((f->once[in] & mask) != 0)
		f->twice[in] |= mask;
	f->once[in] |= mask;
	if (f->heard != NULL)
		hear(f->heard, bit);
}

static void
cues(struct walk *w)
{
	if (cue(w, w->hash + LEXICON_WHOLE))
		return;
	/* The longest says most. */
	for (uint32_t n = w->len < STEM_MOST ? w->len : STEM_MOST; n >= STEM_LEAST;
	     n--) {
		if (cue(w, w->stem[n]))
			return;
	}
}

static void
count_word(struct walk *w)
{
	struct counts *c = &w->f->counts;

	if (w->part != PART_task)
		return;
	c->words++;
	c->letters += w->len;
	c->long_words += w->len >= 8;
	c->capital_words += w->capitals && w->len >= 2;
}

static void
count_number(struct walk *w)
{
	if (w->part != PART_task)
		return;
	w->f->counts.numbers++;
	w->f->counts.digits += w->len;
	w->f->counts.big_numbers += w->len >= 4;
}

static void
keep_word(struct walk *w, uint32_t hash)
{
	if (w->line.words == 0)
		w->line_words = 0; /* the line before is not the last one */
	w->line.words++;
	if (w->line_words < LINE_WORDS)
		w->line_word[w->line_words++] = hash;
}

static void
end_word(struct walk *w)
{
	uint32_t hash = w->hash;

	if (w->len == 0)
		return;
	if (w->numeric && w->len > 2) /* of a long number only the length counts */
		hash = 0x30303030U + (w->len < 9 ? w->len : 9);
	token(w, hash);
	if (w->words++ < FIRST_WORDS && w->part != PART_context)
		token(w, hash ^ SALT_first);
	keep_word(w, hash);
	token(w, hash ^ (w->before << 11 | w->before >> 21) ^ SALT_pair);
	if (w->numeric) {
		count_number(w);
	} else {
		count_word(w);
		cues(w);
		look_up(w->f, hash);
		if (w->len > STEM_MOST)
			token(w, w->stem[5] ^ SALT_stem);
	}
	w->before = hash;
	w->len = 0;
	w->last[0] = w->last[1] = 0;
	w->line_tokens++;
}

static void
end_marks(struct walk *w)
{
	if (w->run_len > 0)
		token(w, w->run ^ SALT_marks);
	w->run_len = 0;
}

static void
begin_word(struct walk *w, bool numeric)
{
	if (w->len > 0 && w->numeric != numeric)
		end_word(w);
	if (w->len > 0)
		return;
	end_marks(w);
	w->hash = HASH_BEGIN;
	w->capitals = true;
	w->numeric = numeric;
}

static void
add_letter(struct walk *w, uint32_t small, bool capital)
{
	begin_word(w, false);
	w->hash = hash_letter(w->hash, small);
	w->len++;
	w->stem[w->len <= STEM_MOST ? w->len : 0] = w->hash;
	w->capitals &= capital;
}

/* ---- scripts without blanks between words ---- */

static void
dense(struct walk *w, uint32_t point, bool joined)
{
	uint32_t pair = hash_letter(hash_letter(HASH_BEGIN, w->last[0]), point);
	uint32_t three = hash_letter(
	    hash_letter(hash_letter(HASH_BEGIN, w->last[1]), w->last[0]), point);
	uint32_t word = joined ? three : pair;

	end_word(w);
	end_marks(w);
	if (!joined)
		token(w, hash_letter(HASH_BEGIN, point));
	if (w->last[joined] != 0) {
		token(w, word);
		if (w->words++ < 2 * FIRST_WORDS && w->part != PART_context)
			token(w, word ^ SALT_first);
		keep_word(w, word);
		(void)cue(w, word + LEXICON_WHOLE);
		look_up(w->f, word);
	}
	w->last[1] = w->last[0];
	w->last[0] = point;
	w->line_tokens++;
	if (w->part != PART_task)
		return;
	w->f->counts.foreign++;
	/* A word is some two characters, in Thai some four. */
	w->f->counts.words +=
	    joined ? w->line_tokens % 4 == 0 : w->line_tokens % 2 == 0;
}

/* ---- lines and marks ---- */

static void
note_line(struct walk *w)
{
	struct features *f = w->f;

	if (w->line.words > 0) {
		f->last_line = w->line;
		if (f->first_line.words == 0)
			f->first_line = w->line;
	}
	w->line = (struct line){0};
}

static void
end_line(struct walk *w)
{
	struct counts *c = &w->f->counts;

	end_word(w);
	end_marks(w);
	w->last[0] = w->last[1] = 0;
	if (w->part == PART_task) {
		note_line(w);
		c->lines++;
		c->code_lines += w->code_line;
		if (w->line_chars > c->longest_line)
			c->longest_line = w->line_chars;
	}
	w->line_chars = w->line_tokens = 0;
	w->code_line = false;
}

static void
count_mark(struct walk *w, uint32_t c)
{
	struct counts *n = &w->f->counts;
	bool question = c == '?' || c == 0xFF1F || c == 0x061F || c == 0x037E;

	w->code_line = c == ';' || c == '{' || c == '}';
	n->questions += question;
	w->line.questions += question;
	n->sentences += c == '.' || c == '!' || c == '?' || c == 0x3002 ||
			c == 0x0964 || c == 0xFF1F || c == 0x061F;
	n->operators += c == '=' || c == '+' || c == '*' || c == '/' || c == '^' ||
			c == '<' || c == '>';
	n->braces += w->code_line;
	n->brackets += c == '(' || c == ')' || c == '[' || c == ']';
	n->commas += c == ',' || c == 0x3001 || c == 0xFF0C || c == 0x060C;
	n->colons += c == ':' || c == 0xFF1A;
	n->quotes += c == '"' || (c >= 0x2018 && c <= 0x201F) || c == 0xAB ||
		     c == 0xBB || c == 0x300C;
	n->backslashes += c == '\\';
	n->dollars += c == '$' || c == 0x20AC;
	n->ticks += c == '`';
}

/* "A." or "b)" at the begin of a line is something to choose, "-" and "1." an item. */
static void
count_item(struct walk *w, uint32_t c)
{
	struct counts *n = &w->f->counts;
	bool first = w->line_tokens + w->run_len == 0 && w->len == 0;

	if (first)
		n->list_items += c == '-' || c == '*' || c == 0x2022;
	if (w->line_tokens == 0 && w->len > 0 && (c == '.' || c == ')' || c == ':')) {
		n->list_items += w->numeric;
		n->options += !w->numeric && w->len == 1;
	}
}

static void
mark(struct walk *w, uint32_t c)
{
	if (w->part == PART_task) {
		count_item(w, c);
		count_mark(w, c);
	}
	end_word(w);
	w->last[0] = w->last[1] = 0;
	if (w->run_len == 0)
		w->run = HASH_BEGIN;
	if (w->run_len < 8)
		w->run = hash_letter(w->run, c);
	w->run_len++;
}

static void
character(struct walk *w, uint32_t point)
{
	struct counts *c = &w->f->counts;
	enum letter_kind kind = letter_kind(point);
	uint32_t small;

	w->line_chars += kind != LETTER_line;
	c->chars += w->part == PART_task;
	switch (kind) {
	case LETTER_blank:
		end_word(w);
		end_marks(w);
		break;
	case LETTER_line:
		end_line(w);
		break;
	case LETTER_mark:
		mark(w, point);
		break;
	case LETTER_digit:
		begin_word(w, true);
		w->hash = hash_letter(w->hash, point & 15U);
		w->len++;
		break;
	case LETTER_dense:
	case LETTER_joined:
		dense(w, point, kind == LETTER_joined);
		break;
	default:
		small = letter_small(point);
		if (w->part == PART_task) {
			c->upper += small != point;
			c->accents += kind == LETTER_accent;
			c->foreign += kind == LETTER_foreign;
		}
		add_letter(w, small, small != point);
		break;
	}
}

/* ---- from bytes to characters ---- */

static void
byte(struct walk *w, unsigned char c)
{
	uint32_t point = c;

	if (decode_whole(&w->decode, c) || decode_byte(&w->decode, c, &point))
		character(w, point);
}

/* Most of a prompt: letters a to z behind one another. Gives their number. */
static size_t
small_letters(struct walk *w, struct str raw)
{
	uint32_t hash, len;
	size_t n = 0;

	if (raw.p[0] < 'a' || raw.p[0] > 'z' || !decode_whole(&w->decode, 'a'))
		return 0;
	begin_word(w, false);
	hash = w->hash;
	len = w->len;
	for (; n < raw.len && raw.p[n] >= 'a' && raw.p[n] <= 'z'; n++) {
		hash = hash_letter(hash, (unsigned char)raw.p[n]);
		len++;
		w->stem[len <= STEM_MOST ? len : 0] = hash;
	}
	w->hash = hash;
	w->len = len;
	w->capitals = false;
	w->line_chars += (uint32_t)n;
	if (w->part == PART_task)
		w->f->counts.chars += (uint32_t)n;
	return n;
}

void
walk_begin(struct walk *w, struct features *f, enum part part, bool plain)
{
	*w = (struct walk){.f = f, .part = part, .decode = {.plain = plain}};
}

void
walk_feed(struct walk *w, struct str raw)
{
	size_t i = 0;

	while (i < raw.len) {
		i += small_letters(w, str_skip(raw, i));
		if (i < raw.len)
			byte(w, (unsigned char)raw.p[i++]);
	}
}

void
walk_end(struct walk *w)
{
	if (w->line_chars > 0 || w->len > 0)
		end_line(w);
	/* Of a text of one line the words have been counted already. */
	for (uint32_t i = 0; i < w->line_words && w->part == PART_task; i++) {
		if (w->f->counts.lines > 1)
			token(w, w->line_word[i] ^ SALT_last);
	}
}
