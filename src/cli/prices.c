/* prices.c: `frugald prices show`. */
#include "prices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "table.h"
#include "when.h"

#define OUT_BYTES ((size_t)4 << 20)
#define PPM       1000000LL
#define PARTS     (1 + PRICE_TIERS_MAX)

/* ---- which model is meant ---- */

struct wanted {
	const char *id;   /* as the price book has it, or the catalogue */
	struct str typed; /* where it is a name at a provider; empty: it is none */
	const struct model *model; /* of the policy, by that name */
};

static bool
of_name(const struct price_row *row, struct str name)
{
	for (size_t i = 0; row->match[i] != NULL; i++) {
		if (str_is(name, row->match[i]))
			return true;
	}
	return false;
}

static const char *
in_catalogue(const struct price_view *v, const char *typed)
{
	if (catalogue_find(v->catalogue, str_of(typed)) != NULL)
		return typed;
	for (size_t i = 0; i < catalogue_count(v->catalogue); i++) {
		const char *id = catalogue_at(v->catalogue, i)->id;
		const char *slash = strchr(id, '/');

		if (slash != NULL && strcmp(slash + 1, typed) == 0)
			return id;
	}
	return NULL;
}

/* True for a model of the price book alone. */
static bool
in_book(const struct price_view *v, struct wanted *w, const char *typed)
{
	for (size_t i = 0; i < price_book_count(v->book); i++) {
		const struct price_row *row = price_book_at(v->book, i);

		if (strcmp(row->model, typed) == 0) {
			w->id = row->model;
			return true;
		}
		if (of_name(row, str_of(typed)))
			w->typed = str_of(typed);
	}
	w->id = w->typed.p;
	return w->id != NULL;
}

