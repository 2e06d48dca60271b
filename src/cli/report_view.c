/* report_view.c: a cost summary for a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "figures.h"
#include "report.h"
#include "table.h"

#define OUT_BYTES    ((size_t)16 << 20)
#define LOOK_COLUMNS 60
#define TIME_BYTES   19 /* of 2026-11-22T23:59:58Z: without its Z */

struct view {
	struct cli *cli;
	const json_t *summary, *total, *trust;
	unsigned places; /* of all amounts, so that they can be compared */
	struct buf out;
};

static const json_t *
at(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static const char *
text(const json_t *v)
{
	const char *s = json_string_value(v);

	return s == NULL ? "" : s;
}

/* False when it is null or not there. */
static bool
amount(const json_t *v, struct pusd_sum *ret)
{
	return json_is_string(v) && figure_read(str_of(json_string_value(v)), ret);
}

static const char *
money(struct view *w, const json_t *v)
{
	struct pusd_sum sum;

	return amount(v, &sum) ? figure_money(w->cli->mem, sum, w->places) : "-";
}

static const char *
count(struct view *w, const json_t *v)
{
	return json_is_integer(v) ? figure_count(w->cli->mem, json_integer_value(v))
				  : "-";
}

static const char *
share(struct view *w, const json_t *v)
{
	return json_is_number(v) ? figure_share(w->cli->mem, json_number_value(v))
				 : "-";
}

/* ---- title ---- */

/* "2026-11-01 .. 11-22" for whole days, with the hour where there is one. */
static void
put_title(struct view *w)
{
	const char *from = text(at(w->summary, "from")),
		   *to = text(at(w->summary, "to"));
	const char *until = text(at(w->summary, "complete_until"));
	bool days = strstr(from, "T00:00:00") != NULL;
	int len = days ? 10 : 16;

	buf_printf(&w->out, "AI spend, %.*s .. %.*s UTC", len, from, len, to);
	if (until[0] != '\0')
		buf_printf(&w->out, ", all rows in until %.10s %.8s", until,
		    strlen(until) >= TIME_BYTES ? until + 11 : "");
	buf_printf(&w->out, "   %s\n\n",
	    json_is_true(at(w->summary, "closed")) ? "closed" : "open, not closed");
}

/* ---- rows ---- */

static const char *
name_of(const json_t *row, const json_t *dimension)
{
	const char *word = text(dimension), *value = text(at(row, word));

	if (json_is_true(at(row, "rest")))
		return "(rest)";
	if (value[0] != '\0')
		return value;
	if (strcmp(word, "team") == 0)
		return "(no team)";
	return strcmp(word, "route") == 0 ? "(by name)" : "-";
}

static void
put_figures(struct view *w, struct table *t, const json_t *row)
{
	table_cell(t, "%s", count(w, at(row, "requests")));
	table_cell(t, "%s", money(w, at(row, "cost_usd")));
	table_cell(t, "%s", share(w, at(row, "share_of_cost")));
	table_cell(t, "%s", money(w, at(row, "saved_usd")));
	table_cell(t, "%s", count(w, at(row, "input_tokens")));
	table_cell(t, "%s", count(w, at(row, "output_tokens")));
	table_cell(t, "%s", count(w, at(row, "failed_attempts")));
	table_cell(t, "%s",
	    json_integer_value(at(row, "unpriced")) > 0 ? count(w, at(row, "unpriced"))
							: "");
}

static void
put_total(struct view *w, struct table *t, size_t names)
{
	const json_t *tokens = at(w->total, "tokens"), *v;
	json_int_t output = json_integer_value(at(tokens, "output")) +
			    json_integer_value(at(tokens, "audio_output"));
	json_int_t all = 0;
	const char *key;

	json_object_foreach((json_t *)tokens, key, v)
	{
		if (strncmp(key, "of_which", 8) != 0)
			all += json_integer_value(v);
	}
	table_cell(t, "total");
	for (size_t i = 1; i < names; i++)
		table_cell(t, "%s", "");
	table_cell(t, "%s", count(w, at(w->total, "requests")));
	table_cell(t, "%s", money(w, at(w->total, "cost_usd")));
	table_cell(t, "%s", "");
	table_cell(t, "%s", money(w, at(at(w->total, "saved"), "usd")));
	table_cell(t, "%s", figure_count(w->cli->mem, all - output));
	table_cell(t, "%s", figure_count(w->cli->mem, output));
	table_cell(t, "%s", count(w, at(w->total, "failed_attempts")));
	table_cell(t, "%s", "");
}

static void
put_table(struct view *w)
{
	static const char *const titles[] = {"requests", "cost USD", "share",
	    "saved about", "tokens in", "tokens out", "failed calls", "unpriced"};
	const json_t *by = at(w->summary, "group_by"), *rows = at(w->summary, "rows");
	struct table *t = table_new(w->cli->mem);
	const json_t *row, *dimension;
	size_t i, k;

	json_array_foreach(by, i, dimension)
	{
		table_column(t, text(dimension), false);
	}
	for (i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], true);
	json_array_foreach(rows, i, row)
	{
		json_array_foreach(by, k, dimension)
		{
			table_cell(t, "%s", name_of(row, dimension));
		}
		put_figures(w, t, row);
	}
	put_total(w, t, json_array_size(by));
	table_print(t, terminal_width(), &w->out);
	buf_add(&w->out, "\n");
}

/* ---- below the table ---- */

