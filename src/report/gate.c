/* gate.c: what a run has cost so far, against a cap, for pipelines. It answers when the
 * rows of all that ended before the question are in, so that a step that asks right
 * behind the last answer does not miss it. */
#include "gate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "base/env.h"
#include "base/json.h"
#include "core/request.h"
#include "dates.h"
#include "facts.h"
#include "in_flight.h"

/* No run of GitHub or GitLab lasts longer. */
#define SPAN_MS       (35 * DAY_MS)
#define SPAN_MAX_MS   (400 * DAY_MS)
#define WAIT_MS       10000
#define WAIT_MAX_S    30U
#define GATE_TAGS     4
#define FLAG_UNPRICED 8

struct gate {
	const struct scope *scope;
	struct run_tag tag[GATE_TAGS];
	unsigned tags;
	bool capped;
	struct pusd cap;
	int64_t wait_ms, from_ms;

	int64_t requests, attempts, estimated;
	int64_t unpriced, unbounded; /* attempts without a price, without a bound */
	int64_t last_seq;
	struct pusd_sum cost, exposure;
};

/* ---- the question ---- */

static bool wrong(struct buf *ret, const char *param, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static bool
wrong(struct buf *ret, const char *param, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)report_error(ret, 400, param, "%s", text);
	return false;
}

static bool
set_tag(struct gate *g, const struct snapshot *snap, const char *name,
    const char *value, struct buf *ret)
{
	struct run_tag *t = &g->tag[g->tags];

	if (g->tags == GATE_TAGS)
		return wrong(ret, name, "at most %d tags", GATE_TAGS);
	if (snap != NULL && snapshot_tag(snap, str_of(name + 4)) == NULL)
		return wrong(ret, name,
		    "there is no tag \"%.40s\"; the policy declares those that there "
		    "are at `tags`",
		    name + 4);
	if (!tag_text_ok(str_of(value)))
		return wrong(ret, name,
		    "%.40s: a value is 1 to 128 bytes of A-Za-z0-9._:/@+-", name);
	snprintf(t->name, sizeof(t->name), "%s", name + 4);
	snprintf(t->value, sizeof(t->value), "%s", value);
	g->tags++;
	return true;
}

static bool
set(struct gate *g, struct books *b, const char *name, const char *value,
    struct buf *ret)
{
	int64_t span;
	uint64_t s;

	if (strcmp(name, "max_usd") == 0) {
		g->capped = pusd_parse(str_of(value), &g->cap);
		return g->capped || wrong(ret, name,
					"max_usd: \"%.40s\" are no dollars; write 5 or "
					"0.25",
					value);
	}
	if (strcmp(name, "wait_s") == 0) {
		if (!str_to_u64(str_of(value), &s) || s > WAIT_MAX_S)
			return wrong(ret, name,
			    "wait_s: \"%.40s\" is no number from 0 to %u", value,
			    WAIT_MAX_S);
		g->wait_ms = (int64_t)s * 1000;
		return true;
	}
	if (strcmp(name, "since") != 0)
		return wrong(ret, name,
		    "unknown parameter \"%.40s\"; known are tag.NAME, max_usd, since "
		    "and wait_s",
		    name);
	if (!date_parse_span(str_of(value), &span) || span > SPAN_MAX_MS)
		return wrong(ret, name,
		    "since: \"%.40s\" is no span of time of at most 400 days; write "
		    "24h or 7d",
		    value);
	g->from_ms = b->asked_ms - span;
	return true;
}

/* False: `ret` says what is wrong. */
static bool
parse(struct gate *g, struct books *b, const struct snapshot *snap, struct str query,
    struct buf *ret)
{
	char name[ASK_NAME] = "", value[ASK_NAME] = "";
	bool damaged;

	while (ask_next(&query, name, value, &damaged)) {
		if (damaged)
			return wrong(ret, name,
			    "a parameter is longer than %d bytes or not "
			    "percent-encoded as it should be",
			    ASK_NAME - 1);
		if (strncmp(name, "tag.", 4) == 0) {
			if (!set_tag(g, snap, name, value, ret))
				return false;
		} else if (!set(g, b, name, value, ret)) {
			return false;
		}
	}
	if (g->tags == 0)
		return wrong(ret, NULL,
		    "say what is to be checked, such as tag.run=184&max_usd=5");
	return g->capped ||
	       wrong(ret, "max_usd",
		   "max_usd is missing: how much may it cost, in dollars?");
}

/* ---- what the rows say ---- */

