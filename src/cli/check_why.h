/* check_why.h: why a candidate of a route is never chosen, in words. */
#ifndef CLI_CHECK_WHY_H
#define CLI_CHECK_WHY_H

#include "core/request.h"
#include "verb.h"

/* What became of a candidate, over all kinds of request. */
struct why {
	unsigned asked, in; /* kinds; those in which it might serve */
	unsigned out[REASON_COUNT];
	unsigned below, unpriced; /* of `in` */
	uint64_t rules;           /* that put it out; a bit each */
	uint64_t winners;         /* models that were chosen instead, by index */
	/* candidates that cost no more and are as likely to succeed, everywhere that it
	 * is in; by their places in the route */
	uint64_t under;
	double least, most; /* expected success */
};

/* One for each candidate of the route. */
void why_begin(const struct route *r, struct why *w);
/* The plan of one kind of request; `first` NULL: nobody serves. */
void why_count(const struct route *r, const struct plan *p, const struct model *first,
    struct why *w);
/* "can never be chosen: …", "is never the first choice: …"; of one that never was. */
const char *why_text(struct cli *c, const struct snapshot *s, const struct route *r,
    unsigned i, const struct why *w);
/* There are keys, and none that may ask for the route may use a provider of the model.
 * `m` NULL: none may ask for the route. */
bool why_nobody_may(
    const struct snapshot *s, const struct route *r, const struct model *m);

#endif
