/* terms.c: what a team or a key may do and spend: names looked up. */
#include "terms.h"

#include "build.h"
#include "classes.h"
#include "draft.h"

const char *const runaway_words[] = {"throttle", "pause", NULL};

/* ---- may_use ---- */

static void
refuse_unknown(struct build *b, const struct node *n)
{
	const char *known[ROUTES_MAX + MODELS_MAX + PROVIDERS_MAX + 1] = {NULL}, *near;
	unsigned count = 0;

	for (unsigned i = 0; i < b->s->route_count; i++)
		known[count++] = b->s->routes[i].name;
	for (unsigned i = 0; i < b->s->model_count; i++)
		known[count++] = b->s->models[i].name;
	for (unsigned i = 0; i < b->s->provider_count; i++)
		known[count++] = b->s->providers[i].name;
	near = diag_nearest(n->text.p, known);
	if (near != NULL)
		diag_error(b->r.d, n->at,
		    "no route, model or provider is called '%s'; did you mean '%s'?",
		    n->text.p, near);
	else
		diag_error(b->r.d, n->at,
		    "no route, model or provider is called '%s'; name one, or define "
		    "it",
		    n->text.p);
}

/* A name means what it meant before providers could be named here. */
static void
warn_two_meanings(struct build *b, const struct node *n)
{
	if (snapshot_provider(b->s, n->text) != NULL)
		diag_warning(b->r.d, n->at,
		    "may_use: '%s' is also a provider; here it is not: rename the "
		    "provider if it is meant",
		    n->text.p);
}

static void
read_name(struct build *b, const struct node *n, struct terms *ret)
{
	const struct route *route = snapshot_route(b->s, n->text);
	const struct model *model = snapshot_model(b->s, n->text);
	const struct provider *provider = snapshot_provider(b->s, n->text);

	if (route != NULL)
		ret->may_use_routes |= UINT64_C(1) << route->index;
	else if (model != NULL)
		ret->may_use_models |= UINT64_C(1) << model->index;
	else if (provider != NULL)
		ret->may_use_providers |= 1U << provider->index;
	else
		refuse_unknown(b, n);
	if (route != NULL || model != NULL)
		warn_two_meanings(b, n);
}

/* A list that names only providers says where, not what; and the other way round. */
static void
read_may_use(struct build *b, const struct node *n, struct terms *ret)
{
	bool all = n == NULL || (n->kind == NODE_scalar && str_is(n->text, "all"));

	ret->may_use_models = ret->may_use_routes = 0;
	ret->may_use_providers = 0;
	if (!all && node_is_names(&b->r, n)) {
		all = n->count == 1 && str_is(n->first->text, "all");
		for (const struct node *c = all ? NULL : n->first; c != NULL;
		     c = c->next)
			read_name(b, c, ret);
		all |= ret->may_use_providers != 0 && ret->may_use_models == 0 &&
		       ret->may_use_routes == 0;
	}
	ret->may_use_all = all;
	if (ret->may_use_providers == 0)
		ret->may_use_providers = UINT32_MAX;
}

/* ---- tiers of service ---- */

static uint32_t
read_services(struct build *b, const struct node *list)
{
	const char *known[SERVICE_COUNT + 1] = {NULL}, *near;
	enum service s;
	uint32_t set = 0;

	if (list == NULL)
		return UINT32_MAX;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		known[i] = service_name((enum service)i);
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		if (service_parse(n->text, &s)) {
			set |= 1U << s;
			continue;
		}
		near = diag_nearest(n->text.p, known);
		diag_error(b->r.d, n->at, "unknown service tier '%s'; %s%s%s",
		    n->text.p,
		    near != NULL ? "did you mean '"
				 : "known are: standard, flex, "
				   "priority, other",
		    near != NULL ? near : "", near != NULL ? "'?" : "");
	}
	if (set == 0)
		diag_error(b->r.d, list->at,
		    "service_tiers: the list is empty, nothing could be asked for; "
		    "name a tier");
	return set;
}

struct terms
terms_read(struct build *b, const struct terms_draft *d)
{
	const struct node *tags =
	    d->require_tags == NULL ? NULL : d->require_tags->first;
	struct terms t = d->t;

	read_may_use(b, d->may_use, &t);
	t.services = read_services(b, d->service_tiers);
	t.require_tags = texts_read(&b->r, d->require_tags);
	for (; tags != NULL; tags = tags->next)
		check_tag(b, tags->text, tags->at);
	return t;
}
