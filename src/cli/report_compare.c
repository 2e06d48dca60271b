/* report_compare.c: `frugald report --compare A B`: two days, months or runs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "client.h"
#include "effects.h"
#include "figures.h"
#include "report.h"
#include "table.h"
#include "when.h"

#define TARGET_BYTES ((size_t)8 << 10)
#define OUT_BYTES    ((size_t)4 << 20)
#define MODELS_MAX   256
/* Of a tag's value, where nothing is said: no run of a pipeline lasts longer. */
#define SINCE "35d"

struct comparison {
	struct cli *cli;
	const char *name[2];
	struct effects model[MODELS_MAX], total;
	size_t models;
	int64_t unpriced;
	unsigned places;
};

/* ---- the questions ---- */

/* "2026-11-24", "2026-11", or "run=183". False: said what is wrong. */
static bool
put_side(struct cli *c, struct buf *b, const char *text)
{
	struct str rest = str_of(text), name;
	char day[WHEN_TEXT];
	int64_t from, to;

	if (strchr(text, '=') != NULL && str_split(&rest, '=', &name) && name.len > 0) {
		report_put_parameter(b,
		    arena_printf(c->mem, "tag.%.*s", (int)name.len, name.p),
		    arena_str(c->mem, rest));
		report_put_parameter(
		    b, "since", c->opt[OPT_since] != NULL ? c->opt[OPT_since] : SINCE);
		return true;
	}
	if (when_month(str_of(text), &from, &to)) {
		when_put_day(from, day);
	} else if (strlen(text) == 10 && when_time(str_of(text), &from)) {
		when_put_day(from, day);
		to = from + 86400;
	} else {
		cli_misuse(c,
		    "--compare: '%s' is no day such as 2026-11-24, no month such as "
		    "2026-11 and no tag such as run=184",
		    text);
		return false;
	}
	report_put_parameter(b, "from", day);
	when_put_day(to, day);
	report_put_parameter(b, "to", day);
	return true;
}

/* NULL: misuse, said. */
static const char *
target_of(struct cli *c, const char *side)
{
	static const enum option filters[] = {OPT_team, OPT_route, OPT_key};
	const char *target = NULL;
	struct buf b;

	buf_init(&b, TARGET_BYTES);
	buf_add(&b, "/v1/costs/summary?group_by=model");
	for (size_t i = 0; i < nitems(filters); i++) {
		if (c->opt[filters[i]] != NULL)
			report_put_parameter(
			    &b, option_row(filters[i])->name, c->opt[filters[i]]);
	}
	if (report_put_tags(c, &b) && put_side(c, &b, side))
		target = arena_str(c->mem, buf_str(&b));
	buf_fini(&b);
	return target;
}

/* ---- the answers ---- */

static struct effects *
model_of(struct comparison *x, const char *name)
{
	for (size_t i = 0; i < x->models; i++) {
		if (strcmp(x->model[i].model, name) == 0)
			return &x->model[i];
	}
	if (x->models == MODELS_MAX)
		return &x->model[MODELS_MAX - 1];
	x->model[x->models].model = arena_str(x->cli->mem, str_of(name));
	return &x->model[x->models++];
}

static int64_t
int_at(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void
add_row(struct comparison *x, int side, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "model"));
	const char *cost = json_string_value(json_object_get(row, "cost_usd"));
	struct pusd_sum sum = {0};
	struct effects *m;

	m = model_of(x, name == NULL ? "(rest)" : name);
	m->requests[side] += int_at(row, "requests");
	m->tokens[side] += int_at(row, "input_tokens") + int_at(row, "output_tokens");
	x->unpriced += int_at(row, "unpriced");
	if (cost != NULL && figure_read(str_of(cost), &sum))
		m->cost[side].v += sum.v;
}

/* False: said why. */
static bool
ask(struct comparison *x, int side, const char *target)
{
	json_t *root, *row;
	struct buf body;
	bool ok = false;
	size_t i;

	buf_init(&body, ANSWER_BYTES);
	if (!ledger_ask(x->cli, target, &body))
		goto out;
	root = json_loadb(body.p, body.len, 0, NULL);
	ok = json_is_array(json_object_get(root, "rows"));
	if (!ok)
		cli_fail("the cost summary is not what it should be; is it a frugald "
			 "that answers?");
	json_array_foreach(json_object_get(root, "rows"), i, row)
	{
		add_row(x, side, row);
	}
	json_decref(root);
out:
	buf_fini(&body);
	return ok;
}

/* ---- for people ---- */

static wide
change(const struct effects *m)
{
	return m->cost[1].v - m->cost[0].v;
}

static wide
magnitude(wide v)
{
	return v < 0 ? -v : v;
}

