/* effects.c: three parts of a difference, exact to the last pico-dollar: two are
 * rounded, the third is what is left. */
#include "effects.h"

/* c * num / den, half to even; den > 0. Of amounts below 10^13 dollars and counts below
 * 10^13 the product stays below 2^127. */
static wide
scale(wide c, int64_t num, int64_t den)
{
	wide product = c * num, q = product / den, r = product % den;

	if (r < 0) {
		q--;
		r += den;
	}
	if (2 * r > den || (2 * r == den && (q & 1) != 0))
		q++;
	return q;
}

static void
split(struct effects *m, const struct effects *all)
{
	wide before = m->cost[0].v, after = m->cost[1].v, grown, moved;

	/* Nothing to compare with: all of it is more. */
	if (all->tokens[0] <= 0) {
		m->volume.v = after - before;
		return;
	}
	grown = scale(before, all->tokens[1], all->tokens[0]);
	m->volume.v = grown - before;
	moved = m->tokens[0] > 0 ? scale(before, m->tokens[1], m->tokens[0]) : after;
	m->mix.v = moved - grown;
	m->price.v = after - moved;
}

void
effects_split(struct effects *m, size_t count, struct effects *ret)
{
	*ret = (struct effects){0};
	for (size_t i = 0; i < count; i++) {
		for (int k = 0; k < 2; k++) {
			ret->requests[k] += m[i].requests[k];
			ret->tokens[k] += m[i].tokens[k];
			ret->cost[k].v += m[i].cost[k].v;
		}
	}
	for (size_t i = 0; i < count; i++) {
		split(&m[i], ret);
		ret->volume.v += m[i].volume.v;
		ret->mix.v += m[i].mix.v;
		ret->price.v += m[i].price.v;
	}
}
