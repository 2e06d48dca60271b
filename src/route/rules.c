/* rules.c: which rule holds for a request; the first match wins. */
#include "work.h"

static bool
has_tag(const struct route_input *in, const struct rule *r)
{
	for (unsigned i = 0; i < in->tag_count; i++) {
		if (str_is(in->tags[i].name, r->tag_name))
			return r->tag_value == NULL ||
			       str_is(in->tags[i].value, r->tag_value);
	}
	return false;
}

static bool
holds(const struct route_input *in, const struct rule *r)
{
	const struct verdict *v = in->verdict;
	/* As exact as the verdict: 0.8 is not above 0.8. */
	float x = v->complexity, above = (float)r->complexity_above;
	float below = (float)r->complexity_below;

	if (r->classes != 0 && (r->classes >> v->class & 1) == 0)
		return false;
	if (above >= 0 && x <= above)
		return false;
	if (below <= 1 && x >= below)
		return false;
	if (r->tag_name != NULL && !has_tag(in, r))
		return false;
	if (r->team != NULL && !str_is(str_of(in->who->team_name), r->team))
		return false;
	return rule_hours_hold(r, in->hours_s);
}

const struct rule *
rule_of(const struct work *w)
{
	const struct route *route = w->route;

	for (unsigned i = 0; route != NULL && i < route->rule_count; i++) {
		if (holds(w->in, &route->rules[i]))
			return &route->rules[i];
	}
	return NULL;
}
