/* price_rows.h: a price book from inside. Private to config/. */
#ifndef CONFIG_PRICE_ROWS_H
#define CONFIG_PRICE_ROWS_H

#include "base/arena.h"
#include "config/prices.h"

struct price_book {
	struct arena *mem;
	struct str text;
	const char *version;
	struct price_row *rows; /* on the heap; sorted by price_rows_sort() */
	size_t count;
	bool whole; /* it was read without a mistake */
};

static inline bool
price_all_day(const struct price_row *row)
{
	return row->from_minute == row->to_minute;
}

bool price_same_place(const struct price_row *x, const struct price_row *y);
/* Within the hours of a row that is not for all day? */
bool price_in_hours(const struct price_row *row, int64_t at_s);
/* By provider, model and day. */
void price_rows_sort(struct price_book *b);

#endif
