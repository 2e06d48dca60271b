/* replay_outlook.c: every change of a learned value, in order; the outlook of a moment
 * is brought forward or back from the one before. Requests come nearly in that order.
 */
#include "replay_outlook.h"

#include "base/map.h"
#include "base/mem.h"

#define NAMES_BYTES ((size_t)64 << 20)

/* Oldest first; within a number as they were written. */
static const char cells_sql[] =
    "SELECT cell,number,value,samples FROM outlook_cell ORDER BY number";

/* One cell's name and what it holds now. */
struct cell {
	struct str name;
	double value, samples;
};

struct change {
	struct cell *cell;
	uint64_t number;
	double value, samples;
	double was_value, was_samples; /* before it */
};

struct replay_outlook {
	struct outlook now;
	struct arena *mem;
	struct map *cells;
	struct change *change;
	size_t changes, room;
	size_t at; /* so many changes are in `now` */
};

static struct cell *
cell_of(struct replay_outlook *o, struct str name)
{
	struct cell *c = map_get(o->cells, name);

	if (c != NULL)
		return c;
	c = arena_alloc(o->mem, sizeof(*c));
	c->name = str_make(arena_str(o->mem, name), name.len);
	map_put(o->cells, name, c);
	return c;
}

static void
add(struct replay_outlook *o, sqlite3_stmt *q)
{
	struct cell *cell = cell_of(o, books_text(q, 0));
	struct change *c;

	if (o->changes == o->room) {
		o->room = o->room == 0 ? 4096 : 2 * o->room;
		o->change = xrealloc(o->change, o->room * sizeof(*o->change));
	}
	c = &o->change[o->changes++];
	*c = (struct change){.cell = cell,
	    .number = (uint64_t)sqlite3_column_int64(q, 1),
	    .value = sqlite3_column_double(q, 2),
	    .samples = sqlite3_column_double(q, 3),
	    .was_value = cell->value,
	    .was_samples = cell->samples};
	cell->value = c->value;
	cell->samples = c->samples;
}

struct replay_outlook *
replay_outlook_new(struct books *b)
{
	struct replay_outlook *o = xcalloc(1, sizeof(*o));
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q = db == NULL ? NULL : books_prepare(b, db, cells_sql);
	bool row, ok = q != NULL;

	o->mem = arena_new(NAMES_BYTES);
	o->cells = map_new();
	while (ok && (ok = books_step(b, q, &row)) && row)
		add(o, q);
	sqlite3_finalize(q);
	if (ok)
		return o;
	replay_outlook_free(o);
	return NULL;
}

void
replay_outlook_free(struct replay_outlook *o)
{
	if (o == NULL)
		return;
	outlook_clear(&o->now);
	map_free(o->cells);
	arena_free(o->mem);
	xfree(o->change);
	xfree(o);
}

const struct outlook *
replay_outlook_at(struct replay_outlook *o, uint64_t number)
{
	for (; o->at < o->changes && o->change[o->at].number <= number; o->at++) {
		const struct change *c = &o->change[o->at];

		outlook_cell_take(&o->now, c->cell->name, c->value, c->samples);
	}
	for (; o->at > 0 && o->change[o->at - 1].number > number; o->at--) {
		const struct change *c = &o->change[o->at - 1];

		outlook_cell_take(&o->now, c->cell->name, c->was_value, c->was_samples);
	}
	o->now.number = number;
	return &o->now;
}
