/* feature.c: which texts of a request are read, and how much of them. */
#include "feature.h"

#include <string.h>

#include "core/request.h"

void
features_init(struct features *f, const struct lexicon *lexicon)
{
	memset(f, 0, offsetof(struct features, bucket));
	memset(f->seen, 0, sizeof(f->seen));
	f->lexicon = lexicon;
}

/* The texts of one message (or of one role) as if joined, of which head and tail are
 * read. */
struct window {
	struct walk walk;
	size_t head, tail_from, at;
};

static void
window_init(struct window *x, struct features *f, enum part part, size_t bytes)
{
	size_t head = part == PART_task ? TASK_HEAD : CONTEXT_HEAD;
	size_t tail = part == PART_task ? TASK_TAIL : CONTEXT_TAIL;

	walk_begin(&x->walk, f, part, false);
	x->head = bytes <= head + tail ? bytes : head;
	x->tail_from = bytes <= head + tail ? bytes : bytes - tail;
	x->at = 0;
	f->bytes[part] += (uint32_t)bytes;
}

/* Feeds what of `raw` lies in [from, to) of the joined text. */
static void
feed_between(struct window *x, struct str raw, size_t from, size_t to)
{
	size_t begin = from > x->at ? from - x->at : 0,
	       end = to > x->at ? to - x->at : 0;

	end = end < raw.len ? end : raw.len;
	if (begin < end)
		walk_feed(&x->walk, str_make(raw.p + begin, end - begin));
}

static void
window_feed(struct window *x, struct str raw)
{
	size_t end = x->at + raw.len;

	feed_between(x, raw, 0, x->head);
	if (end > x->tail_from && x->at <= x->tail_from && x->tail_from > x->head)
		walk_end(&x->walk); /* a word does not reach across the gap */
	feed_between(x, raw, x->tail_from, SIZE_MAX);
	x->at = end;
}

/* Which pieces: those of a role, of one message or from one message on. */
struct choice {
	enum prompt_role role;
	uint32_t from, to; /* messages */
};

static bool
chosen(const struct choice *c, const struct prompt_piece *p)
{
	return p->role == c->role && p->message >= c->from && p->message <= c->to;
}

static void
read_pieces(
    struct features *f, const struct prompt *p, const struct choice *c, enum part part)
{
	struct window x;
	size_t bytes = 0;

	for (uint32_t i = 0; i < p->count; i++)
		bytes += chosen(c, &p->pieces[i]) ? p->pieces[i].raw.len : 0;
	if (bytes == 0)
		return;
	window_init(&x, f, part, bytes);
	for (uint32_t i = 0; i < p->count; i++) {
		if (!chosen(c, &p->pieces[i]))
			continue;
		window_feed(&x, p->pieces[i].raw);
		walk_end(&x.walk); /* parts of a message are no one word */
	}
}

static void
read_message(struct features *f, const struct prompt *p, enum prompt_role role,
    uint32_t message, enum part part)
{
	struct choice c = {role, message, message};

	read_pieces(f, p, &c, part);
}

/* The last message of `role` before `message`, or UINT32_MAX. */
static uint32_t
before(const struct prompt *p, enum prompt_role role, uint32_t message)
{
	for (uint32_t i = p->count; i > 0; i--) {
		const struct prompt_piece *piece = &p->pieces[i - 1];

		if (piece->role == role && piece->message < message)
			return piece->message;
	}
	return UINT32_MAX;
}

/* What a short turn behind others is about. */
static void
read_before(struct features *f, const struct prompt *p)
{
	const struct counts *c = &f->counts;
	uint32_t user = before(p, ROLE_user, p->last_user);
	uint32_t answer = before(p, ROLE_assistant, p->last_user);
	enum part part = PART_context;

	if (user == UINT32_MAX || c->words > 24)
		return;
	if (c->cue[CUE_thanks] > 0 && c->words <= 8 && c->questions == 0) {
		f->thanks = true;
		return; /* nothing is pending */
	}
	f->pending = 1;
	if (c->words <= 8 && c->cue[CUE_assent] > 0 && c->questions == 0)
		part = PART_task;
	f->follows = part == PART_task;
	/* "yes" behind "yes" behind the plan */
	for (int back = 0; part == PART_task && back < 4; back++) {
		uint32_t words = c->words;

		read_message(f, p, ROLE_user, user, part);
		if (c->words - words > 8)
			break;
		user = before(p, ROLE_user, user);
		if (user == UINT32_MAX)
			break;
	}
	if (part == PART_context)
		read_message(f, p, ROLE_user, user, part);
	if (answer != UINT32_MAX)
		read_message(f, p, ROLE_assistant, answer, PART_context);
}

void
features_read(struct features *f, const struct task *task, const struct prompt *prompt)
{
	struct choice system = {ROLE_system, 0, UINT32_MAX};
	struct choice results = {ROLE_tool, prompt->last_user, UINT32_MAX};

	read_message(f, prompt, ROLE_user, prompt->last_user, PART_task);
	read_before(f, prompt);
	read_pieces(f, prompt, &system, PART_system);
	if (task->open_tool_call)
		read_pieces(f, prompt, &results, PART_context);
}

void
features_read_text(struct features *f, struct str text)
{
	struct window x;

	window_init(&x, f, PART_task, text.len);
	x.walk.decode.plain = true;
	window_feed(&x, text);
	walk_end(&x.walk);
}
