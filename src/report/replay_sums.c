/* replay_sums.c: sums by groups of sessions, so that what rests on few of them is seen
 * to. A session's turns belong together: drawn one by one, intervals would be too
 * narrow. */
#include "replay_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/snapshot.h"

#define GROUPS   256U
#define ROUNDS   1000U
#define QUARTERS 4U

enum sum {
	SUM_requests,
	SUM_booked,
	SUM_kept, /* cost now that is not an expectation */
	SUM_changed,
	SUM_refused,
	SUM_was_n, /* answers then, and of them: */
	SUM_was_success,
	SUM_was_tier,
	SUM_is_n = SUM_was_tier + TIER_COUNT,
	SUM_is_success,
	SUM_is_tier,
	SUM_was_switched = SUM_is_tier + TIER_COUNT,
	SUM_is_switched,
	SUM_was_lost,
	SUM_is_lost,
	SUM_COUNT
};

/* A model at a kind of work. */
struct cell {
	int64_t answers; /* that a ratio rests on */
	double booked[GROUPS], planned[GROUPS];
	double expected[GROUPS]; /* of what it would answer now */
	/* By quarter of complexity, over all groups. */
	int64_t seen[QUARTERS], wanted[QUARTERS];
	double wanted_usd[QUARTERS];
};

struct replay_sums {
	double sum[SUM_COUNT][GROUPS];
	struct cell *cell[MODELS_MAX][CLASS_COUNT]; /* NULL: nothing of it */
	int64_t kept; /* requests whose cost is not an expectation */
	double kept_usd;
};

struct replay_sums *
replay_sums_new(void)
{
	return xcalloc(1, sizeof(struct replay_sums));
}

void
replay_sums_free(struct replay_sums *s)
{
	if (s == NULL)
		return;
	for (size_t m = 0; m < MODELS_MAX; m++) {
		for (size_t c = 0; c < CLASS_COUNT; c++)
			xfree(s->cell[m][c]);
	}
	xfree(s);
}

/* ---- adding ---- */

static struct cell *
cell_of(struct replay_sums *s, int model, enum task_class class)
{
	struct cell **c = &s->cell[model][class];

	if (*c == NULL)
		*c = xcalloc(1, sizeof(**c));
	return *c;
}

static unsigned
quarter_of(float complexity)
{
	if (!(complexity > 0)) /* a damaged row's may be no number */
		return 0;
	return complexity < 1 ? (unsigned)(complexity * QUARTERS) : QUARTERS - 1;
}

static void
add_answers(struct replay_sums *s, const struct replay_fact *f, unsigned g)
{
	s->sum[SUM_was_n][g]++;
	s->sum[SUM_was_success][g] += f->success_was;
	s->sum[SUM_was_tier + f->tier_was][g]++;
	if (f->refused)
		return;
	s->sum[SUM_is_n][g]++;
	s->sum[SUM_is_success][g] += f->success_is;
	s->sum[SUM_is_tier + f->tier_is][g]++;
}

static void
add_evidence(struct replay_sums *s, const struct replay_fact *f, unsigned g)
{
	struct cell *c;

	if (f->model_was < 0 || f->counts_only)
		return;
	c = cell_of(s, f->model_was, f->class);
	c->seen[quarter_of(f->complexity)]++;
	if (!(f->planned_usd > 0) || isinf(f->planned_usd) || f->answer_usd < 0)
		return;
	c->answers++;
	c->planned[g] += f->planned_usd;
	c->booked[g] += f->answer_usd;
}

static void
add_cost(struct replay_sums *s, const struct replay_fact *f, unsigned g)
{
	unsigned q = quarter_of(f->complexity);
	struct cell *c;

	s->sum[SUM_booked][g] += f->booked_usd;
	if (f->refused)
		return;
	if (!f->modelled || f->model_is < 0) {
		s->sum[SUM_kept][g] += f->booked_usd * f->scale;
		s->kept++;
		s->kept_usd += f->booked_usd * f->scale;
		return;
	}
	c = cell_of(s, f->model_is, f->class);
	c->expected[g] += f->expected_usd;
	c->wanted[q]++;
	c->wanted_usd[q] += f->expected_usd;
}

