/* prices.h: the price book (config/prices.yaml): what a token of each kind costs at a
 * model, from when to when. Pico-dollars per token. */
#ifndef CONFIG_PRICES_H
#define CONFIG_PRICES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/money.h"
#include "base/str.h"
#include "core/sets.h"

/* Prices of all kinds; -1: unknown, which makes a line with such tokens unpriced. */
struct price_kinds {
	int64_t pusd[TOKEN_COUNT];
};

#define PRICE_TIERS_MAX 3

struct price_row {
	const char *id;       /* "openai/gpt-5.6-luna/2026-07-30" */
	const char *provider; /* of the book: openai, azure, … */
	const char *model;    /* catalogue id */
	int64_t from_s, to_s; /* UTC seconds; to_s exclusive; INT64_MAX: open */
	struct price_kinds kinds;
	/* Above so many input tokens (all kinds of input together) the whole request is
	 * priced so; sorted by start. */
	struct {
		int64_t above;
		struct price_kinds kinds;
	} tier[PRICE_TIERS_MAX];
	unsigned tiers;
	/* Factor of a service tier in parts per million, as served. */
	struct {
		const char *name;
		int64_t ppm;
	} service[4];
	unsigned services;
};

struct price_book;

struct price_book *price_book_parse(struct str yaml, const char *file, struct diag *d);
/* Puts `prefix` before the id of every row. */
void price_book_prefix(struct price_book *b, const char *prefix);
void price_book_free(struct price_book *b);
/* The day of its `source` and 8 digits of its hash: "2026-09-23-1f0c22ab". */
const char *price_book_version(const struct price_book *b);
/* The text it was read from. */
struct str price_book_text(const struct price_book *b);
size_t price_book_count(const struct price_book *b);
const struct price_row *price_book_at(const struct price_book *b, size_t i);

/* The row in force at `at_s` for a catalogue id at a provider of the
 * book; when the book has none for that provider, the row of the
 * model's own vendor. NULL: unpriced. */
const struct price_row *price_book_find(
    const struct price_book *b, struct str provider, struct str model, int64_t at_s);

#endif
