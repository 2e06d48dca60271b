/* prices.c: the price book, from YAML to rows sorted by provider, model and day. */
#include "config/prices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/util.h"
#include "row.h"
#include "value.h"

#define ARENA_BYTES ((size_t)256 << 20)

struct price_book {
	struct arena *mem;
	struct str text;
	const char *version;
	struct price_row *rows;
	size_t count;
};

struct entry {
	struct price_row row;
	const struct node *match; /* for scripts/prices-update */
	const struct node *usd, *above, *services;
};

struct above_entry {
	int64_t context;
	const struct node *usd;
};

struct book_file {
	int version;
	const char *source;
	const struct node *prices;
};

static const char *const kind_words[] = {
#define TOKEN(name, price, help) #price,
#include "core/token.def"
    NULL};

static const struct row price_rows[] = {
#include "prices.def"
    {0}};

static const struct row above_rows[] = {
    {"context", KIND_int, .flags = ROW_required, LANDS(struct above_entry, context),
	.min = 1, .max = 1e9, .shape = "200000"},
    {"usd_per_million", KIND_map, .flags = ROW_required, LANDS(struct above_entry, usd),
	.shape = "{input: \"0.40\"}"},
    {0}};

static const struct row file_rows[] = {
    {"version", KIND_int, .flags = ROW_required, LANDS(struct book_file, version),
	.min = 1, .max = 1, .shape = "1"},
    {"source", KIND_text, LANDS(struct book_file, source)},
    {"prices", KIND_any, .flags = ROW_required, LANDS(struct book_file, prices),
	.shape = "[{id: VENDOR/NAME/DAY}]"},
    {0}};

static void
read_kinds(const struct reading *r, const struct node *map, struct price_kinds *ret)
{
	for (size_t i = 0; i < TOKEN_COUNT; i++) {
		const struct node *n = node_get(map, kind_words[i]);

		ret->pusd[i] = -1;
		if (n != NULL && !value_price(n->text, &ret->pusd[i]))
			diag_error(r->d, n->at,
			    "%s: '%s' is not USD per million tokens; write a number "
			    "with at most 6 places, such as \"0.20\"",
			    n->key.p, n->text.p);
	}
	for (const struct node *n = map == NULL ? NULL : map->first; n != NULL;
	     n = n->next) {
		const char *near = diag_nearest(n->key.p, kind_words);
		size_t i = 0;

		while (i < TOKEN_COUNT && !str_is(n->key, kind_words[i]))
			i++;
		if (i == TOKEN_COUNT)
			diag_error(r->d, n->key_at,
			    "unknown kind of token '%s'; did you mean '%s'?", n->key.p,
			    near == NULL ? "input" : near);
	}
}

static void
read_above(const struct reading *r, const struct node *list, struct price_row *row)
{
	if (list == NULL)
		return;
	if (list->kind != NODE_list || list->count > nitems(row->tier)) {
		diag_error(r->d, list->at, "above: expected a list of at most %zu",
		    nitems(row->tier));
		return;
	}
	for (struct node *n = list->first; n != NULL; n = n->next) {
		struct above_entry a = {0};

		row_read(r, above_rows, n, " in above", &a);
		if (row->tiers > 0 && a.context <= row->tier[row->tiers - 1].above)
			diag_error(
			    r->d, n->at, "above: sort the list by rising context");
		row->tier[row->tiers].above = a.context;
		read_kinds(r, a.usd, &row->tier[row->tiers++].kinds);
	}
}

static void
read_services(const struct reading *r, const struct node *map, struct price_row *row)
{
	double share;

	if (map != NULL && map->count > nitems(row->service)) {
		diag_error(
		    r->d, map->at, "service_tiers: at most %zu", nitems(row->service));
		return;
	}
	for (const struct node *n = map == NULL ? NULL : map->first; n != NULL;
	     n = n->next) {
		if (!value_percent(n->text, &share) || share <= 0 || share > 100) {
			diag_error(r->d, n->at,
			    "%s: '%s' does not fit; write a percentage such as 50%%",
			    n->key.p, n->text.p);
			continue;
		}
		row->service[row->services].name = n->key.p;
		row->service[row->services++].ppm = llround(share * 1e6);
	}
}

static void
read_row(const struct reading *r, struct node *n, struct price_row *ret)
{
	struct entry e = {0};

	if (n->kind != NODE_map) {
		diag_error(
		    r->d, n->at, "prices: expected {id: …, provider: …, model: …}");
		return;
	}
	row_read(r, price_rows, n, " in a price", &e);
	if (e.row.from_s < 0)
		e.row.from_s = 0;
	if (e.row.to_s < 0)
		e.row.to_s = INT64_MAX;
	if (e.row.to_s <= e.row.from_s)
		diag_error(
		    r->d, node_place(n, "to"), "to: the day is not after `from`");
	read_kinds(r, e.usd, &e.row.kinds);
	read_above(r, e.above, &e.row);
	read_services(r, e.services, &e.row);
	*ret = e.row;
}

