/* own_books.h: price books of contracts, each read once. Private to config/. */
#ifndef CONFIG_OWN_BOOKS_H
#define CONFIG_OWN_BOOKS_H

#include "base/buf.h"
#include "build.h"
#include "config/contract.h"

struct own_books {
	struct price_book *book[CONTRACT_BOOKS];
	const char *path[CONTRACT_BOOKS];
	unsigned count;
};

/* The book at `path`, which `at` names; its rows are called CONTRACT_ID and their id.
 * NULL after a finding. It lives as long as `o`. */
const struct price_book *own_book(
    struct build *b, struct own_books *o, const char *path, struct diag_place at);

/* What is kept of all of them: under the name by which it was called, each whole text.
 * Appends nothing where there is none. */
void own_books_print(const struct own_books *o, struct buf *ret);

void own_books_fini(struct own_books *o);

#endif
