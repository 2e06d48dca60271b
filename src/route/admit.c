/* admit.c: what a client's model name means, and whether the client may ask for it. */
#include "work.h"

#include <stdarg.h>
#include <stdio.h>

bool
refuse(struct work *w, enum outcome o, const char *param, const char *fmt, ...)
{
	va_list ap;

	w->plan->refusal = o;
	w->plan->refusal_param = param;
	va_start(ap, fmt);
	vsnprintf(w->plan->refusal_text, sizeof(w->plan->refusal_text), fmt, ap);
	va_end(ap);
	return false;
}

const char *
subject(const struct work *w, char buf[static 80])
{
	if (w->route != NULL)
		snprintf(buf, 80, "route '%s'", w->route->name);
	else
		snprintf(buf, 80, "model '%s'", w->named->name);
	return buf;
}

static bool
resolve(struct work *w)
{
	struct str name = w->in->task->model;
	struct asked asked = snapshot_resolve(w->in->snap, name);
	int shown = (int)(name.len < 80 ? name.len : 80);

	str_copy(w->plan->asked, sizeof(w->plan->asked), name);
	w->route = asked.route;
	w->named = asked.model;
	w->plan->route = asked.route;
	if (asked.refused)
		return refuse(w, OUT_model_not_found, "model",
		    "the policy does not serve the model '%.*s'", shown, name.p);
	if (asked.route == NULL && asked.model == NULL)
		return refuse(w, OUT_model_not_found, "model",
		    "no route, model or alias is called '%.*s'; GET /v1/models lists "
		    "what there is",
		    shown, name.p);
	return true;
}

static bool
permitted(struct work *w)
{
	const struct principal *who = w->in->who;
	char what[80];
	bool ok = w->route != NULL ? auth_may_use_route(who, w->route->index)
				   : auth_may_use_model(who, w->named->index);

	if (ok)
		return true;
	return refuse(w, OUT_not_permitted, "model",
	    "the key '%s' may not use %s; `may_use` of its team or of the key itself "
	    "says what it may",
	    who->key_name, subject(w, what));
}

/* The first that the request does not have; NULL: it has all. */
static const char *
missing_tag(const struct route_input *in, const struct terms *t)
{
	for (size_t i = 0; t->require_tags != NULL && t->require_tags[i] != NULL; i++) {
		unsigned k = 0;

		while (
		    k < in->tag_count && !str_is(in->tags[k].name, t->require_tags[i]))
			k++;
		if (k == in->tag_count)
			return t->require_tags[i];
	}
	return NULL;
}

static bool
tagged(struct work *w)
{
	const struct principal *who = w->in->who;
	const char *of_team = NULL, *missing = NULL;
	char by[80];

	if (who->team != NULL)
		of_team = missing = missing_tag(w->in, &who->team->terms);
	if (missing == NULL && who->key != NULL)
		missing = missing_tag(w->in, &who->key->terms);
	if (missing == NULL)
		return true;
	return refuse(w, OUT_bad_request, "x-frugald-tags",
	    "%s requires the tag '%s'; send x-frugald-tags: %s=…, or set it on the "
	    "key",
	    whose(of_team != NULL, w, by), missing, missing);
}

/* The shorter of the route's and of the terms;
 * the client's own may not be longer than the terms'. */
static bool
output_limited(struct work *w)
{
	const struct team *team = w->in->who->team;
	int64_t asked = w->in->task->max_output;
	int64_t own = w->terms.max_output;
	int64_t max = w->route != NULL ? w->route->max_output : -1;
	char by[80];

	if (w->in->task->endpoint == EP_count_tokens)
		return true; /* such a body has no maximum and takes none */
	if (own >= 0 && asked > own)
		return refuse(w, OUT_not_permitted, "max_tokens",
		    "%s may ask for answers of at most %lld tokens, not %lld",
		    whose(team != NULL && team->terms.max_output == own, w, by),
		    (long long)own, (long long)asked);
	if (max < 0 || (own >= 0 && own < max))
		max = own;
	if (asked < 0)
		w->plan->max_output = max;
	return true;
}

static void
limit_cost(struct work *w, double usd, const char *param)
{
	if (usd < 0 || (w->max_cost_usd >= 0 && w->max_cost_usd <= usd))
		return;
	w->max_cost_usd = usd;
	w->max_cost_param = param;
}

bool
admit(struct work *w)
{
	const struct route_input *in = w->in;

	w->terms = auth_terms(in->who);
	if (!resolve(w) || !permitted(w) || !tagged(w) || !output_limited(w))
		return false;
	w->max_cost_usd = -1;
	if (w->route != NULL && w->route->max_cost.v > 0)
		limit_cost(
		    w, (double)w->route->max_cost.v / (double)PUSD_PER_USD, NULL);
	limit_cost(w, in->max_cost_usd, "x-frugald-max-cost-usd");
	return true;
}