/* By the first tag, which is found; the others are looked at. */
static const char rows_sql[] =
    "SELECT r.seq,%s,key.text,team.text,a.flags,a.basis,%s,a.at_most_pusd"
    " FROM request r JOIN attempt a ON a.request=r.seq"
    " JOIN name key ON key.id=r.key JOIN name team ON team.id=r.team %s"
    " WHERE r.seq IN (SELECT request FROM tag WHERE name=%s AND value=%s%s)"
    " AND r.end_ms>=?3 ORDER BY r.seq";
#define TAG_NAME  "(SELECT id FROM name WHERE text=?1)"
#define TAG_VALUE "(SELECT id FROM name WHERE text=?2)"
/* Requests that have all their tags in common are found by those. */
static const char sets_sql[] =
    " AND request>0 UNION ALL SELECT s.seq FROM tag t JOIN request s"
    " ON s.tagset=-t.request WHERE t.name=" TAG_NAME " AND t.value=" TAG_VALUE
    " AND t.request<0";

/* What it cost after all, where somebody has said so. */
static const char corrected[] =
    "CASE WHEN c.seq IS NULL THEN a.amount_pusd ELSE c.amount_pusd END";
static const char corrections[] =
    "LEFT JOIN correction c ON c.seq=(SELECT MAX(seq) FROM correction"
    " WHERE request=r.id AND n=a.n)";

static sqlite3_stmt *
prepare(struct books *b, sqlite3 *db)
{
	bool has = books_has(db, "correction", "seq");
	char sql[1400];

	snprintf(sql, sizeof(sql), rows_sql, books_tags_sql(db),
	    has ? corrected : "a.amount_pusd", has ? corrections : "", TAG_NAME,
	    TAG_VALUE, books_has(db, "request", "tagset") ? sets_sql : "");
	return books_prepare(b, db, sql);
}

static bool
wanted(const struct gate *g, sqlite3_stmt *q)
{
	struct str tags = books_text(q, 1);

	for (unsigned i = 1; i < g->tags; i++) {
		if (!str_is(facts_tag(tags, str_of(g->tag[i].name)), g->tag[i].value))
			return false;
	}
	return scope_sees(g->scope, books_text(q, 2), books_text(q, 3));
}

/* An attempt without a price counts for its bound, as in budgets: nothing passes for
 * being unknown. */
static void
add(struct gate *g, sqlite3_stmt *q)
{
	int basis = sqlite3_column_int(q, 5);
	int64_t amount = books_known(q, 6), bound = books_known(q, 7);

	if (!wanted(g, q))
		return;
	if (g->last_seq != sqlite3_column_int64(q, 0))
		g->requests++;
	g->last_seq = sqlite3_column_int64(q, 0);
	g->attempts++;
	if (amount < 0) {
		g->unpriced++;
		g->unbounded += bound < 0;
		amount = bound < 0 ? 0 : bound;
	}
	g->cost.v += amount;
	if (basis == BASIS_reported || basis == BASIS_none)
		return;
	g->estimated++;
	if (bound > amount)
		g->exposure.v += bound - amount;
}

static bool
add_month(struct gate *g, struct books *b, sqlite3 *db)
{
	sqlite3_stmt *q = prepare(b, db);
	bool row, ok;

	if (q == NULL)
		return false;
	g->last_seq = 0;
	sqlite3_bind_text(q, 1, g->tag[0].name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, g->tag[0].value, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, g->from_ms);
	while ((ok = books_step(b, q, &row)) && row)
		add(g, q);
	sqlite3_finalize(q);
	return ok;
}

static bool
collect(struct gate *g, struct books *b)
{
	/* A month more: clocks of the ledger and of the question may differ. */
	int last = date_month(b->asked_ms + DAY_MS);

	for (int m = date_month(g->from_ms); m <= last; m++) {
		sqlite3 *db = books_month(b, m);

		if (db == NULL && b->why[0] == '\0')
			continue;
		if (db == NULL || !add_month(g, b, db))
			return false;
	}
	return true;
}

/* ---- is it all there? ---- */

/* -1: no daemon runs here, so nobody knows. */
static int64_t
complete_until(const struct books *b)
{
	struct ledger_status st;

	if (b->ledger == NULL)
		return -1;
	if (slots_in_use(b->slots) == 0)
		return env_wall_ms(b->env); /* nothing is on its way */
	ledger_status_get(b->ledger, &st);
	return st.committed_until_ms;
}

/* ---- the answer ---- */

/* The run in words: "run=184 job=e2e". */
static void
name_of(const struct gate *g, struct buf *ret)
{
	for (unsigned i = 0; i < g->tags; i++)
		buf_printf(
		    ret, "%s%s=%s", i == 0 ? "" : " ", g->tag[i].name, g->tag[i].value);
}

