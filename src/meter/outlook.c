/* outlook.c: what was learned, as everybody may look at it: immutable, counted. */
#include "outlook.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "month.h"

struct outlook_ref {
	struct outlook outlook; /* first: outlook_release() gets this address */
	atomic_uint refs_shared;
	struct outlook_pace pace[];
};

struct outlook_shared {
	pthread_mutex_t mutex;
	struct outlook_ref *current_shared;
};

struct outlook_shared *
outlook_shared_new(void)
{
	struct outlook_shared *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->mutex, NULL);
	o->current_shared = xcalloc(1, sizeof(*o->current_shared));
	atomic_init(&o->current_shared->refs_shared, 1);
	return o;
}

void
outlook_shared_free(struct outlook_shared *o)
{
	if (o == NULL)
		return;
	outlook_release(&o->current_shared->outlook);
	pthread_mutex_destroy(&o->mutex);
	xfree(o);
}

const struct outlook *
outlook_take(struct outlook_shared *o)
{
	struct outlook_ref *r;

	pthread_mutex_lock(&o->mutex);
	r = o->current_shared;
	atomic_fetch_add_explicit(&r->refs_shared, 1, memory_order_relaxed);
	pthread_mutex_unlock(&o->mutex);
	return &r->outlook;
}

void
outlook_release(const struct outlook *o)
{
	struct outlook_ref *r = (struct outlook_ref *)(uintptr_t)o;

	if (r != NULL && atomic_fetch_sub(&r->refs_shared, 1) == 1)
		xfree(r);
}

void
outlook_publish(struct outlook_shared *o, const struct outlook *fresh)
{
	size_t bytes = fresh->paces * sizeof(struct outlook_pace);
	struct outlook_ref *r = xcalloc(1, sizeof(*r) + bytes), *old;

	r->outlook = *fresh;
	r->outlook.pace = r->pace;
	if (bytes > 0)
		memcpy(r->pace, fresh->pace, bytes);
	atomic_init(&r->refs_shared, 1);
	pthread_mutex_lock(&o->mutex);
	old = o->current_shared;
	o->current_shared = r;
	pthread_mutex_unlock(&o->mutex);
	outlook_release(&old->outlook);
}

/* ---- names ---- */

const struct outlook_model *
outlook_model(const struct outlook *o, const char *name)
{
	for (unsigned i = 0; o != NULL && i < o->models; i++) {
		if (strcmp(o->model[i].name, name) == 0)
			return &o->model[i];
	}
	return NULL;
}

const struct outlook_provider *
outlook_provider(const struct outlook *o, const char *name)
{
	for (unsigned i = 0; o != NULL && i < o->providers; i++) {
		if (strcmp(o->provider[i].name, name) == 0)
			return &o->provider[i];
	}
	return NULL;
}

double
outlook_cost_p99(const struct outlook *o, const char *model)
{
	const struct outlook_model *m = outlook_model(o, model);

	return m != NULL && m->cost_p99.samples > 0 ? (double)m->cost_p99.mean
						    : COST_PRIOR;
}

double
outlook_share(const struct outlook *o, enum share_of of, const char *name, int64_t at_s)
{
	for (unsigned i = 0; o != NULL && i < o->shares; i++) {
		const struct outlook_share *s = &o->share[i];

		if (s->of == (int32_t)of && strcmp(s->name, name) == 0)
			return s->month == month_of(at_s * 1000) ? (double)s->frontier
								 : 0;
	}
	return 0;
}

/* ---- warmth ---- */

/* Until when a rest belongs to a step, and how likely a cache outlives it before
 * anything was seen: providers speak of five to ten minutes, an hour at the most. */
static const struct {
	int32_t until_s;
	double there[WARM_KINDS];
} steps[WARM_STEPS] = {{15, {0.95, 0.95}}, {30, {0.95, 0.95}}, {60, {0.95, 0.95}},
    {120, {0.95, 0.95}}, {180, {0.95, 0.95}}, {240, {0.95, 0.95}}, {300, {0.95, 0.95}},
    {420, {0.3, 0.95}}, {600, {0.3, 0.95}}, {1200, {0.05, 0.95}}, {3600, {0.05, 0.95}},
    {14400, {0.02, 0.05}}};
