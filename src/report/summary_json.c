/* summary_json.c: a summary as JSON. Amounts are exact decimal strings; estimates are
 * shorter; shares are numbers; what is not known is null, never 0. */
#include <stdio.h>

#include "base/json.h"
#include "config/snapshot.h"
#include "dates.h"
#include "summary.h"

static void
put_date(struct json *j, const char *key, int64_t ms)
{
	char text[DATE_TEXT_BYTES];

	if (ms < 0) {
		json_put_null(j, key);
		return;
	}
	date_format_s(ms, text);
	json_str(j, key, str_of(text));
}

void
summary_put_share(struct json *j, const char *key, wide num, wide den)
{
	if (den <= 0)
		json_put_null(j, key);
	else
		json_num(j, key, (double)num / (double)den, 4);
}

/* An amount for each of `n`; null when there is none. */
static void
put_per(struct json *j, const char *key, wide amount, int64_t n)
{
	struct pusd each;

	if (n <= 0 || !pusd_divide(amount, n, &each))
		json_put_null(j, key);
	else
		json_pusd(j, key, each);
}

static void
put_estimate(struct json *j, const char *key, wide amount)
{
	char text[PUSD_TEXT_BYTES];

	pusd_sum_round((struct pusd_sum){amount}, 6, text);
	json_str(j, key, str_of(text));
}

static void
put_quantile(struct json *j, const char *key, const struct hist *h, double q)
{
	int64_t v = hist_quantile(h, q);

	if (v < 0)
		json_put_null(j, key);
	else
		json_int(j, key, v);
}

static void
put_scope(struct json *j, const struct scope *s)
{
	json_object_begin(j, "scope");
	if (!s->all) {
		json_str(j, "key", str_of(s->key));
		if (s->team != NULL && s->team[0] != '\0')
			json_str(j, "team", str_of(s->team));
	}
	json_object_end(j);
}

static void
dim_text(const struct ask_dim *d, char ret[static ASK_NAME + 4])
{
	if (d->dim == DIM_tag)
		snprintf(ret, ASK_NAME + 4, "tag.%s", d->tag);
	else
		snprintf(ret, ASK_NAME + 4, "%s", dim_name(d->dim));
}

static void
put_ask(struct json *j, const struct ask *a)
{
	char name[ASK_NAME + 4];

	json_object_begin(j, "filter");
	for (unsigned i = 0; i < a->filters; i++) {
		dim_text(&a->filter[i].by, name);
		json_str(j, name, str_of(a->filter[i].value));
	}
	json_object_end(j);
	json_array_begin(j, "group_by");
	for (unsigned i = 0; i < a->groups; i++) {
		dim_text(&a->group[i], name);
		json_str(j, NULL, str_of(name));
	}
	json_array_end(j);
}

/* ---- the total ---- */

static int64_t
all_tokens(const struct sums *s)
{
	int64_t n = 0;

	for (size_t k = 0; k < TOKEN_COUNT; k++)
		n += s->tokens[k];
	return n;
}

static int64_t
input_tokens(const struct sums *s)
{
	return all_tokens(s) - s->tokens[TOKEN_output] - s->tokens[TOKEN_audio_output];
}

static void
put_tokens(struct json *j, const struct sums *s)
{
	json_object_begin(j, "tokens");
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		json_int(j, token_name((enum token_kind)k), s->tokens[k]);
	json_int(j, "of_which_reasoning", s->reasoning);
	json_object_end(j);
}

static void
put_kinds(struct json *j, const struct summary *s)
{
	const struct kinds *k = &s->kinds;

	json_object_begin(j, "cost_by_kind_usd");
	for (size_t i = 0; i < TOKEN_COUNT; i++) {
		if (k->kind[i].v != 0)
			json_pusd_sum(j, token_name((enum token_kind)i), k->kind[i]);
	}
	if (k->local.v != 0)
		json_pusd_sum(j, "local_compute", k->local);
	if (k->other.v != 0)
		json_pusd_sum(j, "other", k->other);
	json_object_end(j);
}

static void
put_wasted(struct json *j, const struct sums *s)
{
	wide failed = s->wasted.v - s->gone.v - s->escalated.v;

	json_object_begin(j, "of_which_wasted_usd");
	json_pusd_sum(j, "not_served", s->wasted);
	json_pusd_sum(j, "client_gone", s->gone);
	json_pusd_sum(j, "escalated", s->escalated);
	json_pusd_sum(j, "failed", (struct pusd_sum){failed});
	json_object_end(j);
	/* A request bears its failed attempts itself. */
	json_object_begin(j, "charged_elsewhere_usd");
	json_object_end(j);
}

