/* replay_rows.c: reads requests in the order of their ends, by the index that is there
 * for it; names by number, each text once. */
#include "replay_rows.h"

#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "dates.h"

#define NAMES_BYTES ((size_t)1 << 30)
/* Names with higher numbers are looked up each time. */
#define KNOWN_MAX (1 << 20)

/* %s: what older files have no column for. */
static const char rows_sql[] =
    "SELECT r.seq,r.start_ms,r.end_ms,r.session,r.outlook,r.complexity,r.confidence,"
    "r.outcome,r.key,r.team,r.asked,r.class,r.policy,%s,r.plan,%s,%s,"
    "a.model,a.provider,a.service_tier,a.tier,a.basis,a.flags,a.amount_pusd,"
    "a.contract_ppm,a.input_estimate,a.total_ms,a.reasoning,a.input_uncached,"
    "a.cache_read,a.cache_write_5m,a.cache_write_1h,a.audio_input,a.image_input,"
    "a.output,a.audio_output"
    " FROM request r INDEXED BY request_end CROSS JOIN attempt a ON a.request=r.seq"
    " WHERE r.end_ms>=?1 AND r.end_ms<?2 AND (?3<0 OR r.team=?3) AND (?4<0 OR r.key=?4)"
    " AND (?5<0 OR r.route=?5) ORDER BY r.end_ms,r.seq,a.n";

enum {
	COL_seq,
	COL_start,
	COL_end,
	COL_session,
	COL_outlook,
	COL_complexity,
	COL_confidence,
	COL_outcome,
	COL_key,
	COL_team,
	COL_asked,
	COL_class,
	COL_policy,
	COL_basis,
	COL_plan,
	COL_tags,
	COL_decision,
	COL_model,
	COL_provider,
	COL_service,
	COL_tier,
	COL_cost_basis,
	COL_flags,
	COL_amount,
	COL_contract,
	COL_input,
	COL_total,
	COL_reasoning,
	COL_tokens,
};

/* Of an attempt's flags. */
#define FLAG_unpriced 8
#define FLAG_unbilled 16

struct replay_reader {
	struct books *books;
	const struct replay_options *o;
	struct arena *mem; /* texts */
	struct map *texts;
	int month, last;
	sqlite3_stmt *rows, *name;
	bool ready;         /* `rows` stands on an attempt that was not read yet */
	const char **names; /* of this month, by number; NULL: not asked for yet */
	size_t names_room;
};

struct replay_reader *
replay_reader_new(struct books *b, const struct replay_options *o)
{
	struct replay_reader *r = xcalloc(1, sizeof(*r));

	r->books = b;
	r->o = o;
	r->mem = arena_new(NAMES_BYTES);
	r->texts = map_new();
	r->month = date_month(o->from_ms);
	r->last = date_month(o->to_ms - 1);
	return r;
}

static void
close_month(struct replay_reader *r)
{
	sqlite3_finalize(r->rows);
	sqlite3_finalize(r->name);
	r->rows = r->name = NULL;
	r->ready = false;
	xfree(r->names);
	r->names = NULL;
	r->names_room = 0;
}

void
replay_reader_free(struct replay_reader *r)
{
	if (r == NULL)
		return;
	close_month(r);
	map_free(r->texts);
	arena_free(r->mem);
	xfree(r);
}

/* ---- names ---- */

static const char *
intern(struct replay_reader *r, struct str text)
{
	const char *known = map_get(r->texts, text);

	if (known != NULL)
		return known;
	known = arena_str(r->mem, text);
	map_put(r->texts, text, (void *)(uintptr_t)known);
	return known;
}

static void
make_room(struct replay_reader *r, size_t id)
{
	size_t room = r->names_room == 0 ? 1024 : r->names_room;

	while (room <= id)
		room *= 2;
	r->names = xrealloc((void *)r->names, room * sizeof(*r->names));
	memset((void *)(r->names + r->names_room), 0,
	    (room - r->names_room) * sizeof(*r->names));
	r->names_room = room;
}

static const char *
read_name(struct replay_reader *r, int64_t id)
{
	const char *text = "";

	sqlite3_bind_int64(r->name, 1, id);
	if (sqlite3_step(r->name) == SQLITE_ROW)
		text = intern(r, books_text(r->name, 0));
	sqlite3_reset(r->name);
	return text;
}

/* "" for a number that no name has. Numbers are given one after the other; a damaged
 * row may hold any. */
static const char *
name_of(struct replay_reader *r, int64_t id)
{
	if (id <= 0)
		return "";
	if (id > KNOWN_MAX)
		return read_name(r, id);
	if ((size_t)id >= r->names_room)
		make_room(r, (size_t)id);
	if (r->names[id] == NULL)
		r->names[id] = read_name(r, id);
	return r->names[id];
}

/* ---- a month ---- */

/* The number of a name to look for; -1: any. False: this month does not know it. */
static bool
bind_filter(struct replay_reader *r, sqlite3 *db, int i, const char *name)
{
	sqlite3_stmt *q;
	int64_t id = -1;
	bool row = false;

	if (name != NULL) {
		q = books_prepare(r->books, db, "SELECT id FROM name WHERE text=?1");
		if (q == NULL)
			return false;
		sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
		if (books_step(r->books, q, &row) && row)
			id = sqlite3_column_int64(q, 0);
		sqlite3_finalize(q);
		if (!row)
			return false;
	}
	sqlite3_bind_int64(r->rows, i, id);
	return true;
}

