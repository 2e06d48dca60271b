/* refusals.c: counts by the hour, key and budget. */
#include "refusals.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "dates.h"

static const char refusals_sql[] =
    "SELECT kind,key,team,name,SUM(count) FROM refusal WHERE hour>=?1 AND hour<?2"
    " GROUP BY kind,key,team,name ORDER BY 5 DESC,kind,key,name";

/* Of a model or a route nobody knows: they were refused before there was one. */
static bool
can_tell(const struct ask *a)
{
	for (unsigned i = 0; i < a->filters; i++) {
		if (a->filter[i].by.dim != DIM_team && a->filter[i].by.dim != DIM_key)
			return false;
	}
	return true;
}

static bool
wanted(const struct ask *a, const struct scope *s, struct str key, struct str team)
{
	if (!scope_sees(s, key, team))
		return false;
	for (unsigned i = 0; i < a->filters; i++) {
		if (!str_is(a->filter[i].by.dim == DIM_key ? key : team,
			a->filter[i].value))
			return false;
	}
	return true;
}

static void
add(struct refusals *r, sqlite3_stmt *q)
{
	struct str kind = books_text(q, 0);
	int64_t count = sqlite3_column_int64(q, 4);
	struct refusal_line *l;
	unsigned i = 0;

	while (i < r->kinds && !str_is(kind, r->kind[i].name))
		i++;
	if (i == r->kinds && i < REFUSALS_KINDS)
		str_copy(r->kind[r->kinds++].name, sizeof(r->kind[0].name), kind);
	if (i < r->kinds)
		r->kind[i].count += count;
	if (r->tops == REFUSALS_TOP)
		return;
	l = &r->top[r->tops++];
	str_copy(l->kind, sizeof(l->kind), kind);
	str_copy(l->key, sizeof(l->key), books_text(q, 1));
	str_copy(l->team, sizeof(l->team), books_text(q, 2));
	str_copy(l->name, sizeof(l->name), books_text(q, 3));
	l->count = count;
}

bool
refusals_read(struct books *b, const struct ask *ask, const struct scope *scope,
    struct refusals *ret)
{
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q;
	bool row, ok;

	*ret = (struct refusals){0};
	if (db == NULL)
		return false;
	if (!can_tell(ask) || !books_has(db, "refusal", "count"))
		return true;
	q = books_prepare(b, db, refusals_sql);
	if (q == NULL)
		return false;
	ret->known = true;
	sqlite3_bind_int64(q, 1, ask->from_ms / HOUR_MS);
	sqlite3_bind_int64(q, 2, (ask->to_ms + HOUR_MS - 1) / HOUR_MS);
	while ((ok = books_step(b, q, &row)) && row) {
		if (wanted(ask, scope, books_text(q, 1), books_text(q, 2)))
			add(ret, q);
	}
	sqlite3_finalize(q);
	return ok;
}