bool
summary_saved(const struct sums *s, struct pusd_sum *ret)
{
	if (s->compared_requests == 0)
		return false;
	ret->v = s->baseline.v - s->compared.v - s->wasted.v;
	return true;
}

static void
put_baseline(struct json *j, const struct summary *s, wide half)
{
	const struct sums *t = &s->total;

	json_object_begin(j, "baseline");
	if (s->ask->baseline[0] == '\0')
		json_put_null(j, "name");
	else
		json_str(j, "name", str_of(s->ask->baseline));
	put_estimate(j, "usd", t->baseline.v);
	put_estimate(j, "low", t->baseline.v > half ? t->baseline.v - half : 0);
	put_estimate(j, "high", t->baseline.v + half);
	json_num(j, "confidence", 0.95, 2);
	json_pusd_sum(j, "compared_usd", t->compared);
	json_int(j, "requests", t->compared_requests);
	json_int(j, "left_out", t->requests - t->compared_requests);
	json_object_end(j);
}

/* Net of what was paid for attempts that did not answer: the baseline would have had
 * its failures, too, but nobody knows them. */
static void
put_savings(struct json *j, const struct summary *s)
{
	wide half = baseline_half_95(s->total.bias, s->total.var).v;
	wide baseline = s->total.baseline.v, low, high;
	struct pusd_sum saved;

	if (!summary_saved(&s->total, &saved)) {
		json_put_null(j, "baseline");
		json_put_null(j, "saved");
		return;
	}
	put_baseline(j, s, half);
	/* A baseline costs something, or nothing. */
	low = saved.v - (half < baseline ? half : baseline);
	high = saved.v + half;
	json_object_begin(j, "saved");
	put_estimate(j, "usd", saved.v);
	put_estimate(j, "low", low);
	put_estimate(j, "high", high);
	json_pusd_sum(j, "net_of_usd", s->total.wasted);
	summary_put_share(j, "share", saved.v, baseline);
	summary_put_share(j, "share_low", low, baseline - half);
	summary_put_share(j, "share_high", high, baseline + half);
	json_put_null(j, "measured_on_holdout");
	json_object_end(j);
}

static void
put_units(struct json *j, const struct sums *s)
{
	json_object_begin(j, "unit");
	put_per(j, "per_request_usd", s->paid.v, s->requests);
	put_per(j, "per_million_tokens_usd", s->paid.v * 1000000, all_tokens(s));
	summary_put_share(
	    j, "cache_hit_ratio", s->tokens[TOKEN_cache_read], input_tokens(s));
	json_object_end(j);
}

static void
put_quantiles(struct json *j, const struct summary *s)
{
	json_object_begin(j, "tokens_per_request");
	put_quantile(j, "p50", &s->tokens, 0.5);
	put_quantile(j, "p95", &s->tokens, 0.95);
	put_quantile(j, "p99", &s->tokens, 0.99);
	if (hist_cv(&s->tokens) < 0)
		json_put_null(j, "cv");
	else
		json_num(j, "cv", hist_cv(&s->tokens), 3);
	json_object_end(j);
	json_object_begin(j, "latency_ms");
	put_quantile(j, "ttft_p50", &s->ttft, 0.5);
	put_quantile(j, "ttft_p95", &s->ttft, 0.95);
	put_quantile(j, "total_p50", &s->total_time, 0.5);
	put_quantile(j, "total_p95", &s->total_time, 0.95);
	json_object_end(j);
}

static void
put_total(struct json *j, const struct summary *s)
{
	const struct sums *t = &s->total;

	json_object_begin(j, "total");
	json_int(j, "requests", t->requests);
	json_int(j, "attempts", t->attempts);
	json_int(j, "failed_attempts", t->failed);
	if (s->rows_known)
		json_int(j, "sessions", s->sessions);
	else if (s->sketched)
		json_int(j, "sessions", sketch_count(&s->sketch));
	else
		json_put_null(j, "sessions");
	put_tokens(j, t);
	json_pusd_sum(j, "cost_usd", t->paid);
	json_pusd_sum(j, "list_usd", t->list);
	put_kinds(j, s);
	put_wasted(j, t);
	put_savings(j, s);
	put_estimate(j, "cache_saved_usd", s->kinds.cache_saved.v);
	put_units(j, t);
	put_quantiles(j, s);
	json_object_end(j);
}

