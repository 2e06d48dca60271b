/* replay_view.c: what a replay found, as a table. */
#include <inttypes.h>
#include <math.h>

#include "figures.h"
#include "replay.h"
#include "table.h"
#include "when.h"

/* Fewer groups of sessions tell little of how sure a sum is. */
#define GROUPS_FEW 20

static const char *
usd(struct cli *c, double v, double greatest)
{
	struct pusd_sum sum = {(wide)(v * (double)PUSD_PER_USD)};
	struct pusd_sum most = {(wide)(greatest * (double)PUSD_PER_USD)};

	return arena_printf(
	    c->mem, "$%s", figure_money(c->mem, sum, figure_places(most)));
}

static const char *
percent(struct cli *c, double v)
{
	return arena_printf(c->mem, "%.1f %%", v * 100);
}

enum form { FORM_usd, FORM_percent, FORM_number };

static const char *
shown(struct cli *c, enum form form, double v, double greatest)
{
	if (form == FORM_usd)
		return usd(c, v, greatest);
	if (form == FORM_percent)
		return percent(c, v);
	return arena_printf(c->mem, "%.3f", v);
}

/* `was` NULL: nothing to compare with. */
static void
put_figure(struct cli *c, struct table *t, const char *what, enum form form,
    const struct replay_estimate *was, const struct replay_estimate *is)
{
	double most = fabs(was != NULL ? was->value : is->value);

	most = fabs(is->value) > most ? fabs(is->value) : most;
	table_cell(t, "%s", what);
	table_cell(t, "%s", was == NULL ? "" : shown(c, form, was->value, most));
	table_cell(t, "%s", shown(c, form, is->value, most));
	table_cell(t, "%s … %s", shown(c, form, is->low, most),
	    shown(c, form, is->high, most));
}

static void
put_table(struct cli *c, const struct replay_result *r, struct buf *ret)
{
	static const char *const tiers[] = {"frontier", "small", "local"};
	const struct replay_estimate *f = r->figure;
	struct table *t = table_new(c->mem);

	table_column(t, "", false);
	table_column(t, "as it was", true);
	table_column(t, "replayed", true);
	table_column(t, "95 % interval", false);
	put_figure(c, t, "cost", FORM_usd, &f[REPLAY_cost_was], &f[REPLAY_cost_is]);
	put_figure(c, t, "saved", FORM_usd, NULL, &f[REPLAY_saved]);
	put_figure(c, t, "saved, share", FORM_percent, NULL, &f[REPLAY_saved_share]);
	put_figure(c, t, "expected success", FORM_number, &f[REPLAY_success_was],
	    &f[REPLAY_success_is]);
	for (size_t i = 0; i < TIER_COUNT; i++)
		put_figure(c, t, tiers[i], FORM_percent, &f[REPLAY_tier_was + i],
		    &f[REPLAY_tier_is + i]);
	put_figure(c, t, "other first choice", FORM_percent, NULL, &f[REPLAY_changed]);
	put_figure(c, t, "refused", FORM_percent, NULL, &f[REPLAY_refused]);
	put_figure(c, t, "left their session's model", FORM_percent,
	    &f[REPLAY_switched_was], &f[REPLAY_switched_is]);
	put_figure(c, t, "prompt caches left behind", FORM_usd, &f[REPLAY_lost_was],
	    &f[REPLAY_lost_is]);
	table_print(t, terminal_width(), ret);
}

static void
put_notes(
    struct cli *c, const char *title, const struct replay_notes *n, struct buf *ret)
{
	struct table *t = table_new(c->mem);

	if (n->count == 0)
		return;
	table_column(t, title, false);
	table_column(t, "requests", true);
	table_column(t, "was booked", true);
	for (unsigned i = 0; i < n->count; i++) {
		const struct replay_note *x = &n->note[i];

		table_cell(t, "%s", x->what);
		table_cell(t, "%s", figure_count(c->mem, x->requests));
		table_cell(t, "$%s",
		    figure_money(c->mem, x->booked, figure_places(x->booked)));
	}
	buf_add(ret, "\n");
	table_print(t, terminal_width(), ret);
}

