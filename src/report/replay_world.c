/* replay_world.c: policies that ran once, made again from what the ledger keeps. */
#include "replay_world.h"

#include "base/mem.h"
#include "in_force.h"

#define WORLDS_BYTES ((size_t)256 << 20)

struct replay_worlds {
	struct books *books;
	const struct snapshot *fresh;
	struct fleet_shared *fleet; /* of the old ones */
	struct arena *mem;
	struct replay_world **world;
	size_t count, room;
	struct replay_world *last; /* asked for */
};

struct replay_worlds *
replay_worlds_new(struct books *b, const struct snapshot *fresh)
{
	struct replay_worlds *w = xcalloc(1, sizeof(*w));

	w->books = b;
	w->fresh = fresh;
	w->fleet = fleet_new();
	w->mem = arena_new(WORLDS_BYTES);
	return w;
}

void
replay_worlds_free(struct replay_worlds *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->count; i++)
		snapshot_unref(w->world[i]->old);
	xfree((void *)w->world);
	fleet_free(w->fleet);
	arena_free(w->mem);
	xfree(w);
}

static bool
same_contract(const struct provider *p, const struct provider *q)
{
	const struct contract *c = p->contract, *e = q->contract;

	if (p->contract_ppm != q->contract_ppm || c->terms != e->terms ||
	    (c->book != NULL) != (e->book != NULL))
		return false;
	for (unsigned i = 0; i < c->terms; i++) {
		const struct contract_term *t = &c->term[i], *u = &e->term[i];

		if (t->from_s != u->from_s || t->to_s != u->to_s || t->ppm != u->ppm ||
		    (t->book != NULL) != (u->book != NULL))
			return false;
	}
	return true;
}

static bool
same_prices(const struct snapshot *a, const struct snapshot *b)
{
	if (strcmp(price_book_version(a->prices), price_book_version(b->prices)) != 0 ||
	    !str_eq(a->contracts_text, b->contracts_text))
		return false;
	for (unsigned i = 0; i < a->provider_count; i++) {
		const struct provider *p = &a->providers[i];
		const struct provider *q = snapshot_provider(b, str_of(p->name));

		if (q != NULL && (strcmp(p->book, q->book) != 0 ||
				     p->local != q->local || !same_contract(p, q)))
			return false;
	}
	return true;
}

static void
fill(struct replay_worlds *w, struct replay_world *x)
{
	char why[256];

	if (x->basis[0] == '\0') {
		x->why = "an older release wrote their rows";
		return;
	}
	x->old = in_force_snapshot(w->books, str_of(x->basis), w->fleet, why);
	if (x->old == NULL) {
		x->why = arena_printf(w->mem, "policy %s: %s", x->policy, why);
		return;
	}
	x->same_prices = same_prices(x->old, w->fresh);
	for (unsigned i = 0; i < x->old->model_count; i++)
		x->model[i] = snapshot_model(w->fresh, str_of(x->old->models[i].name));
}

const struct replay_world *
replay_world_of(struct replay_worlds *w, const char *policy, const char *basis)
{
	struct replay_world *x = w->last;

	if (x != NULL && x->policy == policy && x->basis == basis)
		return x;
	for (size_t i = 0; i < w->count; i++) {
		x = w->world[i];
		if (x->policy == policy && x->basis == basis)
			return w->last = x;
	}
	if (w->count == w->room) {
		w->room = w->room == 0 ? 16 : 2 * w->room;
		w->world = xrealloc((void *)w->world, w->room * sizeof(*w->world));
	}
	x = arena_alloc(w->mem, sizeof(*x));
	x->policy = policy;
	x->basis = basis;
	x->fresh = w->fresh;
	fill(w, x);
	w->world[w->count++] = x;
	return w->last = x;
}