/* ---- rows ---- */

static void
put_sums(struct json *j, const struct summary *s, const struct sums *u)
{
	struct pusd_sum saved = {0};

	json_int(j, "requests", u->requests);
	json_int(j, "attempts", u->attempts);
	json_int(j, "failed_attempts", u->failed);
	json_int(j, "input_tokens", input_tokens(u));
	json_int(j, "output_tokens", all_tokens(u) - input_tokens(u));
	json_pusd_sum(j, "cost_usd", u->paid);
	put_per(j, "per_request_usd", u->paid.v, u->requests);
	summary_put_share(j, "share_of_cost", u->paid.v, s->total.paid.v);
	if (summary_saved(u, &saved))
		put_estimate(j, "saved_usd", saved.v);
	else
		json_put_null(j, "saved_usd");
	summary_put_share(j, "saved_share", saved.v, u->baseline.v);
	json_int(j, "unpriced", u->unpriced);
}

static bool
grouped_by(const struct ask *a, enum dim d)
{
	for (unsigned i = 0; i < a->groups; i++) {
		if (a->group[i].dim == d)
			return true;
	}
	return false;
}

/* Of a group by model: where it was, and under which names it answered. */
static void
put_model(struct json *j, const struct summary *s, const struct group *g)
{
	struct str rest = str_of(g->served), name;

	if (!grouped_by(s->ask, DIM_tier)) {
		if (g->mixed_tier)
			json_put_null(j, "tier");
		else
			json_str(j, "tier", str_of(tier_name(g->tier)));
	}
	if (!grouped_by(s->ask, DIM_provider)) {
		if (g->mixed_provider)
			json_put_null(j, "provider");
		else
			json_str(j, "provider", str_of(g->provider));
	}
	json_array_begin(j, "served");
	while (str_split(&rest, '\n', &name))
		json_str(j, NULL, name);
	json_array_end(j);
}

/* Of a group by team. */
static void
put_team(struct json *j, const struct summary *s, const struct group *g)
{
	const struct team *team = NULL;

	for (unsigned i = 0; s->snap != NULL && i < s->ask->groups; i++) {
		if (s->ask->group[i].dim == DIM_team)
			team = snapshot_team(s->snap, str_of(g->value[i]));
	}
	if (team == NULL || team->cost_centre == NULL)
		json_put_null(j, "cost_centre");
	else
		json_str(j, "cost_centre", str_of(team->cost_centre));
}

static void
put_group(struct json *j, const struct summary *s, const struct group *g)
{
	char name[ASK_NAME + 4];

	json_object_begin(j, NULL);
	for (unsigned i = 0; i < s->ask->groups; i++) {
		dim_text(&s->ask->group[i], name);
		json_str(j, name, str_of(g->value[i]));
	}
	if (grouped_by(s->ask, DIM_model))
		put_model(j, s, g);
	if (grouped_by(s->ask, DIM_team))
		put_team(j, s, g);
	put_sums(j, s, &g->sums);
	json_object_end(j);
}

static void
put_rows(struct json *j, const struct summary *s)
{
	json_array_begin(j, "rows");
	for (size_t i = 0; i < s->groups; i++)
		put_group(j, s, s->group[i]);
	if (s->rest != NULL) {
		json_object_begin(j, NULL);
		json_bool(j, "rest", true);
		json_int(j, "groups", (int64_t)s->rest_groups);
		put_sums(j, s, &s->rest->sums);
		json_object_end(j);
	}
	json_array_end(j);
}

bool
summary_json(const struct summary *s, struct buf *ret)
{
	struct json j;

	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.cost_summary"));
	json_int(&j, "version", 1);
	put_date(&j, "from", s->ask->from_ms);
	put_date(&j, "to", s->ask->to_ms);
	put_date(&j, "complete_until",
	    s->complete_until_ms > s->ask->to_ms ? s->ask->to_ms
						 : s->complete_until_ms);
	json_bool(&j, "closed", false);
	put_scope(&j, s->scope);
	put_ask(&j, s->ask);
	json_str(&j, "currency", STR("USD"));
	put_total(&j, s);
	put_rows(&j, s);
	summary_beside_json(s, &j);
	json_put_null(&j, "next_page");
	json_object_end(&j);
	return !j.full;
}
