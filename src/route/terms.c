/* terms.c: what the terms of team and key take from the candidate set. */
#include "work.h"

#include <stdio.h>

const char *
whose(bool of_team, const struct work *w, char buf[static 80])
{
	const struct principal *who = w->in->who;

	if (of_team)
		snprintf(buf, 80, "team '%s'", who->team->name);
	else
		snprintf(buf, 80, "key '%s'", who->key_name);
	return buf;
}

/* ---- tiers of service ---- */

bool
terms_allow(const struct work *w, struct str tier)
{
	return (w->terms.services >> service_asked(tier) & 1) != 0;
}

static bool
serves_as_allowed(const struct work *w, const struct candidate *c)
{
	/* Counting costs nothing, whatever the tier. */
	if (w->in->task->endpoint == EP_count_tokens)
		return true;
	return terms_allow(
	    w, c->service != NULL ? str_of(c->service) : w->in->task->service_tier);
}

static bool
refuse_service(struct work *w)
{
	const struct team *team = w->in->who->team;
	enum service asked = service_asked(w->in->task->service_tier);
	bool of_team = team != NULL && (team->terms.services >> asked & 1) == 0;
	char by[80], names[80] = "";
	size_t len = 0;

	for (size_t i = 0; i < SERVICE_COUNT && len < sizeof(names); i++) {
		if ((w->terms.services >> i & 1) != 0)
			len += (size_t)snprintf(names + len, sizeof(names) - len,
			    "%s%s", len > 0 ? ", " : "", service_name((enum service)i));
	}
	return refuse(w, OUT_not_permitted, "service_tier",
	    "%s may not ask for the service tier '%s', only for: %s",
	    whose(of_team, w, by), service_name(asked), len > 0 ? names : "none");
}

/* ---- providers ---- */

static bool
refuse_provider(struct work *w)
{
	char what[80];

	return refuse(w, OUT_not_permitted, "model",
	    "the key '%s' may use no provider of %s that may see this request; "
	    "`may_use` of its team or of the key itself says which it may",
	    w->in->who->key_name, subject(w, what));
}

bool
terms_wall(struct work *w)
{
	unsigned at_allowed = 0;

	for (unsigned i = 0; i < w->count; i++) {
		struct option *o = &w->option[i];
		unsigned p = o->c.model->at[o->c.at].provider->index;

		if (o->out)
			continue;
		if ((w->terms.may_use_providers >> p & 1) == 0) {
			put_out(o, REASON_out_terms);
			continue;
		}
		at_allowed++;
		if (!serves_as_allowed(w, &o->c))
			put_out(o, REASON_out_terms);
	}
	if (left_in(w) > 0)
		return true;
	return at_allowed > 0 ? refuse_service(w) : refuse_provider(w);
}

/* ---- the share of frontier models ---- */

static bool
is_over(double at_most, double share)
{
	return at_most >= 0 && (share > at_most || at_most <= 0);
}

/* Of team or key, each by its own spend. */
static bool
share_is_spent(const struct work *w)
{
	const struct principal *who = w->in->who;
	const struct outlook *o = w->in->outlook;
	int64_t at_s = w->in->wall_s;

	if (who->team != NULL &&
	    is_over(who->team->terms.frontier_at_most,
		outlook_share(o, SHARE_team, who->team_name, at_s)))
		return true;
	return who->key != NULL &&
	       is_over(who->key->terms.frontier_at_most,
		   outlook_share(o, SHARE_key, who->key_name, at_s));
}

/* Whom it can go to instead: now, and without being refused for it. */
static bool
stands_in(const struct work *w, const struct option *o)
{
	return !o->out && o->c.model->tier != TIER_frontier && o->c.signal.up &&
	       (!refuses_below(w) || meets(w, o));
}

void
share_gate(struct work *w)
{
	bool others = false;

	if (w->terms.frontier_at_most < 0 || w->route == NULL ||
	    w->in->task->endpoint == EP_count_tokens || !share_is_spent(w))
		return;
	for (unsigned i = 0; i < w->count; i++)
		others |= stands_in(w, &w->option[i]);
	for (unsigned i = 0; others && i < w->count; i++) {
		struct option *o = &w->option[i];

		if (!o->out && o->c.model->tier == TIER_frontier && !settled(w, o))
			put_out(o, REASON_out_share);
	}
}
