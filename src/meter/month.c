/* month.c: rows of one month, interned names, append-only. */
#include "month.h"

#include <stdio.h>
#include <string.h>

#include "base/env.h"

#include "base/util.h"

#define DAY_MS 86400000LL

/* Days to civil year and month, after Howard Hinnant, "chrono-compatible low-level date
 * algorithms": eras of 400 years that begin in March. */
int
month_of(int64_t wall_ms)
{
	int64_t z = wall_ms / DAY_MS + 719468;
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	int64_t year = yoe + era * 400 + (month <= 2);

	return (int)(year * 12 + month - 1);
}

int64_t
month_begin_ms(int number)
{
	int64_t month = number % 12 + 1, year = number / 12 - (month <= 2);
	int64_t era = year / 400, yoe = year - era * 400;
	int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;

	return days * DAY_MS;
}

void
month_path(const char *dir, int number, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s/ledger-%04d-%02d.db", dir, number / 12, number % 12 + 1);
}

int
month_parse(struct str name)
{
	struct str rest = str_skip(name, 7), year, month;
	uint64_t y, m;

	if (!str_starts(name, STR("ledger-")) || !str_split(&rest, '-', &year) ||
	    !str_split(&rest, '.', &month) || !str_is(rest, "db") || year.len != 4 ||
	    month.len != 2 || !str_to_u64(year, &y) || !str_to_u64(month, &m) ||
	    m < 1 || m > 12)
		return 0;
	return (int)(y * 12 + m - 1);
}

static void
on_file(void *arg, const char *name)
{
	struct months *m = arg;
	int number = month_parse(str_of(name));

	if (number != 0 && m->count < MONTHS_MAX)
		m->number[m->count++] = number;
}

bool
months_list(struct env *env, const char *dir, struct months *ret)
{
	ret->count = 0;
	return env->list_dir(env, dir, on_file, ret);
}

static bool
prepare(struct month *m)
{
	struct db *db = &m->db;

	return db_prepare(db, "INSERT INTO name(text) VALUES(?1)", &m->add_name) &&
	       db_prepare(db, "SELECT id FROM name WHERE text=?1", &m->find_name) &&
	       db_prepare(db, "SELECT seq FROM request WHERE id=?1", &m->find) &&
	       db_prepare(db,
		   "INSERT INTO "
		   "request(id,start_ms,end_ms,key,team,user,session,route,asked,"
		   "path,class,complexity,confidence,data,mode,policy,classifier,"
		   "outlook,"
		   "baseline,baseline_pusd,baseline_success,decided,flags,outcome,"
		   "attempts,"
		   "plan,tags,rollup_tags,seq,decision,basis,budget,"
		   "baseline_output_ppm,baseline_samples,tagset) "
		   "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,"
		   "?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,"
		   "?33,?34,?35)",
		   &m->add_request) &&
	       db_prepare(db,
		   "INSERT INTO attempt(request,n,model,provider,region,tier,price,"
		   "contract_ppm,start_ms,outcome,http_status,basis,flags,list_pusd,"
		   "amount_pusd,at_most_pusd,input_uncached,cache_read,cache_write_5m,"
		   "cache_write_1h,audio_input,image_input,output,audio_output,"
		   "reasoning,"
		   "input_estimate,expected_output,connect_ms,ttft_ms,total_ms,served_"
		   "model,"
		   "service_tier,raw_usage,warm_idle_ms,warm_tokens,granted_ms,calls,"
		   "shape) "
		   "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"
		   "?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?"
		   "29,?30,"
		   "?31,?32,?33,?34,?35,?36,?37,?38)",
		   &m->add_attempt) &&
	       db_prepare(db,
		   "INSERT OR IGNORE INTO tag(name,value,request,source) "
		   "VALUES(?1,?2,?3,?4)",
		   &m->add_tag) &&
	       db_prepare(db,
		   "SELECT source FROM tag WHERE name=?1 AND value=?2 AND request=?3",
		   &m->find_tag);
}

