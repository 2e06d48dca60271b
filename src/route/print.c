/* print.c: a plan for people. */
#include "work.h"

#include <inttypes.h>
#include <stdio.h>

/* Text of clients and policies may hold anything; a terminal must not see that. */
static void
put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_printf(b, "%c", c < ' ' || c == 0x7f ? '?' : s.p[i]);
	}
}

/* ".885" */
static const char *
share(double v, char buf[static 16])
{
	snprintf(buf, 16, "%.3f", v);
	return buf[0] == '0' ? buf + 1 : buf;
}

/* "$0.000 865": groups of three make small amounts comparable. */
static const char *
dollars(double usd, char buf[static 32])
{
	int64_t micro = (int64_t)(usd * 1e6 + 0.5);

	if (usd < 0)
		return "unpriced";
	snprintf(buf, 32, "$%lld.%03lld %03lld", (long long)(micro / 1000000),
	    (long long)(micro / 1000 % 1000), (long long)(micro % 1000));
	return buf;
}

/* "0.4 s" */
static const char *
seconds(int32_t ms, char buf[static 16])
{
	if (ms < 0)
		return "-";
	snprintf(buf, 16, "%.1f s", ms / 1000.0);
	return buf;
}

/* "48 s", "12 min", "3 h" */
static void
put_span(struct buf *b, int64_t ms)
{
	if (ms < 120000)
		buf_printf(b, "%" PRId64 " s", ms / 1000);
	else if (ms < 7200000)
		buf_printf(b, "%" PRId64 " min", ms / 60000);
	else
		buf_printf(b, "%" PRId64 " h", ms / 3600000);
}

static void
text_asked(const struct plan_view *v, struct buf *ret)
{
	buf_add(ret, "asked    model \"");
	put(ret, v->asked);
	buf_add(ret, "\"");
	if (v->route.len > 0) {
		buf_printf(
		    ret, " →%s route ", str_eq(v->asked, v->route) ? "" : " alias →");
		put(ret, v->route);
		buf_add(ret, " · mode ");
		put(ret, v->mode);
	}
	if (v->canary_percent > 0)
		buf_printf(ret, " %u %%", v->canary_percent);
	if (v->canary_percent > 0 && v->session_told)
		buf_printf(
		    ret, ": this session is %s", v->canary_acts ? "in" : "not in");
	if (v->data.len > 0) {
		buf_add(ret, " · data ");
		put(ret, v->data);
		if (v->data_of != NULL)
			buf_printf(ret, " (from %s)", v->data_of);
	}
	buf_add(ret, "\n");
}

static void
text_session(const struct plan_view *v, struct buf *ret)
{
	if (v->session == 0)
		return;
	buf_printf(ret, "session  s_%016" PRIx64, v->session);
	if (!v->session_told) {
		buf_add(ret, v->pinned
				 ? " · pinned by bound content or an open tool call\n"
				 : "\n");
		return;
	}
	if (v->idle_ms < 0) {
		buf_add(ret, ", new");
	} else {
		if (v->turn > 0)
			buf_printf(ret, ", turn %u", v->turn);
		if (v->session_model.len > 0) {
			buf_add(ret, ", on ");
			put(ret, v->session_model);
		}
		if (v->session_provider.len > 0) {
			buf_add(ret, " @ ");
			put(ret, v->session_provider);
		}
		buf_add(ret, ", idle ");
		put_span(ret, v->idle_ms);
	}
	if (v->pin == NULL)
		buf_add(ret, " · no pin (no bound content, no open tool call)\n");
	else
		buf_printf(ret, " · %s by %s\n",
		    v->pinned ? "pinned" : "could be pinned", v->pin);
}

/* "1,676" */
static void
put_count(struct buf *b, double n)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%.0f", n);

	for (int i = 0; i < len; i++)
		buf_printf(b, "%s%c", i > 0 && (len - i) % 3 == 0 ? "," : "", text[i]);
}

