/* piece_list.h: the prompt's texts while their number is not known: the first and the
 * last ones are kept, the middle of a very long history is not. */
#ifndef PARSE_PIECE_LIST_H
#define PARSE_PIECE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "stage/parse.h"

#define PIECES_HEAD 512U
#define PIECES_TAIL 512U

struct piece {
	size_t start, end; /* of the body, without quotes */
	uint32_t message;
	enum prompt_role role;
	bool fixed; /* the role is not that of the message */
};

/* Zeroed to begin; all of it is the arena's. */
struct piece_list {
	struct piece *head, *tail; /* the tail is a ring */
	uint32_t head_cap, total;  /* total: ever added */
};

void piece_list_add(struct piece_list *l, const struct piece *p, struct arena *mem);
/* Of all pieces from number `first` on whose role is not fixed. */
void piece_list_set_role(struct piece_list *l, uint32_t first, enum prompt_role role);
void piece_list_finish(
    const struct piece_list *l, struct str body, struct arena *mem, struct prompt *ret);

#endif