/* False: said that there is none. */
static bool
find_model(struct cli *c, const struct price_view *v, struct wanted *w)
{
	const char *typed = c->arg[0], *near;

	*w = (struct wanted){0};
	if (v->snap != NULL)
		w->model = snapshot_model(v->snap, str_of(typed));
	w->id = w->model != NULL ? w->model->catalogue->id : in_catalogue(v, typed);
	if (w->id != NULL || in_book(v, w, typed))
		return true;
	near = catalogue_nearest(v->catalogue, str_of(typed));
	cli_fail("no model is called '%s'%s%s%s", typed,
	    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
	return false;
}

/* Is it a price of this model? Or of a name that the policy has for it. */
static bool
is_wanted(const struct wanted *w, const struct price_row *row)
{
	if (strcmp(row->model, w->id) == 0 ||
	    (w->typed.len > 0 && of_name(row, w->typed)))
		return true;
	for (unsigned i = 0; w->model != NULL && i < w->model->ats; i++) {
		const char *key = w->model->at[i].price_key;

		if (key != NULL && strcmp(key, row->model) == 0 &&
		    strcmp(w->model->at[i].provider->book, row->provider) == 0)
			return true;
	}
	return false;
}

/* ---- a row of the book ---- */

/* A line of the answer: a price row, at one size of the prompt. */
struct line {
	const char *model, *at; /* of the policy; NULL: any */
	const struct price_row *row;
	const char *prompt;
	const struct price_kinds *kinds;
	int64_t ppm; /* of it is paid */
	bool fixed;
};

struct shown {
	struct cli *cli;
	struct table *table;
	bool contract; /* what is paid, not the list */
	struct json json;
};

/* What `pusd` × `ppm` pico-dollars are in dollars; the same number that a million
 * tokens cost at `pusd` each. */
static const char *
dollars(struct cli *c, int64_t pusd, int64_t ppm)
{
	struct pusd_sum sum = {.v = (wide)pusd * ppm};
	char text[PUSD_TEXT_BYTES];
	size_t len;

	if (pusd < 0)
		return "";
	pusd_sum_format(sum, text);
	len = strlen(text);
	while (len > 2 && text[len - 1] == '0' && text[len - 3] != '.')
		text[--len] = '\0';
	return arena_str(c->mem, str_of(text));
}

/* A fee, which is in pico-dollars already. */
static const char *
fee(struct cli *c, int64_t pusd, int64_t ppm)
{
	struct pusd part;

	if (pusd < 0 || !pusd_divide((wide)pusd * ppm, PPM, &part))
		return "";
	return dollars(c, part.v, 1);
}

static const char *
hours_of(struct cli *c, const struct price_row *row)
{
	if (row->from_minute == row->to_minute)
		return "";
	return arena_printf(c->mem, "%02d:%02d-%02d:%02d UTC", row->from_minute / 60,
	    row->from_minute % 60, row->to_minute / 60, row->to_minute % 60);
}

static const char *
services_of(struct cli *c, const struct price_row *row)
{
	const char *all = "";

	for (unsigned i = 0; i < row->services; i++)
		all = arena_printf(c->mem, "%s%s%s %g %%", all, i > 0 ? ", " : "",
		    row->service[i].name, (double)row->service[i].ppm / 1e4);
	return all;
}

static const char *
terms_of(struct cli *c, const struct line *l)
{
	if (l->fixed)
		return "fixed";
	return l->ppm == PPM
		   ? ""
		   : arena_printf(c->mem, "%g %% off", (double)(PPM - l->ppm) / 1e4);
}

static void
put_cells(struct shown *s, const struct line *l)
{
	struct cli *c = s->cli;

	if (s->contract) {
		table_cell(s->table, "%s", l->model);
		table_cell(s->table, "%s", l->at);
		table_cell(s->table, "%s", terms_of(c, l));
	}
	table_cell(s->table, "%s", l->row->id);
	table_cell(s->table, "%s", l->prompt);
	table_cell(s->table, "%s", hours_of(c, l->row));
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		table_cell(s->table, "%s", dollars(c, l->kinds->pusd[k], l->ppm));
	table_cell(s->table, "%s",
	    l->row->request_pusd > 0 ? fee(c, l->row->request_pusd, l->ppm) : "");
	table_cell(s->table, "%s", fee(c, l->row->call_pusd, l->ppm));
	table_cell(s->table, "%s", services_of(c, l->row));
}

static void
put_json(struct shown *s, const struct line *l)
{
	struct json *j = &s->json;
	const struct price_row *row = l->row;

	json_object_begin(j, NULL);
	if (s->contract) {
		json_str(j, "policy_model", str_of(l->model));
		json_str(j, "policy_provider", str_of(l->at));
		json_bool(j, "fixed", l->fixed);
		json_int(j, "contract_ppm", l->ppm);
	}
	json_str(j, "id", str_of(row->id));
	json_str(j, "provider", str_of(row->provider));
	json_str(j, "model", str_of(row->model));
	json_str(j, "prompt", str_of(l->prompt));
	if (row->from_minute != row->to_minute)
		json_str(j, "hours", str_of(hours_of(s->cli, row)));
	json_object_begin(j, "usd_per_million_tokens");
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (l->kinds->pusd[k] >= 0)
			json_str(j, token_name((enum token_kind)k),
			    str_of(dollars(s->cli, l->kinds->pusd[k], l->ppm)));
	}
	json_object_end(j);
	if (row->request_pusd > 0)
		json_str(j, "usd_per_request",
		    str_of(fee(s->cli, row->request_pusd, l->ppm)));
	if (row->call_pusd >= 0)
		json_str(
		    j, "usd_per_search", str_of(fee(s->cli, row->call_pusd, l->ppm)));
	for (unsigned i = 0; i < row->services; i++) {
		if (i == 0)
			json_object_begin(j, "service_tiers_ppm");
		json_int(j, row->service[i].name, row->service[i].ppm);
	}
	if (row->services > 0)
		json_object_end(j);
	json_object_end(j);
}

static void
put_row(struct shown *s, struct line l)
{
	const struct price_row *row = l.row;

	for (unsigned i = 0; i <= row->tiers; i++) {
		l.kinds = i == 0 ? &row->kinds : &row->tier[i - 1].kinds;
		l.prompt = "any size";
		if (i > 0)
			l.prompt = arena_printf(s->cli->mem, "above %" PRId64 " in",
			    row->tier[i - 1].above);
		if (s->cli->opt[OPT_json] != NULL)
			put_json(s, &l);
		else
			put_cells(s, &l);
	}
}

/* ---- list and contract ---- */

