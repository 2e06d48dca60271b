/* surface.h: what can be counted in a prompt in one pass. */
#ifndef CLASSIFY_SURFACE_H
#define CLASSIFY_SURFACE_H

#include <stdint.h>

#include "base/str.h"

struct prompt;

/* Words are looked up in a small table of cues; each cue belongs to a group. */
enum cue {
#define CUE(name, help) CUE_##name,
#include "cue.def"
	CUE_COUNT
};

struct features {
	uint16_t cue[CUE_COUNT];
	uint32_t words, lines, questions, digits, operators, braces, code_lines;
	uint32_t latin, foreign;    /* letters of the two kinds */
	uint32_t list_items, steps; /* "1." and the like */
};

/* The pending task: the last turn of the user, whole when short, else head and tail;
 * when it is a mere "yes, go on", the turn before counts too. */
void features_read(const struct prompt *p, struct features *ret);

/* One text; adds to what is there. Raw JSON string content: \n and \" count as what
 * they stand for. */
void features_text(struct str raw, struct features *f);

#endif