static int
by_place(const void *a, const void *b)
{
	const struct price_row *x = a, *y = b;
	int by = strcmp(x->provider, y->provider);

	if (by == 0)
		by = strcmp(x->model, y->model);
	return by != 0 ? by : (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

static void
read_rows(const struct reading *r, const struct node *list, struct price_book *b)
{
	if (list->kind != NODE_list) {
		diag_error(r->d, list->at, "prices: expected a list of prices");
		return;
	}
	b->rows = arena_alloc(b->mem, (list->count + 1) * sizeof(*b->rows));
	for (struct node *n = list->first; n != NULL; n = n->next)
		read_row(r, n, &b->rows[b->count++]);
}

/* Two rows may never be in force at once: which one would be right? */
static void
sort_rows(const struct reading *r, const struct node *list, struct price_book *b)
{
	qsort(b->rows, b->count, sizeof(*b->rows), by_place);
	for (size_t i = 1; i < b->count; i++) {
		const struct price_row *x = &b->rows[i - 1], *y = &b->rows[i];

		if (strcmp(x->provider, y->provider) == 0 &&
		    strcmp(x->model, y->model) == 0 && y->from_s < x->to_s)
			diag_error(r->d, list->at,
			    "prices '%s' and '%s' are in force at the same time; give "
			    "the earlier one a `to`",
			    x->id, y->id);
	}
}

static bool
is_day(const char *s)
{
	for (size_t i = 0; i < 10; i++) {
		bool dash = i == 4 || i == 7;

		if (dash ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return false;
	}
	return s[10] == '\0';
}

/* The day at the end of `source`, and what tells two books of one day apart: one word,
 * which names the book in the ledger. */
static const char *
version(struct price_book *b, const char *source)
{
	struct sha256 hash = hash_sha256(b->text);
	char hex[65];
	size_t len = source == NULL ? 0 : strlen(source);
	const char *day =
	    len >= 10 && is_day(source + len - 10) ? source + len - 10 : "undated";

	hash_sha256_hex(&hash, hex);
	return arena_printf(b->mem, "%s-%.8s", day, hex);
}

struct price_book *
price_book_parse(struct str yaml, const char *file, struct diag *d)
{
	struct price_book *b = xcalloc(1, sizeof(*b));
	size_t before = diag_errors(d);
	struct book_file f = {0};
	struct arena *nodes = arena_new(ARENA_BYTES);
	struct reading r;
	struct node *root;

	b->mem = arena_new(ARENA_BYTES);
	b->text = str_make(arena_str(b->mem, yaml), yaml.len);
	r = (struct reading){.mem = b->mem, .d = d};
	root = tree_parse(nodes, b->mem, yaml, file, d);
	if (root != NULL)
		row_read(&r, file_rows, root, " in the price book", &f);
	if (f.prices != NULL)
		read_rows(&r, f.prices, b);
	if (f.prices != NULL && diag_errors(d) == before)
		sort_rows(&r, f.prices, b);
	b->version = version(b, f.source);
	arena_free(nodes);
	if (root != NULL && diag_errors(d) == before)
		return b;
	price_book_free(b);
	return NULL;
}

void
price_book_prefix(struct price_book *b, const char *prefix)
{
	for (size_t i = 0; i < b->count; i++)
		b->rows[i].id = arena_join(b->mem, prefix, b->rows[i].id);
}

void
price_book_free(struct price_book *b)
{
	if (b == NULL)
		return;
	arena_free(b->mem);
	xfree(b);
}

const char *
price_book_version(const struct price_book *b)
{
	return b->version;
}

struct str
price_book_text(const struct price_book *b)
{
	return b->text;
}

size_t
price_book_count(const struct price_book *b)
{
	return b->count;
}

const struct price_row *
price_book_at(const struct price_book *b, size_t i)
{
	return &b->rows[i];
}

static int
compare(struct str a, const char *b)
{
	size_t len = strlen(b);
	size_t both = a.len < len ? a.len : len;
	int by = both == 0 ? 0 : memcmp(a.p, b, both);

	return by != 0 ? by : (a.len > len) - (a.len < len);
}

/* The last row that begins at `at_s` or before, of this provider and model. */
static const struct price_row *
find(const struct price_book *b, struct str provider, struct str model, int64_t at_s)
{
	size_t low = 0, high = b->count;
	const struct price_row *row;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int by = compare(provider, b->rows[mid].provider);

		if (by == 0)
			by = compare(model, b->rows[mid].model);
		if (by > 0 || (by == 0 && b->rows[mid].from_s <= at_s))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	row = &b->rows[low - 1];
	if (!str_is(provider, row->provider) || !str_is(model, row->model))
		return NULL;
	return at_s < row->to_s ? row : NULL;
}

const struct price_row *
price_book_find(
    const struct price_book *b, struct str provider, struct str model, int64_t at_s)
{
	const struct price_row *row = find(b, provider, model, at_s);
	struct str rest = model, vendor;

	if (row != NULL || !str_split(&rest, '/', &vendor))
		return row;
	return find(b, vendor, model, at_s);
}
