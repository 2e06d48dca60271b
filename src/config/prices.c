/* prices.c: the price book, from YAML to rows sorted by provider, model and day. */
#include "config/prices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/util.h"
#include "embed.h"
#include "price_rows.h"
#include "price_select.h"
#include "row.h"
#include "value.h"

#define ARENA_BYTES ((size_t)256 << 20)

struct entry {
	struct price_row row;
	const struct node *match, *usd, *above, *services, *fees;
	const char *hours;
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

/* "16:30-00:30", of the day in UTC. */
static bool
read_minute(struct str s, int16_t *ret)
{
	struct str hour;
	int64_t h, m;

	if (s.len != 5 || !str_split(&s, ':', &hour) || !value_int(hour, &h) ||
	    !value_int(s, &m) || h > 24 || m > 59 || h * 60 + m > 24 * 60)
		return false;
	*ret = (int16_t)(h * 60 + m);
	return true;
}

static void
read_hours(const struct reading *r, const struct node *n, const char *hours,
    struct price_row *row)
{
	struct str rest = str_of(hours), from;

	if (hours == NULL)
		return;
	if (!str_split(&rest, '-', &from) || !read_minute(from, &row->from_minute) ||
	    !read_minute(rest, &row->to_minute) || row->from_minute == row->to_minute)
		diag_error(r->d, node_place(n, "hours"),
		    "hours: '%s' does not fit; write two times of day, UTC, such as "
		    "16:30-00:30",
		    hours);
}

/* In USD each. */
static void
read_fees(const struct reading *r, const struct node *map, struct price_row *row)
{
	static const char *const known[] = {"request", "web_search", NULL};
	struct pusd usd;

	row->call_pusd = -1;
	for (const struct node *n = map == NULL ? NULL : map->first; n != NULL;
	     n = n->next) {
		int64_t *fee = str_is(n->key, "request")      ? &row->request_pusd
			       : str_is(n->key, "web_search") ? &row->call_pusd
							      : NULL;
		const char *near = diag_nearest(n->key.p, known);

		if (fee == NULL)
			diag_error(r->d, n->key_at,
			    "unknown fee '%s'; did you mean '%s'?", n->key.p,
			    near == NULL ? "web_search" : near);
		else if (pusd_parse(n->text, &usd))
			*fee = usd.v;
		else
			diag_error(r->d, n->at,
			    "%s: '%s' is not an amount in USD such as \"0.01\"",
			    n->key.p, n->text.p);
	}
}

static void
read_match(const struct reading *r, const struct node *list, struct price_row *row)
{
	static const char *const none[] = {NULL};
	const char **names;
	size_t i = 0;

	row->match = none;
	if (list == NULL || list->count == 0)
		return;
	row->match = names = arena_alloc(r->mem, (list->count + 1) * sizeof(*names));
	for (const struct node *n = list->first; n != NULL; n = n->next)
		names[i++] = n->text.p;
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
	read_hours(r, n, e.hours, &e.row);
	read_fees(r, e.fees, &e.row);
	read_match(r, e.match, &e.row);
	*ret = e.row;
}

static void
read_rows(const struct reading *r, const struct node *list, struct price_book *b)
{
	if (list->kind != NODE_list) {
		diag_error(r->d, list->at, "prices: expected a list of prices");
		return;
	}
	b->rows = xcalloc(list->count + 1, sizeof(*b->rows));
	for (struct node *n = list->first; n != NULL; n = n->next)
		read_row(r, n, &b->rows[b->count++]);
}

/* Of two rows of one place, `y` not the earlier. */
static bool
both_in_force(const struct price_row *x, const struct price_row *y)
{
	if (y->from_s >= x->to_s || price_all_day(x) != price_all_day(y))
		return false;
	return price_all_day(x) || price_in_hours(x, y->from_minute * 60) ||
	       price_in_hours(y, x->from_minute * 60);
}

/* Two rows may never be in force at once: which one would be right? */
static void
sort_rows(const struct reading *r, const struct node *list, struct price_book *b)
{
	price_rows_sort(b);
	for (size_t i = 1; i < b->count; i++) {
		const struct price_row *y = &b->rows[i];

		for (size_t k = i; k > 0 && price_same_place(&b->rows[k - 1], y); k--) {
			if (both_in_force(&b->rows[k - 1], y))
				diag_error(r->d, list->at,
				    "prices '%s' and '%s' are in force at the same "
				    "time; give the earlier one a `to`",
				    b->rows[k - 1].id, y->id);
		}
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

static void
read_book(struct price_book *b, struct str yaml, const char *file, struct diag *d)
{
	struct book_file f = {0};
	size_t before = diag_errors(d);
	struct arena *nodes = arena_new(ARENA_BYTES);
	struct reading r = {.mem = b->mem, .d = d};
	struct node *root = tree_parse(nodes, b->mem, yaml, file, d);

	if (root != NULL)
		row_read(&r, file_rows, root, " in the price book", &f);
	if (f.prices != NULL)
		read_rows(&r, f.prices, b);
	if (f.prices != NULL && diag_errors(d) == before)
		sort_rows(&r, f.prices, b);
	b->version = version(b, f.source);
	b->whole = root != NULL && diag_errors(d) == before;
	arena_free(nodes);
}

/* What was cut out; where that is no book after all, nobody is told of it. */
static void
read_part(struct price_book *b, struct str yaml, const char *file)
{
	struct diag *d = diag_new();

	read_book(b, yaml, file, d);
	diag_free(d);
	if (b->whole)
		return;
	xfree(b->rows);
	b->rows = NULL;
	b->count = 0;
}

struct price_book *
price_book_parse_some(struct str yaml, const char *file, const struct price_wish *wish,
    unsigned wishes, struct diag *d)
{
	struct price_book *b = xcalloc(1, sizeof(*b));
	struct buf some;

	b->mem = arena_new(ARENA_BYTES);
	b->text = yaml;
	/* what is built in stays where it is */
	if (yaml.p != embed_prices_yaml)
		b->text = str_make(arena_str(b->mem, yaml), yaml.len);
	buf_init(&some, yaml.len + 64);
	if (wish != NULL && price_select(yaml, wish, wishes, &some))
		read_part(b, buf_str(&some), file);
	if (!b->whole)
		read_book(b, yaml, file, d);
	buf_fini(&some);
	if (b->whole)
		return b;
	price_book_free(b);
	return NULL;
}

struct price_book *
price_book_parse(struct str yaml, const char *file, struct diag *d)
{
	return price_book_parse_some(yaml, file, NULL, 0, d);
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
	xfree(b->rows);
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