void
replay_sums_add(struct replay_sums *s, const struct replay_fact *f)
{
	unsigned g = f->session % GROUPS;

	s->sum[SUM_requests][g]++;
	s->sum[SUM_changed][g] += f->changed;
	s->sum[SUM_refused][g] += f->refused;
	s->sum[SUM_was_switched][g] += f->switched_was;
	s->sum[SUM_is_switched][g] += f->switched_is;
	s->sum[SUM_was_lost][g] += f->lost_was_usd;
	s->sum[SUM_is_lost][g] += f->lost_is_usd;
	add_evidence(s, f, g);
	add_cost(s, f, g);
	if (!f->counts_only)
		add_answers(s, f, g);
}

/* ---- from sums to figures ---- */

static double
weighted(const double *by_group, const unsigned *weight)
{
	double sum = 0;

	for (size_t g = 0; g < GROUPS; g++)
		sum += by_group[g] * weight[g];
	return sum;
}

static double
share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

/* What a model's answers cost of what was expected, [0]: of one kind of work; where it
 * has too few of them, of all kinds; where it has too few at all, 1. */
struct ratio {
	double booked, planned;
	int64_t answers;
};

static double
ratio_of(const struct ratio *kind, const struct ratio *all)
{
	if (kind->answers >= REPLAY_EVIDENCE && kind->planned > 0)
		return kind->booked / kind->planned;
	if (all->answers >= REPLAY_EVIDENCE && all->planned > 0)
		return all->booked / all->planned;
	return 1;
}

/* Cost of one model's new answers. Where `ret_covered` is not NULL, adds the part of it
 * that has evidence. */
static double
model_cost(struct cell *const cell[static CLASS_COUNT], const unsigned *weight,
    double *ret_covered)
{
	struct ratio kind[CLASS_COUNT] = {0}, all = {0};
	double cost = 0;

	for (size_t c = 0; c < CLASS_COUNT; c++) {
		if (cell[c] == NULL)
			continue;
		kind[c] = (struct ratio){.booked = weighted(cell[c]->booked, weight),
		    .planned = weighted(cell[c]->planned, weight),
		    .answers = cell[c]->answers};
		all.booked += kind[c].booked;
		all.planned += kind[c].planned;
		all.answers += kind[c].answers;
	}
	for (size_t c = 0; c < CLASS_COUNT; c++) {
		double ratio = ratio_of(&kind[c], &all);

		if (cell[c] == NULL)
			continue;
		cost += weighted(cell[c]->expected, weight) * ratio;
		for (size_t q = 0; ret_covered != NULL && q < QUARTERS; q++) {
			if (cell[c]->seen[q] >= REPLAY_EVIDENCE)
				*ret_covered += cell[c]->wanted_usd[q] * ratio;
		}
	}
	return cost;
}

static double
new_cost(const struct replay_sums *s, const unsigned *weight, double *ret_covered)
{
	double cost = weighted(s->sum[SUM_kept], weight);

	for (size_t m = 0; m < MODELS_MAX; m++)
		cost += model_cost(s->cell[m], weight, ret_covered);
	return cost;
}

