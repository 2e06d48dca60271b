/* provenance.h: what the figures of a summary rest on. */
#ifndef REPORT_PROVENANCE_H
#define REPORT_PROVENANCE_H

#include "ask.h"
#include "books.h"

#define PROVENANCE_MAX 64

struct provenance {
	/* Hashes, oldest first; the newest PROVENANCE_MAX of them. */
	char policy[PROVENANCE_MAX][16], prices[PROVENANCE_MAX][64];
	unsigned policies, price_books;
	int64_t corrections; /* -1: not known */
};

/* False: `b->why`. */
bool provenance_read(struct books *b, const struct ask *ask, const struct scope *scope,
    struct provenance *ret);

#endif