static void
text_tokens(const struct plan_view *v, struct buf *ret)
{
	const struct view_candidate *c = &v->candidate[0];
	char p[16];

	if (v->count == 0 || c->input_tokens <= 0)
		return;
	buf_add(ret, " · about ");
	put_count(ret, c->input_tokens);
	buf_add(ret, " tokens in");
	if (c->cached_tokens > 0) {
		buf_add(ret, ", ");
		put_count(ret, c->cached_tokens);
		buf_add(ret, " of them probably cached");
	}
	if (c->cached_tokens > 0 && v->warm >= 0)
		buf_printf(ret, " (P %s)", share(v->warm, p));
	if (c->output_tokens > 0) {
		buf_add(ret, ", about ");
		put_count(ret, c->output_tokens);
		buf_add(ret, " out");
	}
}

static void
text_read(const struct plan_view *v, struct buf *ret)
{
	char a[16];

	buf_add(ret, "read     ");
	put(ret, v->class_name);
	if (v->class_p >= 0)
		buf_printf(ret, " %s", share(v->class_p, a));
	buf_printf(ret, " · complexity %s", share(v->complexity, a));
	buf_printf(ret, " · confidence %s", share(v->confidence, a));
	text_tokens(v, ret);
	buf_add(ret, "\n");
	for (size_t i = 0; i < nitems(v->reasons) && v->reasons[i] != NULL; i++)
		buf_printf(ret, "%s%s", i == 0 ? "         " : ", ", v->reasons[i]);
	buf_add(ret, v->reasons[0] != NULL ? "\n" : "");
	if (v->rules.len == 0)
		return;
	buf_add(ret, "rules    ");
	put(ret, v->rules);
	buf_add(ret, "\n");
}

static void
text_verdict(const struct plan_view *v, const struct view_candidate *c, struct buf *ret)
{
	char a[16];

	if (c->reason == REASON_chosen && v->goal.len > 0) {
		buf_add(ret, "CHOSEN: ");
		put(ret, v->goal);
	} else {
		buf_add(ret, reason_text(c->reason));
	}
	if (c->reason == REASON_out_wall && c->region.len > 0) {
		buf_add(ret, " (it is in ");
		put(ret, c->region);
		buf_add(ret, ")");
	}
	if (c->rule >= 0)
		buf_printf(ret, " (rule %d)", c->rule + 1);
	if (v->floor >= 0 &&
	    (c->reason == REASON_out_quality || c->reason == REASON_last_quality))
		buf_printf(ret, " by %s", share(v->floor - c->success, a));
	if (c->signal.wait_ms > 0)
		buf_printf(
		    ret, " · a place is free in %s", seconds(c->signal.wait_ms, a));
}

/* Does anybody have a time to the first byte? */
static bool
timed(const struct plan_view *v)
{
	for (unsigned i = 0; i < v->count; i++) {
		if (v->candidate[i].signal.ttft_ms >= 0)
			return true;
	}
	return false;
}

static void
text_candidate(const struct plan_view *v, unsigned i, struct buf *ret)
{
	const struct view_candidate *c = &v->candidate[i];
	char number[16] = "-", success[16], floor[16], cost[32], first[16];
	struct buf who;

	buf_init(&who, 512);
	put(&who, c->model);
	buf_add(&who, " @ ");
	put(&who, c->provider);
	if (c->service.len > 0) {
		buf_add(&who, " ");
		put(&who, c->service);
	}
	if (i < v->usable)
		snprintf(number, sizeof(number), "%u", i + 1);
	buf_printf(ret, "%2s  %-24s %7s  %5s  %13s   ", number, who.p,
	    c->success > 0 ? share(c->success, success) : "-",
	    v->floor >= 0 ? share(v->floor, floor) : "-",
	    c->success > 0 ? dollars(c->cost_usd, cost) : "-");
	if (timed(v))
		buf_printf(ret, "%10s   ", seconds(c->signal.ttft_ms, first));
	text_verdict(v, c, ret);
	buf_add(ret, "\n");
	buf_fini(&who);
}

/* Who serves, and what is expected of that. */
static void
text_choice(
    const struct plan_view *v, double *ret_success, double *ret_usd, struct buf *ret)
{
	const struct view_candidate *c = &v->candidate[0];

	put(ret, c->model);
	*ret_success = c->success;
	*ret_usd = c->cost_usd;
	if (v->escalate_to == 0)
		return;
	buf_add(ret, ", then ");
	put(ret, v->candidate[v->escalate_to].model);
	buf_add(ret, " when its answer fails,");
	*ret_success = v->cascade_success;
	*ret_usd = v->cascade_cost_usd;
}

