/* report_lines.c: what stands below a report's table. Every line to look at ends in a
 * command. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "figures.h"
#include "report_view.h"
#include "table.h"

#define LOOK_COLUMNS 60
/* From here on a budget is looked at. */
#define USED_NEAR 0.9
#define BURN_FAST 1.2
#define USED_SOME 0.5
/* So many refusals of one key are more than a slip. */
#define REFUSED_OFTEN 20
#define LOOK_MOST     4

/* ---- tiers ---- */

static void
put_tiers(struct view *w, const json_t *tiers)
{
	const json_t *rows = view_at(tiers, "rows"), *row;
	double all = json_number_value(view_at(w->total, "requests"));
	size_t i;

	json_array_foreach(rows, i, row)
	{
		double requests = json_number_value(view_at(row, "requests"));

		buf_printf(&w->out, "%-8s  %-8s  %s (%s)  %s of requests\n",
		    i == 0 ? "tier" : "", view_text(view_at(row, "tier")),
		    view_money(w, view_at(row, "cost_usd")),
		    view_share(w, view_at(row, "share_of_cost")),
		    figure_share(w->cli->mem, all > 0 ? requests / all : 0));
	}
}

/* ---- savings ---- */

/* " [50.9, 53.5]": percent, from the lesser to the greater; "": not known. */
static const char *
interval(struct view *w, const json_t *saved, bool loss)
{
	const json_t *low = view_at(saved, "share_low"),
		     *high = view_at(saved, "share_high");
	double a = json_number_value(low) * 100, b = json_number_value(high) * 100;

	if (!json_is_number(low) || !json_is_number(high))
		return "";
	return arena_printf(w->cli->mem, " [%.1f, %.1f]", loss ? -b : a, loss ? -a : b);
}

static const char *
magnitude(struct view *w, const json_t *v)
{
	struct pusd_sum sum;

	if (!view_amount(v, &sum))
		return "-";
	sum.v = sum.v < 0 ? -sum.v : sum.v;
	return figure_money(w->cli->mem, sum, w->places);
}

/* A loss is one in words, too. */
static void
put_savings(struct view *w)
{
	const json_t *saved = view_at(w->total, "saved"),
		     *baseline = view_at(w->total, "baseline");
	const char *name = view_text(view_at(baseline, "name"));
	bool loss = view_text(view_at(saved, "usd"))[0] == '-';
	const char *against = name[0] == '\0' ? "the baselines" : name;
	json_int_t left_out = json_integer_value(view_at(baseline, "left_out"));
	double share = json_number_value(view_at(saved, "share"));

	if (!json_is_object(saved))
		return;
	buf_printf(&w->out, "%s about %s", loss ? "lost     " : "saved    ",
	    magnitude(w, view_at(saved, "usd")));
	if (json_is_number(view_at(saved, "share")))
		buf_printf(&w->out, " (%s)%s", figure_share(w->cli->mem, fabs(share)),
		    interval(w, saved, loss));
	buf_printf(&w->out,
	    loss ? ": more than %s would have cost, with %s for calls that served "
		   "nothing"
		 : " against %s, net of %s for calls that served nothing",
	    against,
	    view_money(
		w, view_at(view_at(w->total, "of_which_wasted_usd"), "not_served")));
	if (left_out > 0)
		buf_printf(&w->out, "; %s requests left out",
		    figure_count(w->cli->mem, left_out));
	buf_add(&w->out, "\n");
}

static void
put_cache(struct view *w)
{
	const json_t *hits = view_at(view_at(w->total, "unit"), "cache_hit_ratio");
	const json_t *usd = view_at(w->total, "cache_saved_usd");
	struct pusd_sum saved;

	if (!json_is_number(hits))
		return;
	buf_printf(&w->out, "cache     %s of input tokens read from cache",
	    view_share(w, hits));
	if (view_amount(usd, &saved) && saved.v != 0)
		buf_printf(&w->out, ", %s about %s",
		    saved.v < 0 ? "which cost, with what was written," : "saving",
		    magnitude(w, usd));
	buf_add(&w->out, "\n");
}

