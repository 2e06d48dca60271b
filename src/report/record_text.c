/* record_text.c: one request for people: what `frugald explain ID` prints. */
#include <inttypes.h>
#include <stdio.h>

#include "core/request.h"
#include "dates.h"
#include "recompute.h"
#include "record.h"

static const char *const weekdays[] = {
    "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* from 1970-01-01 */

/* Text of clients and policies may hold anything; a terminal must not see that. */
static void
put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_printf(b, "%c", c < ' ' || c == 0x7f ? '?' : s.p[i]);
	}
}

/* " · word value", when there is a value. */
static void
field(struct buf *b, const char *word, struct str value)
{
	if (value.len == 0)
		return;
	buf_printf(b, " · %s", word);
	put(b, value);
}

/* "$0.000 854 585 600": groups of three behind the point. */
static void
dollars(struct buf *b, struct pusd_sum v, int groups)
{
	char text[PUSD_TEXT_BYTES];
	struct str rest, whole;

	pusd_sum_round(v, (unsigned)(3 * groups), text);
	rest = str_of(text);
	(void)str_split(&rest, '.', &whole);
	buf_printf(b, "$%.*s.", (int)whole.len, whole.p);
	for (int i = 0; i < groups; i++)
		buf_printf(b, "%s%.3s", i == 0 ? "" : " ", rest.p + 3 * i);
}

/* "1,676" */
static void
thousands(struct buf *b, int64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, n);

	for (int i = 0; i < len; i++)
		buf_printf(b, "%s%c", i > 0 && (len - i) % 3 == 0 ? "," : "", text[i]);
}

/* "412 ms", "3.9 s" */
static void
duration(struct buf *b, int64_t ms)
{
	if (ms < 0)
		buf_add(b, "-");
	else if (ms < 1000)
		buf_printf(b, "%" PRId64 " ms", ms);
	else
		buf_printf(b, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms / 100 % 10);
}

/* ---- head ---- */

/* That answered, or failed last. Behind a poor answer that was served, because nobody
 * did better, others stand that failed. */
static const struct record_attempt *
last_of(const struct record *r)
{
	const struct record_attempt *last = NULL;

	for (unsigned i = 0; i < r->attempts; i++) {
		const struct record_attempt *a = &r->attempt[i];

		if (last == NULL || r->outcome != OUT_served ||
		    a->outcome == OUT_served || a->outcome == OUT_escalated)
			last = a;
	}
	return last;
}

static void
put_title(const struct record *r, struct buf *b)
{
	const struct record_attempt *a = last_of(r);
	char id[ID_TEXT_BYTES], when[DATE_TEXT_BYTES];

	id_format(r->id, id);
	date_format_ms(r->start_ms, when);
	buf_printf(b, "req_%s   %s %.10s %.12s UTC   POST ", id,
	    weekdays[r->start_ms / DAY_MS % 7], when, when + 11);
	put(b, r->path);
	buf_printf(
	    b, "%s   %d, ", r->stream ? ", stream" : "", outcome_row(r->outcome)->http);
	if (r->outcome != OUT_served || a == NULL) {
		buf_printf(b, "%s\n\n", outcome_row(r->outcome)->text);
		return;
	}
	buf_add(b, "served by ");
	put(b, a->model);
	buf_add(b, " @ ");
	put(b, a->provider);
	buf_add(b, "\n\n");
}

static void
put_who(const struct record *r, const struct recompute *c, struct buf *b)
{
	const struct team *team =
	    c->snap == NULL ? NULL : snapshot_team(c->snap, r->team);
	struct str tags = r->tags, line;

	buf_add(b, "who      key ");
	put(b, r->key);
	field(b, "team ", r->team);
	if (team != NULL && team->cost_centre != NULL)
		buf_printf(b, " (%s)", team->cost_centre);
	field(b, "user ", r->user);
	for (unsigned i = 0; str_split(&tags, '\n', &line);) {
		if (line.len == 0)
			continue;
		buf_add(b, i == 0 ? " · tags " : " ");
		put(b, line);
		if (i < r->sources && r->source[i] != TAG_by_nobody)
			buf_printf(b, " (%s)", tag_source_name(r->source[i]));
		i++;
	}
	buf_add(b, "\n");
}