bool
month_open(struct month *m, const char *dir, int number)
{
	char path[4096];

	month_path(dir, number, path, sizeof(path));
	if (!db_open(&m->db, path) || !db_migrate(&m->db, "main", &schema_month))
		return false;
	/* The triggers are for everybody else. Here are plain
	 * INSERTs only, which no trigger has to refuse, and they
	 * would need a journal of their own for each. */
	sqlite3_db_config(m->db.handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	if (!prepare(m))
		return false;
	m->names = map_new();
	m->sets = map_new();
	m->number = number;
	return true;
}

void
month_close(struct month *m)
{
	char why[sizeof(m->db.why)];
	bool newer = m->db.newer;

	memcpy(why, m->db.why, sizeof(why)); /* the caller may still want to tell it */
	sqlite3_finalize(m->add_name);
	sqlite3_finalize(m->find_name);
	sqlite3_finalize(m->add_request);
	sqlite3_finalize(m->add_attempt);
	sqlite3_finalize(m->add_tag);
	sqlite3_finalize(m->find_tag);
	sqlite3_finalize(m->find);
	db_close(&m->db);
	map_free(m->names);
	map_free(m->sets);
	*m = (struct month){0};
	memcpy(m->db.why, why, sizeof(why));
	m->db.newer = newer;
}

/* ---- writing ---- */

/* The cache is bounded by forgetting it: names that a client invents (users) must not
 * fill memory. */
int64_t
month_intern(struct month *m, struct str text)
{
	intptr_t id = (intptr_t)map_get(m->names, text);
	bool row;

	if (id != 0)
		return id;
	db_text(m->find_name, 1, text);
	if (!db_step(&m->db, m->find_name, &row))
		return -1;
	if (row)
		id = (intptr_t)sqlite3_column_int64(m->find_name, 0);
	sqlite3_reset(m->find_name);
	if (!row) {
		db_text(m->add_name, 1, text);
		if (!db_run(&m->db, m->add_name))
			return -1;
		id = (intptr_t)sqlite3_last_insert_rowid(m->db.handle);
	}
	if (map_count(m->names) >= 65536)
		month_forget(m);
	map_put(m->names, text, (void *)id);
	return id;
}

static bool
bind_name(struct month *m, sqlite3_stmt *s, int i, const char *text)
{
	int64_t id = month_intern(m, str_of(text));

	sqlite3_bind_int64(s, i, id);
	return id >= 0;
}

static bool
bind_request_names(struct month *m, const struct slot_request *r)
{
	const struct {
		int i;
		const char *text;
	} names[] = {{4, r->key}, {5, r->team}, {6, r->user}, {8, r->route},
	    {9, r->asked}, {10, r->path}, {11, r->class_name}, {14, r->data},
	    {15, r->mode}, {16, r->policy}, {17, r->classifier}, {19, r->baseline},
	    {22, r->decided}, {31, r->basis}, {32, r->budget}};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		if (!bind_name(m, m->add_request, names[n].i, names[n].text))
			return false;
	}
	return true;
}

/* Nobody will want to look again at what the provider itself has told, whole. */
static bool
is_settled(const struct slot *s)
{
	for (unsigned i = 0; i < s->attempts; i++) {
		const struct slot_attempt *a = &s->attempt[i];

		if ((a->basis != BASIS_reported && a->basis != BASIS_none) ||
		    a->usage_inconsistent || a->unpriced)
			return false;
	}
	return true;
}

static bool
add_request(
    struct month *m, const struct slot *s, const uint8_t id[static 16], int64_t tagset)
{
	const struct slot_request *r = &s->request;
	sqlite3_stmt *q = m->add_request;
	bool slim = m->slim && is_settled(s);

	if (!bind_request_names(m, r))
		return false;
	sqlite3_bind_blob(q, 1, id, 16, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, r->start_ms);
	sqlite3_bind_int64(q, 3, s->end_ms);
	sqlite3_bind_int64(q, 7, (int64_t)r->session);
	db_real(q, 12, (double)r->complexity);
	db_real(q, 13, (double)r->confidence);
	sqlite3_bind_int64(q, 18, (int64_t)r->outlook);
	db_known(q, 20, r->baseline_pusd);
	db_real(q, 21, (double)r->baseline_success);
	sqlite3_bind_int(
	    q, 23, r->stream | r->below_quality << 1 | r->unsure << 2 | r->pinned << 3);
	sqlite3_bind_int(q, 24, s->outcome);
	sqlite3_bind_int(q, 25, s->attempts);
	sqlite3_bind_blob(q, 26, r->plan, slim ? 0 : r->plan_len, SQLITE_STATIC);
	sqlite3_bind_int(q, 28, r->rollup_tags_len);
	if (m->next_seq > 0)
		sqlite3_bind_int64(q, 29, m->next_seq);
	else
		sqlite3_bind_null(q, 29);
	m->next_seq = 0;
	sqlite3_bind_blob(
	    q, 30, r->decision, slim ? 0 : r->decision_len, SQLITE_STATIC);
	db_text(q, 27, str_make(r->tags, tagset > 0 ? 0 : r->tags_len));
	sqlite3_bind_int64(q, 35, tagset);
	sqlite3_bind_int64(q, 33, r->baseline_output_ppm);
	sqlite3_bind_int64(q, 34, r->baseline_samples);
	return db_run(&m->db, q);
}

