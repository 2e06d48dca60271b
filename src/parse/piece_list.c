/* piece_list.c: the first and the last texts of a prompt. */
#include "piece_list.h"

#include <string.h>

static struct piece *
piece_at(const struct piece_list *l, uint32_t number)
{
	if (number < PIECES_HEAD)
		return &l->head[number];
	return &l->tail[(number - PIECES_HEAD) % PIECES_TAIL];
}

/* The first number behind the head that is still there. */
static uint32_t
tail_begin(const struct piece_list *l)
{
	return l->total > PIECES_HEAD + PIECES_TAIL ? l->total - PIECES_TAIL
						    : PIECES_HEAD;
}

void
piece_list_add(struct piece_list *l, const struct piece *p, struct arena *mem)
{
	if (l->total == l->head_cap && l->head_cap < PIECES_HEAD) {
		uint32_t cap = l->head_cap == 0 ? 16 : 2 * l->head_cap;
		struct piece *head = arena_alloc(mem, cap * sizeof(*head));

		if (l->total > 0)
			memcpy(head, l->head, l->total * sizeof(*head));
		l->head = head;
		l->head_cap = cap;
	}
	if (l->total == PIECES_HEAD)
		l->tail = arena_alloc(mem, PIECES_TAIL * sizeof(*l->tail));
	*piece_at(l, l->total) = *p;
	l->total++;
}

void
piece_list_set_role(struct piece_list *l, uint32_t first, enum prompt_role role)
{
	for (uint32_t i = first; i < l->total; i++) {
		struct piece *p;

		if (i >= PIECES_HEAD && i < tail_begin(l))
			i = tail_begin(l);
		p = piece_at(l, i);
		if (!p->fixed)
			p->role = role;
	}
}

void
piece_list_finish(
    const struct piece_list *l, struct str body, struct arena *mem, struct prompt *ret)
{
	uint32_t most = PIECES_HEAD + PIECES_TAIL;
	struct prompt_piece *pieces;

	*ret = (struct prompt){.truncated = l->total > most};
	ret->count = ret->truncated ? most : l->total;
	pieces = arena_alloc(mem, (ret->count + 1) * sizeof(*pieces));
	for (uint32_t i = 0; i < ret->count; i++) {
		uint32_t number =
		    i < PIECES_HEAD ? i : tail_begin(l) + (i - PIECES_HEAD);
		const struct piece *p = piece_at(l, number);

		pieces[i] = (struct prompt_piece){
		    .raw = str_make(body.p + p->start, p->end - p->start),
		    .role = p->role,
		    .message = p->message,
		};
	}
	ret->pieces = pieces;
}
