/* prices.c: `frugald prices show`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config/catalogue.h"
#include "config/prices.h"
#include "embed.h"
#include "policy.h"
#include "table.h"
#include "verb.h"
#include "when.h"

#define OUT_BYTES ((size_t)1 << 20)

/* The books to look into: the policy's, or the built-in ones. */
struct books {
	struct snapshot *snap; /* NULL: built-in */
	struct catalogue *own_catalogue;
	struct price_book *own_book;
	const struct catalogue *catalogue;
	const struct price_book *book;
};

static bool
has_policy(struct cli *c)
{
	return c->opt[OPT_config] != NULL ||
	       c->env->file_size(c->env, "./frugald.yaml") >= 0 ||
	       c->env->file_size(c->env, "/etc/frugald/frugald.yaml") >= 0;
}

/* A policy has only the prices that it needs; people ask for others, too. */
static bool
open_books(struct books *b, struct cli *c)
{
	struct str prices = str_make(embed_prices_yaml, embed_prices_yaml_len);
	struct diag *d;

	*b = (struct books){0};
	if (has_policy(c)) {
		b->snap = policy_offline(c);
		if (b->snap == NULL)
			return false;
		prices = price_book_text(b->snap->prices);
	}
	d = diag_new();
	if (b->snap == NULL)
		b->own_catalogue =
		    catalogue_parse(str_make(embed_models_yaml, embed_models_yaml_len),
			"(built-in models)", d);
	b->book = b->own_book = price_book_parse(prices, "(prices)", d);
	b->catalogue = b->snap != NULL ? b->snap->catalogue : b->own_catalogue;
	cli_print_findings(d);
	diag_free(d);
	return b->catalogue != NULL && b->book != NULL;
}

static void
close_books(struct books *b)
{
	catalogue_free(b->own_catalogue);
	price_book_free(b->own_book);
	snapshot_unref(b->snap);
}

/* The catalogue id behind what was typed; NULL: said that there is none. */
static const char *
find_id(struct cli *c, const struct books *b)
{
	const char *typed = c->arg[0], *near;
	const struct model *m =
	    b->snap == NULL ? NULL : snapshot_model(b->snap, str_of(typed));

	if (m != NULL && m->catalogue != NULL)
		return m->catalogue->id;
	if (m != NULL) {
		cli_fail(
		    "model '%s' has no catalogue id (`is`), so the price book does "
		    "not know it",
		    typed);
		return NULL;
	}
	if (catalogue_find(b->catalogue, str_of(typed)) != NULL)
		return typed;
	for (size_t i = 0; i < catalogue_count(b->catalogue); i++) {
		const char *id = catalogue_at(b->catalogue, i)->id;
		const char *slash = strchr(id, '/');

		if (slash != NULL && strcmp(slash + 1, typed) == 0)
			return id;
	}
	near = catalogue_nearest(b->catalogue, str_of(typed));
	cli_fail("no model is called '%s'%s%s%s", typed,
	    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
	return NULL;
}

/* Pico-dollars per token as dollars per million tokens, which is the same number with
 * the point six places to the left. */
static const char *
per_million(struct cli *c, int64_t pusd)
{
	struct pusd_sum sum = {.v = (wide)pusd * 1000000};
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

struct shown {
	struct cli *cli;
	struct table *table;
	bool as_json;
	struct json json;
	struct buf out;
};

static void
put_json(struct shown *s, const struct price_row *row, const char *from,
    const struct price_kinds *kinds)
{
	struct json *j = &s->json;

	json_object_begin(j, NULL);
	json_str(j, "id", str_of(row->id));
	json_str(j, "provider", str_of(row->provider));
	json_str(j, "model", str_of(row->model));
	json_str(j, "prompt", str_of(from));
	json_object_begin(j, "usd_per_million_tokens");
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (kinds->pusd[k] >= 0)
			json_str(j, token_name((enum token_kind)k),
			    str_of(per_million(s->cli, kinds->pusd[k])));
	}
	json_object_end(j);
	json_object_end(j);
}

static void
put_kinds(struct shown *s, const struct price_row *row, const char *from,
    const struct price_kinds *kinds)
{
	if (s->as_json) {
		put_json(s, row, from, kinds);
		return;
	}
	table_cell(s->table, "%s", row->id);
	table_cell(s->table, "%s", from);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		table_cell(s->table, "%s", per_million(s->cli, kinds->pusd[k]));
}

static void
put_row(struct shown *s, const struct price_row *row)
{
	put_kinds(s, row, "any size", &row->kinds);
	for (unsigned i = 0; i < row->tiers; i++)
		put_kinds(s, row,
		    arena_printf(
			s->cli->mem, "above %" PRId64 " in", row->tier[i].above),
		    &row->tier[i].kinds);
}

/* Every provider's row that is in force; false: none. */
static bool
put_rows(struct shown *s, const struct price_book *book, const char *id, int64_t at_s)
{
	bool any = false;

	for (size_t i = 0; i < price_book_count(book); i++) {
		const struct price_row *row = price_book_at(book, i);

		if (strcmp(row->model, id) != 0 || at_s < row->from_s ||
		    at_s >= row->to_s)
			continue;
		put_row(s, row);
		any = true;
	}
	return any;
}

static void
shown_init(struct shown *s, struct cli *c, const struct price_book *book)
{
	*s = (struct shown){
	    .cli = c, .table = table_new(c->mem), .as_json = c->opt[OPT_json] != NULL};
	buf_init(&s->out, OUT_BYTES);
	json_init(&s->json, &s->out);
	json_object_begin(&s->json, NULL);
	json_str(&s->json, "price_book", str_of(price_book_version(book)));
	json_array_begin(&s->json, "prices");
	table_column(s->table, "price", false);
	table_column(s->table, "prompt", false);
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		table_column(s->table, token_name((enum token_kind)k), true);
}

static void
print_shown(struct shown *s, const struct price_book *book, int64_t at_s)
{
	char day[WHEN_TEXT];

	if (s->as_json) {
		json_array_end(&s->json);
		json_object_end(&s->json);
		puts(s->out.p);
		return;
	}
	when_put_day(at_s, day);
	buf_clear(&s->out);
	table_print(s->table, terminal_width(), &s->out);
	printf("USD for a million tokens at list price on %s, price book %s\n\n%s", day,
	    price_book_version(book), s->out.p);
}

static int
show(struct cli *c, const struct books *b, const char *id, int64_t at_s)
{
	int code = CLI_fine;
	struct shown s;

	shown_init(&s, c, b->book);
	if (put_rows(&s, b->book, id, at_s))
		print_shown(&s, b->book, at_s);
	else
		code =
		    cli_fail("the price book %s has no price for %s on that day; its "
			     "requests would be booked as unpriced",
			price_book_version(b->book), id);
	buf_fini(&s.out);
	return code;
}

int
verb_prices_show(struct cli *c)
{
	int64_t at_s = c->env->wall_ns(c->env) / NS_PER_S;
	const char *id = NULL;
	int code = CLI_found;
	struct books b;

	if (c->opt[OPT_at] != NULL && !when_time(str_of(c->opt[OPT_at]), &at_s))
		return cli_misuse(c, "--at: expected a day such as 2026-11-24");
	if (open_books(&b, c))
		id = find_id(c, &b);
	if (id != NULL)
		code = show(c, &b, id, at_s);
	close_books(&b);
	return code;
}