static void
bind_attempt_numbers(sqlite3_stmt *q, const struct slot_attempt *a)
{
	sqlite3_bind_int(q, 6, a->tier);
	sqlite3_bind_int(q, 8, a->contract_ppm);
	sqlite3_bind_int64(q, 9, a->start_ms);
	sqlite3_bind_int(q, 10, a->outcome);
	sqlite3_bind_int(q, 11, a->http_status);
	sqlite3_bind_int(q, 12, a->basis);
	sqlite3_bind_int(q, 13,
	    (a->sent ? MONTH_sent : 0) | (a->first_byte ? MONTH_first_byte : 0) |
		(a->usage_inconsistent ? MONTH_inconsistent : 0) |
		(a->unpriced ? MONTH_unpriced : 0) |
		(a->unbilled ? MONTH_unbilled : 0) | (a->tiered ? MONTH_tiered : 0) |
		(a->warm_kind == WARM_hour ? MONTH_warm_hour : 0) |
		a->flaw * MONTH_flaw);
	db_known(q, 14, a->list_pusd);
	db_known(q, 15, a->amount_pusd);
	db_known(q, 16, a->at_most_pusd);
	for (int k = 0; k < TOKEN_COUNT; k++)
		db_known(q, 17 + k, a->tokens[k]);
	db_known(q, 25, a->reasoning);
	sqlite3_bind_int64(q, 26, a->input_estimate);
	sqlite3_bind_int64(q, 27, a->expected_output);
	db_known(q, 28, a->connect_ms);
	db_known(q, 29, a->ttft_ms);
	db_known(q, 30, a->total_ms);
	db_known(q, 34, a->warm_idle_ms);
	db_known(q, 35, a->warm_tokens);
	if (a->granted_ms > 0)
		sqlite3_bind_int64(q, 36, a->granted_ms);
	else
		sqlite3_bind_null(q, 36);
	db_known(q, 37, a->calls);
}

static bool
add_attempt(struct month *m, const struct slot *s, unsigned i, int64_t request)
{
	const struct slot_attempt *a = &s->attempt[i];
	sqlite3_stmt *q = m->add_attempt;

	if (!bind_name(m, q, 3, a->model) || !bind_name(m, q, 4, a->provider) ||
	    !bind_name(m, q, 5, a->region) || !bind_name(m, q, 7, a->price_id) ||
	    !bind_name(m, q, 31, a->served_model) ||
	    !bind_name(m, q, 32, a->service_tier))
		return false;
	sqlite3_bind_int64(q, 1, request);
	sqlite3_bind_int(q, 2, (int)i);
	bind_attempt_numbers(q, a);
	return month_bind_usage(
		   m, s, i + 1 == s->attempts && !(m->slim && is_settled(s))) &&
	       db_run(&m->db, q);
}

bool
month_add(struct month *m, const struct slot *s, int64_t *ret_seq)
{
	uint8_t id[16];
	bool there;
	int64_t seq, tagset;

	id_bytes(s->request.id, id);
	sqlite3_bind_blob(m->find, 1, id, 16, SQLITE_STATIC);
	if (!db_step(&m->db, m->find, &there))
		return false;
	if (there)
		*ret_seq = sqlite3_column_int64(m->find, 0);
	sqlite3_reset(m->find);
	if (there)
		return true;
	if (!month_bind_tags(m, &s->request, &tagset) || !add_request(m, s, id, tagset))
		return false;
	seq = sqlite3_last_insert_rowid(m->db.handle);
	for (unsigned i = 0; i < s->attempts; i++) {
		if (!add_attempt(m, s, i, seq))
			return false;
	}
	*ret_seq = seq;
	return tagset > 0 || month_add_tags(m, &s->request, seq);
}

void
month_forget(struct month *m)
{
	map_free(m->names);
	map_free(m->sets);
	m->names = map_new();
	m->sets = map_new();
}