/* ---- how sure it is ---- */

static void
put_latency(struct view *w)
{
	const json_t *latency = view_at(w->total, "latency_ms");

	if (!json_is_integer(view_at(latency, "ttft_p50")))
		return;
	buf_printf(&w->out, "latency   first byte %s (p50), %s (p95)\n",
	    figure_ms(w->cli->mem, json_integer_value(view_at(latency, "ttft_p50"))),
	    figure_ms(w->cli->mem, json_integer_value(view_at(latency, "ttft_p95"))));
}

static void
put_trust(struct view *w)
{
	const json_t *tagged = view_at(w->trust, "cost_with_required_tags_share");
	json_int_t corrections = json_integer_value(view_at(w->trust, "corrections"));

	buf_add(&w->out, "trust     ");
	if (json_is_number(tagged))
		buf_printf(&w->out, "%.1f %% of cost has its team and tags · ",
		    json_number_value(tagged) * 100);
	buf_printf(&w->out,
	    "%s unpriced · %s of cost estimated · at most %s more where no usage came",
	    view_count(w, view_at(w->trust, "unpriced_requests")),
	    view_share(w, view_at(w->trust, "estimated_cost_share")),
	    view_money(w, view_at(w->trust, "exposure_usd")));
	if (corrections > 0)
		buf_printf(
		    &w->out, " · %s corrected", figure_count(w->cli->mem, corrections));
	buf_add(&w->out, "\n");
}

/* " (ci-nightly 207)": whom it was most, else "". */
static const char *
most_of(struct view *w, const char *kind)
{
	const json_t *line;
	size_t i;

	json_array_foreach(view_at(view_at(w->summary, "limits"), "top"), i, line)
	{
		const char *key = view_text(view_at(line, "key"));

		if (strcmp(view_text(view_at(line, "kind")), kind) == 0)
			return key[0] == '\0'
				   ? ""
				   : arena_printf(w->cli->mem, " (%s %s)", key,
					 view_count(w, view_at(line, "count")));
	}
	return "";
}

static void
put_limits(struct view *w)
{
	static const char *const always[] = {"overrun", "refused", "downgraded"};
	const json_t *kinds = view_at(view_at(w->summary, "limits"), "by_kind"), *v;
	const char *kind;

	if (!json_is_object(kinds))
		return;
	buf_add(&w->out, "limits    ");
	for (size_t i = 0; i < nitems(always); i++)
		buf_printf(&w->out, "%s%s %s%s", i == 0 ? "" : " · ",
		    figure_count(
			w->cli->mem, json_integer_value(view_at(kinds, always[i]))),
		    always[i], most_of(w, always[i]));
	json_object_foreach((json_t *)(uintptr_t)kinds, kind, v)
	{
		bool said = false;

		for (size_t i = 0; i < nitems(always); i++)
			said |= strcmp(kind, always[i]) == 0;
		if (!said)
			buf_printf(&w->out, " · %s %s%s", view_count(w, v), kind,
			    most_of(w, kind));
	}
	buf_add(&w->out, "\n");
}

void
view_lines(struct view *w, const json_t *tiers)
{
	put_tiers(w, tiers);
	put_savings(w);
	put_cache(w);
	put_latency(w);
	put_trust(w);
	put_limits(w);
}

/* ---- what to look at ---- */

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

	json_array_foreach(view_at(w->summary, "rows"), i, row)
	{
		double part = json_number_value(view_at(row, "share_of_cost"));

		if (!json_is_string(view_at(row, "team")) ||
		    view_text(view_at(row, "team"))[0] != '\0')
			continue;
		if (part > 0.01)
			look_at(w, any,
			    arena_printf(w->cli->mem, "%s of the cost has no team",
				figure_share(w->cli->mem, part)),
			    "frugald keys list");
	}
}

