/* admin_call.c: what the admin plane can be asked. */
#include "admin_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"
#include "core/request.h"
#include "core/worker.h"
#include "machines.h"
#include "metrics.h"

#define TEXT "text/plain; charset=utf-8"
/* A bypass that nobody remembers ends by itself. */
#define BYPASS_MAX_S (30LL * 86400)

void
admin_call_free(struct admin_call *c)
{
	if (c == NULL)
		return;
	query_job_free(c->job);
	xfree(c->target);
	buf_fini(&c->in);
	buf_fini(&c->out);
	xfree(c);
}

void
admin_fail(struct admin_call *c, int status, const char *param, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->status = report_error(&c->out, status, param, "%s", text);
	c->type = "application/json";
}

static struct str
path_of(const struct admin_call *c)
{
	return str_make(c->target, strcspn(c->target, "?"));
}

/* ---- health ---- */

static void
get_health(struct admin_call *c)
{
	c->type = TEXT;
	buf_add(&c->out, "ok\n");
}

static void
get_ready(struct admin_call *c)
{
	const struct shared *s = c->report->o.shared;
	struct snapshot *snap = report_snapshot(c->report);
	struct ledger_status st;

	c->type = TEXT;
	if (!atomic_load(&c->report->ready_shared))
		buf_add(&c->out, "starting or shutting down\n");
	if (!ledger_accepts(s->ledger)) {
		ledger_status_get(s->ledger, &st);
		buf_printf(&c->out, "the ledger cannot be written: %s\n", st.error);
	}
	if (slots_in_use(s->slots) >= (unsigned)snap->limits.slots)
		buf_add(&c->out, "every slot is in use\n");
	snapshot_unref(snap);
	if (c->out.len > 0)
		c->status = 503;
	else
		buf_add(&c->out, "ready\n");
}

static void
get_metrics(struct admin_call *c)
{
	c->type = METRICS_TYPE;
	metrics_text(c->report, &c->out);
}

/* ---- the policy ---- */

static void
get_policy(struct admin_call *c)
{
	struct snapshot *snap = report_snapshot(c->report);

	c->type = TEXT;
	buf_add(&c->out, snap->canonical);
	snapshot_unref(snap);
}

static void
post_reload(struct admin_call *c)
{
	c->type = TEXT;
	if (!c->report->o.reload(c->report->o.reload_arg, &c->out))
		c->status = 500;
}

/* ---- bypass ---- */

static void
get_bypass(struct admin_call *c)
{
	struct json j;

	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	bypass_json(c->report->o.shared->bypass, env_wall_ms(c->report->env), &j);
	json_object_end(&j);
}

/* What a body asks for. */
struct bypass_wish {
	struct str body;
	char route[128], reason[256]; /* "" where absent */
	int64_t for_s;
	bool ok;
};

enum { WISH_route, WISH_for, WISH_reason };

static const struct scan_path wish_paths[] = {
    {"route", WISH_route, true},
    {"for_s", WISH_for, true},
    {"reason", WISH_reason, true},
};

/* A string's text into `dst`; false: it is none, or too long. */
static bool
take_text(struct str raw, enum scan_kind kind, char *dst, size_t cap)
{
	if (kind != SCAN_string || raw.len < 2 || raw.len - 2 >= cap)
		return false;
	(void)scan_unescape(str_make(raw.p + 1, raw.len - 2), dst);
	return true;
}

static bool
on_wish(void *arg, const struct scan_value *v)
{
	struct bypass_wish *w = arg;
	struct str raw = str_make(w->body.p + v->start, v->end - v->start);

	if (v->id == WISH_for)
		w->ok = v->kind == SCAN_number && scan_int(raw, &w->for_s);
	else if (v->id == WISH_reason)
		w->ok = take_text(raw, v->kind, w->reason, sizeof(w->reason));
	else if (v->kind != SCAN_null)
		w->ok = take_text(raw, v->kind, w->route, sizeof(w->route)) &&
			w->route[0] != '\0';
	return w->ok;
}

static bool
parse_wish(struct str body, struct bypass_wish *ret)
{
	struct scan_paths *paths = scan_paths_new(wish_paths, nitems(wish_paths));
	struct scan *scan = scan_new(paths, 8, on_wish, ret);
	bool ok;

	*ret = (struct bypass_wish){.body = body, .for_s = -1, .ok = true};
	ok = scan_feed(scan, body.p, body.len) && scan_end(scan);
	scan_free(scan);
	scan_paths_free(paths);
	return ok && ret->for_s >= 0;
}

