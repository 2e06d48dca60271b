/* names.c: what names mean: data classes, tags, teams, aliases. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

void
refuse_name(struct build *b, struct diag_place at, const char *what, const char *name,
    const struct table *t, size_t entry_bytes)
{
	const char **known = arena_alloc(b->r.mem, (t->count + 1) * sizeof(*known));
	const char *near;

	for (unsigned i = 0; i < t->count; i++) {
		const struct draft *d =
		    (const void *)((const char *)t->entries + i * entry_bytes);

		known[i] = d->name;
	}
	near = diag_nearest(name, known);
	if (near != NULL)
		diag_error(b->r.d, at, "the %s '%s' is not defined; did you mean '%s'?",
		    what, name, near);
	else
		diag_error(b->r.d, at,
		    "the %s '%s' is not defined; define it, or name another", what,
		    name);
}

/* ---- data classes ---- */

static void
add_region(struct build *b, struct data_class *c, const struct node *n)
{
	const char **known =
	    arena_alloc(b->r.mem, (b->s->provider_count + 1) * sizeof(*known));
	unsigned count = 0;
	bool found = false;
	const char *near;

	for (unsigned i = 0; i < b->s->provider_count; i++) {
		const struct provider *p = &b->providers[i];

		if (p->region == NULL)
			continue;
		known[count++] = p->region;
		if (!str_is(n->text, p->region))
			continue;
		c->providers |= 1U << i;
		found = true;
	}
	if (found)
		return;
	near = diag_nearest(n->text.p, known);
	if (near != NULL)
		diag_warning(b->r.d, n->at,
		    "no provider is in region '%s'; did you mean '%s'?", n->text.p,
		    near);
	else
		diag_warning(b->r.d, n->at,
		    "no provider is in region '%s'; remove it, or name a provider's "
		    "region",
		    n->text.p);
}

void
build_data(struct build *b)
{
	unsigned count = b->c->data.count;

	b->data = arena_alloc(b->r.mem, (count + 1) * sizeof(*b->data));
	for (unsigned i = 0; i < count; i++) {
		const struct data_draft *d = draft_data(b->c, i);
		const struct node *n = d->regions == NULL ? NULL : d->regions->first;

		b->data[i] = (struct data_class){.name = d->draft.name, .index = i};
		for (; n != NULL; n = n->next)
			add_region(b, &b->data[i], n);
	}
	b->s->data_classes = b->data;
	b->s->data_class_count = count;
}

const struct data_class *
data_named(struct build *b, const char *name, struct diag_place at)
{
	const struct data_class *c;

	if (name == NULL)
		return NULL;
	c = snapshot_data_class(b->s, str_of(name));
	if (c == NULL)
		refuse_name(
		    b, at, "data class", name, &b->c->data, sizeof(struct data_draft));
	return c;
}

/* ---- tags ---- */

void
build_tags(struct build *b)
{
	static const char *const depths[] = {"rollup", "index", "store", NULL};
	const struct node *map = b->c->tags, *n;
	struct tag_name *tags;
	unsigned count = 0;

	if (map == NULL)
		return;
	if (map->count > TAGS_MAX) {
		diag_error(b->r.d, map->key_at,
		    "%u tags are declared, at most %d fit; remove some", map->count,
		    TAGS_MAX);
		return;
	}
	tags = arena_alloc(b->r.mem, (map->count + 1) * sizeof(*tags));
	for (n = map->first; n != NULL; n = n->next) {
		unsigned i = 0;

		while (depths[i] != NULL && !str_is(n->text, depths[i]))
			i++;
		if (depths[i] == NULL)
			diag_error(b->r.d, n->at,
			    "tag '%s': '%s' does not fit; write rollup (in reports), "
			    "index (findable) or store",
			    n->key.p, n->text.p);
		tags[count++] = (struct tag_name){n->key.p, (enum tag_depth)i};
	}
	b->s->tags = tags;
	b->s->tag_count = count;
}

/* ---- teams ---- */

