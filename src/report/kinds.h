/* kinds.h: what of an amount was paid for which kind of token. */
#ifndef REPORT_KINDS_H
#define REPORT_KINDS_H

#include <stdbool.h>

#include "base/map.h"
#include "base/money.h"
#include "books.h"
#include "core/sets.h"
#include "facts.h"

struct price_book;

#define KINDS_TEXTS 16

/* Sums by kind; what no price of the book explains is in `other`. All together they are
 * exactly what was added. */
struct kinds {
	struct pusd_sum kind[TOKEN_COUNT], other;
	struct pusd_sum local; /* of machines that are paid by the hour */
	/* What reading prompts from a cache has saved, less what writing them there has
	 * cost: an estimate. */
	struct pusd_sum cache_saved;
	struct arena *mem;
	/* price books that the ledger keeps, the newest first */
	struct str text[KINDS_TEXTS];
	bool contracts[KINDS_TEXTS]; /* several books of contracts in one */
	unsigned texts;
	/* what of them was looked at: of a long one only single rows */
	struct price_book **book;
	unsigned books;
	struct map *row; /* id of a price -> const struct price_row * */
};

/* With every price book that the ledger keeps, the newest first. */
void kinds_init(struct kinds *k, struct books *b);
void kinds_fini(struct kinds *k);
/* Of an attempt; of a roll-up as if each of its attempts had its mean tokens, at its
 * last price. */
void kinds_add(struct kinds *k, const struct fact *f);

/* Shares an amount out by weights, the rest by the largest remainders: the parts are
 * whole and add up to the amount. False: no weight is there. */
bool kinds_share(int64_t amount, const wide weight[static TOKEN_COUNT],
    int64_t ret[static TOKEN_COUNT]);

#endif
