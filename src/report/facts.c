/* facts.c: reads roll-ups and rows.
 * Amounts are added up here, in 128 bits, never by SQL. */
#include "facts.h"

#include <stdio.h>

#include "base/util.h"
#include "dates.h"

/* %s: of hours, or of days; what the ledger.db of an older release has no column for.
 */
static const char rollup_sql[] =
    "SELECT %s,team,key,route,class,model,provider,tier,tags,"
    "requests,attempts,failed,unpriced,estimated,input_uncached,cache_read,"
    "cache_write_5m,cache_write_1h,audio_input,image_input,output,audio_output,"
    "reasoning,paid_hi,paid_lo,list_hi,list_lo,wasted_hi,wasted_lo,estimated_hi,"
    "estimated_lo,exposure_hi,exposure_lo,baseline_hi,baseline_lo,compared_hi,"
    "compared_lo,%s,%s,tokens_hist,ttft_hist,total_hist"
    " FROM %s WHERE %s>=?1 AND %s<?2";
static const char rollup_new[] = "gone_hi,gone_lo,escalated_hi,escalated_lo,bias_hi,"
				 "bias_lo,var_hi,var_lo,compared_requests,served,price";
static const char rollup_old[] =
    "0,0,0,0,baseline_hi/4,baseline_hi%4*250000000000+baseline_lo/4,0,0,"
    "requests*(baseline_hi+baseline_lo>0),'',''";

/* %s: tags; the same of a month's file; what a request was decided from; which
 * requests.
 */
static const char rows_sql[] =
    "SELECT r.end_ms,team.text,key.text,route.text,class.text,model.text,provider.text,"
    "a.tier,%s,user.text,r.session,r.outcome,r.attempts,r.baseline_pusd,"
    "r.baseline=a.model,"
    "a.n,a.outcome,a.basis,a.flags,a.amount_pusd,a.list_pusd,a.at_most_pusd,"
    "a.ttft_ms,a.total_ms,a.reasoning,a.input_uncached,a.cache_read,a.cache_write_5m,"
    "a.cache_write_1h,a.audio_input,a.image_input,a.output,a.audio_output,price.text,"
    "served.text,%s%s"
    " FROM request r JOIN attempt a ON a.request=r.seq"
    " JOIN name team ON team.id=r.team JOIN name key ON key.id=r.key"
    " JOIN name route ON route.id=r.route JOIN name class ON class.id=r.class"
    " JOIN name user ON user.id=r.user JOIN name model ON model.id=a.model"
    " JOIN name provider ON provider.id=a.provider JOIN name price ON price.id=a.price"
    " JOIN name served ON served.id=a.served_model"
    " WHERE %s";
static const char rows_time[] = "r.end_ms>=?1 AND r.end_ms<?2";
/* Requests that have all their tags in common are found by those. */
static const char rows_tag[] =
    "+r.end_ms>=?1 AND +r.end_ms<?2 AND r.seq IN (SELECT t.request FROM tag t WHERE"
    " t.name=(SELECT id FROM name WHERE text=?3)"
    " AND t.value=(SELECT id FROM name WHERE text=?4)%s)";
static const char rows_tagset[] =
    " AND t.request>0 UNION ALL SELECT s.seq FROM tag t JOIN request s"
    " ON s.tagset=-t.request WHERE t.name=(SELECT id FROM name WHERE text=?3)"
    " AND t.value=(SELECT id FROM name WHERE text=?4) AND t.request<0";
static const char rows_error[] = "r.baseline_output_ppm,r.baseline_samples";
/* Seldom more than a handful of texts: looked up by number is soon enough. */
#define NAME_OF(column) "(SELECT text FROM name WHERE id=r." column ")"
static const char rows_decision[] =
    ",r.outlook,r.start_ms,r.complexity,r.confidence,r.decision,r.plan," NAME_OF(
	"asked") "," NAME_OF("policy") "," NAME_OF("basis");

#define SQL_BYTES 4000

void
sums_add(struct sums *into, const struct sums *from)
{
	into->requests += from->requests;
	into->attempts += from->attempts;
	into->failed += from->failed;
	into->unpriced += from->unpriced;
	into->estimated_rows += from->estimated_rows;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		into->tokens[k] += from->tokens[k];
	into->reasoning += from->reasoning;
	into->paid.v += from->paid.v;
	into->list.v += from->list.v;
	into->wasted.v += from->wasted.v;
	into->estimated.v += from->estimated.v;
	into->exposure.v += from->exposure.v;
	into->baseline.v += from->baseline.v;
	into->compared.v += from->compared.v;
	into->gone.v += from->gone.v;
	into->escalated.v += from->escalated.v;
	into->bias.v += from->bias.v;
	into->var.v += from->var.v;
	into->compared_requests += from->compared_requests;
}

