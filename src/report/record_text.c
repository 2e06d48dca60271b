/* record_text.c: one request for people: what `frugald explain ID` prints. */
#include <inttypes.h>
#include <stdio.h>

#include "core/request.h"
#include "dates.h"
#include "policy_names.h"
#include "record.h"

#define PLAN_MAX 24

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

/* ".885" */
static const char *
share(double v, char ret[static 16])
{
	snprintf(ret, 16, "%.3f", v);
	return ret[0] == '0' ? ret + 1 : ret;
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

static const struct record_attempt *
last_of(const struct record *r)
{
	return r->attempts == 0 ? NULL : &r->attempt[r->attempts - 1];
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
put_who(const struct record *r, struct buf *b)
{
	struct str tags = r->tags, line;

	buf_add(b, "who      key ");
	put(b, r->key);
	field(b, "team ", r->team);
	field(b, "user ", r->user);
	for (int i = 0; str_split(&tags, '\n', &line);) {
		if (line.len == 0)
			continue;
		buf_add(b, i++ == 0 ? " · tags " : " ");
		put(b, line);
	}
	field(b, "data ", r->data);
	buf_add(b, "\nasked    model \"");
	put(b, r->asked);
	buf_add(b, "\"");
	if (r->route.len > 0) {
		buf_add(b, " → route ");
		put(b, r->route);
	}
	field(b, "mode ", r->mode);
	buf_printf(b, "\nsession  s_%016" PRIx64 "%s\n", r->session,
	    r->pinned ? " · pinned by bound content or an open tool call" : "");
}

static void
put_read(const struct record *r, struct buf *b)
{
	char a[16], c[16];

	buf_add(b, "read     ");
	put(b, r->class_name);
	buf_printf(b, " · complexity %s · confidence %s", share(r->complexity, a),
	    share(r->confidence, c));
	if (r->attempts > 0 && r->attempt[0].input_estimate > 0) {
		buf_add(b, " · about ");
		thousands(b, r->attempt[0].input_estimate);
		buf_add(b, " tokens in");
	}
	buf_add(b, "\n");
}

/* ---- plan ---- */

static void
put_candidate(const struct packed_candidate *c, unsigned number,
    const struct policy_names *names, struct buf *b)
{
	struct str model = STR("?"), at = STR("?");
	char who[96], success[16] = "-", cost[32] = "-", n[12] = "-";

	if (names != NULL && c->model < names->models) {
		model = names->model[c->model].name;
		if (c->at < names->model[c->model].ats)
			at = names->model[c->model].at[c->at];
	}
	snprintf(who, sizeof(who), "%.*s @ %.*s%s", (int)model.len, model.p,
	    (int)at.len, at.p, c->by_rule ? ", tier by rule" : "");
	if (number > 0)
		snprintf(n, sizeof(n), "%u", number);
	if (c->success > 0) {
		int64_t micro = (int64_t)(c->cost_usd * 1e6 + 0.5);

		share(c->success, success);
		snprintf(cost, sizeof(cost), "$%" PRId64 ".%03d %03d", micro / 1000000,
		    (int)(micro / 1000 % 1000), (int)(micro % 1000));
	}
	buf_printf(b, "%2s  %-24s %7s  %13s   %s", n, who,
	    success[0] == '0' ? success + 1 : success,
	    c->success > 0 && c->cost_usd < 0 ? "unpriced" : cost,
	    reason_text((enum reason)c->reason));
	if (c->rule >= 0)
		buf_printf(b, " (rule %d)", c->rule + 1);
	buf_add(b, "\n");
}

static bool
is_out(const struct packed_candidate *c)
{
	return str_starts(str_of(reason_name((enum reason)c->reason)), STR("out_"));
}

static void
put_plan(const struct record *r, struct books *books, struct buf *b)
{
	const struct policy_names *names = policy_names_load(books, r->policy, r->mem);
	struct packed_candidate c[PLAN_MAX];
	unsigned n = plan_unpack(r->plan, c, PLAN_MAX), number = 0;

	if (n == 0)
		return;
	buf_printf(b, "\n%2s  %-24s %7s  %13s   %s\n", "#", "candidate", "success",
	    "expected cost", "verdict");
	for (unsigned i = 0; i < n; i++)
		put_candidate(&c[i], is_out(&c[i]) ? 0 : ++number, names, b);
	if (r->below_quality)
		buf_add(b, "         nobody met the route's quality floor\n");
	if (r->unsure)
		buf_add(b,
		    "         the classifier was unsure, so the baseline was taken\n");
	if (r->decided.len > 0 && last_of(r) != NULL &&
	    !str_eq(r->decided, last_of(r)->model)) {
		buf_add(b, "         the route's own choice would have been ");
		put(b, r->decided);
		buf_add(b, "\n");
	}
}

/* The first candidate against the baseline, by the numbers of the plan. */
static void
put_why(const struct record *r, struct books *books, struct buf *b)
{
	const struct policy_names *names = policy_names_load(books, r->policy, r->mem);
	struct packed_candidate c[PLAN_MAX];
	double baseline = (double)r->baseline_pusd / 1e12;
	char less[16], at[16];
	struct pusd_sum saved;

	if (plan_unpack(r->plan, c, PLAN_MAX) == 0 || names == NULL ||
	    c[0].model >= names->models || c[0].cost_usd < 0 || r->baseline_pusd < 0 ||
	    str_eq(names->model[c[0].model].name, r->baseline))
		return;
	saved.v = (wide)((baseline - c[0].cost_usd) * 1e12);
	buf_add(b, "\nwhy      ");
	put(b, names->model[c[0].model].name);
	buf_add(b, " instead of ");
	put(b, r->baseline);
	buf_add(b, ": ");
	dollars(b, (struct pusd_sum){saved.v < 0 ? -saved.v : saved.v}, 2);
	buf_printf(b, " %s by expectation, success %s%s to %s\n",
	    saved.v < 0 ? "dearer" : "cheaper",
	    c[0].success < r->baseline_success ? "−" : "+",
	    share(c[0].success < r->baseline_success
		      ? r->baseline_success - c[0].success
		      : c[0].success - r->baseline_success,
		less),
	    share(r->baseline_success, at));
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
	if (a->contract_ppm != 1000000 && a->contract_ppm > 0)
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

static void
put_versions(const struct record *r, struct buf *b)
{
	buf_add(b, "version  policy ");
	put(b, r->policy);
	if (last_of(r) != NULL) {
		field(b, "price ", last_of(r)->price);
		field(b, "served model ", last_of(r)->served_model);
	}
	field(b, "classifier ", r->classifier);
	buf_printf(b, " · outlook %" PRIu64 "\n", r->outlook);
}

void
record_text(const struct record *r, struct books *b, struct buf *ret)
{
	put_title(r, ret);
	put_who(r, ret);
	put_read(r, ret);
	put_plan(r, b, ret);
	put_why(r, b, ret);
	put_attempts(r, ret);
	put_money(r, ret);
	put_time(r, ret);
	put_versions(r, ret);
}
