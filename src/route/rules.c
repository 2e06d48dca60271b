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

/* ---- for people ---- */

/* "{when: {class: maths}, use: [sol]}" to "class: maths" and "use: [sol]". */
static void
cut(const char *text, struct str *ret_when, struct str *ret_does)
{
	static const struct str when = STR("{when: {");
	struct str rest = str_of(text);
	size_t end = 0;

	*ret_when = STR("always");
	if (str_starts(rest, when)) {
		rest = str_skip(rest, when.len);
		while (end < rest.len && rest.p[end] != '}')
			end++;
		*ret_when = str_make(rest.p, end);
		rest = str_skip(rest, end + 1);
	}
	while (
	    rest.len > 0 && (rest.p[0] == ',' || rest.p[0] == ' ' || rest.p[0] == '{'))
		rest = str_skip(rest, 1);
	if (rest.len > 0 && rest.p[rest.len - 1] == '}')
		rest.len--;
	*ret_does = rest;
}

void
rules_text(const struct route_input *in, const struct route *r, struct buf *ret)
{
	struct str when, does;

	for (unsigned i = 0; i < r->rule_count; i++) {
		bool it_holds = holds(in, &r->rules[i]);

		cut(r->rules[i].text, &when, &does);
		buf_printf(ret, "%s%u %.*s: ", i > 0 ? " · " : "", i + 1, (int)when.len,
		    when.p);
		if (!it_holds) {
			buf_add(ret, "no");
			continue;
		}
		buf_printf(ret, "matched → %.*s", (int)does.len, does.p);
		return;
	}
}
