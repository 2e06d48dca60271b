/* metrics.c: /metrics: counters of all workers summed, the state of the ledger, of
 * providers and of the process. No label that a client could invent. */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/scan.h"
#include "core/request.h"
#include "core/worker.h"

void
metrics_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(
	    b, "# HELP frugald_%s %s\n# TYPE frugald_%s %s\n", name, help, name, type);
}

static void
one(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
	metrics_head(b, name, type, help);
	buf_printf(b, "frugald_%s %" PRId64 "\n", name, v);
}

void
metrics_label(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_printf(b, "\\%c", *text);
		else if (*text == '\n')
			buf_add(b, "\\n");
		else
			buf_printf(b, "%c", *text);
	}
}

/* ---- counters ---- */

struct totals {
#define COUNTER(name, help) uint64_t name;
#include "core/counter.def"
	uint64_t outcome[OUT_COUNT], tokens[TOKEN_COUNT];
	uint64_t added_us[COUNTER_LATENCY_BUCKETS], ttft_ms[COUNTER_LATENCY_BUCKETS],
	    total_ms[COUNTER_LATENCY_BUCKETS];
	uint64_t live_requests;
	struct pusd_sum cost[TIER_COUNT];
};

static uint64_t
load(_Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
add_worker(struct totals *t, struct counters *c)
{
#define COUNTER(name, help) t->name += load(&c->name);
#include "core/counter.def"
	for (size_t i = 0; i < OUT_COUNT; i++)
		t->outcome[i] += load(&c->outcome[i]);
	for (size_t i = 0; i < TOKEN_COUNT; i++)
		t->tokens[i] += load(&c->tokens[i]);
	for (size_t i = 0; i < COUNTER_LATENCY_BUCKETS; i++) {
		t->added_us[i] += load(&c->added_us[i]);
		t->ttft_ms[i] += load(&c->ttft_ms[i]);
		t->total_ms[i] += load(&c->total_ms[i]);
	}
	for (size_t i = 0; i < TIER_COUNT; i++)
		t->cost[i].v += load(&c->cost_pusd[i]);
	t->live_requests += load(&c->live_requests);
}

static void
put_counters(struct buf *b, const struct totals *t)
{
#define COUNTER(name, help) one(b, #name "_total", "counter", help, (int64_t)t->name);
#include "core/counter.def"
	one(b, "requests_in_flight", "gauge", "requests under way",
	    (int64_t)t->live_requests);
	metrics_head(b, "request_outcomes_total", "counter",
	    "finished requests by how they ended");
	for (int o = OUT_unset + 1; o < OUT_COUNT; o++)
		buf_printf(b,
		    "frugald_request_outcomes_total{outcome=\"%s\",status=\"%d\"} "
		    "%" PRIu64 "\n",
		    outcome_name((enum outcome)o), outcome_row((enum outcome)o)->http,
		    t->outcome[o]);
	metrics_head(b, "tokens_total", "counter", "settled tokens by kind");
	for (int k = 0; k < TOKEN_COUNT; k++)
		buf_printf(b, "frugald_tokens_total{kind=\"%s\"} %" PRIu64 "\n",
		    token_name((enum token_kind)k), t->tokens[k]);
}

/* The workers count powers of two of a unit; the sum is not kept. */
static void
put_histogram(struct buf *b, const char *name, const char *help,
    const uint64_t bucket[static COUNTER_LATENCY_BUCKETS], double unit_s)
{
	uint64_t n = 0;

	metrics_head(b, name, "histogram", help);
	for (unsigned i = 0; i < COUNTER_LATENCY_BUCKETS; i++) {
		n += bucket[i];
		if (i + 1 < COUNTER_LATENCY_BUCKETS)
			buf_printf(b, "frugald_%s_bucket{le=\"%.10g\"} %" PRIu64 "\n",
			    name, (double)(2ULL << i) * unit_s, n);
	}
	buf_printf(b, "frugald_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
	buf_printf(b, "frugald_%s_count %" PRIu64 "\n", name, n);
}

static void
put_times(struct buf *b, const struct totals *t)
{
	put_histogram(b, "added_seconds",
	    "time that frugald added to requests with one attempt", t->added_us, 1e-6);
	put_histogram(b, "first_byte_seconds",
	    "time to the upstream's first byte of the last attempt", t->ttft_ms, 1e-3);
	put_histogram(b, "request_seconds", "time of requests that reached an upstream",
	    t->total_ms, 1e-3);
}

/* Floating point in whoever reads it: for dashboards; the ledger is exact. */
static void
put_cost(struct buf *b, const struct totals *t)
{
	char text[PUSD_TEXT_BYTES];

	metrics_head(b, "cost_usd_total", "counter",
	    "cost of finished requests since the start, by the tier that answered");
	for (int i = 0; i < TIER_COUNT; i++) {
		pusd_sum_format(t->cost[i], text);
		buf_printf(b, "frugald_cost_usd_total{tier=\"%s\"} %s\n",
		    tier_name((enum tier)i), text);
	}
}

/* ---- the ledger ---- */

static void
put_ledger(struct buf *b, struct report *r, const struct snapshot *snap)
{
	const struct shared *s = r->o.shared;
	struct ledger_status st;

	ledger_status_get(s->ledger, &st);
	one(b, "ledger_healthy", "gauge", "1 when the ledger can be written",
	    ledger_accepts(s->ledger));
	one(b, "ledger_rows_total", "counter", "requests committed since the start",
	    (int64_t)st.rows);
	one(b, "ledger_batches_total", "counter", "commits since the start",
	    (int64_t)st.batches);
	one(b, "ledger_errors_total", "counter", "commits that failed",
	    (int64_t)st.errors);
	one(b, "ledger_recovered", "gauge",
	    "requests of a dead process booked at the start", (int64_t)st.recovered);
	one(b, "ledger_committed_until_timestamp_seconds", "gauge",
	    "time of the last commit; 0 before the first",
	    st.committed_until_ms / 1000);
	one(b, "slots_in_use", "gauge", "requests that wait for their ledger row",
	    slots_in_use(s->slots));
	one(b, "slots", "gauge", "requests that may be under way at once",
	    snap->limits.slots);
}

/* ---- providers and models ---- */

/* One row of fleet_json(). */
struct health_row {
	char name[256], state[16];
	int64_t inflight, served, faults;
};

struct health_rows {
	struct str text;
	struct health_row *row;
	size_t count, room;
};

enum {
	HEALTH_row,
	HEALTH_name,
	HEALTH_state,
	HEALTH_inflight,
	HEALTH_served,
	HEALTH_faults
};

static const struct scan_path health_paths[] = {
    {"health[]", HEALTH_row, false},
    {"health[].name", HEALTH_name, false},
    {"health[].state", HEALTH_state, false},
    {"health[].inflight", HEALTH_inflight, false},
    {"health[].served", HEALTH_served, false},
    {"health[].faults", HEALTH_faults, false},
};

static void
add_row(struct health_rows *h)
{
	if (h->count == h->room) {
		h->room = h->room == 0 ? 16 : 2 * h->room;
		h->row = xrealloc(h->row, h->room * sizeof(*h->row));
	}
	h->row[h->count++] = (struct health_row){0};
}

/* Strings that need no escapes: names of the policy. */
static void
take_text(struct str raw, char *dst, size_t cap)
{
	str_copy(dst, cap, raw.len < 2 ? raw : str_make(raw.p + 1, raw.len - 2));
}

static bool
on_health(void *arg, const struct scan_value *v)
{
	struct health_rows *h = arg;
	struct str raw;
	struct health_row *row;

	if (v->id == HEALTH_row) {
		if (v->end == 0)
			add_row(h);
		return true;
	}
	raw = str_make(h->text.p + v->start, v->end - v->start);
	row = &h->row[h->count - 1];
	if (v->id == HEALTH_name)
		take_text(raw, row->name, sizeof(row->name));
	else if (v->id == HEALTH_state)
		take_text(raw, row->state, sizeof(row->state));
	else
		(void)scan_int(raw, v->id == HEALTH_inflight ? &row->inflight
				    : v->id == HEALTH_served ? &row->served
							     : &row->faults);
	return true;
}

static void
put_states(struct buf *b, const struct health_rows *h)
{
	static const char *const states[] = {"closed", "open", "half-open", "cooling"};

	metrics_head(
	    b, "health_state", "gauge", "1 for the state in which the breaker is");
	for (size_t i = 0; i < h->count; i++) {
		for (size_t k = 0; k < nitems(states); k++) {
			buf_add(b, "frugald_health_state{name=\"");
			metrics_label(b, h->row[i].name);
			buf_printf(b, "\",state=\"%s\"} %d\n", states[k],
			    strcmp(states[k], h->row[i].state) == 0);
		}
	}
}

static void
put_health(struct buf *b, const struct health_rows *h)
{
	static const struct {
		const char *name, *type, *help;
		size_t at;
	} rows[] = {
	    {"health_requests_in_flight", "gauge", "attempts under way",
		offsetof(struct health_row, inflight)},
	    {"health_served_total", "counter", "attempts that were answered",
		offsetof(struct health_row, served)},
	    {"health_faults_total", "counter", "attempts that failed by its fault",
		offsetof(struct health_row, faults)},
	};

	put_states(b, h);
	for (size_t k = 0; k < nitems(rows); k++) {
		metrics_head(b, rows[k].name, rows[k].type, rows[k].help);
		for (size_t i = 0; i < h->count; i++) {
			const char *row = (const char *)&h->row[i];
			int64_t v;

			memcpy(&v, row + rows[k].at, sizeof(v));
			buf_printf(b, "frugald_%s{name=\"", rows[k].name);
			metrics_label(b, h->row[i].name);
			buf_printf(b, "\"} %" PRId64 "\n", v);
		}
	}
}

/* call/ tells of the fleet as JSON, which the admin port passes on as it is; here its
 * numbers are taken out. */
static void
put_fleet(struct buf *b, struct report *r)
{
	struct scan_paths *paths = scan_paths_new(health_paths, nitems(health_paths));
	struct health_rows rows = {0};
	struct scan *scan = scan_new(paths, 8, on_health, &rows);
	struct buf text;
	struct json j;

	buf_init(&text, 1 << 20);
	json_init(&j, &text);
	json_object_begin(&j, NULL);
	fleet_json(r->o.shared->fleet, r->env->mono_ns(r->env), &j);
	json_object_end(&j);
	rows.text = buf_str(&text);
	if (scan_feed(scan, text.p, text.len) && scan_end(scan))
		put_health(b, &rows);
	scan_free(scan);
	scan_paths_free(paths);
	xfree(rows.row);
	buf_fini(&text);
}

/* ---- the process ---- */

static void
count_name(void *arg, const char *name)
{
	(void)name;
	++*(int64_t *)arg;
}

/* Second number of /proc/self/statm: resident pages. -1: not there. */
static int64_t
resident_bytes(struct env *env)
{
	struct str rest, part;
	struct buf b;
	uint64_t pages = 0;
	bool ok;

	buf_init(&b, 4096);
	ok = env->read_file(env, "/proc/self/statm", 4000, &b);
	rest = buf_str(&b);
	ok = ok && str_split(&rest, ' ', &part) && str_split(&rest, ' ', &part) &&
	     str_to_u64(part, &pages);
	buf_fini(&b);
	return ok ? (int64_t)pages * 4096 : -1;
}

static void
put_process(struct buf *b, struct env *env, int64_t start_ms)
{
	int64_t rss = resident_bytes(env), fds = 0;

	if (rss >= 0)
		buf_printf(b,
		    "# HELP process_resident_memory_bytes Resident memory.\n"
		    "# TYPE process_resident_memory_bytes gauge\n"
		    "process_resident_memory_bytes %" PRId64 "\n",
		    rss);
	if (env->list_dir(env, "/proc/self/fd", count_name, &fds))
		buf_printf(b,
		    "# HELP process_open_fds Open file descriptors.\n"
		    "# TYPE process_open_fds gauge\nprocess_open_fds %" PRId64 "\n",
		    fds);
	buf_printf(b,
	    "# HELP process_start_time_seconds Start, in seconds since 1970.\n"
	    "# TYPE process_start_time_seconds gauge\n"
	    "process_start_time_seconds %" PRId64 ".%03d\n",
	    start_ms / 1000, (int)(start_ms % 1000));
}

static void
put_builds(struct buf *b, const struct report *r, const struct snapshot *snap)
{
	metrics_head(b, "build_info", "gauge", "the version that runs");
	buf_add(b, "frugald_build_info{version=\"");
	metrics_label(b, r->o.shared->version == NULL ? "" : r->o.shared->version);
	buf_add(b, "\"} 1\n");
	metrics_head(b, "policy_info", "gauge", "hash of the policy in force");
	buf_printf(b, "frugald_policy_info{hash=\"%s\"} 1\n", snap->short_hash);
	one(b, "workers", "gauge", "worker threads", r->o.worker_count);
}

void
metrics_text(struct report *r, struct buf *ret)
{
	struct totals *t = xcalloc(1, sizeof(*t));
	struct snapshot *snap = report_snapshot(r);

	for (unsigned i = 0; i < r->o.worker_count; i++)
		add_worker(t, r->o.workers[i]->counters);
	put_counters(ret, t);
	put_times(ret, t);
	put_cost(ret, t);
	one(ret, "log_lines_unwritten_total", "counter",
	    "request log lines that their file or pipe did not take",
	    (int64_t)atomic_load_explicit(
		&r->log_dropped_shared, memory_order_relaxed));
	if (r->o.shared->edge != NULL)
		one(ret, "connections", "gauge", "client connections",
		    edge_connections(r->o.shared->edge));
	drift_metrics(r, ret);
	put_ledger(ret, r, snap);
	put_fleet(ret, r);
	metrics_machines(ret, snap, r->env->mono_ns(r->env));
	metrics_limits(ret, r->o.shared, snap);
	metrics_budgets(ret, r->o.shared, snap);
	put_builds(ret, r, snap);
	put_process(ret, r->env, r->o.shared->start_wall_ms);
	snapshot_unref(snap);
	xfree(t);
}
