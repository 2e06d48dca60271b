/* record.c: finds one request in the months' files. */
#include "record.h"

#include <stdio.h>

#include "base/util.h"
#include "dates.h"
#include "core/request.h"

#define MEM_MAX ((size_t)1 << 20)

#define R(column) "(SELECT text FROM name WHERE id=r." #column ")"
#define A(column) "(SELECT text FROM name WHERE id=a." #column ")"

/* Months of older releases have neither decision nor basis. */
static const char kept_sql[] = "decision," R(basis);
static const char older_sql[] = "x'',''";
static const char no_budget_sql[] = ",''";
static const char budget_sql[] = "," R(budget);
static const char request_sql[] =
    "SELECT seq,start_ms,end_ms,session,complexity,confidence,outlook,baseline_pusd,"
    "baseline_success,flags,outcome,plan,%s," R(key) "," R(team) "," R(user) "," R(route) "," R(asked) "," R(
	path) "," R(class) "," R(data) "," R(mode) "," R(policy) "," R(classifier) "," R(baseline) "," R(decided) ",%s%s FROM request r WHERE id=?1";

static const char attempt_sql[] =
    "SELECT tier,contract_ppm,start_ms,outcome,http_status,basis,flags,list_pusd,"
    "amount_pusd,at_most_pusd,reasoning,input_estimate,expected_output,connect_ms,"
    "ttft_ms,total_ms,raw_usage," A(model) "," A(provider) "," A(region) "," A(
	price) "," A(served_model) "," A(service_tier) ",input_uncached,cache_read,"
						       "cache_write_5m,"
						       "cache_write_1h,audio_input,"
						       "image_input,output,"
						       "audio_output,%s,%s"
						       " FROM attempt a WHERE "
						       "request=?1 ORDER BY n";

static struct str
keep(struct record *r, struct str s)
{
	return str_make(arena_str(r->mem, s), s.len);
}

static void
read_names(struct record *r, sqlite3_stmt *q, int i)
{
	struct str *name[] = {&r->tags, &r->key, &r->team, &r->user, &r->route,
	    &r->asked, &r->path, &r->class_name, &r->data, &r->mode, &r->policy,
	    &r->classifier, &r->baseline, &r->decided};

	for (size_t n = 0; n < nitems(name); n++)
		*name[n] = keep(r, books_text(q, i++));
}

static void
read_request(struct record *r, sqlite3_stmt *q)
{
	int flags = sqlite3_column_int(q, 9);

	r->start_ms = sqlite3_column_int64(q, 1);
	r->end_ms = sqlite3_column_int64(q, 2);
	r->session = (uint64_t)sqlite3_column_int64(q, 3);
	r->complexity = sqlite3_column_double(q, 4);
	r->confidence = sqlite3_column_double(q, 5);
	r->outlook = (uint64_t)sqlite3_column_int64(q, 6);
	r->baseline_pusd = books_known(q, 7);
	r->baseline_success = sqlite3_column_double(q, 8);
	r->stream = (flags & 1) != 0;
	r->below_quality = (flags & 2) != 0;
	r->unsure = (flags & 4) != 0;
	r->pinned = (flags & 8) != 0;
	r->outcome = (enum outcome)sqlite3_column_int(q, 10);
	r->plan = keep(r,
	    str_make(sqlite3_column_blob(q, 11), (size_t)sqlite3_column_bytes(q, 11)));
	read_names(r, q, 12);
	r->decision = keep(r,
	    str_make(sqlite3_column_blob(q, 26), (size_t)sqlite3_column_bytes(q, 26)));
	r->basis = keep(r, books_text(q, 27));
	r->budget = keep(r, books_text(q, 28));
}

static sqlite3_stmt *
prepare_request(struct books *b, sqlite3 *db)
{
	char sql[1600];

	snprintf(sql, sizeof(sql), request_sql, books_tags_sql(db),
	    books_has(db, "request", "basis") ? kept_sql : older_sql,
	    books_has(db, "request", "budget") ? budget_sql : no_budget_sql);
	return books_prepare(b, db, sql);
}

static void
read_attempt_names(struct record *r, struct record_attempt *a, sqlite3_stmt *q, int i)
{
	struct str *name[] = {&a->raw_usage, &a->model, &a->provider, &a->region,
	    &a->price, &a->served_model, &a->service_tier};

	for (size_t n = 0; n < nitems(name); n++)
		*name[n] = keep(r, books_text(q, i++));
}

/* Numbers without the words between them say nothing to anybody. */
static void
read_usage(struct record *r, struct record_attempt *a, struct str shape)
{
	struct buf b;

	if (shape.len == 0)
		return;
	buf_init(&b, SLOT_RAW_USAGE);
	if (!raw_usage_join(shape, a->raw_usage, &b))
		buf_clear(&b);
	a->raw_usage = keep(r, buf_str(&b));
	buf_fini(&b);
}

