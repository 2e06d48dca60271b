/* print_json.c: a plan for programs, and on one line for a header. */
#include "work.h"

#include <inttypes.h>
#include <stdio.h>

/* An estimate: a decimal string with nine places, or null. */
static void
json_usd(struct json *j, const char *key, double usd)
{
	char text[32];

	if (usd < 0) {
		json_put_null(j, key);
		return;
	}
	snprintf(text, sizeof(text), "%.9f", usd);
	json_str(j, key, str_of(text));
}

static void
json_share(struct json *j, const char *key, double v)
{
	if (v < 0)
		json_put_null(j, key);
	else
		json_num(j, key, v, 4);
}

static void
json_name(struct json *j, const char *key, struct str name)
{
	if (name.len == 0)
		json_put_null(j, key);
	else
		json_str(j, key, name);
}

/* Only what is known. */
static void
json_known(struct json *j, const char *key, double v)
{
	if (v >= 0)
		json_int(j, key, (int64_t)(v + 0.5));
}

/* What a header has no room for. */
static void
json_details(const struct view_candidate *c, struct json *j)
{
	json_known(j, "input_tokens", c->input_tokens);
	json_known(j, "cached_tokens", c->cached_tokens);
	json_known(j, "output_tokens", c->output_tokens);
	json_known(j, "first_byte_ms", c->signal.ttft_ms);
	json_known(j, "wait_ms", c->signal.wait_ms);
	json_known(j, "takes_ms", c->takes_ms);
	json_str(j, "verdict", str_of(reason_text(c->reason)));
}

static void
json_candidate(const struct view_candidate *c, bool brief, struct json *j)
{
	json_object_begin(j, NULL);
	json_str(j, "model", c->model);
	json_str(j, "provider", c->provider);
	if (c->service.len > 0)
		json_str(j, "service_tier", c->service);
	json_share(j, "success", c->success);
	json_usd(j, "cost_usd", c->success > 0 ? c->cost_usd : -1);
	json_str(j, "reason", str_of(reason_name(c->reason)));
	if (!brief)
		json_details(c, j);
	if (c->rule >= 0)
		json_int(j, "rule", c->rule + 1);
	json_object_end(j);
}

static void
json_refusal(const struct plan_view *v, struct json *j)
{
	json_object_begin(j, "refused");
	json_int(j, "status", outcome_row(v->refusal)->http);
	json_str(j, "code", str_of(outcome_row(v->refusal)->code));
	json_str(j, "text", v->refusal_text);
	json_object_end(j);
}

static void
json_cascade(const struct plan_view *v, struct json *j)
{
	if (v->escalate_to == 0)
		return;
	json_object_begin(j, "cascade");
	json_str(j, "then", v->candidate[v->escalate_to].model);
	json_share(j, "success", v->cascade_success);
	json_usd(j, "cost_usd", v->cascade_cost_usd);
	json_object_end(j);
}

/* Who would serve, were it not for its queue, and what that costs. */
static void
json_spill(const struct plan_view *v, struct json *j)
{
	const struct view_candidate *c = &v->candidate[0], *there;

	if (v->spilled == 0)
		return;
	there = &v->candidate[v->spilled];
	json_object_begin(j, "spilled");
	json_str(j, "model", there->model);
	json_str(j, "provider", there->provider);
	json_int(j, "wait_ms", there->signal.wait_ms);
	if (c->cost_usd >= 0 && there->cost_usd >= 0)
		json_usd(j, "cost_usd", fmax(c->cost_usd - there->cost_usd, 0));
	json_object_end(j);
}

static void
json_session(const struct plan_view *v, struct json *j)
{
	char text[32];

	if (!v->session_told)
		return;
	json_object_begin(j, "session");
	snprintf(text, sizeof(text), "%016" PRIx64, v->session);
	json_str(j, "id", str_of(text));
	json_name(j, "model", v->session_model);
	json_name(j, "provider", v->session_provider);
	json_known(j, "idle_ms", (double)v->idle_ms);
	if (v->warm >= 0)
		json_num(j, "warm", v->warm, 3);
	json_name(j, "bound_by", str_of(v->pin == NULL ? "" : v->pin));
	json_object_end(j);
}

static void
json_head(const struct plan_view *v, struct json *j)
{
	json_str(j, "asked", v->asked);
	if (v->route.len > 0)
		json_str(j, "route", v->route);
	json_str(j, "mode", v->mode);
	if (v->canary_percent > 0)
		json_int(j, "canary_percent", v->canary_percent);
	if (v->data.len > 0)
		json_str(j, "data", v->data);
	json_session(v, j);
	json_str(j, "class", v->class_name);
	json_num(j, "complexity", v->complexity, 3);
	json_num(j, "confidence", v->confidence, 3);
	if (v->rules.len > 0)
		json_str(j, "rules", v->rules);
}

static void
put_plan(const struct plan_view *v, const char *key, bool brief, struct json *j)
{
	json_object_begin(j, key);
	json_head(v, j);
	json_share(j, "floor", v->floor);
	json_name(j, "baseline", v->baseline);
	json_share(j, "baseline_success", v->baseline_success);
	json_usd(j, "baseline_cost_usd", v->baseline_cost_usd);
	json_name(j, "decided", v->decided);
	json_bool(j, "below_quality", v->below_quality);
	json_bool(j, "unsure", v->unsure);
	json_bool(j, "pinned", v->pinned);
	json_bool(j, "stayed", v->stayed);
	json_cascade(v, j);
	json_spill(v, j);
	json_usd(j, "switch_usd", v->switch_usd);
	json_bool(j, "keeps_cache", v->keeps_cache);
	if (v->usable == 0 && v->refusal != OUT_unset)
		json_refusal(v, j);
	json_int(j, "usable", v->usable);
	json_array_begin(j, "candidates");
	for (unsigned i = 0; i < v->count; i++)
		json_candidate(&v->candidate[i], brief, j);
	json_array_end(j);
	json_object_end(j);
}

void
plan_json(const struct plan_view *v, const char *key, struct json *j)
{
	put_plan(v, key, false, j);
}

const char *
plan_line(const struct plan *p, const struct verdict *v, struct arena *mem)
{
	struct plan_view *view = arena_alloc(mem, sizeof(*view));
	struct json j;
	struct buf out;
	const char *line;

	plan_view(p, v, NULL, mem, view);
	buf_init(&out, 8192);
	json_init(&j, &out);
	put_plan(view, NULL, true, &j);
	line = j.full ? "{}" : arena_str(mem, buf_str(&out));
	buf_fini(&out);
	return line;
}
