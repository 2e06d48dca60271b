/* outlook_cells.c: an outlook as rows: a value has a new one when it moves. */
#include "outlook.h"

#include <stdio.h>

#include "base/util.h"

/* "bytes_per_token PROVIDER", "warm STEP PROVIDER" and "warm_hour STEP PROVIDER",
 * "length CLASS MODEL", "cost_p99 all MODEL", "ttft_p50 HOUR MODEL at PROVIDER" and so
 * on, "frontier team|key NAME" with its month in place of samples */
#define CELL_BYTES 128

static const char *const pace_names[PACE_VALUES] = {[PACE_ttft_p50] = "ttft_p50",
    [PACE_ttft_p90] = "ttft_p90",
    [PACE_rate_p10] = "rate_p10",
    [PACE_rate_p50] = "rate_p50"};

const char outlook_cells_sql[] =
    "INSERT OR REPLACE INTO outlook_cell(cell,number,at_ms,value,samples)"
    " VALUES(?1,?2,?3,?4,?5)";

static const char *const warm_words[WARM_KINDS] = {"warm", "warm_hour"};

struct cells {
	struct db *db;
	sqlite3_stmt *put;
};

static bool
put_cell(struct cells *c, const char *cell, double value, double samples)
{
	db_text(c->put, 1, str_of(cell));
	db_real(c->put, 4, value);
	db_real(c->put, 5, samples);
	return db_run(c->db, c->put);
}

/* "KIND PART NAME", where it has moved. */
static bool
put_mean(struct cells *c, const char *kind, const char *part, const char *name,
    const struct outlook_mean mean[2])
{
	char cell[CELL_BYTES];

	if (mean[0].mean == mean[1].mean && mean[0].samples == mean[1].samples)
		return true;
	snprintf(cell, sizeof(cell), "%s %s %s", kind, part, name);
	return put_cell(c, cell, (double)mean[1].mean, (double)mean[1].samples);
}

static bool
put_model(
    struct cells *c, const struct outlook_model *from, const struct outlook_model *to)
{
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		const struct outlook_mean mean[] = {from->length[i], to->length[i]};

		if (!put_mean(
			c, "length", class_name((enum task_class)i), to->name, mean))
			return false;
	}
	return put_mean(c, "cost_p99", "all", to->name,
	    (const struct outlook_mean[]){from->cost_p99, to->cost_p99});
}

static bool
put_warmth(struct cells *c, enum warm_kind kind, const struct outlook_provider *from,
    const struct outlook_provider *to)
{
	char step[16];

	for (unsigned i = 0; i < WARM_STEPS; i++) {
		const struct outlook_mean mean[] = {
		    from->warm[kind][i], to->warm[kind][i]};

		snprintf(step, sizeof(step), "%u", i);
		if (!put_mean(c, warm_words[kind], step, to->name, mean))
			return false;
	}
	return true;
}

static bool
put_provider(struct cells *c, const struct outlook_provider *from,
    const struct outlook_provider *to)
{
	char cell[CELL_BYTES];

	snprintf(cell, sizeof(cell), "bytes_per_token %s", to->name);
	if (to->bytes_per_token_milli != from->bytes_per_token_milli &&
	    !put_cell(c, cell, to->bytes_per_token_milli, 0))
		return false;
	return put_warmth(c, WARM_minutes, from, to) &&
	       put_warmth(c, WARM_hour, from, to);
}

/* Those of one hour of the day, or of all. */
static bool
put_hour(struct cells *c, const struct outlook_pace *to, unsigned hour,
    const struct outlook_mean *from)
{
	char part[16];

	snprintf(part, sizeof(part), "%02u", hour);
	for (unsigned v = 0; v < PACE_VALUES; v++) {
		const struct outlook_mean mean[] = {
		    from != NULL ? from[v] : (struct outlook_mean){0},
		    to->hour[hour][v]};

		if (!put_mean(c, pace_names[v], part, to->name, mean))
			return false;
	}
	return true;
}

/* `from` has the same names in the same places, as far as it goes. */
static bool
put_paces(struct cells *c, const struct outlook *from, const struct outlook *to)
{
	for (unsigned i = 0; i < to->paces; i++) {
		for (unsigned hour = 0; hour <= PACE_HOURS; hour++) {
			if (!put_hour(c, &to->pace[i], hour,
				i < from->paces ? from->pace[i].hour[hour] : NULL))
				return false;
		}
	}
	return true;
}

static const char *const share_of[] = {[SHARE_team] = "team", [SHARE_key] = "key"};

/* `from` NULL: it is new. */
static bool
put_share(
    struct cells *c, const struct outlook_share *from, const struct outlook_share *to)
{
	char cell[CELL_BYTES];

	if (from != NULL && from->month == to->month && from->frontier == to->frontier)
		return true;
	snprintf(cell, sizeof(cell), "frontier %s %s", share_of[to->of], to->name);
	return put_cell(c, cell, (double)to->frontier, to->month);
}

