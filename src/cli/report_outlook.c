/* report_outlook.c: what was expected of answers beside what they were
 * (GET /v1/outlook), for a terminal. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "figures.h"
#include "report.h"
#include "table.h"

static const json_t *
at(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static const char *
text(struct cli *c, const json_t *v, unsigned columns)
{
	const char *s = json_string_value(v);

	return text_shown(c->mem, str_of(s == NULL ? "" : s), columns);
}

/* With as many places as it has figures to say; "-": unknown. */
static const char *
number(struct cli *c, const json_t *v)
{
	double x = json_number_value(v);

	if (!json_is_number(v))
		return "-";
	if (x >= 10)
		return figure_count(c->mem, llround(x));
	return arena_printf(c->mem, "%.2f", x);
}

static const char *
share(struct cli *c, const json_t *v)
{
	return json_is_number(v) ? figure_share(c->mem, json_number_value(v)) : "-";
}

static const char *
count(struct cli *c, const json_t *v)
{
	return figure_count(c->mem, json_integer_value(v));
}

/* A median of |ln(actual / expected)| as a factor. */
static const char *
factor(struct cli *c, const json_t *v)
{
	return json_is_number(v)
		   ? arena_printf(c->mem, "x %.2f", exp(json_number_value(v)))
		   : "-";
}

/* ---- lengths ---- */

static void
put_lengths(struct cli *c, const json_t *root, struct buf *out)
{
	static const char *const titles[] = {"class", "answers", "catalogue", "learned",
	    "expected", "was", "p90", "median error"};
	struct table *t = table_new(c->mem);
	const json_t *v;
	size_t i;

	table_column(t, "tokens of answers", false);
	for (i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], i > 0);
	json_array_foreach(at(root, "lengths"), i, v)
	{
		table_cell(t, "%s", text(c, at(v, "model"), 30));
		table_cell(t, "%s", text(c, at(v, "class"), 20));
		table_cell(t, "%s", count(c, at(v, "answers")));
		table_cell(t, "%s", number(c, at(v, "catalogue")));
		table_cell(t, "%s", number(c, at(at(v, "learned"), "mean")));
		table_cell(t, "%s", number(c, at(v, "expected_mean")));
		table_cell(t, "%s", number(c, at(v, "actual_mean")));
		table_cell(t, "%s", number(c, at(v, "actual_p90")));
		table_cell(t, "%s", factor(c, at(v, "error")));
	}
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}

/* ---- providers ---- */

static void
put_providers(struct cli *c, const json_t *root, struct buf *out)
{
	struct table *t = table_new(c->mem);
	const json_t *v;
	size_t i;

	table_column(t, "bytes per token", false);
	table_column(t, "answers", true);
	table_column(t, "configured", true);
	table_column(t, "learned", true);
	table_column(t, "median error of prompts", true);
	json_array_foreach(at(root, "providers"), i, v)
	{
		const json_t *b = at(v, "bytes_per_token");

		table_cell(t, "%s", text(c, at(v, "provider"), 30));
		table_cell(t, "%s", count(c, at(v, "answers")));
		table_cell(t, "%s", number(c, at(b, "configured")));
		table_cell(t, "%s", number(c, at(b, "learned")));
		table_cell(t, "%s", factor(c, at(v, "input_error")));
	}
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}

/* False: nothing is known of any. */
static bool
fill_warmth(struct cli *c, const json_t *root, struct table *t)
{
	const json_t *p, *v;
	bool any = false;
	size_t i, k;

	json_array_foreach(at(root, "providers"), i, p)
	{
		json_array_foreach(at(p, "warmth"), k, v)
		{
			table_cell(t, "%s", text(c, at(p, "provider"), 30));
			table_cell(t, "%s", text(c, at(v, "cache"), 10));
			table_cell(t, "%s",
			    figure_span(c->mem, json_integer_value(at(v, "rested_s"))));
			table_cell(t, "%s", count(c, at(v, "answers")));
			table_cell(t, "%s", share(c, at(v, "expected")));
			table_cell(t, "%s", share(c, at(v, "seen")));
			any = true;
		}
	}
	return any;
}

static void
put_warmth(struct cli *c, const json_t *root, struct buf *out)
{
	struct table *t = table_new(c->mem);

	table_column(t, "prompt caches", false);
	table_column(t, "of", false);
	table_column(t, "rested up to", true);
	table_column(t, "answers", true);
	table_column(t, "expected warm", true);
	table_column(t, "was", true);
	if (!fill_warmth(c, root, t))
		return;
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}

/* ---- speed ---- */

static void
put_paces(struct cli *c, const json_t *root, struct buf *out)
{
	static const char *const keys[][2] = {{"ttft_p50_ms", "first byte p50, ms"},
	    {"ttft_p90_ms", "p90, ms"}, {"tokens_per_s_p10", "tokens/s p10"},
	    {"tokens_per_s_p50", "p50"}};
	struct table *t = table_new(c->mem);
	const json_t *v;
	size_t i;

	table_column(t, "speed", false);
	table_column(t, "hour, UTC", true);
	table_column(t, "answers", true);
	for (i = 0; i < nitems(keys); i++) {
		table_column(t, keys[i][1], true);
		table_column(t, "was", true);
	}
	json_array_foreach(at(root, "paces"), i, v)
	{
		const json_t *hour = at(v, "hour");

		table_cell(t, "%s", text(c, at(v, "model_at"), 40));
		if (json_is_integer(hour))
			table_cell(t, "%02d", (int)json_integer_value(hour));
		else
			table_cell(t, "all");
		table_cell(t, "%s", count(c, at(v, "answers")));
		for (size_t k = 0; k < nitems(keys); k++) {
			const json_t *pair = at(v, keys[k][0]);

			table_cell(t, "%s", number(c, at(pair, "expected")));
			table_cell(t, "%s", number(c, at(pair, "seen")));
		}
	}
	if (json_array_size(at(root, "paces")) == 0)
		return;
	buf_add(out, "\n");
	table_print(t, terminal_width(), out);
}

static void
put_answer(struct cli *c, const json_t *root, struct buf *out)
{
	buf_printf(out, "outlook %s; %s answers with usage from %s to %s\n",
	    figure_count(c->mem, json_integer_value(at(root, "outlook"))),
	    count(c, at(root, "answers")), text(c, at(root, "from"), 24),
	    text(c, at(root, "to"), 24));
	if (json_array_size(at(root, "lengths")) == 0) {
		buf_add(out, "nothing was learned yet\n");
		return;
	}
	put_lengths(c, root, out);
	put_providers(c, root, out);
	put_warmth(c, root, out);
	put_paces(c, root, out);
}

int
report_outlook(struct cli *c, const char *target)
{
	int code = CLI_found;
	struct buf body;

	buf_init(&body, ANSWER_BYTES);
	if (ledger_ask(c, target, &body))
		code = report_shown(c, &body, put_answer);
	buf_fini(&body);
	return code;
}