/* "success −.025 to the baseline's .910" */
static void
text_success(const struct plan_view *v, double success, struct buf *ret)
{
	double less = v->baseline_success - success;
	char by[16], is[16];

	if (success < 0 || v->baseline_success < 0)
		return;
	buf_printf(ret, ", success %s%s to the baseline's %s", less > 0 ? "−" : "+",
	    share(less > 0 ? less : -less, by), share(v->baseline_success, is));
	if (less > 0 && v->floor >= 0 && v->floor < v->baseline_success)
		buf_printf(
		    ret, " (allowed −%s)", share(v->baseline_success - v->floor, by));
}

/* Less than that is nothing to speak of. */
#define LEAST_CACHE_USD 0.00005

static void
text_cache(const struct plan_view *v, struct buf *ret)
{
	char amount[32];

	if (v->switch_usd >= LEAST_CACHE_USD)
		buf_printf(ret, "; %s %s of cache",
		    v->keeps_cache ? "keeps" : "gives up",
		    dollars(v->switch_usd, amount));
}

/* What it costs that a local machine has no room. */
static void
text_spill(const struct plan_view *v, struct buf *ret)
{
	const struct view_candidate *c = &v->candidate[0], *there;
	char wait[16], amount[32];

	if (v->spilled == 0)
		return;
	there = &v->candidate[v->spilled];
	buf_add(ret, "; spilled over from ");
	put(ret, there->model);
	buf_add(ret, " @ ");
	put(ret, there->provider);
	buf_printf(
	    ret, ", where it would wait %s", seconds(there->signal.wait_ms, wait));
	if (c->cost_usd >= 0 && there->cost_usd >= 0)
		buf_printf(ret, ": %s for it",
		    dollars(fmax(c->cost_usd - there->cost_usd, 0), amount));
}

static void
text_why(const struct plan_view *v, struct buf *ret)
{
	const struct view_candidate *c = &v->candidate[0];
	double saved, success, usd;
	char amount[32];

	buf_add(ret, "why      ");
	if (v->route.len == 0) {
		buf_add(ret, "the client named ");
		put(ret, c->model);
		buf_add(ret, "\n");
		return;
	}
	text_choice(v, &success, &usd, ret);
	saved = v->baseline_cost_usd - usd;
	if (!str_eq(c->model, v->baseline) && usd >= 0 && v->baseline_cost_usd >= 0) {
		buf_add(ret, " instead of ");
		put(ret, v->baseline);
		buf_printf(ret, ": %s %s", dollars(saved < 0 ? -saved : saved, amount),
		    saved < 0 ? "dearer" : "cheaper");
	}
	text_success(v, success, ret);
	buf_add(ret, v->pinned ? "; pinned by the history" : "");
	buf_add(ret, v->stayed ? "; the session stays" : "");
	text_cache(v, ret);
	text_spill(v, ret);
	buf_add(ret, v->unsure ? "; the classifier is unsure" : "");
	buf_add(ret, v->below_quality ? "; NOBODY MEETS THE FLOOR" : "");
	if (v->decided.len > 0 && !str_eq(v->decided, c->model)) {
		buf_add(ret, "; ");
		put(ret, v->decided);
		buf_add(ret, " would be chosen");
	}
	buf_add(ret, "\n");
}

void
plan_text(const struct plan_view *v, struct buf *ret)
{
	text_asked(v, ret);
	text_session(v, ret);
	text_read(v, ret);
	if (v->count > 0)
		buf_printf(ret, "\n%2s  %-24s %7s  %5s  %13s   %s%s\n", "#",
		    "candidate", "success", "floor", "expected cost",
		    timed(v) ? "first byte   " : "", "verdict");
	for (unsigned i = 0; i < v->count; i++)
		text_candidate(v, i, ret);
	if (v->usable > 0) {
		buf_add(ret, "\n");
		text_why(v, ret);
	}
	if (v->refusal == OUT_unset || v->usable > 0)
		return;
	buf_printf(ret, "\nrefused  %d %s: ", outcome_row(v->refusal)->http,
	    outcome_row(v->refusal)->code);
	put(ret, v->refusal_text);
	buf_add(ret, "\n");
}
