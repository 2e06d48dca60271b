/* kinds.c: an attempt's amount is rounded once, as a whole; here it is shared out among
 * its kinds of token in proportion to tokens times price. Factors of contract and
 * service tier are the same for all kinds, so they need not be known. */
#include "kinds.h"

#include "base/mem.h"
#include "config/contract.h"
#include "config/prices.h"
#include "core/request.h"

/* So that amount (below 2^63) times weight stays below 2^127. */
#define WEIGHT_MAX  ((wide)1 << 60)
#define TEXTS_BYTES ((size_t)64 << 20)

bool
kinds_share(int64_t amount, const wide weight[static TOKEN_COUNT],
    int64_t ret[static TOKEN_COUNT])
{
	wide w[TOKEN_COUNT], rest[TOKEN_COUNT], sum = 0;
	int64_t left = amount;
	unsigned shift = 0;

	for (size_t k = 0; k < TOKEN_COUNT; k++)
		sum += weight[k];
	if (sum <= 0)
		return false;
	while (sum >> shift > WEIGHT_MAX)
		shift++;
	sum = 0;
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		w[k] = weight[k] >> shift;
		sum += w[k];
	}
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		wide product = (wide)amount * w[k];

		ret[k] = (int64_t)(product / sum);
		rest[k] = product % sum;
		left -= ret[k];
	}
	for (; left > 0; left--) {
		size_t most = 0;

		for (size_t k = 1; k < TOKEN_COUNT; k++) {
			if (rest[k] > rest[most])
				most = k;
		}
		ret[most]++;
		rest[most] = -1;
	}
	return true;
}

void
kinds_init(struct kinds *k, struct books *b)
{
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q;
	bool row;

	*k = (struct kinds){.row = map_new(), .mem = arena_new(TEXTS_BYTES)};
	if (db == NULL)
		return;
	q = books_prepare(b, db,
	    "SELECT text, kind FROM kept WHERE kind IN ('prices', 'contracts') "
	    "ORDER BY since_ms DESC");
	while (q != NULL && k->texts < KINDS_TEXTS && books_step(b, q, &row) && row) {
		struct str text = books_text(q, 0);

		k->contracts[k->texts] = str_is(books_text(q, 1), "contracts");
		k->text[k->texts++] = str_make(arena_str(k->mem, text), text.len);
	}
	sqlite3_finalize(q);
}

void
kinds_fini(struct kinds *k)
{
	for (unsigned i = 0; i < k->books; i++)
		price_book_free(k->book[i]);
	xfree((void *)k->book);
	map_free(k->row);
	arena_free(k->mem);
	*k = (struct kinds){0};
}

static const struct price_row *
row_of(const struct price_book *book, struct str id)
{
	for (size_t n = 0; n < price_book_count(book); n++) {
		const struct price_row *row = price_book_at(book, n);

		if (str_is(id, row->id))
			return row;
	}
	return NULL;
}

/* Keeps a book as long as `k`. */
static const struct price_row *
row_kept(struct kinds *k, struct price_book *book, struct str id)
{
	const struct price_row *row = row_of(book, id);

	if (row == NULL) {
		price_book_free(book);
		return NULL;
	}
	k->book = xrealloc((void *)k->book, (k->books + 1) * sizeof(*k->book));
	k->book[k->books++] = book;
	return row;
}

static const struct price_row *
look_in(struct kinds *k, unsigned text, struct str id)
{
	struct price_book *book[CONTRACT_BOOKS];
	const struct price_row *row = NULL;
	unsigned books = 0;

	if (k->contracts[text]) {
		books = contract_books(k->text[text], book, CONTRACT_BOOKS);
	} else {
		struct diag *d = diag_new();
		const struct price_wish wish = {.id = id};

		book[0] =
		    price_book_parse_some(k->text[text], "prices.yaml", &wish, 1, d);
		books = book[0] != NULL;
		diag_free(d);
	}
	for (unsigned i = 0; i < books; i++) {
		const struct price_row *found = row_kept(k, book[i], id);

		row = row == NULL ? found : row;
	}
	return row;
}

static const struct price_row *
look_up(struct kinds *k, struct str id)
{
	bool own = str_starts(id, STR(CONTRACT_ID));
	const struct price_row *row = NULL;

	for (unsigned i = 0; i < k->texts && row == NULL; i++) {
		if (k->contracts[i] == own)
			row = look_in(k, i, id);
	}
	return row;
}

static const struct price_row *
price_of(struct kinds *k, struct str id)
{
	const struct price_row *row = map_get(k->row, id);

	if (row == NULL) {
		row = look_up(k, id);
		if (row == NULL)
			row = price_local(); /* so that it is looked up once */
		map_put(k->row, id, (void *)(uintptr_t)row);
	}
	return row;
}

/* At the price of uncached input, less the price of writing. */
static void
add_cache(struct kinds *k, const struct fact *f, const struct price_kinds *price,
    const wide weight[static TOKEN_COUNT])
{
	static const enum token_kind writes[] = {
	    TOKEN_cache_write_5m, TOKEN_cache_write_1h};
	int64_t input = price->pusd[TOKEN_input_uncached];
	wide listed = 0, saved = 0;

	for (size_t i = 0; i < TOKEN_COUNT; i++)
		listed += weight[i];
	if (listed <= 0 || input < 0)
		return;
	if (price->pusd[TOKEN_cache_read] >= 0)
		saved += (wide)f->sums.tokens[TOKEN_cache_read] *
			 (input - price->pusd[TOKEN_cache_read]);
	for (size_t i = 0; i < nitems(writes); i++) {
		if (price->pusd[writes[i]] >= 0)
			saved -= (wide)f->sums.tokens[writes[i]] *
				 (price->pusd[writes[i]] - input);
	}
	/* At the terms at which it was paid. */
	k->cache_saved.v +=
	    (wide)((double)saved * ((double)f->sums.paid.v / (double)listed));
}

/* More than one row's amount goes in parts. */
static bool
share(struct kinds *k, wide amount, const wide weight[static TOKEN_COUNT])
{
	int64_t part[TOKEN_COUNT];

	do {
		int64_t some = amount > INT64_MAX ? INT64_MAX : (int64_t)amount;

		if (!kinds_share(some, weight, part))
			return false;
		for (size_t i = 0; i < TOKEN_COUNT; i++)
			k->kind[i].v += part[i];
		amount -= some;
	} while (amount > 0);
	return true;
}

void
kinds_add(struct kinds *k, const struct fact *f)
{
	int64_t each = f->sums.attempts > 0 ? f->sums.attempts : 1;
	const struct price_kinds *price;
	wide weight[TOKEN_COUNT] = {0};
	struct usage u;

	if (str_is(f->price, price_local()->id)) {
		k->local.v += f->sums.paid.v;
		return;
	}
	for (size_t i = 0; i < TOKEN_COUNT; i++)
		u.tokens[i] = f->sums.tokens[i];
	price = price_kinds_for(price_of(k, f->price), usage_input(&u) / each);
	for (size_t i = 0; i < TOKEN_COUNT; i++) {
		if (u.tokens[i] > 0 && price->pusd[i] > 0)
			weight[i] = (wide)u.tokens[i] * price->pusd[i];
	}
	/* Less than nothing: corrections of other hours. */
	if (f->sums.paid.v >= 0 && share(k, f->sums.paid.v, weight))
		add_cache(k, f, price, weight);
	else
		k->other.v += f->sums.paid.v;
}
