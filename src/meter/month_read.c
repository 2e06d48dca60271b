/* month_read.c: rows back into slots, by two cursors that walk side by side; names are
 * looked up once. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "month.h"
#include "month_scan.h"

#define NAMES_MAX (1U << 24)

static const char requests_sql[] =
    "SELECT seq, end_ms, team, key, user, session, route, class,"
    " CASE tagset WHEN 0 THEN tags ELSE (SELECT text FROM name WHERE id=tagset) END,"
    " rollup_tags,"
    " outcome, attempts, baseline_pusd, baseline, start_ms, basis, id, policy,"
    " baseline_output_ppm, baseline_samples FROM request WHERE seq>?1 ORDER BY seq";

static const char attempts_sql[] =
    "SELECT request, model, provider, tier, outcome, basis, flags, list_pusd,"
    " amount_pusd, at_most_pusd, reasoning, ttft_ms, total_ms, input_uncached,"
    " cache_read, cache_write_5m, cache_write_1h, audio_input, image_input, output,"
    " audio_output, start_ms, granted_ms, calls, price, contract_ppm, input_estimate,"
    " expected_output, service_tier, http_status, served_model FROM attempt"
    " WHERE request>?1 ORDER BY request, n";

bool
month_scan_open(struct month_scan *s, struct db *db, int64_t seq)
{
	*s = (struct month_scan){.db = db};
	if (!db_prepare(db, requests_sql, &s->requests) ||
	    !db_prepare(db, attempts_sql, &s->attempts) ||
	    !db_prepare(db, "SELECT text FROM name WHERE id=?1", &s->name))
		return false;
	sqlite3_bind_int64(s->requests, 1, seq);
	sqlite3_bind_int64(s->attempts, 1, seq);
	return db_step(db, s->attempts, &s->attempt_there);
}

void
month_scan_close(struct month_scan *s)
{
	sqlite3_finalize(s->requests);
	sqlite3_finalize(s->attempts);
	sqlite3_finalize(s->name);
	for (size_t i = 0; i < s->texts; i++)
		xfree(s->text[i]);
	xfree(s->text);
	*s = (struct month_scan){0};
}

/* ---- texts ---- */

static bool
damaged(struct month_scan *s, const char *what)
{
	snprintf(
	    s->db->why, sizeof(s->db->why), "request %lld %s", (long long)s->seq, what);
	return false;
}

static bool
load_text(struct month_scan *s, int64_t id)
{
	bool row;

	sqlite3_bind_int64(s->name, 1, id);
	if (!db_step(s->db, s->name, &row))
		return false;
	if (row)
		s->text[id] = xmemdup(sqlite3_column_text(s->name, 0),
		    (size_t)sqlite3_column_bytes(s->name, 0));
	sqlite3_reset(s->name);
	return row || damaged(s, "names a text that is not there");
}

static bool
text_of(struct month_scan *s, int64_t id, char *dst, size_t cap)
{
	if (id < 0 || id >= NAMES_MAX)
		return damaged(s, "names a text that cannot be");
	if ((size_t)id >= s->texts) {
		size_t room = (size_t)id * 2 + 64;

		s->text = xrealloc(s->text, room * sizeof(*s->text));
		memset(s->text + s->texts, 0, (room - s->texts) * sizeof(*s->text));
		s->texts = room;
	}
	/* In files from before a column there is no id: the text is empty. */
	if (id > 0 && s->text[id] == NULL && !load_text(s, id))
		return false;
	if (id > 0)
		str_copy(dst, cap, str_of(s->text[id]));
	return true;
}

/* They may fill their place to the last byte. */
static void
tags_at(sqlite3_stmt *q, int i, struct slot_request *r)
{
	size_t bytes = (size_t)sqlite3_column_bytes(q, i);

	if (bytes > sizeof(r->tags))
		bytes = sizeof(r->tags);
	if (bytes > 0)
		memcpy(r->tags, sqlite3_column_text(q, i), bytes);
	r->tags_len = (uint16_t)bytes;
}

static int64_t
known_at(sqlite3_stmt *q, int i)
{
	return sqlite3_column_type(q, i) == SQLITE_NULL ? -1
							: sqlite3_column_int64(q, i);
}

/* ---- one row ---- */

static struct id
id_at(sqlite3_stmt *q, int i)
{
	const unsigned char *p = sqlite3_column_blob(q, i);
	struct id id = {0};

	for (int k = 0; p != NULL && sqlite3_column_bytes(q, i) == 16 && k < 8; k++) {
		id.hi = id.hi << 8 | p[k];
		id.lo = id.lo << 8 | p[8 + k];
	}
	return id;
}

static bool
read_names(struct month_scan *s, struct slot_request *r)
{
	const struct {
		int i;
		char *to;
		size_t cap;
	} names[] = {
	    {2, r->team, sizeof(r->team)},
	    {3, r->key, sizeof(r->key)},
	    {4, r->user, sizeof(r->user)},
	    {6, r->route, sizeof(r->route)},
	    {7, r->class_name, sizeof(r->class_name)},
	    {13, r->baseline, sizeof(r->baseline)},
	    {15, r->basis, sizeof(r->basis)},
	    {17, r->policy, sizeof(r->policy)},
	};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		if (!text_of(s, sqlite3_column_int64(s->requests, names[n].i),
			names[n].to, names[n].cap))
			return false;
	}
	return true;
}

