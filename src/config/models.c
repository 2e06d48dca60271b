/* models.c: a line of the policy and the catalogue together make a model. */
#include "build.h"

#include <string.h>

#include "classes.h"

static struct provider *
provider_named(struct build *b, const struct node *n)
{
	for (unsigned i = 0; i < b->c->providers.count; i++) {
		if (str_is(n->text, b->providers[i].name))
			return &b->providers[i];
	}
	refuse_name(b, n->at, "provider", n->text.p, &b->c->providers,
	    sizeof(struct provider_draft));
	return NULL;
}

struct served {
	const struct node *provider;
	const char *as;
	int32_t weight;
};

static const struct row served_rows[] = {
    {"provider", KIND_any, .flags = ROW_required, LANDS(struct served, provider),
	.shape = "NAME"},
    {"as", KIND_text, LANDS(struct served, as)},
    {"weight", KIND_int, LANDS(struct served, weight), .min = 1, .max = 1000}, {0}};

static void
add_at(struct build *b, struct model_draft *d, struct node *n)
{
	struct model *m = &d->m;
	struct served at = {.provider = n};
	struct provider *p;

	if (n->kind == NODE_map)
		row_read(&b->r, served_rows, n, " in at", &at);
	if (at.provider == NULL || !node_is_text(&b->r, at.provider))
		return;
	p = provider_named(b, at.provider);
	if (p == NULL)
		return;
	for (unsigned i = 0; i < m->ats; i++) {
		if (m->at[i].provider == p)
			diag_error(
			    b->r.d, n->at, "at: '%s' is here twice; keep one", p->name);
	}
	if (m->ats == MODEL_PROVIDERS_MAX) {
		diag_error(b->r.d, n->at, "at: at most %d providers; remove some",
		    MODEL_PROVIDERS_MAX);
		return;
	}
	m->at[m->ats].provider = p;
	m->at[m->ats].place = snapshot_place(d->draft.name, p->name, false);
	m->at[m->ats].tier_place = snapshot_place(d->draft.name, p->name, true);
	m->at[m->ats].weight = at.weight > 0 ? at.weight : 0;
	m->at[m->ats++].name = at.as == NULL ? m->served_as : at.as;
}

/* Where one has a weight, the others have 1. */
static void
complete_weights(struct model *m)
{
	bool any = false;

	for (unsigned i = 0; i < m->ats; i++)
		any |= m->at[i].weight > 0;
	for (unsigned i = 0; any && i < m->ats; i++) {
		if (m->at[i].weight == 0)
			m->at[i].weight = 1;
	}
}

static void
read_at(struct build *b, struct model_draft *d)
{
	if (d->at == NULL)
		return;
	if (d->at->kind != NODE_list || d->at->count == 0) {
		diag_error(b->r.d, d->at->at,
		    "at: expected a list of providers; write at: [%s]",
		    d->at->kind == NODE_scalar ? d->at->text.p : "PROVIDER");
		return;
	}
	for (struct node *n = d->at->first; n != NULL; n = n->next)
		add_at(b, d, n);
	complete_weights(&d->m);
}

static const struct catalogue_model *
look_up(struct build *b, struct model_draft *d)
{
	const struct catalogue_model *m;
	const char *near;

	if (d->is == NULL)
		return NULL;
	m = catalogue_find(b->s->catalogue, str_of(d->is));
	if (m != NULL)
		return m;
	near = catalogue_nearest(b->s->catalogue, str_of(d->is));
	if (near != NULL)
		diag_error(b->r.d, node_place(d->draft.node, "is"),
		    "is: '%s' is not in the catalogue; did you mean '%s'?", d->is,
		    near);
	else
		diag_error(b->r.d, node_place(d->draft.node, "is"),
		    "is: '%s' is not in the catalogue; write a known id, or remove "
		    "`is` and say context, tier and quality",
		    d->is);
	return NULL;
}

/* A model that the catalogue does not know:
 * what we would guess at, if it knew nothing. */
static const struct catalogue_model *
unknown_model(struct build *b, const struct model_draft *d)
{
	struct catalogue_model *m = arena_alloc(b->r.mem, sizeof(*m));

	m->id = d->draft.name;
	m->max_output = d->m.context > 0 ? d->m.context : 4096;
	m->context = m->max_output;
	m->can = 1U << CAP_stream;
	m->tier = TIER_local;
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		m->quality[i] = -1;
		m->output_tokens[i] = 400;
	}
	if (d->is == NULL && (d->m.context < 0 || d->tier < 0 || d->quality == NULL))
		diag_error(b->r.d, d->draft.node->key_at,
		    "model '%s' has no catalogue id; add is: VENDOR/NAME, or say all "
		    "of context, tier and quality",
		    d->draft.name);
	return m;
}

