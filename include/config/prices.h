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
	/* Only between these minutes of each day, UTC; may wrap; both 0: all day. Goes
	 * before a row for all day. */
	int16_t from_minute, to_minute;
	const char *const *match; /* names at the provider; the last NULL */
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
	/* Fees, in pico-dollars, that no tier of service changes. */
	int64_t call_pusd;    /* of a search of the web, …; -1: unknown */
	int64_t request_pusd; /* of every request; 0: none */
};

struct price_book;

struct price_book *price_book_parse(struct str yaml, const char *file, struct diag *d);

/* A row that is needed: the one of this `id`, or whichever could be meant by a model at
 * a provider of the book, by its catalogue id or by its name there. */
struct price_wish {
	struct str id; /* empty: not by id */
	struct str provider, model, name;
};
/* The same with only those rows, where the text is written as scripts/prices-update
 * does (so that nobody has to find mistakes in it): a long book costs little. */
struct price_book *price_book_parse_some(struct str yaml, const char *file,
    const struct price_wish *wish, unsigned wishes, struct diag *d);

/* Puts `prefix` before the id of every row. */
void price_book_prefix(struct price_book *b, const char *prefix);
void price_book_free(struct price_book *b);
/* The day of its `source` and 8 digits of its hash: "2026-09-23-1f0c22ab". */
const char *price_book_version(const struct price_book *b);
/* The text it was read from. */
struct str price_book_text(const struct price_book *b);
size_t price_book_count(const struct price_book *b);
const struct price_row *price_book_at(const struct price_book *b, size_t i);

/* What a model is called in the book, for price_book_find(): its catalogue id where the
 * provider has a row of it; else that of a row which `match`es its name there; else the
 * id. Lives as long as the book and `id` do. */
const char *price_book_key(
    const struct price_book *b, const char *provider, const char *id, struct str name);

/* The row in force at `at_s` for a catalogue id at a provider of the
 * book; when the book has none for that provider, the row of the
 * model's own vendor. NULL: unpriced. */
const struct price_row *price_book_find(
    const struct price_book *b, struct str provider, struct str model, int64_t at_s);

#endif