/* Another one was asked than the plan had first. */
static void
put_budget(const struct record *r, struct buf *b)
{
	if (r->budget.len == 0)
		return;
	buf_add(b, "budget   ");
	put(b, r->budget);
	buf_add(b, " had no room for what was decided: candidates behind it were "
		   "asked\n");
}

/* What is to be known of the plan's numbers. */
static void
put_recomputed(const struct recompute *c, struct buf *b)
{
	if (c->state == RECOMPUTE_not)
		buf_printf(b, "again    this plan cannot be made again: %s\n", c->why);
	if (c->state != RECOMPUTE_differs)
		return;
	buf_add(b, "again    NOT THE SAME: from what the ledger keeps ");
	if (c->plan.usable > 0)
		buf_printf(b, "%s @ %s would stand first",
		    c->plan.candidate[0].model->name,
		    c->plan.candidate[0]
			.model->at[c->plan.candidate[0].at]
			.provider->name);
	else
		buf_add(b, "nobody would serve");
	buf_add(b, " or other numbers come out; the plan above is what was done. This "
		   "is a defect: please report it\n");
}

/* ---- attempts and money ---- */

static void
put_attempts(const struct record *r, struct buf *b)
{
	if (r->attempts < 2 && r->outcome == OUT_served)
		return;
	buf_add(b, "\n");
	for (unsigned i = 0; i < r->attempts; i++) {
		const struct record_attempt *a = &r->attempt[i];

		buf_printf(b, "attempt %u  ", i + 1);
		put(b, a->model);
		buf_add(b, " @ ");
		put(b, a->provider);
		buf_printf(b, " · %s", outcome_name(a->outcome));
		if (a->flaw != FLAW_none)
			buf_printf(b, ": %s", flaw_text(a->flaw));
		if (a->http_status > 0)
			buf_printf(b, " · HTTP %d", a->http_status);
		buf_add(b, " · after ");
		duration(b, a->total_ms);
		if (a->amount_pusd >= 0 && !a->unpriced) {
			buf_add(b, " · paid ");
			dollars(b, (struct pusd_sum){a->amount_pusd}, 4);
		}
		buf_printf(b, " · %s\n", basis_name(a->basis));
	}
}

static void
put_tokens(const struct record_attempt *a, struct buf *b)
{
	bool first = true;

	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (a->tokens[k] <= 0)
			continue;
		buf_add(b, first ? "   " : " + ");
		thousands(b, a->tokens[k]);
		buf_printf(b, " %s", token_name((enum token_kind)k));
		first = false;
	}
	if (a->reasoning > 0) {
		buf_add(b, " (of which ");
		thousands(b, a->reasoning);
		buf_add(b, " reasoning)");
	}
	if (a->calls > 0)
		buf_printf(b, " + %" PRId64 " searches", a->calls);
}

/* What the bill rests on, in words for people. */
static const char *
basis_text(const struct record_attempt *a)
{
	switch (a->basis) {
	case BASIS_reported:
		return "reported by provider";
	case BASIS_none:
		return "nothing to pay";
	case BASIS_partial:
		return "estimated: input estimate and the output that was seen";
	default:
		return "estimated: input estimate and the output that was expected";
	}
}

