/* scan_ask.c: what a scanner can be asked:
 * what went wrong and where, what is under way. */
#include <stdio.h>

#include "scan_state.h"

bool
scan_under_way(const struct scan *s, struct scan_value *ret)
{
	const struct scan_node *n;

	if (s->error != SCAN_ok || s->state < IN_string || s->in_key ||
	    s->node == SCAN_NONE || !s->paths->node[s->node].wanted)
		return false;
	n = &s->paths->node[s->node];
	*ret = (struct scan_value){.id = n->id, .start = s->start, .end = s->fed};
	ret->kind = s->state == IN_string   ? SCAN_string
		    : s->state == IN_number ? SCAN_number
					    : s->literal_kind;
	memcpy(ret->index, s->index, n->level * sizeof(ret->index[0]));
	return true;
}

enum scan_error
scan_error(const struct scan *s)
{
	return s->error;
}

size_t
scan_error_at(const struct scan *s)
{
	return s->error_at;
}

/* Appends and gives the new length, at most `cap`. */
static size_t
put_key(char *dst, size_t cap, size_t len, const struct scan_node *n)
{
	int k = snprintf(dst + len, cap - len, "%s%.*s", len == 0 ? "" : ".",
	    (int)n->key_len, n->key);

	return len + (size_t)k;
}

void
scan_where(const struct scan *s, char *dst, size_t cap)
{
	size_t len = 0;

	dst[0] = '\0';
	for (unsigned i = 0; i < s->depth && len < cap; i++) {
		const struct frame *f = &s->frame[i];
		int16_t inside = i + 1 < s->depth ? s->frame[i + 1].node : s->node;

		if (f->node == SCAN_NONE)
			return;
		if (f->array)
			len += (size_t)snprintf(dst + len, cap - len, "[%u]", f->index);
		else if (inside != SCAN_NONE)
			len = put_key(dst, cap, len, &s->paths->node[inside]);
		else
			return;
	}
}
