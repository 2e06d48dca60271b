/* outlook_cells.c: an outlook as rows: a value has a new one when it moves. */
#include "outlook_cells.h"

#include <stdio.h>

#include "base/util.h"

/* "bytes_per_token PROVIDER", "length CLASS MODEL" */
#define CELL_BYTES 96

const char outlook_cells_sql[] =
    "INSERT OR REPLACE INTO outlook_cell(cell,number,at_ms,value,samples)"
    " VALUES(?1,?2,?3,?4,?5)";

static bool
put_cell(
    struct db *db, sqlite3_stmt *put, const char *cell, double value, double samples)
{
	db_text(put, 1, str_of(cell));
	db_real(put, 4, value);
	db_real(put, 5, samples);
	return db_run(db, put);
}

static bool
put_lengths(struct db *db, sqlite3_stmt *put, const struct outlook_model *from,
    const struct outlook_model *to)
{
	for (size_t c = 0; c < CLASS_COUNT; c++) {
		const struct outlook_length *a = &from->length[c], *b = &to->length[c];
		char cell[CELL_BYTES];

		if (a->mean == b->mean && a->samples == b->samples)
			continue;
		snprintf(cell, sizeof(cell), "length %s %s",
		    class_name((enum task_class)c), to->name);
		if (!put_cell(db, put, cell, (double)b->mean, (double)b->samples))
			return false;
	}
	return true;
}

bool
outlook_cells_put(struct db *db, sqlite3_stmt *put, const struct outlook *from,
    const struct outlook *to, int64_t at_ms)
{
	char cell[CELL_BYTES];

	sqlite3_bind_int64(put, 2, (int64_t)to->number);
	sqlite3_bind_int64(put, 3, at_ms);
	for (unsigned i = 0; i < to->providers; i++) {
		const struct outlook_provider *p = &to->provider[i];

		if (p->bytes_per_token_milli == from->provider[i].bytes_per_token_milli)
			continue;
		snprintf(cell, sizeof(cell), "bytes_per_token %s", p->name);
		if (!put_cell(db, put, cell, p->bytes_per_token_milli, 0))
			return false;
	}
	for (unsigned i = 0; i < to->models; i++) {
		if (!put_lengths(db, put, &from->model[i], &to->model[i]))
			return false;
	}
	return true;
}

/* ---- and back ---- */

static void
take_provider(struct outlook *o, struct str name, double value)
{
	struct outlook_provider *p = &o->provider[o->providers];

	if (o->providers == nitems(o->provider))
		return;
	o->providers++;
	str_copy(p->name, sizeof(p->name), name);
	p->bytes_per_token_milli = (int32_t)value;
}

static void
take_length(struct outlook *o, struct str rest, double value, double samples)
{
	struct str word;
	enum task_class c;
	unsigned i = 0;

	if (!str_split(&rest, ' ', &word) || !class_parse(word, &c))
		return;
	while (i < o->models && !str_is(rest, o->model[i].name))
		i++;
	if (i == nitems(o->model))
		return;
	if (i == o->models)
		str_copy(o->model[o->models++].name, sizeof(o->model[i].name), rest);
	o->model[i].length[c] = (struct outlook_length){(float)value, (float)samples};
}

void
outlook_cells_load(struct db *db, struct outlook *ret)
{
	sqlite3_stmt *q;
	bool row;

	*ret = (struct outlook){0};
	if (!db_prepare(db,
		"SELECT cell, MAX(number), value, samples FROM outlook_cell"
		" GROUP BY cell",
		&q))
		return;
	while (db_step(db, q, &row) && row) {
		struct str cell = str_of((const char *)sqlite3_column_text(q, 0));
		uint64_t number = (uint64_t)sqlite3_column_int64(q, 1);
		struct str kind = {0};

		(void)str_split(&cell, ' ', &kind);
		if (str_is(kind, "bytes_per_token"))
			take_provider(ret, cell, sqlite3_column_double(q, 2));
		else if (str_is(kind, "length"))
			take_length(ret, cell, sqlite3_column_double(q, 2),
			    sqlite3_column_double(q, 3));
		if (number > ret->number)
			ret->number = number;
	}
	sqlite3_finalize(q);
}
