/* check_why.c: why a candidate of a route is never chosen, in words. */
#include "check_why.h"

#include <string.h>

#include "check.h"

/* ---- counting ---- */

static const struct candidate *
find(const struct plan *p, const struct model *m)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (p->candidate[i].model == m)
			return &p->candidate[i];
	}
	return NULL;
}

/* A mode that does not act puts everybody but the baseline out, after the decision. */
static bool
was_in(const struct plan *p, const struct candidate *c)
{
	return c < p->candidate + p->usable || c->reason == REASON_out_mode ||
	       c->reason == REASON_out_recorded;
}

/* Of the others only those stay that cost no more and are as likely to succeed. */
static void
keep_dominating(const struct route *r, const struct plan *p, const struct candidate *c,
    uint64_t *by)
{
	for (unsigned k = 0; k < r->candidates; k++) {
		const struct candidate *o = find(p, r->candidate[k]);

		if (o == NULL || o == c || !was_in(p, o) || o->cost_usd < 0 ||
		    o->cost_usd > c->cost_usd || o->success < c->success)
			*by &= ~(UINT64_C(1) << k);
	}
}

static void
count_in(const struct route *r, const struct plan *p, const struct candidate *c,
    struct why *w)
{
	w->in++;
	w->unpriced += c->cost_usd < 0;
	w->below += c->success < p->floor;
	if (w->in == 1 || c->success < w->least)
		w->least = c->success;
	if (w->in == 1 || c->success > w->most)
		w->most = c->success;
	keep_dominating(r, p, c, &w->under);
}

void
why_begin(const struct route *r, struct why *w)
{
	memset(w, 0, r->candidates * sizeof(*w));
	for (unsigned i = 0; i < r->candidates; i++)
		w[i].under = UINT64_MAX;
}

void
why_count(const struct route *r, const struct plan *p, const struct model *first,
    struct why *w)
{
	for (unsigned i = 0; i < r->candidates; i++) {
		const struct candidate *c = find(p, r->candidate[i]);

		w[i].asked++;
		if (c == NULL)
			continue;
		if (first != NULL)
			w[i].winners |= UINT64_C(1) << first->index;
		if (was_in(p, c))
			count_in(r, p, c, &w[i]);
		else
			w[i].out[c->reason]++;
		if (c->rule >= 0 && c->rule < 64)
			w[i].rules |= UINT64_C(1) << c->rule;
	}
}

/* ---- words ---- */

bool
why_nobody_may(const struct snapshot *s, const struct route *r, const struct model *m)
{
	unsigned keys = 0, asking = 0;

	for (unsigned i = 0; i < s->key_count; i++) {
		const struct key_entry *k = &s->keys[i];
		struct principal who = {.key = k, .team = k->team};
		uint32_t may = auth_terms(&who).may_use_providers;

		if (k->revoked)
			continue;
		keys++;
		if (!auth_may_use_route(&who, r->index))
			continue;
		asking++;
		if (m == NULL)
			return false;
		for (unsigned at = 0; at < m->ats; at++) {
			if ((may >> m->at[at].provider->index & 1) != 0)
				return false;
		}
	}
	return m == NULL ? keys > 0 : asking > 0;
}

static const char *
add_name(struct cli *c, const char *all, const char *before, const char *name)
{
	return arena_printf(
	    c->mem, "%s%s%s'%s'", all, all[0] == '\0' ? "" : ", ", before, name);
}

static const char *
regions(struct cli *c, const struct model *m)
{
	const char *all = "";

	for (unsigned i = 0; i < m->ats; i++)
		all = arena_printf(c->mem, "%s%s'%s' (region %s)", all,
		    i == 0 ? "" : ", ", m->at[i].provider->name,
		    m->at[i].provider->region);
	return all;
}

static const char *
rule_lines(struct cli *c, const struct route *r, uint64_t rules)
{
	const char *all = "";

	for (unsigned i = 0; i < r->rule_count && i < 64; i++) {
		if ((rules >> i & 1) != 0)
			all = arena_printf(c->mem, "%s%s%u", all,
			    all[0] == '\0' ? "" : ", ", r->rules[i].at.line);
	}
	return all;
}