static bool
read_request(struct month_scan *s)
{
	struct slot_request *r = &s->slot.request;
	sqlite3_stmt *q = s->requests;
	int rolled = sqlite3_column_int(q, 9);

	s->slot = (struct slot){0};
	s->seq = sqlite3_column_int64(q, 0);
	s->slot.end_ms = sqlite3_column_int64(q, 1);
	r->session = (uint64_t)sqlite3_column_int64(q, 5);
	tags_at(q, 8, r);
	if (rolled > 0 && (size_t)rolled <= sizeof(r->tags))
		r->rollup_tags_len = (uint16_t)rolled;
	s->slot.outcome = (uint16_t)sqlite3_column_int(q, 10);
	s->slot.attempts = (uint16_t)sqlite3_column_int(q, 11);
	r->baseline_pusd = known_at(q, 12);
	r->start_ms = sqlite3_column_int64(q, 14);
	r->id = id_at(q, 16);
	s->old = sqlite3_column_type(q, 18) == SQLITE_NULL;
	r->baseline_output_ppm =
	    s->old ? 1000000U : (uint32_t)sqlite3_column_int64(q, 18);
	r->baseline_samples = (uint32_t)sqlite3_column_int64(q, 19);
	return read_names(s, r);
}

static bool
read_attempt(struct month_scan *s, struct slot_attempt *a)
{
	sqlite3_stmt *q = s->attempts;
	int flags = sqlite3_column_int(q, 6);

	*a = (struct slot_attempt){0};
	a->tier = (uint8_t)sqlite3_column_int(q, 3);
	a->outcome = (uint16_t)sqlite3_column_int(q, 4);
	a->basis = (uint8_t)sqlite3_column_int(q, 5);
	a->sent = (flags & MONTH_sent) != 0;
	a->first_byte = (flags & MONTH_first_byte) != 0;
	a->unpriced = (flags & MONTH_unpriced) != 0;
	a->unbilled = (flags & MONTH_unbilled) != 0;
	a->tiered = (flags & MONTH_tiered) != 0;
	a->list_pusd = known_at(q, 7);
	a->amount_pusd = known_at(q, 8);
	a->at_most_pusd = known_at(q, 9);
	a->reasoning = known_at(q, 10);
	a->ttft_ms = (int32_t)known_at(q, 11);
	a->total_ms = (int32_t)known_at(q, 12);
	for (int k = 0; k < TOKEN_COUNT; k++)
		a->tokens[k] = known_at(q, 13 + k);
	a->start_ms = sqlite3_column_int64(q, 21);
	a->granted_ms = sqlite3_column_int64(q, 22);
	a->calls = (int32_t)known_at(q, 23);
	a->contract_ppm = sqlite3_column_int(q, 25);
	a->input_estimate = sqlite3_column_int64(q, 26);
	a->expected_output = sqlite3_column_int64(q, 27);
	a->http_status = (int16_t)sqlite3_column_int(q, 29);
	return text_of(s, sqlite3_column_int64(q, 1), a->model, sizeof(a->model)) &&
	       text_of(
		   s, sqlite3_column_int64(q, 2), a->provider, sizeof(a->provider)) &&
	       text_of(
		   s, sqlite3_column_int64(q, 24), a->price_id, sizeof(a->price_id)) &&
	       text_of(s, sqlite3_column_int64(q, 28), a->service_tier,
		   sizeof(a->service_tier)) &&
	       text_of(s, sqlite3_column_int64(q, 30), a->served_model,
		   sizeof(a->served_model));
}

/* The one that answered stays, with the money of the one before it. */
static bool
read_beyond(struct month_scan *s)
{
	struct slot_attempt *last = &s->slot.attempt[SLOT_ATTEMPTS - 1];

	if (s->attempts_seen != SLOT_ATTEMPTS)
		return damaged(s, "has more attempts than can be");
	s->beyond[0] = *last;
	if (!read_attempt(s, last))
		return false;
	s->beyond[1] = *last;
	last->list_pusd =
	    usage_known(last->list_pusd) + usage_known(s->beyond[0].list_pusd);
	last->amount_pusd =
	    usage_known(last->amount_pusd) + usage_known(s->beyond[0].amount_pusd);
	return true;
}

static bool
read_attempts(struct month_scan *s)
{
	while (s->attempt_there) {
		int64_t request = sqlite3_column_int64(s->attempts, 0);
		bool ok;

		if (request > s->seq)
			break;
		if (request < s->seq)
			return damaged(s, "follows an attempt that has no request");
		ok = s->attempts_seen < SLOT_ATTEMPTS
			 ? read_attempt(s, &s->slot.attempt[s->attempts_seen])
			 : read_beyond(s);
		if (!ok)
			return false;
		s->attempts_seen++;
		if (!db_step(s->db, s->attempts, &s->attempt_there))
			return false;
	}
	if (s->attempts_seen != s->slot.attempts)
		return damaged(s, "has not the attempts that it says");
	if (s->slot.attempts > SLOT_ATTEMPTS)
		s->slot.attempts = SLOT_ATTEMPTS;
	return true;
}

bool
month_scan_next(struct month_scan *s, bool *ret_row)
{
	s->attempts_seen = 0;
	if (!db_step(s->db, s->requests, ret_row))
		return false;
	return !*ret_row || (read_request(s) && read_attempts(s));
}

/* ---- what the store needs ---- */

bool
month_each(struct month *m, int64_t seq,
    bool (*each)(void *arg, int64_t seq, const struct slot *s), void *arg)
{
	struct month_scan *s = xcalloc(1, sizeof(*s));
	bool row = true, ok = month_scan_open(s, &m->db, seq);

	while (ok && (ok = month_scan_next(s, &row)) && row)
		ok = each(arg, s->seq, &s->slot);
	month_scan_close(s);
	xfree(s);
	return ok;
}

bool
month_last(struct month *m, int64_t *ret_seq)
{
	sqlite3_stmt *q;
	bool row, ok;

	if (!db_prepare(&m->db, "SELECT MAX(seq) FROM request", &q))
		return false;
	ok = db_step(&m->db, q, &row);
	if (ok)
		*ret_seq = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return ok;
}