/* May it stand in a command that people paste into a shell? Clients invent values. */
static bool
pasteable(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && (c == '\0' || strchr("._-/", c) == NULL))
			return false;
	}
	return s.len > 0 && s.p[0] != '-';
}

/* "--team payments" of "team:payments". */
static const char *
report_on(struct view *w, const char *scope)
{
	struct str rest = str_of(scope), word;

	if (!str_split(&rest, ':', &word) || !pasteable(rest))
		return "frugald report --by key";
	if (str_starts(word, STR("tag.")))
		return arena_printf(w->cli->mem,
		    "frugald report --tag %.*s=%s --by key", (int)word.len - 4,
		    word.p + 4, rest.p);
	if (str_is(word, "team"))
		return arena_printf(
		    w->cli->mem, "frugald report --team %s --by key", rest.p);
	if (str_is(word, "key"))
		return arena_printf(
		    w->cli->mem, "frugald report --key %s --by model", rest.p);
	return "frugald report --by user";
}

/* Nearly spent, or on the way to be long before its time. */
static void
look_at_budgets(struct view *w, bool *any)
{
	unsigned told = 0;
	const json_t *b;
	size_t i;

	json_array_foreach(view_at(w->summary, "budgets"), i, b)
	{
		const char *scope = view_text(view_at(b, "scope"));
		double used = view_used(b),
		       burn = json_number_value(view_at(b, "burn"));

		if (told == LOOK_MOST ||
		    (used < USED_NEAR && (used < USED_SOME || burn < BURN_FAST)))
			continue;
		look_at(w, any,
		    arena_printf(w->cli->mem, "%s has used %s of its budget, per %s%s",
			scope, figure_share(w->cli->mem, used),
			view_text(view_at(b, "per")),
			burn >= BURN_FAST ? ", faster than time goes" : ""),
		    report_on(w, scope));
		told++;
	}
}

/* Keys that are stopped for what they spent. */
static void
look_at_paused(struct view *w, bool *any)
{
	const json_t *p;
	size_t i;

	json_array_foreach(view_at(view_at(w->summary, "limits"), "paused"), i, p)
	{
		const char *key = view_text(view_at(p, "key"));

		if (i == LOOK_MOST)
			break;
		look_at(w, any,
		    arena_printf(w->cli->mem,
			"key %s is paused: it spent %s in a minute", key,
			view_money(w, view_at(p, "spent_usd"))),
		    pasteable(str_of(key))
			? arena_printf(w->cli->mem, "frugald keys resume %s", key)
			: "frugald keys list");
	}
}

/* Keys that are refused again and again. */
static void
look_at_keys(struct view *w, bool *any)
{
	unsigned told = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(view_at(view_at(w->summary, "limits"), "top"), i, line)
	{
		const char *kind = view_text(view_at(line, "kind")),
			   *key = view_text(view_at(line, "key"));
		json_int_t n = json_integer_value(view_at(line, "count"));

		if (told == LOOK_MOST || !pasteable(str_of(key)) ||
		    strcmp(kind, "refused") != 0 || n < REFUSED_OFTEN)
			continue;
		look_at(w, any,
		    arena_printf(w->cli->mem, "key %s was refused %s times: %s", key,
			figure_count(w->cli->mem, n), view_text(view_at(line, "name"))),
		    arena_printf(w->cli->mem, "frugald report --key %s --by day", key));
		told++;
	}
}

void
view_look_at(struct view *w)
{
	json_int_t unpriced =
	    json_integer_value(view_at(w->trust, "unpriced_requests"));
	double estimated = json_number_value(view_at(w->trust, "estimated_cost_share"));
	double failed = json_number_value(view_at(w->total, "failed_attempts"));
	double attempts = json_number_value(view_at(w->total, "attempts"));
	bool any = false;

	look_at_paused(w, &any);
	look_at_keys(w, &any);
	look_at_budgets(w, &any);
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
