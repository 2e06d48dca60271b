/* record_json.c: one request as JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "core/request.h"
#include "dates.h"
#include "policy_names.h"
#include "record.h"

#define PLAN_MAX 24

static void
put_known(struct json *j, const char *key, int64_t v)
{
	if (v < 0)
		json_put_null(j, key);
	else
		json_int(j, key, v);
}

static void
put_money(struct json *j, const char *key, int64_t pusd)
{
	if (pusd < 0)
		json_put_null(j, key);
	else
		json_pusd(j, key, (struct pusd){pusd});
}

static void
put_date(struct json *j, const char *key, int64_t ms)
{
	char text[DATE_TEXT_BYTES];

	date_format_ms(ms, text);
	json_str(j, key, str_of(text));
}

static void
put_tags(struct json *j, struct str tags)
{
	struct str line, name;
	char key[ASK_NAME];

	json_object_begin(j, "tags");
	while (str_split(&tags, '\n', &line)) {
		if (!str_split(&line, '=', &name) || name.len == 0)
			continue;
		str_copy(key, sizeof(key), name);
		json_str(j, key, line);
	}
	json_object_end(j);
}

/* ---- attempts ---- */

static void
put_usage(struct json *j, const struct record_attempt *a)
{
	json_object_begin(j, "tokens");
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		put_known(j, token_name((enum token_kind)k), a->tokens[k]);
	put_known(j, "of_which_reasoning", a->reasoning);
	json_object_end(j);
}

static void
put_attempt(struct json *j, const struct record_attempt *a)
{
	json_object_begin(j, NULL);
	json_str(j, "model", a->model);
	json_str(j, "provider", a->provider);
	json_str(j, "region", a->region);
	json_str(j, "tier", str_of(tier_name(a->tier)));
	json_str(j, "served_model", a->served_model);
	json_str(j, "service_tier", a->service_tier);
	json_str(j, "outcome", str_of(outcome_name(a->outcome)));
	json_int(j, "upstream_status", a->http_status);
	json_bool(j, "sent", a->sent);
	json_str(j, "basis", str_of(basis_name(a->basis)));
	json_str(j, "price", a->price);
	json_int(j, "contract_ppm", a->contract_ppm);
	put_usage(j, a);
	json_bool(j, "usage_inconsistent", a->inconsistent);
	put_money(j, "cost_usd", a->unpriced ? -1 : a->amount_pusd);
	put_money(j, "list_usd", a->unpriced ? -1 : a->list_pusd);
	put_money(j, "at_most_usd", a->at_most_pusd);
	put_known(j, "input_estimate", a->input_estimate);
	put_known(j, "expected_output", a->expected_output);
	put_date(j, "started_at", a->start_ms);
	put_known(j, "connect_ms", a->connect_ms);
	put_known(j, "ttft_ms", a->ttft_ms);
	put_known(j, "total_ms", a->total_ms);
	json_object_end(j);
}

/* ---- the plan ---- */

static void
put_candidate(
    struct json *j, const struct policy_names *names, const struct packed_candidate *c)
{
	char cost[32];

	json_object_begin(j, NULL);
	if (names != NULL && c->model < names->models) {
		json_str(j, "model", names->model[c->model].name);
		if (c->at < names->model[c->model].ats)
			json_str(j, "provider", names->model[c->model].at[c->at]);
	} else {
		json_int(j, "model_index", c->model);
	}
	if (c->by_rule)
		json_bool(j, "service_tier_by_rule", true);
	json_num(j, "success", c->success, 4);
	if (c->cost_usd < 0) {
		json_put_null(j, "cost_usd");
	} else {
		snprintf(cost, sizeof(cost), "%.9f", c->cost_usd);
		json_str(j, "cost_usd", str_of(cost));
	}
	json_str(j, "reason", str_of(reason_name((enum reason)c->reason)));
	json_str(j, "verdict", str_of(reason_text((enum reason)c->reason)));
	if (c->rule >= 0)
		json_int(j, "rule", c->rule + 1);
	json_object_end(j);
}