static void
put_head(struct cli *c, const struct replay_found *f, struct buf *ret)
{
	const struct replay_options *o = f->o;
	const struct replay_result *r = f->r;
	char first[WHEN_TEXT], last[WHEN_TEXT];

	when_put_time(r->first_ms / 1000, first);
	when_put_time(r->last_ms / 1000, last);
	buf_printf(ret, "%s%s (policy %s) over %s requests of %s, %s to %s\n",
	    f->policy, o->added != NULL ? " and a machine" : "", o->fresh->short_hash,
	    figure_count(c->mem, r->requests), o->state_dir, first, last);
	buf_printf(ret, "%s compared, %s of them decided otherwise\n\n",
	    figure_count(c->mem, r->compared), figure_count(c->mem, r->changed));
}

/* ---- a machine that was not there ---- */

static void
put_hours(struct cli *c, const struct replay_options *o, const struct replay_result *r,
    double hours, struct buf *ret)
{
	struct table *t = table_new(c->mem);
	double days = hours / 24 < 1 ? 1 : hours / 24;

	table_column(t, "hour (UTC)", true);
	table_column(t, "requests", true);
	table_column(t, "in use", true);
	for (int h = 0; h < 24; h++) {
		if (r->local.requests_by_hour[h] == 0)
			continue;
		table_cell(t, "%02d", h);
		table_cell(t, "%s", figure_count(c->mem, r->local.requests_by_hour[h]));
		table_cell(t, "%s",
		    percent(c, r->local.busy_by_hour_s[h] / (days * 3600 * o->places)));
	}
	table_print(t, terminal_width(), ret);
}

static void
put_machine(struct cli *c, const struct replay_found *f, struct buf *ret)
{
	const struct replay_options *o = f->o;
	const struct replay_result *r = f->r;
	struct replay_pay p = replay_pay_of(f);
	double saved = p.saved_usd;

	buf_printf(ret,
	    "\nthe added machine, %u requests at a time at %.0f tokens/s each: %s "
	    "answered, %s more\nhad to go elsewhere because all its places were taken; "
	    "%s of its time in use\n",
	    o->places, o->tokens_per_s, figure_count(c->mem, r->local.requests),
	    figure_count(c->mem, r->local.spilled), percent(c, p.used));
	buf_printf(ret,
	    "beside the policy alone it saves %s and costs %s for these %.1f hours: %s "
	    "%s\n",
	    usd(c, saved, saved), usd(c, p.machine_usd, p.machine_usd), p.hours,
	    saved > p.machine_usd ? "a gain of" : "a loss of",
	    usd(c, fabs(saved - p.machine_usd), fabs(saved)));
	if (p.needed_by_hour < 0)
		buf_add(ret, "its requests save nothing, so it never pays\n");
	else
		buf_printf(ret,
		    "it pays from %.1f such requests an hour on (it had %.1f)%s\n",
		    p.needed_by_hour, (double)r->local.requests / p.hours,
		    p.needed_by_hour > p.most_by_hour
			? ", which is more than it has time for"
			: "");
	if (r->local.requests > 0) {
		buf_add(ret, "\n");
		put_hours(c, o, r, p.hours, ret);
	}
}

void
replay_view(struct cli *c, const struct replay_found *f, struct buf *ret)
{
	const struct replay_options *o = f->o;
	const struct replay_result *r = f->r;

	if (r->requests == 0) {
		buf_printf(
		    ret, "the ledger in %s has no such requests\n", o->state_dir);
		return;
	}
	put_head(c, f, ret);
	put_table(c, r, ret);
	buf_printf(ret,
	    "\ncoverage: %s of the requests, %s of the cost: what stays, and models "
	    "that have answered %d\nsuch requests (kind of work, quarter of "
	    "complexity); the rest is the catalogue's word\n",
	    percent(c, r->covered_requests), percent(c, r->covered_cost),
	    REPLAY_EVIDENCE);
	if (r->groups < GROUPS_FEW)
		buf_printf(ret,
		    "few sessions (%u groups of them): intervals say little\n",
		    r->groups);
	if (f->alone != NULL)
		put_machine(c, f, ret);
	put_notes(c, "decided otherwise", &r->moves, ret);
	put_notes(c, "refused now", &r->refusals, ret);
	put_notes(c, "not compared, because", &r->lacking, ret);
	buf_add(ret, "\nrequests that were refused then called no model and are not in "
		     "the ledger\n");
}