/* That counts as so many samples. */
#define STEP_PRIOR 20.0

int32_t
outlook_warm_until_s(unsigned step)
{
	return step < WARM_STEPS ? steps[step].until_s : 0;
}

int
outlook_warm_step(int64_t idle_ms)
{
	for (int i = 0; idle_ms >= 0 && i < WARM_STEPS; i++) {
		if (idle_ms <= steps[i].until_s * INT64_C(1000))
			return i;
	}
	return -1;
}

/* Steps that are reckoned as one. */
struct pool {
	double there, weight;
	int first, last;
};

/* What was seen, leaning on what they say of themselves. Neighbours of which the longer
 * rest looks warmer are pooled until none does (isotonic regression; Ayer et al. 1955,
 * "An empirical distribution function for sampling with incomplete information"). */
static int
pools_of(const struct outlook_provider *p, enum warm_kind kind,
    struct pool ret[static WARM_STEPS])
{
	int n = 0;

	for (int i = 0; i < WARM_STEPS; i++) {
		const struct outlook_mean *m = &p->warm[kind][i];
		double seen = (double)m->samples, all = seen + STEP_PRIOR;
		struct pool x = {.weight = all, .first = i, .last = i};

		if (seen <= 0)
			continue;
		x.there =
		    (seen * (double)m->mean + STEP_PRIOR * steps[i].there[kind]) / all;
		for (; n > 0 && ret[n - 1].there < x.there; n--) {
			const struct pool *y = &ret[n - 1];

			all = x.weight + y->weight;
			x.there = (x.there * x.weight + y->there * y->weight) / all;
			x.weight = all;
			x.first = y->first;
		}
		ret[n++] = x;
	}
	return n;
}

/* Of rests that were not seen, shorter and longer ones are the bounds. */
double
outlook_warmth(const struct outlook_provider *p, enum warm_kind kind, int64_t idle_ms)
{
	struct pool pool[WARM_STEPS];
	int step = outlook_warm_step(idle_ms), n, i = 0;
	double there;

	if (step < 0)
		return 0;
	there = steps[step].there[kind];
	n = p == NULL ? 0 : pools_of(p, kind, pool);
	for (; i < n && pool[i].last < step; i++)
		there = there < pool[i].there ? there : pool[i].there;
	if (i < n && (pool[i].first <= step || there < pool[i].there))
		there = pool[i].there;
	return there;
}

/* ---- pace ---- */

/* What was seen at all hours counts as so many samples of one. */
#define PACE_PRIOR 30

uint64_t
outlook_place(struct str name)
{
	return hash_stable(name);
}

struct outlook_pace *
outlook_pace_make(struct outlook *o, struct str name)
{
	uint64_t place = outlook_place(name);
	struct outlook_pace *p;

	for (unsigned i = 0; i < o->paces; i++) {
		if (o->pace[i].place == place)
			return &o->pace[i];
	}
	if (o->paces == PACES_MAX)
		return NULL;
	o->pace = xrealloc(o->pace, (o->paces + 1) * sizeof(*p));
	p = &o->pace[o->paces++];
	*p = (struct outlook_pace){.place = place};
	str_copy(p->name, sizeof(p->name), name);
	return p;
}

void
outlook_clear(struct outlook *o)
{
	xfree(o->pace);
	*o = (struct outlook){0};
}

static double
pace_at(const struct outlook_pace *p, int64_t wall_s, enum pace_value v)
{
	const struct outlook_mean *all = &p->hour[PACE_HOURS][v];
	const struct outlook_mean *own =
	    &p->hour[(uint64_t)wall_s / 3600 % PACE_HOURS][v];

	if (all->samples < PACE_FEW)
		return -1;
	return ((double)own->samples * (double)own->mean +
		   PACE_PRIOR * (double)all->mean) /
	       ((double)own->samples + PACE_PRIOR);
}

double
outlook_pace(const struct outlook *o, uint64_t place, int64_t wall_s, enum pace_value v)
{
	for (unsigned i = 0; o != NULL && i < o->paces; i++) {
		if (o->pace[i].place == place)
			return pace_at(&o->pace[i], wall_s, v);
	}
	return -1;
}