static void
put_tiers(struct view *w, const json_t *tiers)
{
	const json_t *rows = at(tiers, "rows"), *row;
	double all = json_number_value(at(w->total, "requests"));
	size_t i;

	json_array_foreach(rows, i, row)
	{
		double requests = json_number_value(at(row, "requests"));

		buf_printf(&w->out, "%-8s  %-8s  %s (%s)  %s of requests\n",
		    i == 0 ? "tier" : "", text(at(row, "tier")),
		    money(w, at(row, "cost_usd")), share(w, at(row, "share_of_cost")),
		    figure_share(w->cli->mem, all > 0 ? requests / all : 0));
	}
}

static void
put_savings(struct view *w)
{
	const json_t *saved = at(w->total, "saved");
	const json_t *wasted = at(at(w->total, "of_which_wasted_usd"), "not_served");
	const json_t *hits = at(at(w->total, "unit"), "cache_hit_ratio");
	const json_t *ttft = at(at(w->total, "latency_ms"), "ttft_p50");

	if (json_is_object(saved))
		buf_printf(&w->out,
		    "saved     about %s (%s) against the baselines, net of %s for "
		    "calls that served nothing\n",
		    money(w, at(saved, "usd")), share(w, at(saved, "share")),
		    money(w, wasted));
	if (json_is_number(hits))
		buf_printf(&w->out, "cache     %s of input tokens read from cache\n",
		    share(w, hits));
	if (json_is_integer(ttft))
		buf_printf(&w->out, "latency   first byte %s (p50), %s (p95)\n",
		    figure_ms(w->cli->mem, json_integer_value(ttft)),
		    figure_ms(
			w->cli->mem, json_integer_value(
					 at(at(w->total, "latency_ms"), "ttft_p95"))));
	buf_printf(&w->out,
	    "trust     %s unpriced · %s of cost estimated · at most %s "
	    "more where no usage came\n",
	    count(w, at(w->trust, "unpriced_requests")),
	    share(w, at(w->trust, "estimated_cost_share")),
	    money(w, at(w->trust, "exposure_usd")));
}

/* ---- what to look at: every line ends in a command ---- */

static void
look_at(struct view *w, bool *any, const char *what, const char *command)
{
	unsigned used = text_columns(str_of(what));
	unsigned pad = used < LOOK_COLUMNS ? LOOK_COLUMNS - used : 0;
	bool fits =
	    12 + used + pad + 2 + text_columns(str_of(command)) <= terminal_width();

	buf_printf(&w->out, "%-9s ! %s", *any ? "" : "look at", what);
	if (fits)
		buf_printf(&w->out, "%*s  %s\n", (int)pad, "", command);
	else
		buf_printf(&w->out, "\n              %s\n", command);
	*any = true;
}

static void
look_at_teams(struct view *w, bool *any)
{
	const json_t *row;
	size_t i;

	json_array_foreach(at(w->summary, "rows"), i, row)
	{
		double part = json_number_value(at(row, "share_of_cost"));

		if (!json_is_string(at(row, "team")) ||
		    text(at(row, "team"))[0] != '\0')
			continue;
		if (part > 0.01)
			look_at(w, any,
			    arena_printf(w->cli->mem, "%s of the cost has no team",
				figure_share(w->cli->mem, part)),
			    "frugald keys list");
	}
}

static void
put_look_at(struct view *w)
{
	json_int_t unpriced = json_integer_value(at(w->trust, "unpriced_requests"));
	double estimated = json_number_value(at(w->trust, "estimated_cost_share"));
	double failed = json_number_value(at(w->total, "failed_attempts"));
	double attempts = json_number_value(at(w->total, "attempts"));
	bool any = false;

	if (unpriced > 0)
		look_at(w, &any,
		    arena_printf(w->cli->mem,
			"%s requests have no price, so they count as 0",
			figure_count(w->cli->mem, unpriced)),
		    "frugald report --by model");
	if (estimated > 0.01)
		look_at(w, &any,
		    arena_printf(w->cli->mem,
			"%s of the cost is an estimate: no usage came",
			figure_share(w->cli->mem, estimated)),
		    "frugald report --by provider");
	if (attempts > 0 && failed / attempts > 0.02)
		look_at(w, &any,
		    arena_printf(w->cli->mem, "%s of the calls to providers failed",
			figure_share(w->cli->mem, failed / attempts)),
		    "frugald status");
	look_at_teams(w, &any);
}

/* What is too wide is cut and never wrapped. */
static void
put_lines(struct view *w)
{
	struct str rest = buf_str(&w->out), line;
	unsigned width = terminal_width();

	while (rest.len > 0 && str_split(&rest, '\n', &line))
		printf("%s\n", text_shown(w->cli->mem, line, width));
}

static struct pusd_sum
greatest(const json_t *total)
{
	struct pusd_sum cost = {.v = 0}, saved;

	(void)amount(at(total, "cost_usd"), &cost);
	if (amount(at(at(total, "saved"), "usd"), &saved) && saved.v > cost.v)
		return saved;
	return cost;
}

void
report_view(struct cli *c, const json_t *summary, const struct report_beside *beside)
{
	struct view w = {.cli = c,
	    .summary = summary,
	    .total = at(summary, "total"),
	    .trust = at(summary, "trust")};

	buf_init(&w.out, OUT_BYTES);
	w.places = figure_places(greatest(w.total));
	put_title(&w);
	if (json_integer_value(at(w.total, "requests")) == 0) {
		buf_add(&w.out, "nothing was booked in this time\n");
	} else {
		put_table(&w);
		put_tiers(&w, beside->tiers);
		put_savings(&w);
		put_look_at(&w);
		buf_add(&w.out,
		    "\nmore: --by model|provider|route|key|user|session|day|tag.NAME · "
		    "--since 24h · --csv --json · frugald explain REQUEST_ID\n");
	}
	report_machines_view(c, beside->machines, &w.out);
	put_lines(&w);
	buf_fini(&w.out);
}