/* What changed most comes first. */
static int
by_change(const void *a, const void *b)
{
	const struct effects *x = a, *y = b;
	wide dx = magnitude(change(x)), dy = magnitude(change(y));

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return strcmp(x->model, y->model);
}

static const char *
money(const struct comparison *x, wide v)
{
	return figure_money(x->cli->mem, (struct pusd_sum){v}, x->places);
}

static const char *
signed_money(const struct comparison *x, wide v)
{
	return arena_printf(x->cli->mem, "%s%s", v > 0 ? "+" : "", money(x, v));
}

static void
put_row(const struct comparison *x, struct table *t, const struct effects *m)
{
	table_cell(t, "%s", m->model);
	for (int k = 0; k < 2; k++)
		table_cell(t, "%s", money(x, m->cost[k].v));
	table_cell(t, "%s", signed_money(x, change(m)));
	table_cell(t, "%s", signed_money(x, m->volume.v));
	table_cell(t, "%s", signed_money(x, m->mix.v));
	table_cell(t, "%s", signed_money(x, m->price.v));
	for (int k = 0; k < 2; k++)
		table_cell(t, "%s", figure_count(x->cli->mem, m->requests[k]));
	for (int k = 0; k < 2; k++)
		table_cell(t, "%s", figure_count(x->cli->mem, m->tokens[k]));
}

static void
put_text(const struct comparison *x, struct buf *out)
{
	static const char *const titles[] = {"model", "usd", "then usd", "difference",
	    "volume", "mix", "price", "requests", "then", "tokens", "then"};
	struct table *t = table_new(x->cli->mem);

	buf_printf(out, "%s, then %s\n\n", x->name[0], x->name[1]);
	for (size_t i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], i > 0);
	for (size_t i = 0; i < x->models; i++)
		put_row(x, t, &x->model[i]);
	put_row(x, t, &x->total);
	table_print(t, terminal_width(), out);
	buf_add(out, "\nvolume: more or fewer tokens · mix: of other models · price: "
		     "what a token "
		     "of a model cost (prices, terms, caches, longer answers)\n");
	if (x->unpriced > 0)
		buf_printf(out, "%lld attempts have no price and are in no sum\n",
		    (long long)x->unpriced);
}

/* ---- for programs ---- */

static void
put_sides(struct json *j, const struct comparison *x, const struct effects *m)
{
	for (int k = 0; k < 2; k++) {
		json_object_begin(j, k == 0 ? "a" : "b");
		if (m == &x->total)
			json_str(j, "name", str_of(x->name[k]));
		json_int(j, "requests", m->requests[k]);
		json_int(j, "tokens", m->tokens[k]);
		json_pusd_sum(j, "cost_usd", m->cost[k]);
		json_object_end(j);
	}
	json_pusd_sum(j, "difference_usd", (struct pusd_sum){change(m)});
	json_pusd_sum(j, "volume_usd", m->volume);
	json_pusd_sum(j, "mix_usd", m->mix);
	json_pusd_sum(j, "price_usd", m->price);
}

static void
put_json(const struct comparison *x, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.cost_comparison"));
	put_sides(&j, x, &x->total);
	json_int(&j, "unpriced_attempts", x->unpriced);
	json_array_begin(&j, "models");
	for (size_t i = 0; i < x->models; i++) {
		json_object_begin(&j, NULL);
		json_str(&j, "model", str_of(x->model[i].model));
		put_sides(&j, x, &x->model[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	buf_add(out, "\n");
}

int
report_compare(struct cli *c)
{
	struct comparison *x = arena_alloc(c->mem, sizeof(*x));
	const char *target[2];
	struct buf out;

	if (c->args != 1)
		return cli_misuse(c, "--compare takes two: --compare run=183 run=184");
	*x = (struct comparison){.cli = c, .name = {c->opt[OPT_compare], c->arg[0]}};
	for (int k = 0; k < 2; k++) {
		target[k] = target_of(c, x->name[k]);
		if (target[k] == NULL)
			return CLI_usage;
	}
	if (!ask(x, 0, target[0]) || !ask(x, 1, target[1]))
		return CLI_found;
	effects_split(x->model, x->models, &x->total);
	x->total.model = "total";
	x->places =
	    figure_places(x->total.cost[0].v > x->total.cost[1].v ? x->total.cost[0]
								  : x->total.cost[1]);
	if (x->models > 1)
		qsort(x->model, x->models, sizeof(x->model[0]), by_change);
	buf_init(&out, OUT_BYTES);
	if (c->opt[OPT_json] != NULL)
		put_json(x, &out);
	else
		put_text(x, &out);
	fputs(out.p, stdout);
	buf_fini(&out);
	return CLI_fine;
}
