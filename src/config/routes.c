/* routes.c: candidates, baseline, goal and mode of the routes. */
#include "build.h"

#include "value.h"

static void
read_mode(struct build *b, const struct route_draft *d, struct route *r)
{
	struct str text = str_of(d->mode), word = text, rest = text;
	double share = 0;
	bool ok;

	(void)str_split(&rest, ' ', &word);
	ok = mode_parse(word, &r->mode);
	if (ok && r->mode == MODE_canary) {
		ok = word.len < text.len && value_percent(str_trim(rest), &share) &&
		     share > 0 && share <= 1;
		r->canary_percent = (unsigned)(share * 100 + 0.5);
		ok = ok && r->canary_percent >= 1;
	} else if (ok) {
		ok = word.len == text.len;
	}
	if (!ok)
		diag_error(b->r.d, node_place(d->draft.node, "mode"),
		    "mode: '%s' does not fit; write bypass, observe, live, or canary "
		    "with a percentage such as canary 10%%",
		    d->mode);
}

static void
read_candidates(struct build *b, const struct route_draft *d, struct route *r)
{
	uint64_t seen = 0;

	if (d->candidates == NULL)
		return;
	if (d->candidates->count == 0)
		diag_error(b->r.d, d->candidates->at,
		    "candidates: the list is empty; name a model");
	(void)model_set(b, d->candidates);
	for (const struct node *n = d->candidates->first; n != NULL; n = n->next) {
		const struct model *m = snapshot_model(b->s, n->text);

		if (m == NULL)
			continue;
		if ((seen >> m->index & 1) != 0) {
			diag_error(b->r.d, n->at,
			    "candidates: '%s' is here twice; keep one", m->name);
			continue;
		}
		seen |= UINT64_C(1) << m->index;
		r->candidate[r->candidates++] = m;
	}
}

static void
read_baseline(struct build *b, const struct route_draft *d, struct route *r)
{
	struct diag_place at = node_place(d->draft.node, "baseline");

	if (d->baseline == NULL)
		return;
	r->baseline = snapshot_model(b->s, str_of(d->baseline));
	if (r->baseline == NULL) {
		refuse_name(b, at, "model", d->baseline, &b->c->models,
		    sizeof(struct model_draft));
		return;
	}
	for (unsigned i = 0; i < r->candidates; i++) {
		if (r->candidate[i] == r->baseline)
			return;
	}
	if (r->candidates > 0)
		diag_error(b->r.d, at,
		    "baseline: '%s' is not among the candidates; add it there, or name "
		    "one of them",
		    d->baseline);
}

static void
finish(struct build *b, struct route_draft *d, unsigned index)
{
	struct route *r = &d->r;

	r->name = d->draft.name;
	r->index = index;
	r->goal = (enum goal)d->goal;
	r->on_below = (enum below_quality)d->on_below;
	r->switches = (enum session_switch)d->switches;
	r->response_model_requested = d->response_model == 1;
	if (r->goal == GOAL_cheapest && r->keep_quality < 0 && r->min_quality < 0)
		r->keep_quality = 0.95;
	if (d->when_unsure == UNSURE_ignore)
		r->unsure_below = 0;
	read_mode(b, d, r);
	read_candidates(b, d, r);
	read_baseline(b, d, r);
	if (r->cascade && r->max_attempts < 2)
		diag_error(b->r.d, node_place(d->draft.node, "cascade"),
		    "cascade: it takes two calls, and max_attempts allows one; raise "
		    "max_attempts, or remove this key");
	r->data = data_named(b, d->data, node_place(d->draft.node, "data"));
	build_rules(b, d, r);
	if (snapshot_model(b->s, str_of(r->name)) != NULL)
		diag_error(b->r.d, d->draft.node->key_at,
		    "'%s' is a route and a model: clients could not tell them apart; "
		    "rename one",
		    r->name);
}

void
build_routes(struct build *b)
{
	unsigned count = b->c->routes.count;

	b->routes = arena_alloc(b->r.mem, (count + 1) * sizeof(*b->routes));
	b->s->routes = b->routes;
	for (unsigned i = 0; i < count; i++) {
		struct route_draft *d = draft_route(b->c, i);

		finish(b, d, i);
		b->routes[i] = d->r;
	}
	b->s->route_count = count;
}
