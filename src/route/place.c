/* place.c: which of a model's providers is first: as listed, or, where they have
 * weights, the cheapest, and among equals by a draw that is the same for all of a
 * session. */
#include "work.h"

#include <math.h>

#include "base/hash.h"

/* A prompt cache that is likelier there than gone. */
#define WARM 0.5

struct seat {
	unsigned at;
	bool warm;
	double cost_usd; /* infinite: unpriced */
	double draw;     /* the least is first */
};

/* Does what the session has computed lie there? Where it is read at a price the cost
 * knows it already; local servers keep it, too. */
static bool
is_warm(const struct work *w, const struct candidate *c)
{
	const struct session_view *s = w->in->session;
	const struct provider *p = c->model->at[c->at].provider;

	if (s == NULL || !s->known || s->model != c->model || s->provider != p)
		return false;
	return warmth_of(w, p) >= WARM;
}

/* Weighted rendezvous hashing: the waiting time until the first event at a rate of
 * `weight`; each is first in proportion to it (Efraimidis, Spirakis 2006), and who is
 * put out changes nothing between the others. */
static double
draw_of(const struct work *w, const struct candidate *c)
{
	const uint64_t key[2] = {w->in->draw, 0};
	const char *name = c->model->at[c->at].provider->name;
	double u = ((double)(hash_sip(key, str_of(name)) >> 11) + 0.5) * 0x1p-53;

	return -log(u) / c->model->at[c->at].weight;
}

static bool
sits_before(const struct seat *a, const struct seat *b)
{
	if (isinf(a->cost_usd) != isinf(b->cost_usd))
		return isinf(b->cost_usd);
	if (differ(a->cost_usd, b->cost_usd))
		return a->cost_usd < b->cost_usd;
	if (a->warm != b->warm)
		return a->warm;
	return a->draw < b->draw;
}

/* The options [from, to) are of one model; those at one provider stand together. */
static void
seat_model(struct work *w, unsigned from, unsigned to)
{
	struct seat seat[MODEL_PROVIDERS_MAX];
	unsigned place[MODEL_PROVIDERS_MAX] = {0}, seats = 0;

	for (unsigned i = from; i < to; i++) {
		const struct candidate *c = &w->option[i].c;
		struct seat s = {
		    .at = c->at, .warm = is_warm(w, c), .draw = draw_of(w, c)};
		unsigned k = seats;

		if (i > from && c->at == w->option[i - 1].c.at)
			continue;
		s.cost_usd = c->cost_usd < 0 ? INFINITY : c->cost_usd;
		for (; k > 0 && sits_before(&s, &seat[k - 1]); k--)
			seat[k] = seat[k - 1];
		seat[k] = s;
		seats++;
	}
	for (unsigned k = 0; k < seats; k++)
		place[seat[k].at] = k;
	for (unsigned i = from; i < to; i++)
		w->option[i].place = place[w->option[i].c.at];
}

void
places(struct work *w)
{
	for (unsigned i = 0, end; i < w->count; i = end) {
		const struct model *m = w->option[i].c.model;

		for (end = i; end < w->count && w->option[end].c.model == m; end++)
			w->option[end].place = w->option[end].c.at;
		if (m->at[0].weight > 0)
			seat_model(w, i, end);
	}
}
