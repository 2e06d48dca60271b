/* answer.c: which report a target asks for. */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/request.h"
#include "contracts.h"
#include "gate.h"
#include "in_force.h"
#include "recompute.h"
#include "record.h"
#include "seen.h"
#include "stage/report.h"
#include "summary.h"
#include "top.h"

static const struct {
	int status;
	const char *type, *code;
} kinds[] = {
    {400, "invalid_request_error", "invalid_request"},
    {401, "authentication_error", "invalid_api_key"},
    {403, "permission_error", "not_permitted"},
    {404, "invalid_request_error", "not_found"},
    {405, "invalid_request_error", "method_not_allowed"},
    {413, "invalid_request_error", "request_too_large"},
    {503, "overloaded_error", "overloaded"},
    {504, "server_error", "query_timeout"},
    {500, "server_error", "internal_error"},
};

int
report_error(struct buf *ret, int status, const char *param, const char *fmt, ...)
{
	char text[600];
	struct json j;
	va_list ap;
	size_t i = 0;

	while (i < nitems(kinds) - 1 && kinds[i].status != status)
		i++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_clear(ret);
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_object_begin(&j, "error");
	json_str(&j, "message", str_of(text));
	json_str(&j, "type", str_of(kinds[i].type));
	if (param == NULL)
		json_put_null(&j, "param");
	else
		json_str(&j, "param", str_of(param));
	json_str(&j, "code", str_of(kinds[i].code));
	json_object_end(&j);
	json_object_end(&j);
	return status;
}

static int
cannot_read(struct books *b, struct buf *ret)
{
	if (books_too_slow(b))
		return report_error(ret, 504, NULL,
		    "the report took longer than it may; ask for a shorter time, or "
		    "without users, sessions and tags");
	return report_error(ret, 500, NULL, "%s", b->why);
}

/* Of the daemon, else of the last policy that ran here; NULL: it is not kept. The
 * caller has one reference. */
static struct snapshot *
snapshot_for(struct books *b, const struct snapshot *snap, struct fleet_shared *fleet)
{
	sqlite3 *db = books_sums(b);
	struct snapshot *last = NULL;
	sqlite3_stmt *q;
	char why[256];
	bool row;

	if (snap != NULL)
		return snapshot_ref((struct snapshot *)(uintptr_t)snap);
	q = db == NULL ? NULL
		       : books_prepare(b, db,
			     "SELECT hash FROM kept WHERE kind='basis'"
			     " ORDER BY since_ms DESC LIMIT 1");
	if (q == NULL)
		return NULL;
	if (books_step(b, q, &row) && row)
		last = in_force_snapshot(b, books_text(q, 0), fleet, why);
	sqlite3_finalize(q);
	return last;
}

static int
run_summary(struct books *b, const struct snapshot *snap, const struct ask *a,
    const struct scope *scope, struct buf *ret)
{
	struct summary *s = xcalloc(1, sizeof(*s));
	int status = 200;

	if (!summary_run(s, b, snap, a, scope))
		status = cannot_read(b, ret);
	else if (!summary_json(s, ret))
		status = report_error(
		    ret, 413, "limit", "the answer is too long; set a lower limit");
	summary_fini(s);
	xfree(s);
	return status;
}

static int
answer_summary(struct books *b, const struct snapshot *snap, struct str query,
    const struct scope *scope, struct buf *ret)
{
	struct fleet_shared *fleet = fleet_new();
	struct snapshot *meant = snapshot_for(b, snap, fleet);
	struct ask_finding f = {0};
	struct ask a;
	int status;

	if (!ask_parse(query, env_wall_ms(b->env), &a, &f))
		status = report_error(ret, 400, f.param, "%s", f.why);
	else if (a.baseline[0] != '\0' &&
		 (meant == NULL || snapshot_model(meant, str_of(a.baseline)) == NULL))
		status = report_error(ret, 400, "baseline",
		    "baseline: the policy has no model \"%.40s\"", a.baseline);
	else
		status = run_summary(b, meant, &a, scope, ret);
	snapshot_unref(meant);
	fleet_free(fleet);
	return status;
}

static int
answer_outlook(struct books *b, const struct snapshot *snap, struct str query,
    const struct scope *scope, struct buf *ret)
{
	struct fleet_shared *fleet = fleet_new();
	struct snapshot *meant = snapshot_for(b, snap, fleet);
	struct ask_finding f = {0};
	struct seen *s = xcalloc(1, sizeof(*s));
	struct ask a = {0};
	int status = 200;

	if (!scope->all)
		status = report_error(ret, 404, NULL,
		    "what was learned is of everybody: ask the admin port");
	else if (!ask_parse(query, env_wall_ms(b->env), &a, &f))
		status = report_error(ret, 400, f.param, "%s", f.why);
	else if (a.filters > 0)
		status = report_error(ret, 400, NULL,
		    "the outlook takes from, to and since, and no filters");
	else if (!seen_collect(s, b, &a))
		status = cannot_read(b, ret);
	else if (!seen_json(s, meant, ret))
		status = report_error(ret, 413, NULL, "the answer is too long");
	seen_fini(s);
	xfree(s);
	snapshot_unref(meant);
	fleet_free(fleet);
	return status;
}

static int
answer_contracts(struct books *b, const struct snapshot *snap,
    const struct scope *scope, struct buf *ret)
{
	struct fleet_shared *fleet = fleet_new();
	struct snapshot *meant = snapshot_for(b, snap, fleet);
	int status = contracts_answer(b, meant, scope, ret);

	snapshot_unref(meant);
	fleet_free(fleet);
	return status;
}

