/* pattern.h: most events of a stream are the one before with other text. Such an event
 * is known by comparing, without reading its JSON again. */
#ifndef RELAY_PATTERN_H
#define RELAY_PATTERN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Strings that may vary: a text, and one that means nothing. */
#define PATTERN_VARY 2U

/* Zeroed: nothing is like it. */
struct pattern {
	unsigned varies;
	unsigned text;                 /* which of them the client reads */
	int text_id;                   /* its path's */
	size_t part[PATTERN_VARY + 1]; /* lengths of what stands around them */
	struct buf fixed;              /* and its bytes */
};

void pattern_init(struct pattern *x);
void pattern_fini(struct pattern *x);

/* From now on events are like `event`, in which the insides of the strings `vary`, in
 * order, may be others. */
void pattern_learn(
    struct pattern *x, struct str event, const struct str *vary, unsigned varies);
void pattern_forget(struct pattern *x);

/* The length of the event that [p, end) begins with, and in `*ret_text` its text (not
 * empty), when the event is whole and like the last one; else 0. */
size_t pattern_match(
    const struct pattern *x, const char *p, const char *end, struct str *ret_text);

#endif