static void
read_attempt(struct record *r, struct record_attempt *a, sqlite3_stmt *q)
{
	int flags = sqlite3_column_int(q, 6);
	int64_t *known[] = {&a->list_pusd, &a->amount_pusd, &a->at_most_pusd,
	    &a->reasoning, &a->input_estimate, &a->expected_output, &a->connect_ms,
	    &a->ttft_ms, &a->total_ms};

	a->tier = (enum tier)sqlite3_column_int(q, 0);
	a->contract_ppm = sqlite3_column_int64(q, 1);
	a->start_ms = sqlite3_column_int64(q, 2);
	a->outcome = (enum outcome)sqlite3_column_int(q, 3);
	a->http_status = sqlite3_column_int(q, 4);
	a->basis = (enum basis)sqlite3_column_int(q, 5);
	a->sent = (flags & 1) != 0;
	a->first_byte = (flags & 2) != 0;
	a->inconsistent = (flags & 4) != 0;
	a->unpriced = (flags & 8) != 0;
	a->unbilled = (flags & 16) != 0;
	a->flaw = (enum flaw)(flags >> 8);
	for (size_t n = 0; n < nitems(known); n++)
		*known[n] = books_known(q, 7 + (int)n);
	read_attempt_names(r, a, q, 16);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a->tokens[k] = books_known(q, 23 + (int)k);
	read_usage(r, a, books_text(q, 23 + TOKEN_COUNT));
	a->calls = books_known(q, 24 + TOKEN_COUNT);
	r->unpriced |= a->unpriced;
	if (a->amount_pusd > 0)
		r->cost.v += a->amount_pusd;
}

static bool
read_attempts(struct books *b, sqlite3 *db, int64_t seq, struct record *r)
{
	sqlite3_stmt *q;
	char sql[1200];
	bool row, ok;

	snprintf(sql, sizeof(sql), attempt_sql,
	    books_has(db, "attempt", "shape") ? A(shape) : "NULL",
	    books_has(db, "attempt", "calls") ? "calls" : "NULL");
	q = books_prepare(b, db, sql);
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, seq);
	while ((ok = books_step(b, q, &row)) && row && r->attempts < RECORD_ATTEMPTS)
		read_attempt(r, &r->attempt[r->attempts++], q);
	sqlite3_finalize(q);
	return ok;
}

/* Who said each tag, in the order of `tags`. Months of older releases do not know. */
static bool
read_sources(struct books *b, sqlite3 *db, int64_t seq, struct record *r)
{
	struct str tags = r->tags, line, name;
	sqlite3_stmt *q;
	bool row, ok = true;

	if (!books_has(db, "request", "tagset"))
		return true;
	q = books_prepare(b, db,
	    "SELECT source FROM tag WHERE name=(SELECT id FROM name WHERE text=?1)"
	    " AND value=(SELECT id FROM name WHERE text=?2)"
	    " AND request IN(?3,-(SELECT tagset FROM request WHERE seq=?3))"
	    " ORDER BY request");
	if (q == NULL)
		return false;
	while (ok && r->sources < nitems(r->source) && str_split(&tags, '\n', &line)) {
		if (!str_split(&line, '=', &name) || name.len == 0)
			continue;
		sqlite3_bind_text(q, 1, name.p, (int)name.len, SQLITE_STATIC);
		sqlite3_bind_text(q, 2, line.p, (int)line.len, SQLITE_STATIC);
		sqlite3_bind_int64(q, 3, seq);
		ok = books_step(b, q, &row);
		r->source[r->sources++] =
		    ok && row ? (enum tag_source)sqlite3_column_int(q, 0)
			      : TAG_by_nobody;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok;
}

static enum record_found
look_in(struct books *b, sqlite3 *db, const struct scope *scope, struct record *r)
{
	sqlite3_stmt *q = prepare_request(b, db);
	enum record_found found = RECORD_unreadable;
	uint8_t id[16];
	bool row;

	if (q == NULL)
		return RECORD_unreadable;
	id_bytes(r->id, id);
	sqlite3_bind_blob(q, 1, id, sizeof(id), SQLITE_TRANSIENT);
	if (!books_step(b, q, &row))
		goto out;
	found = RECORD_missing;
	if (!row)
		goto out;
	read_request(r, q);
	if (!scope_sees(scope, r->key, r->team))
		goto out;
	if (read_attempts(b, db, sqlite3_column_int64(q, 0), r) &&
	    read_sources(b, db, sqlite3_column_int64(q, 0), r) &&
	    record_read_corrections(b, db, r))
		found = RECORD_found;
	else
		found = RECORD_unreadable;
out:
	sqlite3_finalize(q);
	return found;
}

enum record_found
record_load(
    struct books *b, struct id id, const struct scope *scope, struct record *ret)
{
	/* The id says when it began; the file is that of its end. */
	int month = date_month(id_ms(id));
	enum record_found found = RECORD_missing;

	*ret = (struct record){.id = id, .mem = arena_new(MEM_MAX)};
	for (int m = month; m <= month + 1 && found == RECORD_missing; m++) {
		sqlite3 *db = books_month(b, m);

		if (db != NULL)
			found = look_in(b, db, scope, ret);
		else if (b->why[0] != '\0')
			found = RECORD_unreadable;
	}
	return found;
}

void
record_fini(struct record *r)
{
	arena_free(r->mem);
	*r = (struct record){0};
}