bool
outlook_cells_put(struct db *db, sqlite3_stmt *put, const struct outlook *from,
    const struct outlook *to, int64_t at_ms)
{
	struct cells c = {db, put};

	sqlite3_bind_int64(put, 2, (int64_t)to->number);
	sqlite3_bind_int64(put, 3, at_ms);
	for (unsigned i = 0; i < to->providers; i++) {
		if (!put_provider(&c, &from->provider[i], &to->provider[i]))
			return false;
	}
	for (unsigned i = 0; i < to->models; i++) {
		if (!put_model(&c, &from->model[i], &to->model[i]))
			return false;
	}
	for (unsigned i = 0; i < to->shares; i++) {
		if (!put_share(
			&c, i < from->shares ? &from->share[i] : NULL, &to->share[i]))
			return false;
	}
	return put_paces(&c, from, to);
}

/* ---- and back ---- */

/* Made when it is new. NULL: there is no room. */
static struct outlook_provider *
provider_of(struct outlook *o, struct str name)
{
	struct outlook_provider *p;
	unsigned i = 0;

	while (i < o->providers && !str_is(name, o->provider[i].name))
		i++;
	if (i < o->providers || i == nitems(o->provider))
		return i < o->providers ? &o->provider[i] : NULL;
	p = &o->provider[o->providers++];
	str_copy(p->name, sizeof(p->name), name);
	return p;
}

static struct outlook_model *
model_of(struct outlook *o, struct str name)
{
	struct outlook_model *m;
	unsigned i = 0;

	while (i < o->models && !str_is(name, o->model[i].name))
		i++;
	if (i < o->models || i == nitems(o->model))
		return i < o->models ? &o->model[i] : NULL;
	m = &o->model[o->models++];
	str_copy(m->name, sizeof(m->name), name);
	return m;
}

static void
take_pace(struct outlook *o, struct str kind, unsigned hour, struct str name,
    struct outlook_mean mean)
{
	struct outlook_pace *p;
	unsigned v = 0;

	while (v < PACE_VALUES && !str_is(kind, pace_names[v]))
		v++;
	if (v == PACE_VALUES || hour > PACE_HOURS || name.len >= PACE_NAME)
		return;
	p = outlook_pace_make(o, name);
	if (p != NULL)
		p->hour[hour][v] = mean;
}

/* Whose share is of the oldest month, before `month`, makes room; all were kept that
 * ever had a limit. NULL: nobody does. */
static struct outlook_share *
oldest_share(struct outlook *o, int32_t month)
{
	struct outlook_share *oldest = NULL;

	for (unsigned i = 0; i < o->shares; i++) {
		if (o->share[i].month < month) {
			oldest = &o->share[i];
			month = oldest->month;
		}
	}
	return oldest;
}

static void
take_share(
    struct outlook *o, struct str of, struct str name, double value, double month)
{
	int32_t who = str_is(of, share_of[SHARE_team]) ? SHARE_team : SHARE_key;
	struct outlook_share *s;
	unsigned i = 0;

	while (
	    i < o->shares && (o->share[i].of != who || !str_is(name, o->share[i].name)))
		i++;
	s = i < nitems(o->share) ? &o->share[i] : oldest_share(o, (int32_t)month);
	if (s == NULL)
		return;
	o->shares += i == o->shares && i < nitems(o->share);
	*s = (struct outlook_share){
	    .of = who, .month = (int32_t)month, .frontier = (float)value};
	str_copy(s->name, sizeof(s->name), name);
}

void
outlook_cell_take(struct outlook *o, struct str cell, double value, double samples)
{
	struct outlook_mean mean = {(float)value, (float)samples};
	struct outlook_provider *p;
	struct outlook_model *m;
	struct str kind = {0}, part = {0};
	enum task_class c;
	uint64_t step;

	(void)str_split(&cell, ' ', &kind);
	if (str_is(kind, "bytes_per_token")) {
		p = provider_of(o, cell);
		if (p != NULL)
			p->bytes_per_token_milli = (int32_t)value;
		return;
	}
	(void)str_split(&cell, ' ', &part);
	if (str_is(kind, "length") && class_parse(part, &c)) {
		m = model_of(o, cell);
		if (m != NULL)
			m->length[c] = mean;
	}
	if (str_is(kind, "cost_p99")) {
		m = model_of(o, cell);
		if (m != NULL)
			m->cost_p99 = mean;
	}
	for (size_t i = 0; i < WARM_KINDS; i++) {
		if (!str_is(kind, warm_words[i]) || !str_to_u64(part, &step) ||
		    step >= WARM_STEPS)
			continue;
		p = provider_of(o, cell);
		if (p != NULL)
			p->warm[i][step] = mean;
	}
	if (str_is(kind, "frontier"))
		take_share(o, part, cell, value, samples);
	if (str_to_u64(part, &step) && step <= PACE_HOURS)
		take_pace(o, kind, (unsigned)step, cell, mean);
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
		uint64_t number = (uint64_t)sqlite3_column_int64(q, 1);

		outlook_cell_take(ret, str_of((const char *)sqlite3_column_text(q, 0)),
		    sqlite3_column_double(q, 2), sqlite3_column_double(q, 3));
		if (number > ret->number)
			ret->number = number;
	}
	sqlite3_finalize(q);
}
