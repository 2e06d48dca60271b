/* seen.c: one pass over the rows. */
#include "seen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "dates.h"
#include "in_force.h"

/* The same as what the ledger thread learns from; see meter/learn*.c. */
#define TEXT_TOKENS 64
#define WARM_TOKENS 1024
#define RATE_TOKENS 32
/* Bits of attempt.flags and of request.flags. */
#define FLAG_unbilled  16
#define FLAG_tiered    32
#define FLAG_warm_hour 64
#define FLAG_stream    1

static const char rows_sql[] =
    "SELECT class.text,model.text,provider.text,tier.text,r.flags,a.flags,a.start_ms,"
    "a.expected_output,a.output,a.input_estimate,a.warm_idle_ms,a.warm_tokens,"
    "a.ttft_ms,a.total_ms,a.input_uncached,a.cache_read,a.cache_write_5m,"
    "a.cache_write_1h,a.audio_input,a.image_input"
    " FROM request r JOIN attempt a ON a.request=r.seq"
    " JOIN name class ON class.id=r.class JOIN name model ON model.id=a.model"
    " JOIN name provider ON provider.id=a.provider"
    " JOIN name tier ON tier.id=a.service_tier"
    " WHERE r.end_ms>=?1 AND r.end_ms<?2 AND a.outcome IN (?3,?5)"
    " AND a.basis=?4";

enum {
	ROW_class,
	ROW_model,
	ROW_provider,
	ROW_tier,
	ROW_flags,
	ROW_own_flags,
	ROW_start,
	ROW_expected,
	ROW_output,
	ROW_estimate,
	ROW_idle,
	ROW_warm,
	ROW_ttft,
	ROW_total,
	ROW_input, /* and the other kinds of it */
	ROW_end = ROW_input + 6
};
#define ROW_cache_read (ROW_input + 1)

/* ---- who ---- */

/* Made when it is new, of `bytes`; NULL: there is no room. */
static void *
find(struct seen *s, void *list, unsigned *count, size_t bytes, const char *name)
{
	void *found = map_get(s->by_name, str_of(name));

	if (found != NULL || *count == SEEN_MAX)
		return found;
	found = xcalloc(1, bytes);
	((void **)list)[(*count)++] = found;
	map_put(s->by_name, str_of(name), found);
	return found;
}

static struct seen_length *
length_of(struct seen *s, struct str model, enum task_class c)
{
	struct seen_length *l;
	char name[128];

	snprintf(
	    name, sizeof(name), "l%s %.*s", class_name(c), (int)model.len, model.p);
	l = find(s, s->length, &s->lengths, sizeof(*l), name);
	if (l != NULL && l->model[0] == '\0') {
		str_copy(l->model, sizeof(l->model), model);
		l->class = c;
	}
	return l;
}

static struct seen_provider *
provider_of(struct seen *s, struct str provider)
{
	struct seen_provider *p;
	char name[128];

	snprintf(name, sizeof(name), "p%.*s", (int)provider.len, provider.p);
	p = find(s, s->provider, &s->providers, sizeof(*p), name);
	if (p != NULL)
		str_copy(p->name, sizeof(p->name), provider);
	return p;
}

static struct seen_place *
place_named(struct seen *s, const char *place)
{
	struct seen_place *p;
	char name[128];

	snprintf(name, sizeof(name), "a%s", place);
	p = find(s, s->place, &s->places, sizeof(*p), name);
	if (p != NULL)
		str_copy(p->name, sizeof(p->name), str_of(place));
	return p;
}

/* ---- one row ---- */

static void
add_error(struct hist *h, double actual, double expected)
{
	hist_add(h, llround(1000 * fabs(log(actual / expected))));
}

static void
add_length(struct seen *s, sqlite3_stmt *q)
{
	int64_t expected = sqlite3_column_int64(q, ROW_expected);
	int64_t actual = books_known(q, ROW_output);
	enum task_class c;
	struct seen_length *l;

	if (actual <= 0 || !class_parse(books_text(q, ROW_class), &c))
		return;
	l = length_of(s, books_text(q, ROW_model), c);
	if (l == NULL)
		return;
	hist_add(&l->actual, actual);
	if (expected <= 0)
		return;
	l->expected += (double)expected;
	l->expected_n++;
	add_error(&l->error, (double)actual, (double)expected);
}

static void
add_provider(struct seen *s, sqlite3_stmt *q)
{
	struct seen_provider *p = provider_of(s, books_text(q, ROW_provider));
	int64_t estimate = sqlite3_column_int64(q, ROW_estimate), input = 0;
	int64_t warm = books_known(q, ROW_warm);
	int step = outlook_warm_step(books_known(q, ROW_idle));
	int kind = (sqlite3_column_int(q, ROW_own_flags) & FLAG_warm_hour) != 0
		       ? WARM_hour
		       : WARM_minutes;

	if (p == NULL)
		return;
	for (int i = ROW_input; i < ROW_end; i++)
		input += usage_known(sqlite3_column_int64(q, i));
	if (input >= TEXT_TOKENS && estimate > 0)
		add_error(&p->error, (double)input, (double)estimate);
	if (step < 0 || warm < WARM_TOKENS)
		return;
	p->warm[kind][step].n++;
	p->warm[kind][step].there +=
	    2 * usage_known(sqlite3_column_int64(q, ROW_cache_read)) >= warm;
}

