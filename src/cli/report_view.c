/* report_view.c: a cost summary for a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "figures.h"
#include "report_view.h"
#include "table.h"
#include "when.h"

#define OUT_BYTES  ((size_t)16 << 20)
#define DAY_S      86400
#define TIME_BYTES 19 /* of 2026-11-22T23:59:58Z: without its Z */

const json_t *
view_at(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

const char *
view_text(const json_t *v)
{
	const char *s = json_string_value(v);

	return s == NULL ? "" : s;
}

bool
view_amount(const json_t *v, struct pusd_sum *ret)
{
	return json_is_string(v) && figure_read(str_of(json_string_value(v)), ret);
}

const char *
view_money(struct view *w, const json_t *v)
{
	struct pusd_sum sum;

	return view_amount(v, &sum) ? figure_money(w->cli->mem, sum, w->places) : "-";
}

const char *
view_count(struct view *w, const json_t *v)
{
	return json_is_integer(v) ? figure_count(w->cli->mem, json_integer_value(v))
				  : "-";
}

const char *
view_share(struct view *w, const json_t *v)
{
	return json_is_number(v) ? figure_share(w->cli->mem, json_number_value(v))
				 : "-";
}

const json_t *
view_budget(const struct view *w, const char *scope)
{
	const json_t *b, *found = NULL;
	size_t i;

	json_array_foreach(view_at(w->summary, "budgets"), i, b)
	{
		if (strcmp(view_text(view_at(b, "scope")), scope) != 0)
			continue;
		if (strcmp(view_text(view_at(b, "per")), "month") == 0)
			return b;
		if (found == NULL)
			found = b;
	}
	return found;
}

double
view_used(const json_t *budget)
{
	struct pusd_sum cap, spent;

	if (!view_amount(view_at(budget, "cap_usd"), &cap) || cap.v <= 0 ||
	    !view_amount(view_at(budget, "spent_usd"), &spent))
		return -1;
	return (double)spent.v / (double)cap.v;
}

/* ---- title ---- */

/* ", day 22 of 30": of a month that is asked for from its begin. */
static const char *
day_of_month(struct view *w, const char *from, const char *to)
{
	int64_t first, end, next;

	if (strlen(from) < 10 || strlen(to) < 10 ||
	    strncmp(from + 8, "01T00:00:00", 11) != 0 ||
	    !when_month(str_make(from, 7), &first, &next) ||
	    !when_time(str_of(to), &end) || end <= first || end > next)
		return "";
	return arena_printf(w->cli->mem, ", day %d of %d",
	    (int)((end - 1 - first) / DAY_S + 1), (int)((next - first) / DAY_S));
}

/* "2026-11-01 .. 2026-11-22" for whole days, with the hour where there is one. */
static void
put_title(struct view *w)
{
	const char *from = view_text(view_at(w->summary, "from")),
		   *to = view_text(view_at(w->summary, "to"));
	const char *until = view_text(view_at(w->summary, "complete_until"));
	bool days = strstr(from, "T00:00:00") != NULL;
	int len = days ? 10 : 16;

	buf_printf(&w->out, "AI spend, %.*s .. %.*s (UTC%s", len, from, len, to,
	    day_of_month(w, from, to));
	if (until[0] != '\0')
		buf_printf(&w->out, ", all rows in until %.10s %.8s", until,
		    strlen(until) >= TIME_BYTES ? until + 11 : "");
	buf_printf(&w->out, ")   %s\n\n",
	    json_is_true(view_at(w->summary, "closed")) ? "closed"
							: "open, not closed");
}

/* ---- rows ---- */

static const char *
name_of(const json_t *row, const json_t *dimension)
{
	const char *word = view_text(dimension), *value = view_text(view_at(row, word));

	if (json_is_true(view_at(row, "rest")))
		return "(rest)";
	if (value[0] != '\0')
		return value;
	if (strcmp(word, "team") == 0)
		return "(no team)";
	return strcmp(word, "route") == 0 ? "(by name)" : "-";
}

/* Its cap, and what of it is used; nothing where there is none. */
static void
put_budget(struct view *w, struct table *t, const char *scope)
{
	const json_t *b = view_budget(w, scope);
	const char *per = view_text(view_at(b, "per"));
	double used = view_used(b);
	struct pusd_sum cap;

	if (b == NULL || !view_amount(view_at(b, "cap_usd"), &cap)) {
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		return;
	}
	table_cell(t, "%s%s%s",
	    figure_money(w->cli->mem, cap, cap.v % PUSD_PER_USD == 0 ? 0 : w->places),
	    strcmp(per, "month") == 0 ? ""
	    : strcmp(per, "all") == 0 ? " in "
				      : "/",
	    strcmp(per, "month") == 0 ? "" : per);
	table_cell(t, "%s", used < 0 ? "" : figure_share(w->cli->mem, used));
}

/* What of the table is there only when rows are teams. */
static bool
of_teams(const struct view *w)
{
	const json_t *by = view_at(w->summary, "group_by");

	return json_array_size(by) == 1 &&
	       strcmp(view_text(json_array_get(by, 0)), "team") == 0;
}

static const char *
team_scope(struct view *w, const json_t *row)
{
	const char *team = view_text(view_at(row, "team"));

	return team[0] == '\0' ? "" : arena_printf(w->cli->mem, "team:%s", team);
}

static void
put_figures(struct view *w, struct table *t, const json_t *row)
{
	table_cell(t, "%s", view_count(w, view_at(row, "requests")));
	table_cell(t, "%s", view_money(w, view_at(row, "cost_usd")));
	if (of_teams(w))
		put_budget(w, t, team_scope(w, row));
	table_cell(t, "%s", view_share(w, view_at(row, "share_of_cost")));
	table_cell(t, "%s", view_money(w, view_at(row, "saved_usd")));
	table_cell(t, "%s",
	    json_is_number(view_at(row, "saved_share"))
		? view_share(w, view_at(row, "saved_share"))
		: "");
	table_cell(t, "%s", view_count(w, view_at(row, "input_tokens")));
	table_cell(t, "%s", view_count(w, view_at(row, "output_tokens")));
	table_cell(t, "%s", view_count(w, view_at(row, "failed_attempts")));
	table_cell(t, "%s",
	    json_integer_value(view_at(row, "unpriced")) > 0
		? view_count(w, view_at(row, "unpriced"))
		: "");
}

static void
put_total(struct view *w, struct table *t, size_t names)
{
	const json_t *tokens = view_at(w->total, "tokens"), *v;
	json_int_t output = json_integer_value(view_at(tokens, "output")) +
			    json_integer_value(view_at(tokens, "audio_output"));
	json_int_t all = 0;
	const char *key;

	json_object_foreach((json_t *)tokens, key, v)
	{
		if (strncmp(key, "of_which", 8) != 0)
			all += json_integer_value(v);
	}
	table_cell(t, "total");
	for (size_t i = of_teams(w) ? 0 : 1; i < names; i++)
		table_cell(t, "%s", "");
	table_cell(t, "%s", view_count(w, view_at(w->total, "requests")));
	table_cell(t, "%s", view_money(w, view_at(w->total, "cost_usd")));
	if (of_teams(w))
		put_budget(w, t, "daemon");
	table_cell(t, "%s", "");
	table_cell(t, "%s", view_money(w, view_at(view_at(w->total, "saved"), "usd")));
	table_cell(
	    t, "%s", view_share(w, view_at(view_at(w->total, "saved"), "share")));
	table_cell(t, "%s", figure_count(w->cli->mem, all - output));
	table_cell(t, "%s", figure_count(w->cli->mem, output));
	table_cell(t, "%s", view_count(w, view_at(w->total, "failed_attempts")));
	table_cell(t, "%s", "");
}

static void
put_titles(struct view *w, struct table *t)
{
	static const char *const titles[] = {"share", "saved about", "saved",
	    "tokens in", "tokens out", "failed calls", "unpriced"};
	const json_t *by = view_at(w->summary, "group_by"), *dimension;
	bool teams = of_teams(w);
	size_t i;

	json_array_foreach(by, i, dimension)
	{
		table_column(t, view_text(dimension), false);
	}
	if (teams)
		table_column(t, "cost centre", false);
	table_column(t, "requests", true);
	table_column(t, "cost USD", true);
	if (teams) {
		table_column(t, "budget", true);
		table_column(t, "used", true);
	}
	for (i = 0; i < nitems(titles); i++)
		table_column(t, titles[i], true);
}

static void
put_table(struct view *w)
{
	const json_t *by = view_at(w->summary, "group_by"),
		     *rows = view_at(w->summary, "rows");
	struct table *t = table_new(w->cli->mem);
	const json_t *row, *dimension;
	size_t i, k;

	put_titles(w, t);
	json_array_foreach(rows, i, row)
	{
		json_array_foreach(by, k, dimension)
		{
			table_cell(t, "%s", name_of(row, dimension));
		}
		if (of_teams(w))
			table_cell(t, "%s", view_text(view_at(row, "cost_centre")));
		put_figures(w, t, row);
	}
	put_total(w, t, json_array_size(by));
	table_print(t, terminal_width(), &w->out);
	buf_add(&w->out, "\n");
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

	(void)view_amount(view_at(total, "cost_usd"), &cost);
	if (view_amount(view_at(view_at(total, "saved"), "usd"), &saved) &&
	    saved.v > cost.v)
		return saved;
	return cost;
}

void
report_view(struct cli *c, const json_t *summary, const struct report_beside *beside)
{
	struct view w = {.cli = c,
	    .summary = summary,
	    .total = view_at(summary, "total"),
	    .trust = view_at(summary, "trust")};

	buf_init(&w.out, OUT_BYTES);
	w.places = figure_places(greatest(w.total));
	put_title(&w);
	if (json_integer_value(view_at(w.total, "requests")) == 0) {
		buf_add(&w.out, "nothing was booked in this time\n");
	} else {
		put_table(&w);
		view_lines(&w, beside->tiers);
		view_look_at(&w);
		buf_add(&w.out,
		    "\nmore: --by model|provider|route|key|user|session|day|tag.NAME · "
		    "--since 24h · --csv --json · frugald explain REQUEST_ID\n");
	}
	report_machines_view(c, beside->machines, &w.out);
	put_lines(&w);
	buf_fini(&w.out);
}
