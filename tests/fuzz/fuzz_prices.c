/* libs: base config core */
/* fuzz_prices.c: any text as a price book: rows or findings; and the rows that are cut
 * out of it are those that the whole book gives. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "config/prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ROWS_MOST 24

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
same(const struct price_row *a, const struct price_row *b)
{
	must((a == NULL) == (b == NULL));
	if (a == NULL)
		return;
	must(strcmp(a->id, b->id) == 0 && a->from_s == b->from_s && a->to_s == b->to_s);
	must(memcmp(&a->kinds, &b->kinds, sizeof(a->kinds)) == 0);
	must(a->tiers == b->tiers && a->services == b->services);
	must(a->call_pusd == b->call_pusd && a->request_pusd == b->request_pusd);
}

static void
check_some(struct str text, const struct price_book *book, const struct price_row *row)
{
	const struct price_wish wish[] = {{.provider = str_of(row->provider),
	    .model = str_of(row->model),
	    .name = str_of(row->match[0] == NULL ? "x" : row->match[0])}};
	struct diag *d = diag_new();
	struct price_book *some = price_book_parse_some(text, "some.yaml", wish, 1, d);
	int64_t from = row->from_s;

	must(some != NULL && diag_errors(d) == 0);
	for (int64_t at = from; at < from + 86400; at += 3571)
		same(price_book_find(some, wish->provider, wish->model, at),
		    price_book_find(book, wish->provider, wish->model, at));
	must(strcmp(price_book_key(some, row->provider, "none", wish->name),
		 price_book_key(book, row->provider, "none", wish->name)) == 0);
	price_book_free(some);
	diag_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = str_make((const char *)data, len);
	struct diag *d = diag_new();
	struct price_book *book = price_book_parse(text, "book.yaml", d);

	must((book == NULL) == (diag_errors(d) > 0));
	for (size_t i = 0; book != NULL && i < price_book_count(book) && i < ROWS_MOST;
	     i++)
		check_some(text, book, price_book_at(book, i));
	price_book_free(book);
	diag_free(d);
	return 0;
}
