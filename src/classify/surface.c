/* surface.c: counts over the pending task, in one pass, without allocation. */
#include "surface.h"

#include <assert.h>
#include <string.h>

#include "core/request.h"
#include "words.h"

/* Of a long text the head says what is wanted and the tail often says it again. */
#define HEAD_BYTES 3072
#define TAIL_BYTES 1024
#define WORD_MAX   24

struct walk {
	struct features *f;
	struct word_filter filter;
	char word[WORD_MAX];
	size_t len;
	bool line_start, code_line;
};

/* "python-funktion" is no word of the list, its parts are. */
static void
look_up(struct walk *w, struct str word)
{
	struct str rest = word, part;
	enum cue cue;

	if (word_cue(&w->filter, word, &cue)) {
		w->f->cue[cue]++;
		return;
	}
	if (memchr(word.p, '-', word.len) == NULL)
		return;
	while (str_split(&rest, '-', &part)) {
		if (part.len > 0 && word_cue(&w->filter, part, &cue))
			w->f->cue[cue]++;
	}
}

static void
end_word(struct walk *w)
{
	if (w->len == 0)
		return;
	w->f->words++;
	if (w->len < WORD_MAX)
		look_up(w, str_make(w->word, w->len));
	w->len = 0;
}

static void
end_line(struct walk *w)
{
	end_word(w);
	w->f->lines++;
	w->f->code_lines += w->code_line;
	w->line_start = true;
	w->code_line = false;
}

static void
add_to_word(struct walk *w, char c)
{
	if (w->len < WORD_MAX)
		w->word[w->len++] = c;
}

/* Capitals with accents are 0xC3 0x80 .. 0x9E in UTF-8, but for the sign of times; the
 * small ones stand 32 behind. */
static unsigned char
small_accent(const struct walk *w, unsigned char c)
{
	bool capital = c >= 0x80 && c <= 0x9E && c != 0x97;

	if (capital && w->len > 0 && (unsigned char)w->word[w->len - 1] == 0xC3)
		return (unsigned char)(c + 32);
	return c;
}

static void
on_punctuation(struct walk *w, char c)
{
	struct features *f = w->f;

	end_word(w);
	if (c == '?')
		f->questions++;
	else if (strchr("=+*/^<>", c) != NULL)
		f->operators++;
	else if (strchr("{}[];", c) != NULL)
		f->braces++;
	if (c == ';' || c == '{' || c == '}')
		w->code_line = true;
	if (w->line_start && (c == '-' || c == '*'))
		f->list_items++;
}

static void
on_byte(struct walk *w, unsigned char c)
{
	struct features *f = w->f;

	if (c >= 'A' && c <= 'Z')
		c = (unsigned char)(c + 32);
	if (c >= 'a' && c <= 'z') {
		f->latin++;
		add_to_word(w, (char)c);
	} else if (c >= 0x80) {
		f->foreign++;
		add_to_word(w, (char)small_accent(w, c));
	} else if (c >= '0' && c <= '9') {
		f->digits++;
		f->steps += w->line_start;
		end_word(w);
	} else if (c == ' ' || c == '\t') {
		end_word(w);
		return; /* leaves line_start alone: indented items are items */
	} else if (c == '-' && w->len > 0) {
		add_to_word(w, '-');
	} else {
		on_punctuation(w, (char)c);
	}
	w->line_start = false;
}

/* Most of a prompt: taken in one go. Gives their number. */
static size_t
small_letters(struct walk *w, struct str raw)
{
	size_t n = 0, room = WORD_MAX - w->len;

	while (n < raw.len && raw.p[n] >= 'a' && raw.p[n] <= 'z')
		n++;
	if (n == 0)
		return 0;
	room = n < room ? n : room;
	memcpy(w->word + w->len, raw.p, room);
	w->len += room;
	w->f->latin += (uint32_t)n;
	w->line_start = false;
	return n;
}

/* What stands behind a backslash of JSON. */
static size_t
on_escape(struct walk *w, struct str raw, size_t i)
{
	char c = i + 1 < raw.len ? raw.p[i + 1] : '\\';

	if (c == 'n') {
		end_line(w);
		return 2;
	}
	if (c == 'u') {
		w->f->foreign += 2;
		add_to_word(w, '?');
		return 6;
	}
	on_byte(w, c == 't' || c == 'r' ? ' ' : (unsigned char)c);
	return 2;
}

static void
walk_part(struct str raw, struct features *f)
{
	struct walk w = {.f = f, .line_start = true};
	size_t i = 0;

	assert(raw.p != NULL || raw.len == 0);
	word_filter_init(&w.filter);
	while (i < raw.len) {
		i += small_letters(&w, str_skip(raw, i));
		if (i == raw.len)
			break;
		if (raw.p[i] == '\\') {
			i += on_escape(&w, raw, i);
			continue;
		}
		on_byte(&w, (unsigned char)raw.p[i]);
		i++;
	}
	end_line(&w);
}

void
features_text(struct str raw, struct features *f)
{
	if (raw.len <= HEAD_BYTES + TAIL_BYTES) {
		walk_part(raw, f);
		return;
	}
	walk_part(str_make(raw.p, HEAD_BYTES), f);
	walk_part(str_make(raw.p + raw.len - TAIL_BYTES, TAIL_BYTES), f);
}

/* A short "yes, go on" or "thanks" has no task of its own. */
static bool
is_follow_up(const struct features *f)
{
	return f->words > 0 && f->words <= 12 && f->cue[CUE_follow] > 0 &&
	       f->questions == 0;
}

static void
read_message(const struct prompt *p, uint32_t message, struct features *f)
{
	for (uint32_t i = 0; i < p->count; i++) {
		if (p->pieces[i].message == message && p->pieces[i].role == ROLE_user)
			features_text(p->pieces[i].raw, f);
	}
}

/* The user's turn before `message`, or UINT32_MAX. */
static uint32_t
turn_before(const struct prompt *p, uint32_t message)
{
	for (uint32_t i = p->count; i > 0; i--) {
		const struct prompt_piece *piece = &p->pieces[i - 1];

		if (piece->role == ROLE_user && piece->message < message)
			return piece->message;
	}
	return UINT32_MAX;
}

void
features_read(const struct prompt *p, struct features *ret)
{
	uint32_t message = p->last_user, before;

	*ret = (struct features){0};
	read_message(p, message, ret);
	/* At most a few turns back: "yes" after "yes" after the plan. */
	for (int back = 0; back < 4 && is_follow_up(ret); back++) {
		before = turn_before(p, message);
		if (before == UINT32_MAX)
			break;
		message = before;
		*ret = (struct features){0};
		read_message(p, message, ret);
	}
}