static int
answer_top(struct books *b, const struct snapshot *snap, const struct scope *scope,
    struct buf *ret)
{
	if (!scope->all || b->in_flight == NULL || snap == NULL)
		return report_error(ret, 404, NULL,
		    "what runs right now only a daemon knows, at its admin port");
	if (!top_json(b, snap, ret))
		return report_error(ret, 413, NULL, "the answer is too long");
	return 200;
}

/* ---- paths ---- */

/* Path without "/v1", and what is behind '?'. */
static struct str
cut(struct str target, struct str *ret_query)
{
	struct str path;

	if (!str_split(&target, '?', &path))
		path = str_make("", 0);
	*ret_query = target;
	if (str_starts(path, STR("/v1/")))
		path = str_skip(path, 3);
	return path;
}

bool
report_is_request(struct str target, struct id *ret)
{
	struct str query, path = cut(target, &query);

	if (!str_starts(path, STR("/requests/")))
		return false;
	path = str_skip(path, 10);
	if (str_starts(path, STR("req_")))
		path = str_skip(path, 4);
	return id_parse(path, ret);
}

enum form { FORM_json, FORM_text, FORM_input, FORMS };

static int
wanted_form(struct str query, enum form *ret_form, struct buf *ret)
{
	static const char *const forms[FORMS] = {"json", "text", "input"};
	char name[ASK_NAME], value[ASK_NAME];
	bool bad;

	while (ask_next(&query, name, value, &bad)) {
		size_t i = 0;

		if (bad || strcmp(name, "format") != 0)
			return report_error(ret, 400, name,
			    "unknown parameter \"%.40s\"; known is "
			    "format=json|text|input",
			    name);
		while (i < FORMS && strcmp(value, forms[i]) != 0)
			i++;
		if (i == FORMS)
			return report_error(ret, 400, name,
			    "format is json, text or input, not \"%.40s\"", value);
		*ret_form = (enum form)i;
	}
	return 200;
}

/* The policy and what was learned are of everybody. */
static int
answer_input(struct books *b, const struct record *rec, const struct scope *scope,
    struct buf *ret)
{
	char why[256];

	if (!scope->all)
		return report_error(ret, 403, "format",
		    "what a decision was made from has the whole policy in it: ask the "
		    "admin port");
	if (record_input(rec, b, ret, why))
		return 200;
	return report_error(ret, 404, "format", "%s", why);
}

static int
answer_record(struct books *b, const struct record *rec, enum form form,
    const struct scope *scope, struct buf *ret)
{
	struct recompute *c;

	if (form == FORM_input)
		return answer_input(b, rec, scope, ret);
	c = xcalloc(1, sizeof(*c));
	recompute(rec, b, c);
	if (form == FORM_text)
		record_text(rec, c, ret);
	else
		record_json(rec, c, ret);
	recompute_fini(c);
	xfree(c);
	return 200;
}

static int
answer_request(struct books *b, struct id id, struct str query,
    const struct scope *scope, struct buf *ret, bool *ret_text)
{
	struct record rec;
	enum form form = FORM_json;
	int status = wanted_form(query, &form, ret);

	if (status != 200)
		return status;
	switch (record_load(b, id, scope, &rec)) {
	case RECORD_missing:
		status = report_error(ret, 404, NULL,
		    "no request of that id is in the ledger; it may still be under "
		    "way, have been refused before a provider was asked, or belong to "
		    "somebody else");
		break;
	case RECORD_unreadable:
		status = cannot_read(b, ret);
		break;
	default:
		status = answer_record(b, &rec, form, scope, ret);
		*ret_text = form == FORM_text;
	}
	record_fini(&rec);
	return status;
}

int
report_answer(struct books *b, const struct snapshot *snap, struct str target,
    const struct scope *scope, struct buf *ret, bool *ret_text)
{
	struct str query, path = cut(target, &query);
	struct id id;

	*ret_text = false;
	if (str_is(path, "/costs/summary"))
		return answer_summary(b, snap, query, scope, ret);
	if (str_is(path, "/costs/gate"))
		return gate_answer(b, snap, query, scope, ret);
	if (str_is(path, "/admin/top"))
		return answer_top(b, snap, scope, ret);
	if (str_is(path, "/contracts"))
		return answer_contracts(b, snap, scope, ret);
	if (str_is(path, "/outlook"))
		return answer_outlook(b, snap, query, scope, ret);
	if (report_is_request(target, &id))
		return answer_request(b, id, query, scope, ret, ret_text);
	if (str_starts(path, STR("/requests/")))
		return report_error(ret, 404, NULL,
		    "that is no request id; they look like "
		    "req_01KBW3T9M2Q8XJ4V7N5R1C6HDE");
	return report_error(ret, 404, NULL,
	    "no report at that path; there are /v1/costs/summary, /v1/costs/gate, "
	    "/v1/requests/ID and, on the admin port, /v1/outlook, /v1/contracts");
}

int
report_offline(
    struct env *env, const char *state_dir, struct str target, struct buf *ret_body)
{
	struct scope everything = {.all = true};
	struct books b;
	bool text;
	int status;

	books_init(&b, env, state_dir);
	status = report_answer(&b, NULL, target, &everything, ret_body, &text);
	books_fini(&b);
	return status;
}
