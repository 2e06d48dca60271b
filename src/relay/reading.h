/* reading.h: one JSON text on its way through the scanner: an event's data, or a body.
 * Tells the dialect of the values that it wants. */
#ifndef RELAY_READING_H
#define RELAY_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "pattern.h"
#include "stage/relay.h"

/* A value longer than this is told by its length only, however it came. */
#define READING_VALUE_MAX TAP_USAGE_MAX

struct lane;
struct reading;

/* Of a dialect's paths; stays valid as long as `t`. */
struct lane *taps_lane(struct taps *t, const struct answer_reader *a);

/* Begins a text for `t`; reading_end() or reading_give() it. */
struct reading *reading_take(struct lane *l, struct tap *t);
/* False: it is not JSON; what more comes is not looked at. */
bool reading_feed(struct reading *r, const char *p, size_t len);
/* What there was in a text. */
struct reading_found {
	bool json; /* it was one JSON object */
	/* Where the last usage object ended,
	 * just behind its brace; 0: there was none. */
	size_t usage_end;
	/* The insides of the strings that may vary in a pattern, in the piece that was
	 * fed; `alike`: they are all that may vary, and one of them is text. */
	bool alike;
	struct str vary[PATTERN_VARY];
	unsigned varies, text;
	int text_id;
};

/* The text is over; its last piece must still be there. */
void reading_end(struct reading *r, struct reading_found *ret);
void reading_give(struct reading *r); /* takes NULL */
/* Bytes of a string that somebody wants and that is not over. */
size_t reading_under_way(const struct reading *r);

#endif