static void
refuse_target(struct build *b, const struct node *n)
{
	const char *known[ROUTES_MAX + MODELS_MAX + 1] = {NULL}, *near;
	unsigned count = 0;

	for (unsigned i = 0; i < b->s->route_count; i++)
		known[count++] = b->routes[i].name;
	for (unsigned i = 0; i < b->s->model_count; i++)
		known[count++] = b->models[i].name;
	near = diag_nearest(n->text.p, known);
	if (near != NULL)
		diag_error(b->r.d, n->at,
		    "no route or model is called '%s'; did you mean '%s'?", n->text.p,
		    near);
	else
		diag_error(b->r.d, n->at,
		    "no route or model is called '%s'; name one, or define it",
		    n->text.p);
}

void
check_tag(struct build *b, struct str name, struct diag_place at)
{
	const char *known[TAGS_MAX + 1] = {NULL}, *near;

	if (snapshot_tag(b->s, name) != NULL)
		return;
	for (unsigned i = 0; i < b->s->tag_count; i++)
		known[i] = b->s->tags[i].name;
	near = diag_nearest(name.p, known);
	if (near != NULL)
		diag_error(b->r.d, at,
		    "the tag '%s' is not declared; did you mean '%s'?", name.p, near);
	else
		diag_error(b->r.d, at,
		    "the tag '%s' is not declared; add `%s: rollup` below `tags` of "
		    "the policy",
		    name.p, name.p);
}

void
build_teams(struct build *b)
{
	unsigned count = b->c->teams.count;

	b->teams = arena_alloc(b->r.mem, (count + 1) * sizeof(*b->teams));
	for (unsigned i = 0; i < count; i++) {
		struct team_draft *d = draft_team(b->c, i);

		d->t.name = d->draft.name;
		d->t.index = i;
		d->t.data = data_named(b, d->data, node_place(d->draft.node, "data"));
		d->t.terms = terms_read(b, &d->terms);
		budgets_of(b, SCOPE_team, d->t.name, &d->terms);
		check_limits(b, &(struct limits_of){.what = "team",
				    .name = d->t.name,
				    .terms = &d->t.terms,
				    .node = d->draft.node});
		b->teams[i] = d->t;
	}
	b->s->teams = b->teams;
	b->s->team_count = count;
}

/* ---- aliases ---- */

static bool
is_pattern(struct str s)
{
	return s.len > 0 && s.p[s.len - 1] == '*';
}

/* Exact ones first, then by falling length: the first that fits is the right one. */
static int
by_precedence(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	bool wild = is_pattern(x->pattern), other = is_pattern(y->pattern);
	size_t len = x->pattern.len < y->pattern.len ? x->pattern.len : y->pattern.len;

	if (wild != other)
		return wild ? 1 : -1;
	if (x->pattern.len != y->pattern.len)
		return x->pattern.len > y->pattern.len ? -1 : 1;
	return memcmp(x->pattern.p, y->pattern.p, len);
}

static void
read_alias(struct build *b, const struct node *n, struct alias *ret)
{
	const char *star = strchr(n->key.p, '*');

	*ret = (struct alias){.pattern = n->key};
	if (star != NULL && star[1] != '\0')
		diag_error(b->r.d, n->key_at,
		    "alias '%s': a '*' may only stand at the end; list the names "
		    "instead",
		    n->key.p);
	if (str_is(n->text, "refuse"))
		return;
	ret->route = snapshot_route(b->s, n->text);
	if (ret->route == NULL)
		ret->model = snapshot_model(b->s, n->text);
	if (ret->route == NULL && ret->model == NULL)
		refuse_target(b, n);
}

void
build_aliases(struct build *b)
{
	const struct node *map = b->c->aliases;
	struct alias *aliases;
	unsigned count = 0;

	if (map == NULL)
		return;
	aliases = arena_alloc(b->r.mem, (map->count + 1) * sizeof(*aliases));
	for (const struct node *n = map->first; n != NULL; n = n->next)
		read_alias(b, n, &aliases[count++]);
	qsort(aliases, count, sizeof(*aliases), by_precedence);
	b->s->aliases = aliases;
	b->s->alias_count = count;
}