static void
put_baseline(const struct record *r, struct buf *b)
{
	struct pusd_sum saved = {r->baseline_pusd - r->cost.v};

	/* Where the baseline served, what it costs is known and nothing was saved. */
	if (r->baseline.len == 0 || r->baseline_pusd < 0 || r->unpriced ||
	    str_eq(r->baseline, last_of(r)->model))
		return;
	buf_printf(b, "         %-6.*s ", (int)r->baseline.len, r->baseline.p);
	dollars(b, (struct pusd_sum){r->baseline_pusd}, 2);
	buf_add(b, saved.v >= 0 ? " would have cost, about → saved "
				: " would have cost, about → paid more by ");
	saved.v = saved.v < 0 ? -saved.v : saved.v;
	dollars(b, saved, 2);
	buf_add(b, "\n");
}

static void
put_money(const struct record *r, struct buf *b)
{
	const struct record_attempt *a = last_of(r);

	if (a == NULL)
		return;
	buf_add(b, "\nmoney    ");
	if (a->at_most_pusd >= 0) {
		buf_add(b, "held   ");
		dollars(b, (struct pusd_sum){a->at_most_pusd}, 4);
		buf_add(b, "   the most it could have cost\n         ");
	}
	buf_add(b, "paid   ");
	if (r->unpriced)
		buf_add(b, "unpriced: the price book has no price for it");
	else
		dollars(b, r->cost, 4);
	put_tokens(a, b);
	if (str_starts(a->price, STR(CONTRACT_ID)))
		buf_add(b, ", at the fixed price of the contract");
	else if (a->contract_ppm != 1000000 && a->contract_ppm > 0)
		buf_printf(b, ", less %.4g %% contract",
		    (double)(1000000 - a->contract_ppm) / 1e4);
	buf_printf(b, "; %s\n", basis_text(a));
	put_baseline(r, b);
}

static void
put_time(const struct record *r, struct buf *b)
{
	const struct record_attempt *a = last_of(r);

	buf_add(b, "time     ");
	if (a != NULL) {
		buf_add(b, "first byte ");
		duration(b, a->ttft_ms);
		buf_add(b, " · answer ");
		duration(b, a->total_ms);
		buf_add(b, " · ");
	}
	buf_add(b, "whole request ");
	duration(b, r->end_ms - r->start_ms);
	buf_add(b, "\n");
}

static const char *
id_text(const struct record *r, char ret[static ID_TEXT_BYTES])
{
	id_format(r->id, ret);
	return ret;
}

static void
put_versions(const struct record *r, const struct recompute *c, struct buf *b)
{
	buf_add(b, "version  policy ");
	put(b, r->policy);
	if (last_of(r) != NULL) {
		field(b, "price ", last_of(r)->price);
		field(b, "served model ", last_of(r)->served_model);
	}
	field(b, "classifier ", r->classifier);
	buf_printf(b, " · outlook %" PRIu64 "%s\n", r->outlook,
	    c->state == RECOMPUTE_same ? " · made again: the same plan" : "");
	if (c->state == RECOMPUTE_not)
		return;
	buf_add(b, "\nagain with another policy:  frugald explain ");
	buf_printf(b, "req_%s --policy new.yaml        as JSON:  --json\n",
	    id_text(r, (char[ID_TEXT_BYTES]){0}));
}

static void
put_corrections(const struct record *r, struct buf *b)
{
	for (unsigned i = 0; i < r->corrections; i++) {
		const struct record_correction *c = &r->correction[i];
		char when[DATE_TEXT_BYTES];

		date_format_ms(c->at_ms, when);
		buf_printf(b, "after    attempt %u cost ", c->attempt + 1);
		dollars(b, (struct pusd_sum){c->amount_pusd}, 4);
		buf_printf(b, ", said %.10s %.8s UTC: ", when, when + 11);
		put(b, c->why);
		buf_add(b, "\n");
	}
}

void
record_text(const struct record *r, const struct recompute *c, struct buf *ret)
{
	put_title(r, ret);
	put_who(r, c, ret);
	plan_text(&c->view, ret);
	put_budget(r, ret);
	put_recomputed(c, ret);
	put_attempts(r, ret);
	put_money(r, ret);
	put_corrections(r, ret);
	put_time(r, ret);
	put_versions(r, c, ret);
}