/* False: `why`, or nothing of what is looked for is in it. */
static bool
open_month(struct replay_reader *r, sqlite3 *db)
{
	char sql[1600];

	snprintf(sql, sizeof(sql), rows_sql,
	    books_has(db, "request", "basis") ? "r.basis" : "0", books_tags_sql(db),
	    books_has(db, "request", "decision") ? "r.decision" : "x''");
	r->name = books_prepare(r->books, db, "SELECT text FROM name WHERE id=?1");
	r->rows = books_prepare(r->books, db, sql);
	if (r->name == NULL || r->rows == NULL)
		return false;
	sqlite3_bind_int64(r->rows, 1, r->o->from_ms);
	sqlite3_bind_int64(r->rows, 2, r->o->to_ms);
	return bind_filter(r, db, 3, r->o->team) && bind_filter(r, db, 4, r->o->key) &&
	       bind_filter(r, db, 5, r->o->route) &&
	       books_step(r->books, r->rows, &r->ready);
}

/* The next month that has a row; false: there is none, or `why`. */
static bool
next_month(struct replay_reader *r)
{
	r->books->why[0] = '\0';
	while (!r->ready && r->month <= r->last) {
		sqlite3 *db;

		close_month(r);
		db = books_month(r->books, r->month++);
		if (db != NULL)
			(void)open_month(r, db);
		if (r->books->why[0] != '\0')
			return false;
	}
	return r->ready;
}

/* ---- a request ---- */

static uint16_t
copy_blob(sqlite3_stmt *q, int i, char *dst, size_t cap)
{
	const void *p = sqlite3_column_blob(q, i);
	size_t len = (size_t)sqlite3_column_bytes(q, i);

	if (p == NULL || len > cap)
		return 0;
	memcpy(dst, p, len);
	return (uint16_t)len;
}

static void
read_request(struct replay_reader *r, struct replay_row *row)
{
	sqlite3_stmt *q = r->rows;
	const char **name[] = {&row->key, &row->team, &row->asked, &row->class_name,
	    &row->policy, &row->basis};

	row->start_ms = sqlite3_column_int64(q, COL_start);
	row->end_ms = sqlite3_column_int64(q, COL_end);
	row->session = (uint64_t)sqlite3_column_int64(q, COL_session);
	row->outlook = (uint64_t)sqlite3_column_int64(q, COL_outlook);
	row->complexity = (float)sqlite3_column_double(q, COL_complexity);
	row->confidence = (float)sqlite3_column_double(q, COL_confidence);
	row->outcome = (enum outcome)sqlite3_column_int(q, COL_outcome);
	for (size_t i = 0; i < nitems(name); i++)
		*name[i] = name_of(r, sqlite3_column_int64(q, COL_key + (int)i));
	row->plan_len = copy_blob(q, COL_plan, row->plan, sizeof(row->plan));
	row->tags_len = copy_blob(q, COL_tags, row->tags, sizeof(row->tags));
	row->decision_len =
	    copy_blob(q, COL_decision, row->decision, sizeof(row->decision));
	row->attempts = 0;
	row->unpriced = false;
	row->booked = (struct pusd_sum){0};
}

static void
read_attempt(struct replay_reader *r, struct replay_row *row)
{
	sqlite3_stmt *q = r->rows;
	int flags = sqlite3_column_int(q, COL_flags);

	row->model = name_of(r, sqlite3_column_int64(q, COL_model));
	row->provider = name_of(r, sqlite3_column_int64(q, COL_provider));
	row->service_tier = name_of(r, sqlite3_column_int64(q, COL_service));
	row->tier = (enum tier)sqlite3_column_int(q, COL_tier);
	row->basis_of_cost = (enum basis)sqlite3_column_int(q, COL_cost_basis);
	row->unpriced |= (flags & FLAG_unpriced) != 0;
	row->unbilled = (flags & FLAG_unbilled) != 0;
	row->amount_pusd = books_known(q, COL_amount);
	row->contract_ppm = sqlite3_column_int64(q, COL_contract);
	row->input_estimate = sqlite3_column_int64(q, COL_input);
	row->total_ms = books_known(q, COL_total);
	row->usage.reasoning = books_known(q, COL_reasoning);
	row->usage.calls = -1;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		row->usage.tokens[k] = books_known(q, COL_tokens + (int)k);
	if (row->amount_pusd > 0)
		row->booked.v += row->amount_pusd;
	row->attempts++;
}

/* A request and all its attempts, on the first of which `rows` stands. */
static bool
read_row(struct replay_reader *r, struct replay_row *row)
{
	int64_t seq = sqlite3_column_int64(r->rows, COL_seq);

	read_request(r, row);
	do {
		read_attempt(r, row);
		if (!books_step(r->books, r->rows, &r->ready))
			return false;
	} while (r->ready && sqlite3_column_int64(r->rows, COL_seq) == seq);
	return true;
}

int
replay_reader_next(struct replay_reader *r, struct replay_row *ret, unsigned cap)
{
	unsigned n = 0;

	while (n < cap && (r->ready || next_month(r))) {
		if (!read_row(r, &ret[n]))
			return -1;
		n += r->o->model == NULL || strcmp(ret[n].model, r->o->model) == 0;
	}
	return n == 0 && r->books->why[0] != '\0' ? -1 : (int)n;
}