struct str
facts_tag(struct str tags, struct str name)
{
	struct str line, n;

	while (str_split(&tags, '\n', &line)) {
		if (str_split(&line, '=', &n) && str_eq(n, name))
			return line;
	}
	return str_make("", 0);
}

void
fact_dimensions(sqlite3_stmt *s, struct fact *f)
{
	f->team = books_text(s, 1);
	f->key = books_text(s, 2);
	f->route = books_text(s, 3);
	f->class_name = books_text(s, 4);
	f->model = books_text(s, 5);
	f->provider = books_text(s, 6);
	f->tier = (enum tier)sqlite3_column_int(s, 7);
	f->tags = books_text(s, 8);
}

/* ---- roll-ups ---- */

static struct str
blob(sqlite3_stmt *s, int i)
{
	return str_make(sqlite3_column_blob(s, i), (size_t)sqlite3_column_bytes(s, i));
}

static void
read_rollup(sqlite3_stmt *s, struct fact *f)
{
	struct sums *u = &f->sums;
	int64_t *count[] = {
	    &u->requests, &u->attempts, &u->failed, &u->unpriced, &u->estimated_rows};
	struct pusd_sum *sum[] = {&u->paid, &u->list, &u->wasted, &u->estimated,
	    &u->exposure, &u->baseline, &u->compared, &u->gone, &u->escalated, &u->bias,
	    &u->var};
	int i = 9;

	*f = (struct fact){.rolled = true, .tokens = -1, .ttft_ms = -1, .total_ms = -1};
	fact_dimensions(s, f);
	f->at_ms = sqlite3_column_int64(s, 0) * HOUR_MS;
	for (size_t n = 0; n < nitems(count); n++)
		*count[n] = sqlite3_column_int64(s, i++);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		u->tokens[k] = sqlite3_column_int64(s, i++);
	u->reasoning = sqlite3_column_int64(s, i++);
	for (size_t n = 0; n < nitems(sum); n++, i += 2)
		*sum[n] = pusd_sum_join(
		    sqlite3_column_int64(s, i), sqlite3_column_int64(s, i + 1));
	u->compared_requests = sqlite3_column_int64(s, i++);
	f->served = books_text(s, i++);
	f->price = books_text(s, i++);
	f->sessions = blob(s, i++);
	f->tokens_hist = blob(s, i);
	f->ttft_hist = blob(s, i + 1);
	f->total_hist = blob(s, i + 2);
}

/* Where facts go. */
struct sink {
	fact_fn *each;
	void *arg;
};

static bool
each_row(struct books *b, sqlite3_stmt *s, void (*read)(sqlite3_stmt *, struct fact *),
    fact_fn *each, void *arg)
{
	struct fact f;
	bool row, ok;

	while ((ok = books_step(b, s, &row)) && row) {
		read(s, &f);
		each(arg, &f);
	}
	sqlite3_finalize(s);
	return ok;
}

static bool
from_sums(
    struct books *b, sqlite3 *db, bool days, int64_t from, int64_t to, struct sink *out)
{
	const char *unit = days ? "day" : "hour";
	char sql[SQL_BYTES];
	sqlite3_stmt *s;

	if (from >= to)
		return true;
	snprintf(sql, sizeof(sql), rollup_sql, days ? "day*24" : "hour",
	    books_has(db, "rollup", "served") ? rollup_new : rollup_old,
	    books_has(db, "rollup", "sessions") ? "sessions" : "x''",
	    days ? "rollup_day" : "rollup", unit, unit);
	s = books_prepare(b, db, sql);
	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, from);
	sqlite3_bind_int64(s, 2, to);
	return each_row(b, s, read_rollup, out->each, out->arg);
}

bool
facts_from_rollups(
    struct books *b, int64_t from_hour, int64_t to_hour, fact_fn *each, void *arg)
{
	sqlite3 *db = books_sums(b);

	return db != NULL &&
	       from_sums(b, db, false, from_hour, to_hour, &(struct sink){each, arg});
}

