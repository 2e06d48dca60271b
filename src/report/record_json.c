/* record_json.c: one request as JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "core/request.h"
#include "config/kept.h"
#include "dates.h"
#include "in_force.h"
#include "recompute.h"
#include "record.h"

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
put_tags(struct json *j, const struct record *r)
{
	struct str tags = r->tags, line, name;
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

/* Who said each of them. */
static void
put_tag_sources(struct json *j, const struct record *r)
{
	struct str tags = r->tags, line, name;
	char key[ASK_NAME];
	unsigned i = 0;

	json_object_begin(j, "tag_sources");
	while (i < r->sources && str_split(&tags, '\n', &line)) {
		enum tag_source source;

		if (!str_split(&line, '=', &name) || name.len == 0)
			continue;
		source = r->source[i++];
		str_copy(key, sizeof(key), name);
		if (source == TAG_by_nobody)
			json_put_null(j, key);
		else
			json_str(j, key, str_of(tag_source_name(source)));
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
	if (a->flaw != FLAW_none)
		json_str(j, "flaw", str_of(flaw_name(a->flaw)));
	json_int(j, "upstream_status", a->http_status);
	json_bool(j, "sent", a->sent);
	json_str(j, "basis", str_of(basis_name(a->basis)));
	json_str(j, "price", a->price);
	json_int(j, "contract_ppm", a->contract_ppm);
	put_usage(j, a);
	if (a->calls > 0)
		json_int(j, "calls", a->calls);
	json_bool(j, "usage_inconsistent", a->inconsistent);
	if (a->raw_usage.len > 0)
		json_str(j, "raw_usage", a->raw_usage);
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
	if (r->budget.len > 0)
		json_str(j, "budget", r->budget);
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
	put_tags(j, r);
	put_tag_sources(j, r);
}

/* Whether the plan was made again, and is the same. */
static void
put_recomputed(struct json *j, const struct recompute *c)
{
	json_object_begin(j, "recomputed");
	json_str(j, "plan", str_of(recompute_word(c->state)));
	if (c->why[0] != '\0')
		json_str(j, "why", str_of(c->why));
	json_object_end(j);
}

/* What is booked stays; this is what was said of it later. */
static void
put_corrections(struct json *j, const struct record *r)
{
	if (r->corrections == 0)
		return;
	json_array_begin(j, "corrections");
	for (unsigned i = 0; i < r->corrections; i++) {
		const struct record_correction *c = &r->correction[i];

		json_object_begin(j, NULL);
		put_date(j, "at", c->at_ms);
		json_int(j, "attempt", c->attempt + 1);
		put_money(j, "cost_usd", c->amount_pusd);
		json_str(j, "why", c->why);
		json_object_end(j);
	}
	json_array_end(j);
}

void
record_json(const struct record *r, const struct recompute *c, struct buf *ret)
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
	plan_json(&c->view, "plan", &j);
	put_recomputed(&j, c);
	json_array_begin(&j, "attempts");
	for (unsigned i = 0; i < r->attempts; i++)
		put_attempt(&j, &r->attempt[i]);
	json_array_end(&j);
	put_corrections(&j, r);
	json_object_begin(&j, "versions");
	json_str(&j, "policy", r->policy);
	json_str(&j, "basis", r->basis);
	json_str(&j, "classifier", r->classifier);
	json_int(&j, "outlook", (int64_t)r->outlook);
	json_object_end(&j);
	json_object_end(&j);
}

/* ---- what it was decided from ---- */

#define TEXTS_MAX ((size_t)64 << 20)

static void
put_hex(struct json *j, const char *key, struct str bytes)
{
	char text[1024];
	size_t n = bytes.len < sizeof(text) / 2 ? bytes.len : sizeof(text) / 2 - 1;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned char)bytes.p[i]);
	json_str(j, key, str_of(text));
}

/* As it reads back to the bit. */
static void
put_exact(struct json *j, const char *key, double v)
{
	char text[40];

	snprintf(text, sizeof(text), "%.17g", v);
	json_str(j, key, str_of(text));
}

static void
put_row(struct json *j, const struct record *r)
{
	json_str(j, "asked", r->asked);
	json_str(j, "class", r->class_name);
	json_str(j, "key", r->key);
	json_str(j, "team", r->team);
	json_str(j, "tags", r->tags);
	put_exact(j, "complexity", r->complexity);
	put_exact(j, "confidence", r->confidence);
	json_int(j, "start_ms", r->start_ms);
	json_int(j, "session", (int64_t)r->session);
	put_hex(j, "decision", r->decision);
	put_hex(j, "plan", r->plan);
}

static void
on_cell(void *arg, struct str cell, double value, double samples)
{
	struct json *j = arg;

	json_object_begin(j, NULL);
	json_str(j, "cell", cell);
	put_exact(j, "value", value);
	put_exact(j, "samples", samples);
	json_object_end(j);
}

bool
record_input(
    const struct record *r, struct books *b, struct buf *ret, char ret_why[static 256])
{
	struct arena *mem = arena_new(TEXTS_MAX);
	struct snapshot_texts t;
	struct json j;
	bool ok = in_force_texts(b, r->basis, mem, &t, ret_why);

	if (ok) {
		json_init(&j, ret);
		json_object_begin(&j, NULL);
		json_str(&j, "object", STR("frugald.decision"));
		put_row(&j, r);
		json_str(&j, "policy", t.policy);
		json_str(&j, "catalogue", t.catalogue);
		json_str(&j, "prices", t.prices);
		if (t.contracts.len > 0)
			json_str(&j, "contracts", t.contracts);
		json_array_begin(&j, "outlook");
		ok = in_force_cells(b, r->outlook, on_cell, &j) && !j.full;
		json_array_end(&j);
		json_object_end(&j);
		snprintf(
		    ret_why, 256, "%.250s", j.full ? "the answer is too long" : b->why);
	}
	arena_free(mem);
	return ok;
}