static bool
read_bypass(struct admin_call *c, struct bypass_wish *ret)
{
	if (!parse_wish(buf_str(&c->in), ret)) {
		admin_fail(c, 400, NULL,
		    "expected {\"route\": null or a name, \"for_s\": seconds, "
		    "\"reason\": \"...\"}");
		return false;
	}
	if (ret->for_s > BYPASS_MAX_S) {
		admin_fail(c, 400, "for_s",
		    "for_s is seconds from 0 (lifts it) to %lld (30 days)",
		    BYPASS_MAX_S);
		return false;
	}
	if (ret->for_s > 0 && ret->reason[0] == '\0') {
		admin_fail(c, 400, "reason",
		    "say why: whoever finds the bypass in force will want to know");
		return false;
	}
	return true;
}

static bool
route_known(struct admin_call *c, const char *route)
{
	struct snapshot *snap = report_snapshot(c->report);
	bool known = route == NULL || snapshot_route(snap, str_of(route)) != NULL;

	snapshot_unref(snap);
	if (!known)
		admin_fail(c, 404, "route", "there is no route \"%.100s\"", route);
	return known;
}

static void
post_bypass(struct admin_call *c)
{
	struct report *r = c->report;
	struct bypass_wish w;
	const char *route;
	int64_t until;

	if (!read_bypass(c, &w))
		return;
	route = w.route[0] == '\0' ? NULL : w.route;
	until = w.for_s == 0 ? 0 : env_wall_ms(r->env) + w.for_s * 1000;
	if (!route_known(c, route))
		return;
	if (!bypass_set(r->o.shared->bypass, route, until, w.reason))
		admin_fail(c, 503, NULL,
		    "no further bypass can be kept; lift one that is in force");
	else
		get_bypass(c);
}

/* ---- keys that were paused for what they spent ---- */

#define KEYS_PATH "/admin/keys/"
#define RESUME    "/resume"

/* The name in /admin/keys/NAME/resume; names may have slashes. */
static bool
resumes(struct str path, char *ret, size_t cap)
{
	struct str name = str_skip(path, strlen(KEYS_PATH));
	size_t end = strlen(RESUME);

	if (!str_starts(path, STR(KEYS_PATH)) || name.len <= end ||
	    name.len - end >= cap || !str_is(str_skip(name, name.len - end), RESUME))
		return false;
	(void)str_copy(ret, cap, str_make(name.p, name.len - end));
	return true;
}

static bool
key_known(struct report *r, const char *name)
{
	struct snapshot *snap = report_snapshot(r);
	bool known = false;

	for (unsigned i = 0; i < snap->key_count && !known; i++)
		known = strcmp(snap->keys[i].name, name) == 0;
	snapshot_unref(snap);
	return known;
}

static void
resume_key(struct admin_call *c, const char *name)
{
	bool was = runaway_resume(c->report->o.shared->limits, name);
	struct json j;

	if (!was && !key_known(c->report, name)) {
		admin_fail(c, 404, "key", "there is no key \"%.40s\"", name);
		return;
	}
	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	json_str(&j, "key", str_of(name));
	json_bool(&j, "was_paused", was);
	json_object_end(&j);
	if (was)
		log_info("key '%s' is let in again", name);
}

/* ---- state ---- */

static void
get_fleet(struct admin_call *c)
{
	struct report *r = c->report;
	struct snapshot *snap = report_snapshot(r);
	int64_t now_ns = r->env->mono_ns(r->env);
	struct json j;

	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	fleet_json(r->o.shared->fleet, now_ns, &j);
	machines_json(snap, now_ns, &j);
	json_object_end(&j);
	snapshot_unref(snap);
}

static void
get_classifier(struct admin_call *c)
{
	struct json j;

	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	drift_json(c->report, &j);
	json_object_end(&j);
}

static void
put_ledger(struct json *j, const struct shared *s)
{
	struct ledger_status st;

	ledger_status_get(s->ledger, &st);
	json_object_begin(j, "ledger");
	json_bool(j, "accepts", ledger_accepts(s->ledger));
	json_int(j, "rows", (int64_t)st.rows);
	json_int(j, "batches", (int64_t)st.batches);
	json_int(j, "errors", (int64_t)st.errors);
	json_int(j, "recovered", (int64_t)st.recovered);
	json_int(j, "committed_until_ms", st.committed_until_ms);
	json_str(j, "error", str_of(st.error));
	json_object_end(j);
}