static void
put_plan(struct json *j, const struct record *r, struct books *b)
{
	const struct policy_names *names = policy_names_load(b, r->policy, r->mem);
	struct packed_candidate c[PLAN_MAX];
	unsigned n = plan_unpack(r->plan, c, PLAN_MAX);

	json_array_begin(j, "plan");
	for (unsigned i = 0; i < n; i++)
		put_candidate(j, names, &c[i]);
	json_array_end(j);
}

/* ---- the whole ---- */

/* An estimate is shorter than an amount. */
static void
put_estimate(struct json *j, const char *key, int64_t pusd)
{
	char text[PUSD_TEXT_BYTES];

	pusd_sum_round((struct pusd_sum){pusd}, 9, text);
	json_str(j, key, str_of(text));
}

static void
put_baseline(struct json *j, const struct record *r)
{
	if (r->baseline.len == 0) {
		json_put_null(j, "baseline");
		return;
	}
	json_object_begin(j, "baseline");
	json_str(j, "model", r->baseline);
	if (r->baseline_pusd < 0)
		json_put_null(j, "usd");
	else
		put_estimate(j, "usd", r->baseline_pusd);
	if (r->baseline_success < 0)
		json_put_null(j, "success");
	else
		json_num(j, "success", r->baseline_success, 4);
	json_object_end(j);
}

static void
put_decision(struct json *j, const struct record *r)
{
	json_str(j, "model_asked", r->asked);
	json_str(j, "route", r->route);
	json_str(j, "mode", r->mode);
	json_str(j, "decided", r->decided);
	json_str(j, "data", r->data);
	json_str(j, "class", r->class_name);
	json_num(j, "complexity", r->complexity, 3);
	json_num(j, "confidence", r->confidence, 3);
	json_bool(j, "below_quality", r->below_quality);
	json_bool(j, "unsure", r->unsure);
	json_bool(j, "pinned", r->pinned);
}

static void
put_head(struct json *j, const struct record *r)
{
	char id[ID_TEXT_BYTES], text[40];

	id_format(r->id, id);
	snprintf(text, sizeof(text), "req_%s", id);
	json_str(j, "object", STR("frugald.request"));
	json_str(j, "id", str_of(text));
	put_date(j, "started_at", r->start_ms);
	put_date(j, "ended_at", r->end_ms);
	json_int(j, "total_ms", r->end_ms - r->start_ms);
	json_str(j, "path", r->path);
	json_bool(j, "stream", r->stream);
	json_str(j, "outcome", str_of(outcome_name(r->outcome)));
	json_int(j, "status", outcome_row(r->outcome)->http);
	json_str(j, "key", r->key);
	json_str(j, "team", r->team);
	json_str(j, "user", r->user);
	snprintf(text, sizeof(text), "%016" PRIx64, r->session);
	json_str(j, "session", str_of(text));
	put_tags(j, r->tags);
}

void
record_json(const struct record *r, struct books *b, struct buf *ret)
{
	struct json j;

	json_init(&j, ret);
	json_object_begin(&j, NULL);
	put_head(&j, r);
	put_decision(&j, r);
	if (r->unpriced)
		json_put_null(&j, "cost_usd");
	else
		json_pusd_sum(&j, "cost_usd", r->cost);
	put_baseline(&j, r);
	put_plan(&j, r, b);
	json_array_begin(&j, "attempts");
	for (unsigned i = 0; i < r->attempts; i++)
		put_attempt(&j, &r->attempt[i]);
	json_array_end(&j);
	json_object_begin(&j, "versions");
	json_str(&j, "policy", r->policy);
	json_str(&j, "classifier", r->classifier);
	json_int(&j, "outlook", (int64_t)r->outlook);
	json_object_end(&j);
	json_object_end(&j);
}