/* Runs of whole days, and the hours between them. */
static bool
from_days(
    struct books *b, sqlite3 *db, int64_t from_hour, int64_t to_hour, struct sink *out)
{
	sqlite3_stmt *q = books_prepare(b, db,
	    "SELECT day FROM rollup_done WHERE whole=1 AND day>=?1 AND day<?2"
	    " ORDER BY day");
	int64_t at = from_hour, first = -1, next = -1; /* a run: [first, next) */
	bool row, ok = q != NULL;

	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, (from_hour + 23) / 24);
	sqlite3_bind_int64(q, 2, to_hour / 24);
	while (ok && (ok = books_step(b, q, &row)) && row) {
		int64_t day = sqlite3_column_int64(q, 0);

		if (day != next) {
			ok = from_sums(b, db, true, first, next, out) &&
			     from_sums(b, db, false, at, day * 24, out);
			first = day;
		}
		next = day + 1;
		at = next * 24;
	}
	sqlite3_finalize(q);
	return ok && from_sums(b, db, true, first, next, out) &&
	       from_sums(b, db, false, at, to_hour, out);
}

bool
facts_from_days(
    struct books *b, int64_t from_hour, int64_t to_hour, fact_fn *each, void *arg)
{
	sqlite3 *db = books_sums(b);
	struct sink out = {each, arg};
	bool ok;

	if (db == NULL)
		return false;
	if (!books_has(db, "rollup_done", "whole"))
		return from_sums(b, db, false, from_hour, to_hour, &out);
	/* One look at all of them: what is made a day meanwhile is not counted twice.
	 */
	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	ok = from_days(b, db, from_hour, to_hour, &out);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return ok;
}

/* ---- rows; the same arithmetic as meter/rollup.c ---- */

enum {
	ROW_user = 9,
	ROW_session,
	ROW_outcome,
	ROW_attempts,
	ROW_baseline,
	ROW_is_baseline, /* its model answered */
	ROW_n,
	ROW_own_outcome,
	ROW_basis,
	ROW_flags,
	ROW_amount,
	ROW_list,
	ROW_at_most,
	ROW_ttft,
	ROW_total,
	ROW_reasoning,
	ROW_tokens,
	ROW_price = ROW_tokens + TOKEN_COUNT,
	ROW_served,
	ROW_output_ppm,
	ROW_samples,
	ROW_outlook,
	ROW_start,
	ROW_complexity,
	ROW_confidence,
	ROW_decision,
	ROW_plan,
	ROW_asked,
	ROW_policy,
	ROW_basis_of_it,
};

#define FLAG_UNPRICED 8

static int64_t
positive(sqlite3_stmt *s, int i)
{
	int64_t v = sqlite3_column_int64(s, i);

	return v > 0 ? v : 0;
}

/* The attempt that answered, or the last one, stands for its request. */
static void
read_request(sqlite3_stmt *s, struct fact *f)
{
	int64_t baseline = books_known(s, ROW_baseline);

	f->sums.requests = 1;
	f->tokens = 0;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		f->tokens += f->sums.tokens[k];
	f->ttft_ms = books_known(s, ROW_ttft);
	f->total_ms = books_known(s, ROW_total);
	f->comparable =
	    sqlite3_column_int(s, ROW_outcome) == OUT_served && f->sums.unpriced == 0;
	if (!f->comparable || baseline < 0)
		return;
	f->sums.compared_requests = 1;
	f->sums.baseline.v = baseline;
	f->sums.compared = f->sums.paid;
	if (sqlite3_column_int(s, ROW_is_baseline) != 0) {
		f->sums.baseline = f->sums.paid;
		return;
	}
	baseline_error(baseline,
	    books_known(s, ROW_output_ppm) < 0
		? 1000000U
		: (uint32_t)sqlite3_column_int64(s, ROW_output_ppm),
	    (uint32_t)positive(s, ROW_samples), &f->sums.bias, &f->sums.var);
}

/* Whose doing was it? */
static void
read_waste(enum outcome o, struct sums *u)
{
	u->wasted = u->paid;
	if (o == OUT_client_gone || o == OUT_slow_client)
		u->gone = u->paid;
	if (o == OUT_escalated)
		u->escalated = u->paid;
}

