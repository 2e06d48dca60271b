/* report_rows.h: a ledger with known rows for the tests of the reports, written by
 * meter's own store. */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/request.h"
#include "../../src/meter/store.h"
#include "../../src/report/dates.h"

/* 2026-11-23T10:30:00Z */
#define ROWS_NOW_MS 1795429800000LL

struct rows {
	char dir[64];
	struct env env; /* the real one but for its wall clock */
	struct store *store;
	uint64_t ids;
};

/* What differs between the rows of a test; the rest has plain values. */
struct row {
	int64_t end_ms;
	const char *key, *team, *route, *class_name, *model, *provider, *tags, *user;
	uint8_t tag_source[16];
	enum tier tier;
	uint64_t session;
	int64_t amount, list, baseline; /* -1 unknown */
	int64_t input, cached, output;
	enum outcome outcome;
	enum basis basis;
	int64_t at_most;
	const char *failed_at; /* provider of an attempt that failed before; NULL */
	int64_t failed_amount;
	int64_t expected;                                /* output tokens */
	int32_t ttft_ms, total_ms, idle_ms, warm_tokens; /* 0: plain values */
	bool tiered, warm_hour;
	uint32_t output_ppm, samples; /* of the baseline */
};

static inline int64_t
rows_wall(struct env *env)
{
	(void)env;
	return ROWS_NOW_MS * NS_PER_MS;
}

static inline int64_t
rows_at(const char *date)
{
	int64_t ms = 0;

	if (!date_parse(str_of(date), &ms))
		fail_msg("%s is no date", date);
	return ms;
}

static inline void
rows_open(struct rows *r)
{
	char why[STORE_WHY];
	struct buf prices;

	*r = (struct rows){.dir = "/tmp/frugald-report-XXXXXX"};
	assert_non_null(mkdtemp(r->dir));
	r->env = *env_system();
	r->env.wall_ns = rows_wall;
	if (!store_open(&r->env, r->dir, &r->store, why))
		fail_msg("%s", why);
	buf_init(&prices, 1 << 20);
	snprintf(why, sizeof(why), "%s/config/prices.yaml", FRUGALD_SOURCE_DIR);
	assert_true(r->env.read_file(&r->env, why, 1 << 20, &prices));
	assert_true(store_keep(r->store, "prices", "2026", buf_str(&prices)));
	buf_fini(&prices);
	assert_true(store_keep(r->store, "policy", "4be1c09",
	    STR("version: 1\nmodels:\n  sol:\n    is: openai/gpt-5.6-sol\n"
		"    at: [openai, {provider: azure-eu, as: \"x, y\"}]\n"
		"  \"luna\":\n    at: [azure-eu]\nroutes:\n  auto:\n    mode: "
		"live\n")));
}

static inline void
rows_remove(void *arg, const char *name)
{
	struct rows *r = arg;
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	assert_int_equal(remove(path), 0);
}

static inline void
rows_close(struct rows *r)
{
	store_close(r->store);
	assert_true(r->env.list_dir(&r->env, r->dir, rows_remove, r));
	assert_int_equal(remove(r->dir), 0);
}

static inline const char *
rows_or(const char *s, const char *other)
{
	return s == NULL ? other : s;
}

static inline void
rows_attempt(struct slot_attempt *a, const struct row *row)
{
	snprintf(a->model, sizeof(a->model), "%s", rows_or(row->model, "luna"));
	snprintf(
	    a->provider, sizeof(a->provider), "%s", rows_or(row->provider, "azure-eu"));
	snprintf(a->region, sizeof(a->region), "eu");
	snprintf(a->price_id, sizeof(a->price_id), "openai/gpt-5.6-luna/2026-07-30");
	snprintf(a->served_model, sizeof(a->served_model), "gpt-5.6-luna-2026-07-30");
	a->tier = (uint8_t)row->tier;
	a->sent = a->first_byte = a->closed = 1;
	a->basis = (uint8_t)row->basis;
	a->unpriced = row->amount < 0;
	a->contract_ppm = 880000;
	a->outcome = (uint16_t)row->outcome;
	a->http_status = 200;
	a->start_ms = row->end_ms - 900;
	a->at_most_pusd = row->at_most == 0 ? -1 : row->at_most;
	a->input_estimate = 6412;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a->tokens[k] = -1;
	a->tokens[TOKEN_input_uncached] = row->input;
	a->tokens[TOKEN_cache_read] = row->cached;
	a->tokens[TOKEN_output] = row->output;
	a->reasoning = -1;
	a->amount_pusd = row->amount;
	a->list_pusd = row->list;
	a->connect_ms = 3;
	a->ttft_ms = row->ttft_ms > 0 ? row->ttft_ms : 412;
	a->total_ms = row->total_ms > 0 ? row->total_ms : 900;
	a->expected_output = row->expected;
	a->warm_idle_ms = row->idle_ms;
	a->warm_tokens = row->warm_tokens;
	a->warm_kind = row->warm_hour ? WARM_hour : WARM_minutes;
	a->tiered = row->tiered;
}

