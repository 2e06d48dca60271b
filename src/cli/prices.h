/* prices.h: the price books that `frugald prices` looks into. */
#ifndef CLI_PRICES_H
#define CLI_PRICES_H

#include <stdbool.h>

#include "config/catalogue.h"
#include "config/contract.h"
#include "config/prices.h"
#include "config/snapshot.h"
#include "verb.h"

struct price_view {
	struct snapshot *snap; /* NULL: there is no policy, the built-in books answer */
	struct catalogue *own_catalogue;
	const struct catalogue *catalogue;
	struct price_book *book; /* in whole, whatever the policy needs of it */
};

/* False: findings were printed. Close it in any case. */
bool price_view_open(struct price_view *v, struct cli *c) MUST_CHECK;
void price_view_close(struct price_view *v);

/* Days from 1970 to the day that the book's source is of; 0: it names none. */
int64_t price_book_day(const struct price_book *b);

#endif
