/* sse.h: the framing of server-sent events (HTML standard, 9.2.6), in any pieces. */
#ifndef RELAY_SSE_H
#define RELAY_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum sse_token {
	SSE_none, /* the piece is used up */
	SSE_data, /* a part of the event's data; between its lines a line feed */
	SSE_end,  /* the blank line behind an event, or behind nothing */
};

/* Zeroed to begin a stream. */
struct sse {
	enum {
		SSE_line, /* in a field's name */
		SSE_data_blank,
		SSE_in_data,
		SSE_name_blank,
		SSE_in_name,
		SSE_skip, /* a comment, or a field that means nothing here */
	} state;
	uint8_t mark; /* bytes of the byte order mark seen; 3: it may not come */
	bool cr;      /* the last byte was a CR: a LF that follows belongs to it */
	uint8_t field_len;
	char field[6]; /* the name of the line's field, cut */
	uint8_t name_len;
	char name[24];  /* of the event, cut */
	uint32_t lines; /* of data */
};

/* Takes the next token of [*p, end) and moves `*p` behind it; `*ret` is SSE_data's. */
enum sse_token sse_next(
    struct sse *s, const char **p, const char *end, struct str *ret);

/* Forgets the event that has ended. */
static inline void
sse_begin(struct sse *s)
{
	s->name_len = 0;
	s->lines = 0;
}

#endif