static void
figures_of(const struct replay_sums *s, const unsigned *weight,
    double ret[static REPLAY_FIGURES])
{
	double sum[SUM_COUNT], n;

	for (size_t i = 0; i < SUM_COUNT; i++)
		sum[i] = weighted(s->sum[i], weight);
	n = sum[SUM_requests];
	ret[REPLAY_cost_was] = sum[SUM_booked];
	ret[REPLAY_cost_is] = new_cost(s, weight, NULL);
	ret[REPLAY_saved] = ret[REPLAY_cost_was] - ret[REPLAY_cost_is];
	ret[REPLAY_saved_share] = share(ret[REPLAY_saved], ret[REPLAY_cost_was]);
	ret[REPLAY_success_was] = share(sum[SUM_was_success], sum[SUM_was_n]);
	ret[REPLAY_success_is] = share(sum[SUM_is_success], sum[SUM_is_n]);
	for (size_t t = 0; t < TIER_COUNT; t++) {
		ret[REPLAY_tier_was + t] = share(sum[SUM_was_tier + t], sum[SUM_was_n]);
		ret[REPLAY_tier_is + t] = share(sum[SUM_is_tier + t], sum[SUM_is_n]);
	}
	ret[REPLAY_refused] = share(sum[SUM_refused], n);
	ret[REPLAY_changed] = share(sum[SUM_changed], n);
	ret[REPLAY_switched_was] = share(sum[SUM_was_switched], n);
	ret[REPLAY_switched_is] = share(sum[SUM_is_switched], n);
	ret[REPLAY_lost_was] = sum[SUM_was_lost];
	ret[REPLAY_lost_is] = sum[SUM_is_lost];
}

/* ---- intervals ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Groups that have requests; only those are drawn. */
static unsigned
groups_of(const struct replay_sums *s, unsigned ret[static GROUPS])
{
	unsigned n = 0;

	for (unsigned g = 0; g < GROUPS; g++) {
		if (s->sum[SUM_requests][g] > 0)
			ret[n++] = g;
	}
	return n;
}

static void
bootstrap(const struct replay_sums *s, uint64_t seed, struct replay_result *ret)
{
	double(*round)[REPLAY_FIGURES] = xcalloc(ROUNDS, sizeof(*round));
	double *column = xcalloc(ROUNDS, sizeof(*column));
	unsigned group[GROUPS], weight[GROUPS];

	ret->groups = groups_of(s, group);
	for (unsigned i = 0; ret->groups > 0 && i < ROUNDS; i++) {
		memset(weight, 0, sizeof(weight));
		for (unsigned k = 0; k < ret->groups; k++)
			weight[group[draw(&seed) % ret->groups]]++;
		figures_of(s, weight, round[i]);
	}
	for (size_t f = 0; f < REPLAY_FIGURES; f++) {
		for (unsigned i = 0; i < ROUNDS; i++)
			column[i] = round[i][f];
		qsort(column, ROUNDS, sizeof(*column), by_value);
		ret->figure[f].low = column[ROUNDS * 25 / 1000];
		ret->figure[f].high = column[ROUNDS * 975 / 1000 - 1];
	}
	xfree(column);
	xfree(round);
}

static void
coverage(const struct replay_sums *s, const unsigned *weight, struct replay_result *ret)
{
	double covered = s->kept_usd, cost = new_cost(s, weight, &covered);
	int64_t known = s->kept, all = s->kept;

	for (size_t i = 0; i < MODELS_MAX * CLASS_COUNT * QUARTERS; i++) {
		size_t cell = i / QUARTERS;
		const struct cell *c = s->cell[cell / CLASS_COUNT][cell % CLASS_COUNT];
		size_t q = i % QUARTERS;

		if (c == NULL)
			continue;
		all += c->wanted[q];
		known += c->seen[q] >= REPLAY_EVIDENCE ? c->wanted[q] : 0;
	}
	ret->covered_requests = all > 0 ? (double)known / (double)all : 1;
	/* When all of it costs nothing, nothing of the cost is unknown. */
	ret->covered_cost = cost > 0 ? covered / cost : ret->covered_requests;
}

void
replay_sums_result(
    const struct replay_sums *s, uint64_t seed, struct replay_result *ret)
{
	double figure[REPLAY_FIGURES];
	unsigned once[GROUPS];

	for (size_t g = 0; g < GROUPS; g++)
		once[g] = 1;
	figures_of(s, once, figure);
	for (size_t f = 0; f < REPLAY_FIGURES; f++)
		ret->figure[f].value = figure[f];
	coverage(s, once, ret);
	bootstrap(s, seed, ret);
}
