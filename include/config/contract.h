/* contract.h: what we pay a provider: the price that the price book lists, and what our
 * contract makes of it. */
#ifndef CONFIG_CONTRACT_H
#define CONFIG_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"
#include "base/str.h"
#include "config/prices.h"

struct snapshot;
struct model;

/* In force from a day on. */
struct contract_term {
	int64_t from_s, to_s;          /* UTC; to_s exclusive; INT64_MAX: open */
	int64_t ppm;                   /* 1,000,000 less the discount */
	const struct price_book *book; /* of fixed prices; NULL: none */
};

/* A sum that we have promised to spend, or were given: no row's amount depends on it.
 */
struct contract_pool {
	int64_t usd;          /* whole dollars; 0: there is none */
	int64_t from_s, to_s; /* as above; 0: since ever */
};

struct contract {
	/* By rising day. Between two that do not meet, and before the first, what the
	 * provider says without a date. */
	const struct contract_term *term;
	unsigned terms;
	const struct price_book *book; /* without a date; NULL: none */
	struct contract_pool commitment, credits;
};

/* What is billed for a model at a moment. The list amount is by `list` at 1,000,000
 * ppm, the contract amount by `row` at `ppm`. Both NULL: unpriced. */
struct contract_price {
	const struct price_row *list;
	const struct price_row *row;
	int64_t ppm;
};

/* The prices of a model at its provider number `at`, in force at `at_s`, for providers
 * that are no machine of our own. A row of the contract's own price book, found by the
 * model's catalogue id, is a fixed price, off which no discount goes; where the public
 * book has no row, it is the list price, too. */
struct contract_price contract_price(
    const struct snapshot *s, const struct model *m, unsigned at, int64_t at_s);

/* Behind this prefix stand the ids of rows of a contract's own book. */
#define CONTRACT_ID "contract:"

/* So many price books of contracts a policy may name. */
#define CONTRACT_BOOKS 64

/* The books in what is kept of contracts (config/kept.h), up to `cap`; gives their
 * number. The caller frees each. */
unsigned contract_books(struct str kept, struct price_book **ret, unsigned cap);

#endif