static void
read_numbers(struct build *b, const struct model_draft *d, struct model *m)
{
	const struct catalogue_model *known = m->catalogue;
	double tokens[CLASS_COUNT];

	for (size_t i = 0; i < CLASS_COUNT; i++) {
		m->quality[i] = known->quality[i];
		tokens[i] = known->output_tokens[i];
	}
	classes_read(&b->r, d->quality, 0, 1, m->quality);
	classes_read(&b->r, d->output_tokens, 1, 1000000, tokens);
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		m->output_tokens[i] = (int32_t)tokens[i];
		if (m->quality[i] >= 0 || d->quality == NULL || d->is != NULL)
			continue;
		diag_error(b->r.d, d->quality->at,
		    "quality: nothing is said of '%s'; add default: 0.7 or name every "
		    "class",
		    class_name((enum task_class)i));
		m->quality[i] = 0;
	}
}

static const char *
own_name(const struct model_draft *d)
{
	const char *slash = d->is == NULL ? NULL : strchr(d->is, '/');

	if (d->as != NULL)
		return d->as;
	return slash != NULL && slash[1] != '\0' ? slash + 1 : d->draft.name;
}

/* A field of the body where another than the dialect's is meant: the catalogue's row,
 * but for that. */
static const struct catalogue_model *
with_max_field(
    struct build *b, const struct model_draft *d, const struct catalogue_model *m)
{
	struct catalogue_model *own;

	if (d->max_field == NULL)
		return m;
	own = arena_alloc(b->r.mem, sizeof(*own));
	*own = *m;
	own->max_field = d->max_field;
	return own;
}

static void
finish(struct build *b, struct model_draft *d, unsigned index)
{
	struct model *m = &d->m;
	const struct catalogue_model *known = look_up(b, d);

	if (known == NULL)
		known = unknown_model(b, d);
	m->name = d->draft.name;
	m->index = index;
	m->served_as = own_name(d);
	m->catalogue = with_max_field(b, d, known);
	m->tier = d->tier < 0 ? known->tier : (enum tier)d->tier;
	m->can = d->can == NULL ? known->can : capabilities_read(&b->r, d->can);
	if (m->context < 0)
		m->context = known->context;
	if (m->max_output < 0)
		m->max_output = known->max_output;
	if (m->max_output > m->context)
		diag_error(b->r.d, node_place(d->draft.node, "max_output"),
		    "max_output: %lld is more than the context of %lld; lower it",
		    (long long)m->max_output, (long long)m->context);
	read_numbers(b, d, m);
	read_at(b, d);
}

/* Requests that a provider answers at once. */
static void
sum_places(struct build *b, struct provider *p)
{
	int64_t sum = p->max_inflight;

	for (unsigned i = 0; p->max_inflight == 0 && i < b->s->model_count; i++) {
		const struct model *m = &b->models[i];

		for (unsigned k = 0; k < m->ats; k++)
			sum += m->at[k].provider == p ? m->max_inflight : 0;
	}
	p->places = sum < INT32_MAX ? (int32_t)sum : INT32_MAX;
}

void
build_models(struct build *b)
{
	unsigned count = b->c->models.count;

	b->models = arena_alloc(b->r.mem, (count + 1) * sizeof(*b->models));
	for (unsigned i = 0; i < count; i++) {
		struct model_draft *d = draft_model(b->c, i);

		finish(b, d, i);
		b->models[i] = d->m;
	}
	b->s->models = b->models;
	b->s->model_count = count;
	for (unsigned i = 0; i < b->s->provider_count; i++)
		sum_places(b, &b->providers[i]);
}

uint64_t
model_set(struct build *b, const struct node *list)
{
	uint64_t set = 0;

	for (const struct node *n = list == NULL ? NULL : list->first; n != NULL;
	     n = n->next) {
		const struct model *m = snapshot_model(b->s, n->text);

		if (m != NULL)
			set |= UINT64_C(1) << m->index;
		else
			refuse_name(b, n->at, "model", n->text.p, &b->c->models,
			    sizeof(struct model_draft));
	}
	return set;
}
