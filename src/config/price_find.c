/* price_find.c: the price row in force. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "price_rows.h"
#include "price_select.h"

bool
price_same_place(const struct price_row *x, const struct price_row *y)
{
	return strcmp(x->provider, y->provider) == 0 && strcmp(x->model, y->model) == 0;
}

bool
price_in_hours(const struct price_row *row, int64_t at_s)
{
	int64_t minute = at_s / 60 % (24 * 60);

	if (row->from_minute <= row->to_minute)
		return minute >= row->from_minute && minute < row->to_minute;
	return minute >= row->from_minute || minute < row->to_minute;
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

void
price_rows_sort(struct price_book *b)
{
	qsort(b->rows, b->count, sizeof(*b->rows), by_place);
}

/* The row that has `name` in full, else the one that has the longest beginning of it:
 * so a name is one model. NULL: none. */
static const char *
model_of_name(const struct price_book *b, const char *provider, struct str name)
{
	const char *model = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct price_row *row = &b->rows[i];

		if (strcmp(row->provider, provider) != 0)
			continue;
		for (size_t k = 0; row->match[k] != NULL; k++) {
			size_t len = price_match(str_of(row->match[k]), name);

			if (len > longest) {
				longest = len;
				model = row->model;
			}
		}
	}
	return model;
}

const char *
price_book_key(
    const struct price_book *b, const char *provider, const char *id, struct str name)
{
	const char *model;

	for (size_t i = 0; i < b->count; i++) {
		if (strcmp(b->rows[i].provider, provider) == 0 &&
		    strcmp(b->rows[i].model, id) == 0)
			return id;
	}
	model = model_of_name(b, provider, name);
	return model != NULL ? model : id;
}

static int
compare(struct str a, const char *b)
{
	size_t len = strlen(b);
	size_t both = a.len < len ? a.len : len;
	int by = both == 0 ? 0 : memcmp(a.p, b, both);

	return by != 0 ? by : (a.len > len) - (a.len < len);
}

/* The row in force of this provider and model: one for these hours, else one for all
 * day. */
static const struct price_row *
find(const struct price_book *b, struct str provider, struct str model, int64_t at_s)
{
	size_t low = 0, high = b->count;
	const struct price_row *best = NULL;

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
	for (; low > 0; low--) {
		const struct price_row *row = &b->rows[low - 1];

		if (!str_is(provider, row->provider) || !str_is(model, row->model))
			break;
		if (at_s >= row->to_s)
			continue;
		if (!price_all_day(row) && price_in_hours(row, at_s))
			return row;
		if (price_all_day(row))
			best = row;
	}
	return best;
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