/* One reason for every kind of request. NULL: it is in for some. */
static const char *
never_in(
    struct cli *c, const struct route *r, const struct model *m, const struct why *w)
{
	if (w->out[REASON_out_wall] == w->asked)
		return arena_printf(c->mem,
		    "it stands behind the wall '%s' of the route: %s may not see such "
		    "data",
		    r->data->name, regions(c, m));
	if (w->out[REASON_out_dialect] == w->asked)
		return arena_printf(c->mem,
		    "it speaks the API '%s', most of the route another: only requests "
		    "that come in its own reach it",
		    m->at[0].provider->api);
	if (w->out[REASON_out_context] == w->asked)
		return arena_printf(c->mem,
		    "its context window of %lld tokens does not hold a page of text",
		    (long long)m->context);
	if (w->out[REASON_out_rule] == w->asked)
		return arena_printf(c->mem, "rules put it out always (line %s)",
		    rule_lines(c, r, w->rules));
	if (w->out[REASON_out_unpriced] == w->asked)
		return "it has no price and the route has a cost limit; add a row to "
		       "the "
		       "price book (`prices`)";
	if (w->out[REASON_out_cost] == w->asked)
		return "it costs more than max_cost_usd for every kind of request";
	if (w->out[REASON_out_quality] == w->asked)
		return "it is not good enough for any kind of request, and the route "
		       "refuses what is below its floor";
	return NULL;
}

/* Who is, wherever this one might be. */
static const char *
beaten(struct cli *c, const struct snapshot *s, const struct route *r,
    const struct model *m, const struct why *w)
{
	const char *winners = "";

	for (unsigned k = 0; k < r->candidates; k++) {
		if ((w->under >> k & 1) != 0)
			return arena_printf(c->mem,
			    "'%s' costs no more and is at least as likely to succeed, "
			    "for every "
			    "kind of request and whatever the floor; take this one off "
			    "the route, or correct its price or quality",
			    r->candidate[k]->name);
	}
	if (w->unpriced == w->in)
		return "it has no price, and what has none comes last; add a row to "
		       "the "
		       "price book (`prices`)";
	if (w->below == w->in)
		return arena_printf(c->mem,
		    "it is not good enough for any kind of request (expected success "
		    "%.2f to %.2f); lower keep_quality or min_quality, or correct its "
		    "quality",
		    w->least, w->most);
	for (unsigned k = 0; k < s->model_count; k++) {
		if ((w->winners >> k & 1) != 0 && &s->models[k] != m)
			winners = add_name(c, winners, "", s->models[k].name);
	}
	return arena_printf(c->mem, "wherever it is good enough, %s %s %s", winners,
	    strchr(winners, ',') != NULL ? "are" : "is",
	    r->goal == GOAL_best ? "likelier to succeed" : "cheaper");
}

const char *
why_text(struct cli *c, const struct snapshot *s, const struct route *r, unsigned i,
    const struct why *w)
{
	const struct model *m = r->candidate[i];
	const char *text = never_in(c, r, m, w);

	if (text == NULL && why_nobody_may(s, r, m))
		text = "no key that may use the route may use a provider of it "
		       "(may_use)";
	if (text != NULL)
		return arena_printf(c->mem, "can never be chosen: %s", text);
	if (r->mode == MODE_bypass)
		return arena_printf(c->mem,
		    "is never the first choice: the route's mode is bypass, all goes "
		    "to '%s'",
		    r->baseline->name);
	if (w->in == 0)
		return "is never the first choice: one wall or rule or another puts it "
		       "out";
	text = arena_printf(c->mem,
	    "is never the first choice: %s; it serves only when others fail",
	    beaten(c, s, r, m, w));
	if (w->out[REASON_out_rule] > 0)
		text =
		    arena_printf(c->mem, "%s; rules in line %s put it out of the rest",
			text, rule_lines(c, r, w->rules));
	return text;
}
