/* month_read.c: rows back into slots, for roll-ups that have to be made again. */
#include <string.h>

#include "base/mem.h"
#include "month.h"

static const char requests_sql[] =
    "SELECT r.seq, r.end_ms, team.text, key.text, route.text, class.text, r.tags,"
    " r.rollup_tags, r.outcome, r.attempts, r.baseline_pusd,"
    " baseline.text, r.baseline_output_ppm, r.baseline_samples FROM request r"
    " JOIN name team ON team.id=r.team JOIN name key ON key.id=r.key"
    " JOIN name route ON route.id=r.route JOIN name class ON class.id=r.class"
    " JOIN name baseline ON baseline.id=r.baseline"
    " WHERE r.seq>?1 ORDER BY r.seq";

static const char attempts_sql[] =
    "SELECT model.text, provider.text, a.tier, a.outcome, a.basis, a.flags,"
    " a.list_pusd, a.amount_pusd, a.at_most_pusd, a.reasoning, a.ttft_ms, a.total_ms,"
    " a.input_uncached, a.cache_read, a.cache_write_5m, a.cache_write_1h,"
    " a.audio_input, a.image_input, a.output, a.audio_output, served.text, price.text"
    " FROM attempt a"
    " JOIN name model ON model.id=a.model JOIN name provider ON provider.id=a.provider"
    " JOIN name served ON served.id=a.served_model JOIN name price ON price.id=a.price"
    " WHERE a.request=?1 ORDER BY a.n";

static void
text_at(sqlite3_stmt *q, int i, char *dst, size_t cap)
{
	str_copy(dst, cap,
	    str_make((const char *)sqlite3_column_text(q, i),
		(size_t)sqlite3_column_bytes(q, i)));
}

/* They may fill their place to the last byte. */
static void
tags_at(sqlite3_stmt *q, int i, char *dst, size_t cap)
{
	size_t bytes = (size_t)sqlite3_column_bytes(q, i);

	if (bytes > 0)
		memcpy(dst, sqlite3_column_text(q, i), bytes < cap ? bytes : cap);
}

static int64_t
known_at(sqlite3_stmt *q, int i)
{
	return sqlite3_column_type(q, i) == SQLITE_NULL ? -1
							: sqlite3_column_int64(q, i);
}

static void
read_request(sqlite3_stmt *q, struct slot *ret)
{
	struct slot_request *r = &ret->request;
	int rolled = sqlite3_column_int(q, 7);

	*ret = (struct slot){0};
	ret->end_ms = sqlite3_column_int64(q, 1);
	text_at(q, 2, r->team, sizeof(r->team));
	text_at(q, 3, r->key, sizeof(r->key));
	text_at(q, 4, r->route, sizeof(r->route));
	text_at(q, 5, r->class_name, sizeof(r->class_name));
	tags_at(q, 6, r->tags, sizeof(r->tags));
	if (rolled > 0 && (size_t)rolled <= sizeof(r->tags))
		r->rollup_tags_len = (uint16_t)rolled;
	ret->outcome = (uint16_t)sqlite3_column_int(q, 8);
	ret->attempts = (uint16_t)sqlite3_column_int(q, 9);
	r->baseline_pusd = known_at(q, 10);
	text_at(q, 11, r->baseline, sizeof(r->baseline));
	r->baseline_output_ppm = sqlite3_column_type(q, 12) == SQLITE_NULL
				     ? 1000000U
				     : (uint32_t)sqlite3_column_int64(q, 12);
	r->baseline_samples = (uint32_t)sqlite3_column_int64(q, 13);
}

static void
read_attempt(sqlite3_stmt *q, struct slot_attempt *a)
{
	int flags = sqlite3_column_int(q, 5);

	text_at(q, 0, a->model, sizeof(a->model));
	text_at(q, 1, a->provider, sizeof(a->provider));
	a->tier = (uint8_t)sqlite3_column_int(q, 2);
	a->outcome = (uint16_t)sqlite3_column_int(q, 3);
	a->basis = (uint8_t)sqlite3_column_int(q, 4);
	a->unpriced = (flags & MONTH_unpriced) != 0;
	a->list_pusd = known_at(q, 6);
	a->amount_pusd = known_at(q, 7);
	a->at_most_pusd = known_at(q, 8);
	a->reasoning = known_at(q, 9);
	a->ttft_ms = (int32_t)known_at(q, 10);
	a->total_ms = (int32_t)known_at(q, 11);
	for (int k = 0; k < TOKEN_COUNT; k++)
		a->tokens[k] = known_at(q, 12 + k);
	text_at(q, 12 + TOKEN_COUNT, a->served_model, sizeof(a->served_model));
	text_at(q, 13 + TOKEN_COUNT, a->price_id, sizeof(a->price_id));
}

/* Rows of the first release may have one attempt more than a slot has room for: the one
 * that answered stays, with the money of the one before it. */
static void
read_beyond(sqlite3_stmt *q, struct slot_attempt *last)
{
	struct slot_attempt before = *last;

	read_attempt(q, last);
	last->list_pusd = usage_known(last->list_pusd) + usage_known(before.list_pusd);
	last->amount_pusd =
	    usage_known(last->amount_pusd) + usage_known(before.amount_pusd);
}

static bool
read_attempts(struct month *m, sqlite3_stmt *q, int64_t seq, struct slot *ret)
{
	unsigned n = 0;
	bool row;

	sqlite3_bind_int64(q, 1, seq);
	while (db_step(&m->db, q, &row)) {
		if (!row) {
			bool whole = n == ret->attempts;

			sqlite3_reset(q);
			if (ret->attempts > SLOT_ATTEMPTS)
				ret->attempts = SLOT_ATTEMPTS;
			return whole;
		}
		if (n < SLOT_ATTEMPTS)
			read_attempt(q, &ret->attempt[n]);
		else
			read_beyond(q, &ret->attempt[SLOT_ATTEMPTS - 1]);
		n++;
	}
	return false;
}

struct reader {
	struct month *month;
	sqlite3_stmt *requests, *attempts;
	struct slot *slot;
	bool (*each)(void *arg, int64_t seq, const struct slot *s);
	void *arg;
};

static bool
read_all(struct reader *r)
{
	bool row;

	while (db_step(&r->month->db, r->requests, &row)) {
		int64_t seq;

		if (!row)
			return true;
		seq = sqlite3_column_int64(r->requests, 0);
		read_request(r->requests, r->slot);
		if (!read_attempts(r->month, r->attempts, seq, r->slot) ||
		    !r->each(r->arg, seq, r->slot))
			return false;
	}
	return false;
}

bool
month_each(struct month *m, int64_t seq,
    bool (*each)(void *arg, int64_t seq, const struct slot *s), void *arg)
{
	struct reader r = {.month = m, .each = each, .arg = arg};
	bool ok = false;

	r.slot = xcalloc(1, sizeof(*r.slot));
	if (db_prepare(&m->db, requests_sql, &r.requests) &&
	    db_prepare(&m->db, attempts_sql, &r.attempts)) {
		sqlite3_bind_int64(r.requests, 1, seq);
		ok = read_all(&r);
	}
	sqlite3_finalize(r.requests);
	sqlite3_finalize(r.attempts);
	xfree(r.slot);
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