static void
get_status(struct admin_call *c)
{
	struct report *r = c->report;
	const struct shared *s = r->o.shared;
	struct snapshot *snap = report_snapshot(r);
	struct json j;

	json_init(&j, &c->out);
	json_object_begin(&j, NULL);
	json_str(&j, "version", str_of(s->version == NULL ? "" : s->version));
	json_int(&j, "uptime_s", (env_wall_ms(r->env) - s->start_wall_ms) / 1000);
	json_bool(&j, "ready", atomic_load(&r->ready_shared));
	json_int(&j, "workers", r->o.worker_count);
	json_str(&j, "policy", str_of(snap->short_hash));
	json_str(&j, "config", str_of(snap->path == NULL ? "" : snap->path));
	json_str(&j, "state", str_of(snap->state_dir));
	json_int(&j, "connections",
	    s->edge == NULL ? 0 : (int64_t)edge_connections(s->edge));
	json_int(&j, "slots_in_use", slots_in_use(s->slots));
	json_int(&j, "slots", snap->limits.slots);
	put_ledger(&j, s);
	runaway_json(s->limits, &j);
	admin_put_budgets(r, snap, &j);
	json_object_end(&j);
	snapshot_unref(snap);
}

/* ---- the table ---- */

static const struct {
	const char *method, *path;
	void (*run)(struct admin_call *c);
	bool open;
} table[] = {
    {"GET", "/healthz", get_health, true}, {"GET", "/readyz", get_ready, true},
    {"GET", "/metrics", get_metrics, false},
    {"GET", "/admin/policy", get_policy, false},
    {"POST", "/admin/reload", post_reload, false},
    {"GET", "/admin/bypass", get_bypass, false},
    {"POST", "/admin/bypass", post_bypass, false},
    {"GET", "/admin/backup", admin_get_backup, false},
    {"POST", "/admin/backup", admin_post_backup, false},
    {"POST", "/admin/correct", admin_post_correct, false},
    {"GET", "/admin/fleet", get_fleet, false},
    {"GET", "/admin/budgets", admin_get_budgets, false},
    {"GET", "/admin/classifier", get_classifier, false},
    {"GET", "/admin/status", get_status, false},
    {"GET", "/admin/top", NULL, false}, /* the query thread may wait for workers */
};

bool
admin_is_open(const struct admin_call *c)
{
	for (size_t i = 0; i < nitems(table); i++) {
		if (str_is(path_of(c), table[i].path))
			return table[i].open;
	}
	return false;
}

/* On the query thread. The connection does not end while it is suspended. */
static void
on_job(struct query_job *j)
{
	struct admin_call *c = j->arg;

	c->job = j;
	MHD_resume_connection(c->connection);
}

static bool
run_query(struct admin_call *c)
{
	struct query_job *j = query_job_new(str_of(c->target), NULL, on_job, c);

	MHD_suspend_connection(c->connection);
	if (query_put(c->report->query, j))
		return false;
	query_job_free(j);
	MHD_resume_connection(c->connection);
	admin_fail(
	    c, 503, NULL, "too many reports are being made; try again in some seconds");
	return false; /* the resumed connection comes back for the answer */
}

void
admin_take_answer(struct admin_call *c)
{
	struct query_job *j = c->job;

	c->status = j->status;
	c->type = j->text ? TEXT : "application/json";
	buf_fini(&c->out);
	c->out = j->body;
	j->body = (struct buf){0};
	query_job_free(j);
	c->job = NULL;
}

bool
admin_run(struct admin_call *c, const char *method)
{
	struct str path = path_of(c);
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	bool there = false;
	char key[SLOT_NAME];

	c->status = 200;
	if (c->too_long) {
		admin_fail(
		    c, 413, NULL, "the body is longer than %zu bytes", ADMIN_BODY_MAX);
		return true;
	}
	for (size_t i = 0; i < nitems(table); i++) {
		if (!str_is(path, table[i].path))
			continue;
		there = true;
		if (strcmp(table[i].method, get ? "GET" : method) != 0)
			continue;
		if (table[i].run == NULL)
			return run_query(c);
		table[i].run(c);
		return true;
	}
	if (resumes(path, key, sizeof(key)) && strcmp(method, "POST") == 0)
		resume_key(c, key);
	else if (there)
		admin_fail(c, 405, NULL, "this path does not take %.16s", method);
	else if (!get && str_starts(path, STR("/v1/")))
		admin_fail(c, 405, NULL,
		    "the admin port does not take %.16s here; requests to models go to "
		    "the address of `listen`",
		    method);
	else if (str_starts(path, STR("/v1/")))
		return run_query(c);
	else
		admin_fail(
		    c, 404, NULL, "there is nothing at this path; see docs/api.md");
	return true;
}