static struct table *
columns(struct cli *c, bool contract)
{
	struct table *t = table_new(c->mem);

	if (contract) {
		table_column(t, "model", false);
		table_column(t, "at", false);
		table_column(t, "terms", false);
	}
	table_column(t, "price", false);
	table_column(t, "prompt", false);
	table_column(t, "hours", false);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		table_column(t, token_name((enum token_kind)k), true);
	table_column(t, "a request", true);
	table_column(t, "a search", true);
	table_column(t, "service tiers", false);
	return t;
}

/* Every provider's rows that are in force that day; false: none. */
static bool
put_list(
    struct shown *s, const struct price_view *v, const struct wanted *w, int64_t at_s)
{
	bool any = false;

	s->contract = false;
	s->table = columns(s->cli, false);
	json_array_begin(&s->json, "prices");
	for (size_t i = 0; i < price_book_count(v->book); i++) {
		const struct price_row *row = price_book_at(v->book, i);

		if (!is_wanted(w, row) || at_s < row->from_s || at_s >= row->to_s)
			continue;
		put_row(s, (struct line){.row = row, .ppm = PPM});
		any = true;
	}
	json_array_end(&s->json);
	return any;
}

/* What the policy's models with that id cost us; false: no contract changes that. */
static bool
put_contracts(
    struct shown *s, const struct price_view *v, const struct wanted *w, int64_t at_s)
{
	bool any = false;

	s->contract = true;
	s->table = columns(s->cli, true);
	json_array_begin(&s->json, "contracts");
	for (unsigned i = 0; v->snap != NULL && i < v->snap->model_count; i++) {
		const struct model *m = &v->snap->models[i];

		if (strcmp(m->catalogue->id, w->id) != 0)
			continue;
		for (unsigned k = 0; k < m->ats; k++) {
			struct contract_price p = contract_price(v->snap, m, k, at_s);

			if (m->at[k].provider->local || p.row == NULL ||
			    (p.row == p.list && p.ppm == PPM &&
				!str_starts(str_of(p.row->id), STR(CONTRACT_ID))))
				continue;
			put_row(s, (struct line){.model = m->name,
				       .at = m->at[k].provider->name,
				       .row = p.row,
				       .ppm = p.ppm,
				       .fixed = str_starts(
					   str_of(p.row->id), STR(CONTRACT_ID))});
			any = true;
		}
	}
	json_array_end(&s->json);
	return any;
}

static void
print_table(const struct table *t)
{
	struct buf out;

	buf_init(&out, OUT_BYTES);
	table_print(t, terminal_width(), &out);
	fputs(out.p, stdout);
	buf_fini(&out);
}

static int
show(struct cli *c, const struct price_view *v, const struct wanted *w, int64_t at_s)
{
	bool json = c->opt[OPT_json] != NULL, listed, contracted;
	const char *version = price_book_version(v->book);
	struct shown s = {.cli = c};
	char day[WHEN_TEXT];
	struct table *list;
	struct buf out;

	buf_init(&out, OUT_BYTES);
	json_init(&s.json, &out);
	json_object_begin(&s.json, NULL);
	json_str(&s.json, "price_book", str_of(version));
	listed = put_list(&s, v, w, at_s);
	list = s.table;
	contracted = put_contracts(&s, v, w, at_s);
	json_object_end(&s.json);
	when_put_day(at_s, day);
	if (json && (listed || contracted))
		puts(out.p);
	if (!json && listed) {
		printf("USD for a million tokens at list price on %s, price book "
		       "%s\n\n",
		    day, version);
		print_table(list);
	}
	if (!json && contracted) {
		printf("%sAt the contracts of your policy, at that moment\n\n",
		    listed ? "\n" : "");
		print_table(s.table);
	}
	buf_fini(&out);
	return listed || contracted
		   ? CLI_fine
		   : cli_fail("the price book %s has no price for %s on that day; its "
			      "requests would be booked as unpriced",
			 version, w->id);
}

int
verb_prices_show(struct cli *c)
{
	int64_t at_s = c->env->wall_ns(c->env) / NS_PER_S;
	int code = CLI_found;
	struct price_view v;
	struct wanted w;

	if (c->opt[OPT_at] != NULL && !when_time(str_of(c->opt[OPT_at]), &at_s))
		return cli_misuse(c, "--at: expected a day such as 2026-11-24");
	if (price_view_open(&v, c) && find_model(c, &v, &w))
		code = show(c, &v, &w, at_s);
	price_view_close(&v);
	return code;
}