static void
put_message(const struct gate *g, bool passes, struct buf *ret)
{
	char cost[PUSD_TEXT_BYTES], cap[PUSD_TEXT_BYTES];

	pusd_sum_round(g->cost, 4, cost);
	pusd_sum_round((struct pusd_sum){g->cap.v}, 4, cap);
	name_of(g, ret);
	if (g->requests == 0) {
		buf_add(ret, ": no request with that tag is in the ledger");
		return;
	}
	buf_printf(ret, ": %lld request%s for $%s, %s $%s", (long long)g->requests,
	    g->requests == 1 ? "" : "s", cost, passes ? "at most" : "more than", cap);
	if (!passes && g->cost.v <= g->cap.v)
		buf_printf(ret,
		    " cannot be ruled out: %lld attempts have no price and no bound",
		    (long long)g->unbounded);
}

static void
put_numbers(const struct gate *g, struct json *j)
{
	json_pusd_sum(j, "cost_usd", g->cost);
	json_pusd(j, "max_usd", g->cap);
	json_int(j, "requests", g->requests);
	json_int(j, "attempts", g->attempts);
	json_int(j, "estimated_attempts", g->estimated);
	json_pusd_sum(j, "exposure_usd", g->exposure);
	json_int(j, "unpriced_attempts", g->unpriced);
}

static void
put_date(struct json *j, const char *key, int64_t ms)
{
	char text[DATE_TEXT_BYTES];

	if (ms < 0) {
		json_put_null(j, key);
		return;
	}
	date_format_ms(ms, text);
	json_str(j, key, str_of(text));
}

/* As every other refusal, for those who look for it. */
static void
put_error(struct json *j, struct str message)
{
	json_object_begin(j, "error");
	json_str(j, "message", message);
	json_str(j, "type", STR("cost_gate"));
	json_put_null(j, "param");
	json_str(j, "code", STR("over_max_usd"));
	json_object_end(j);
}

static int
answer(const struct gate *g, const struct books *b, int64_t until_ms, struct buf *ret)
{
	bool passes = g->cost.v <= g->cap.v && g->unbounded == 0;
	int64_t running = b->in_flight == NULL ? -1
					       : in_flight_count(b->in_flight, g->tag,
						     g->tags, g->scope);
	char name[5 + ASK_NAME];
	struct buf message;
	struct json j;

	buf_init(&message, 4096);
	put_message(g, passes, &message);
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.cost_gate"));
	json_bool(&j, "passes", passes);
	json_object_begin(&j, "filter");
	for (unsigned i = 0; i < g->tags; i++) {
		snprintf(name, sizeof(name), "tag.%s", g->tag[i].name);
		json_str(&j, name, str_of(g->tag[i].value));
	}
	json_object_end(&j);
	put_date(&j, "from", g->from_ms);
	put_numbers(g, &j);
	if (running < 0)
		json_put_null(&j, "in_flight");
	else
		json_int(&j, "in_flight", running);
	put_date(&j, "complete_until", until_ms);
	json_str(&j, "message", buf_str(&message));
	if (!passes)
		put_error(&j, buf_str(&message));
	json_object_end(&j);
	buf_fini(&message);
	return passes ? 200 : 412;
}

int
gate_answer(struct books *b, const struct snapshot *snap, struct str query,
    const struct scope *scope, struct buf *ret)
{
	struct gate g = {
	    .scope = scope, .wait_ms = WAIT_MS, .from_ms = b->asked_ms - SPAN_MS};
	int64_t until = complete_until(b);
	/* What has ended in the very millisecond of a commit may have missed it. */
	bool complete =
	    b->ledger == NULL || until > b->asked_ms || slots_in_use(b->slots) == 0;

	if (!parse(&g, b, snap, query, ret))
		return 400;
	if (!complete && b->waited_ms < g.wait_ms) {
		slots_wake(b->slots);
		return GATE_NOT_YET;
	}
	if (!collect(&g, b))
		return report_error(ret, books_too_slow(b) ? 504 : 500, NULL, "%s",
		    books_too_slow(b) ? "the rows took longer than they may; say since"
				      : b->why);
	if (!complete && g.cost.v <= g.cap.v)
		return report_error(ret, 503, NULL,
		    "after %lld ms the ledger has not yet all rows of what ended "
		    "before; try again, and look at /readyz",
		    (long long)b->waited_ms);
	return answer(&g, b, until, ret);
}