static void
read_row(sqlite3_stmt *s, struct fact *f)
{
	struct sums *u = &f->sums;
	int basis = sqlite3_column_int(s, ROW_basis);
	enum outcome own = (enum outcome)sqlite3_column_int(s, ROW_own_outcome);
	bool served = own == OUT_served;
	int64_t left;

	*f = (struct fact){.tokens = -1, .ttft_ms = -1, .total_ms = -1};
	fact_dimensions(s, f);
	f->at_ms = sqlite3_column_int64(s, 0);
	f->user = books_text(s, ROW_user);
	f->price = books_text(s, ROW_price);
	f->session = (uint64_t)sqlite3_column_int64(s, ROW_session);
	u->attempts = 1;
	u->failed = !served;
	u->unpriced = (sqlite3_column_int(s, ROW_flags) & FLAG_UNPRICED) != 0;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		u->tokens[k] = positive(s, ROW_tokens + (int)k);
	u->reasoning = positive(s, ROW_reasoning);
	u->paid.v = positive(s, ROW_amount);
	u->list.v = positive(s, ROW_list);
	f->served = books_text(s, ROW_served);
	if (!served)
		read_waste(own, u);
	if (basis != BASIS_reported && basis != BASIS_none) {
		left = books_known(s, ROW_at_most) - positive(s, ROW_amount);
		u->estimated_rows = 1;
		u->estimated = u->paid;
		u->exposure.v = left > 0 ? left : 0;
	}
	if (sqlite3_column_int(s, ROW_outcome) == OUT_served
		? served
		: sqlite3_column_int(s, ROW_n) + 1 ==
		      sqlite3_column_int(s, ROW_attempts))
		read_request(s, f);
}

static void
read_decision(sqlite3_stmt *s, struct fact *f)
{
	struct decision_row *d = &f->decision.row;

	read_row(s, f);
	if (!f->comparable)
		return;
	f->decision.outlook = (uint64_t)sqlite3_column_int64(s, ROW_outlook);
	*d = (struct decision_row){.asked = books_text(s, ROW_asked),
	    .class_name = f->class_name,
	    .key = f->key,
	    .team = f->team,
	    .tags = f->tags,
	    .complexity = (float)sqlite3_column_double(s, ROW_complexity),
	    .confidence = (float)sqlite3_column_double(s, ROW_confidence),
	    .start_ms = sqlite3_column_int64(s, ROW_start),
	    .session = f->session,
	    .decision = blob(s, ROW_decision),
	    .plan = blob(s, ROW_plan)};
	f->decision.policy = books_text(s, ROW_policy);
	f->decision.basis = books_text(s, ROW_basis_of_it);
}

/* NULL: `why`. Of a month of an older release nothing is known of decisions. */
static sqlite3_stmt *
prepare_rows(
    struct books *b, sqlite3 *db, const struct facts_want *want, bool decisions)
{
	char sql[SQL_BYTES], which[800];
	sqlite3_stmt *s;

	if (want->tag == NULL)
		snprintf(which, sizeof(which), "%s", rows_time);
	else
		snprintf(which, sizeof(which), rows_tag,
		    books_has(db, "request", "tagset") ? rows_tagset : "");
	snprintf(sql, sizeof(sql), rows_sql, books_tags_sql(db),
	    books_has(db, "request", "baseline_samples") ? rows_error : "NULL,NULL",
	    decisions ? rows_decision : "", which);
	s = books_prepare(b, db, sql);
	if (s == NULL)
		return NULL;
	sqlite3_bind_int64(s, 1, want->from_ms);
	sqlite3_bind_int64(s, 2, want->to_ms);
	if (want->tag != NULL) {
		sqlite3_bind_text(s, 3, want->tag, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 4, want->value, -1, SQLITE_STATIC);
	}
	return s;
}

bool
facts_from_rows(
    struct books *b, const struct facts_want *want, fact_fn *each, void *arg)
{
	int last = date_month(want->to_ms - 1);

	for (int m = date_month(want->from_ms); m <= last; m++) {
		sqlite3 *db = books_month(b, m);
		bool decisions =
		    db != NULL && want->decisions && books_has(db, "request", "basis");
		sqlite3_stmt *s;

		if (db == NULL && b->why[0] == '\0')
			continue;
		s = db == NULL ? NULL : prepare_rows(b, db, want, decisions);
		if (s == NULL)
			return false;
		if (!each_row(b, s, decisions ? read_decision : read_row, each, arg))
			return false;
	}
	return facts_from_corrections(b, want->from_ms, want->to_ms, each, arg);
}