/* At the usual tier, or at one that we asked for. */
static bool
place_of_row(sqlite3_stmt *q, char ret[static PACE_NAME])
{
	struct str model = books_text(q, ROW_model), at = books_text(q, ROW_provider);
	bool tiered = (sqlite3_column_int(q, ROW_own_flags) & FLAG_tiered) != 0;

	snprintf(ret, PACE_NAME, "%s%.*s at %.*s", tiered ? "tier " : "",
	    (int)model.len, model.p, (int)at.len, at.p);
	return tiered || service_asked(books_text(q, ROW_tier)) == SERVICE_standard;
}

static void
add_pace(struct seen_place *p, unsigned hour, int64_t ttft_ms, int64_t rate_milli)
{
	if (p->hour[hour] == NULL)
		p->hour[hour] = xcalloc(1, sizeof(*p->hour[hour]));
	if (ttft_ms >= 0)
		hist_add(&p->hour[hour]->ttft_ms, ttft_ms);
	if (rate_milli >= 0)
		hist_add(&p->hour[hour]->rate_milli, rate_milli);
}

/* Of streams, in which both can be told. */
static void
add_place(struct seen *s, sqlite3_stmt *q)
{
	int64_t ttft = books_known(q, ROW_ttft), total = books_known(q, ROW_total);
	int64_t output = books_known(q, ROW_output), rate = -1;
	int64_t start = sqlite3_column_int64(q, ROW_start);
	char name[PACE_NAME];
	struct seen_place *p;

	if ((sqlite3_column_int(q, ROW_flags) & FLAG_stream) == 0 || ttft < 0 ||
	    total < ttft || start < 0 || !place_of_row(q, name))
		return;
	p = place_named(s, name);
	if (p == NULL)
		return;
	if (output >= RATE_TOKENS)
		rate = output * 1000000 / (total - ttft > 5 ? total - ttft : 5);
	add_pace(p, (unsigned)(start / HOUR_MS % PACE_HOURS), ttft, rate);
	add_pace(p, PACE_HOURS, ttft, rate);
}

static void
add_row(struct seen *s, sqlite3_stmt *q)
{
	if ((sqlite3_column_int(q, ROW_own_flags) & FLAG_unbilled) != 0)
		return;
	s->answers++;
	add_length(s, q);
	add_provider(s, q);
	add_place(s, q);
}

/* ---- all ---- */

static bool
add_month(struct seen *s, struct books *b, sqlite3 *db)
{
	sqlite3_stmt *q = books_prepare(b, db, rows_sql);
	bool row, ok;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, s->ask->from_ms);
	sqlite3_bind_int64(q, 2, s->ask->to_ms);
	sqlite3_bind_int(q, 3, OUT_served);
	sqlite3_bind_int(q, 4, BASIS_reported);
	sqlite3_bind_int(q, 5, OUT_escalated);
	while ((ok = books_step(b, q, &row)) && row)
		add_row(s, q);
	sqlite3_finalize(q);
	return ok;
}

/* Who was learned of but not seen in that time is listed, too. */
static void
add_learned(struct seen *s)
{
	const struct outlook *o = &s->outlook;

	for (unsigned i = 0; i < o->models; i++) {
		for (size_t c = 0; c < CLASS_COUNT; c++) {
			if (o->model[i].length[c].samples > 0)
				(void)length_of(
				    s, str_of(o->model[i].name), (enum task_class)c);
		}
	}
	for (unsigned i = 0; i < o->providers; i++)
		(void)provider_of(s, str_of(o->provider[i].name));
	for (unsigned i = 0; i < o->paces; i++)
		(void)place_named(s, o->pace[i].name);
}

static int
by_model(const void *a, const void *b)
{
	const struct seen_length *x = *(struct seen_length *const *)a,
				 *y = *(struct seen_length *const *)b;
	int c = strcmp(x->model, y->model);

	return c != 0 ? c : (int)x->class - (int)y->class;
}

/* Both structs begin with their name. */
static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The newest one. */
static bool
take_outlook(struct seen *s, struct books *b)
{
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q = NULL;
	int64_t number = 0;
	bool row, ok;

	if (db != NULL)
		q = books_prepare(b, db, "SELECT MAX(number) FROM outlook_cell");
	if (q == NULL)
		return false;
	ok = books_step(b, q, &row);
	if (ok && row)
		number = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return ok && in_force_outlook(b, (uint64_t)number, &s->outlook);
}

bool
seen_collect(struct seen *s, struct books *b, const struct ask *ask)
{
	int last = date_month(ask->to_ms - 1);

	*s = (struct seen){.ask = ask, .by_name = map_new()};
	if (!take_outlook(s, b))
		return false;
	for (int m = date_month(ask->from_ms); m <= last; m++) {
		sqlite3 *db = books_month(b, m);

		if (db == NULL && b->why[0] == '\0')
			continue;
		if (db == NULL || !add_month(s, b, db))
			return false;
	}
	add_learned(s);
	qsort(s->length, s->lengths, sizeof(s->length[0]), by_model);
	qsort(s->provider, s->providers, sizeof(s->provider[0]), by_name);
	qsort(s->place, s->places, sizeof(s->place[0]), by_name);
	return true;
}

void
seen_fini(struct seen *s)
{
	for (unsigned i = 0; i < s->lengths; i++)
		xfree(s->length[i]);
	for (unsigned i = 0; i < s->providers; i++)
		xfree(s->provider[i]);
	for (unsigned i = 0; i < s->places; i++) {
		for (unsigned hour = 0; hour <= PACE_HOURS; hour++)
			xfree(s->place[i]->hour[hour]);
		xfree(s->place[i]);
	}
	map_free(s->by_name);
	outlook_clear(&s->outlook);
	*s = (struct seen){0};
}