static inline void
rows_failed(struct slot_attempt *a, const struct row *row)
{
	rows_attempt(a, row);
	snprintf(a->provider, sizeof(a->provider), "%s", row->failed_at);
	a->outcome = OUT_cut;
	a->basis = BASIS_partial;
	a->unpriced = 0;
	a->amount_pusd = row->failed_amount;
	a->list_pusd = row->failed_amount;
	a->at_most_pusd = row->failed_amount + 7;
	a->tokens[TOKEN_cache_read] = -1;
}

/* One candidate that was chosen and one that a rule put out: see meter/pack.c. */
static inline void
rows_plan(struct slot_request *q)
{
	const struct model model[] = {{.name = "sol"}, {.name = "luna", .index = 1}};
	struct plan *p = xcalloc(1, sizeof(*p));

	p->count = 2;
	p->usable = 1;
	p->candidate[0] = (struct candidate){.model = &model[1],
	    .signal = SIGNAL_UNKNOWN,
	    .success = 0.885,
	    .cost_usd = 0.000865,
	    .reason = REASON_chosen,
	    .rule = -1};
	p->candidate[1] = (struct candidate){.model = &model[0],
	    .at = 1,
	    .signal = SIGNAL_UNKNOWN,
	    .success = 0.91,
	    .cost_usd = 0.029258,
	    .reason = REASON_out_rule,
	    .rule = 2};
	q->plan_len = (uint16_t)plan_pack(p, q->plan, sizeof(q->plan));
	xfree(p);
}

/* Ids count up, with the time of the row's start in them. Gives the id. */
static inline struct id
rows_add(struct rows *r, const struct row *row)
{
	struct slot *s = xcalloc(1, sizeof(*s));
	struct slot_request *q = &s->request;
	const struct slot *batch[] = {s};
	char why[STORE_WHY];
	struct id id;

	q->start_ms = row->end_ms - 1000;
	q->id = (struct id){(uint64_t)q->start_ms << 16, ++r->ids};
	snprintf(q->key, sizeof(q->key), "%s", rows_or(row->key, "pay-api"));
	snprintf(q->team, sizeof(q->team), "%s", rows_or(row->team, "payments"));
	snprintf(q->route, sizeof(q->route), "%s", rows_or(row->route, "auto"));
	snprintf(q->asked, sizeof(q->asked), "gpt-4o");
	snprintf(q->path, sizeof(q->path), "/v1/chat/completions");
	snprintf(q->class_name, sizeof(q->class_name), "%s",
	    rows_or(row->class_name, "writing"));
	snprintf(q->user, sizeof(q->user), "%s", rows_or(row->user, ""));
	snprintf(q->mode, sizeof(q->mode), "live");
	snprintf(q->policy, sizeof(q->policy), "4be1c09");
	snprintf(q->classifier, sizeof(q->classifier), "rules-1");
	snprintf(q->baseline, sizeof(q->baseline), "sol");
	snprintf(q->decided, sizeof(q->decided), "luna");
	snprintf(q->tags, sizeof(q->tags), "%s", rows_or(row->tags, ""));
	q->tags_len = (uint16_t)strlen(q->tags);
	memcpy(q->tag_source, row->tag_source, sizeof(q->tag_source));
	q->session = row->session;
	q->complexity = 0.34F;
	q->confidence = 0.92F;
	q->baseline_pusd = row->baseline;
	q->baseline_success = 0.91F;
	q->baseline_output_ppm = row->output_ppm;
	q->baseline_samples = row->samples;
	q->stream = 1;
	rows_plan(q);
	if (row->failed_at != NULL)
		rows_failed(&s->attempt[s->attempts++], row);
	rows_attempt(&s->attempt[s->attempts++], row);
	s->outcome = (uint16_t)row->outcome;
	s->end_ms = row->end_ms;
	if (!store_commit(r->store, batch, 1, why))
		fail_msg("%s", why);
	id = q->id;
	xfree(s);
	return id;
}

/* Against tests/golden/report/NAME, which FRUGALD_GOLDEN_UPDATE writes anew. */
static inline void
rows_golden(const char *name, struct str got)
{
	char path[1024];
	struct buf want;

	snprintf(
	    path, sizeof(path), "%s/tests/golden/report/%s", FRUGALD_SOURCE_DIR, name);
	buf_init(&want, 1 << 20);
	if (getenv("FRUGALD_GOLDEN_UPDATE") != NULL)
		assert_true(env_system()->write_file(env_system(), path, got));
	if (!env_system()->read_file(env_system(), path, 1 << 20, &want))
		fail_msg("%s cannot be read", path);
	buf_add(&want, "");
	assert_string_equal(got.p, want.p);
	buf_fini(&want);
}

#endif
