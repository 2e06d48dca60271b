/* fit.c: the loss, its gradient, and L-BFGS (Nocedal, Wright: Numerical Optimization,
 * algorithms 7.4 and 7.5) with a step that is halved until the loss falls. */
#include "fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "feature.h"

#define MEMORY    8
#define HEADS_MAX 16

size_t
fit_size(const struct problem *p)
{
	return ((size_t)BUCKETS + p->dense_count) * p->heads;
}

/* Eight sums side by side, which the compiler turns into vectors. */
static float
dense_dot(const float *a, const float *b, unsigned n)
{
	float sum[8] = {0};
	unsigned i = 0;

	for (; i + 8 <= n; i += 8) {
		for (unsigned k = 0; k < 8; k++)
			sum[k] += a[i + k] * b[i + k];
	}
	for (; i < n; i++)
		sum[0] += a[i] * b[i];
	for (unsigned k = 1; k < 8; k++)
		sum[0] += sum[k];
	return sum[0];
}

void
fit_logits(const struct problem *p, const float *w, uint32_t row, float *ret)
{
	const struct sparse *x = p->x;
	const float *dense = p->dense + (size_t)row * p->dense_count;
	const float *dense_w = w + (size_t)BUCKETS * p->heads;

	for (unsigned h = 0; h < p->heads; h++)
		ret[h] = 0;
	for (size_t i = x->begin[row]; i < x->begin[row + 1]; i++) {
		const float *at = w + (size_t)x->bucket[i] * p->heads;

		for (unsigned h = 0; h < p->heads; h++)
			ret[h] += x->value[i] * at[h];
	}
	for (unsigned h = 0; h < p->heads; h++)
		ret[h] += dense_dot(
		    dense, dense_w + (size_t)h * p->dense_count, p->dense_count);
}

/* Loss of one row; `z` becomes its gradient. */
static double
loss_softmax(const struct problem *p, const float *label, float *z)
{
	float most = z[0], sum = 0;
	double loss = 0;

	if (label[0] < 0) {
		for (unsigned h = 0; h < p->heads; h++)
			z[h] = 0;
		return 0;
	}
	for (unsigned h = 1; h < p->heads; h++)
		most = z[h] > most ? z[h] : most;
	for (unsigned h = 0; h < p->heads; h++)
		sum += expf(z[h] - most);
	for (unsigned h = 0; h < p->heads; h++) {
		float log_p = z[h] - most - logf(sum);

		loss -= (double)(label[h] * log_p);
		z[h] = expf(log_p) - label[h];
	}
	return loss;
}

static double
loss_each(const struct problem *p, const float *label, float *z)
{
	double loss = 0;

	for (unsigned h = 0; h < p->heads; h++) {
		float x = z[h];

		if (label[h] < 0) {
			z[h] = 0;
			continue;
		}
		/* log(1 + e^x) without overflow */
		loss +=
		    (double)((x > 0 ? x : 0) + log1pf(expf(-fabsf(x))) - label[h] * x);
		z[h] = 1 / (1 + expf(-x)) - label[h];
	}
	return loss;
}

static void
scatter(const struct problem *p, uint32_t row, const float *z, float *grad)
{
	const struct sparse *x = p->x;
	const float *dense = p->dense + (size_t)row * p->dense_count;
	float *dense_grad = grad + (size_t)BUCKETS * p->heads;

	for (size_t i = x->begin[row]; i < x->begin[row + 1]; i++) {
		float *at = grad + (size_t)x->bucket[i] * p->heads;

		for (unsigned h = 0; h < p->heads; h++)
			at[h] += x->value[i] * z[h];
	}
	for (unsigned h = 0; h < p->heads; h++) {
		float *to = dense_grad + (size_t)h * p->dense_count;

		for (unsigned d = 0; d < p->dense_count; d++)
			to[d] += dense[d] * z[h];
	}
}

static double
penalty(const struct problem *p, const float *w, float *grad)
{
	size_t words = (size_t)BUCKETS * p->heads, n = fit_size(p);
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		float l2 = i < words ? p->l2_words : p->l2_dense;

		if (i >= words && (i - words) % p->dense_count == 0)
			continue; /* the constant is free */
		grad[i] += l2 * w[i];
		sum += 0.5 * (double)l2 * (double)w[i] * (double)w[i];
	}
	return sum;
}

static double
objective(const struct problem *p, const float *w, float *grad)
{
	double loss = 0;
	float z[HEADS_MAX];

	memset(grad, 0, fit_size(p) * sizeof(*grad));
	for (uint32_t r = 0; r < p->x->rows; r++) {
		const float *label = p->label + (size_t)r * p->heads;

		if (p->weight[r] == 0)
			continue;
		fit_logits(p, w, r, z);
		loss += (double)p->weight[r] * (p->softmax ? loss_softmax(p, label, z)
							   : loss_each(p, label, z));
		for (unsigned h = 0; h < p->heads; h++)
			z[h] *= p->weight[r];
		scatter(p, r, z, grad);
	}
	return loss + penalty(p, w, grad);
}

/* ---- L-BFGS ---- */

struct history {
	float *step[MEMORY], *change[MEMORY]; /* of the weights, of the gradient */
	double rho[MEMORY];
	unsigned count; /* ever made */
};

static double
dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static void
add(float *to, double by, const float *what, size_t n)
{
	float f = (float)by;

	for (size_t i = 0; i < n; i++)
		to[i] += f * what[i];
}

/* The direction in which the loss falls fastest, by the curvature seen so far. */
static void
direction(const struct history *h, const float *grad, float *ret, size_t n)
{
	unsigned kept = h->count < MEMORY ? h->count : MEMORY;
	double alpha[MEMORY] = {0};

	for (size_t i = 0; i < n; i++)
		ret[i] = -grad[i];
	for (unsigned k = 0; k < kept; k++) {
		unsigned at = (h->count - 1 - k) % MEMORY;

		alpha[at] = h->rho[at] * dot(h->step[at], ret, n);
		add(ret, -alpha[at], h->change[at], n);
	}
	if (kept > 0) {
		unsigned last = (h->count - 1) % MEMORY;
		double scale =
		    1 / (h->rho[last] * dot(h->change[last], h->change[last], n));

		for (size_t i = 0; i < n; i++)
			ret[i] *= (float)scale;
	}
	for (unsigned k = kept; k > 0; k--) {
		unsigned at = (h->count - k) % MEMORY;

		add(ret, alpha[at] - h->rho[at] * dot(h->change[at], ret, n),
		    h->step[at], n);
	}
}

static void
remember(struct history *h, const float *direction, double size, const float *before,
    const float *after, size_t n)
{
	unsigned at = h->count % MEMORY;
	double product;

	for (size_t i = 0; i < n; i++) {
		h->step[at][i] = (float)size * direction[i];
		h->change[at][i] = after[i] - before[i];
	}
	product = dot(h->step[at], h->change[at], n);
	if (product <= 1e-12)
		return; /* no curvature to learn from */
	h->rho[at] = 1 / product;
	h->count++;
}

struct search {
	float *w, *grad, *trial, *trial_grad, *way;
	double loss;
	struct history h;
};

/* False: no step makes it better. */
static bool
improve(const struct problem *p, struct search *s, size_t n)
{
	double slope, size, loss = 0;

	direction(&s->h, s->grad, s->way, n);
	slope = dot(s->way, s->grad, n);
	if (slope >= 0)
		return false;
	size = s->h.count == 0 ? 1 / sqrt(-slope) : 1;
	for (int tries = 0;; tries++) {
		memcpy(s->trial, s->w, n * sizeof(float));
		add(s->trial, size, s->way, n);
		loss = objective(p, s->trial, s->trial_grad);
		if (loss <= s->loss + 1e-4 * size * slope)
			break;
		if (tries == 20)
			return false;
		size /= 2;
	}
	remember(&s->h, s->way, size, s->grad, s->trial_grad, n);
	memcpy(s->w, s->trial, n * sizeof(float));
	memcpy(s->grad, s->trial_grad, n * sizeof(float));
	slope = s->loss - loss;
	s->loss = loss;
	return slope > 1e-6 * (loss + 1);
}

static void
report(const struct problem *p, unsigned round, double loss)
{
	char line[120];

	if (p->say == NULL)
		return;
	snprintf(line, sizeof(line), "%s: round %u, loss %.1f", p->what, round, loss);
	p->say(p->arg, line);
}

void
fit(const struct problem *p, float *w)
{
	size_t n = fit_size(p);
	struct search s = {.w = w};
	float **all[] = {&s.grad, &s.trial, &s.trial_grad, &s.way};

	for (size_t i = 0; i < nitems(all); i++)
		*all[i] = xcalloc(n, sizeof(float));
	for (unsigned m = 0; m < MEMORY; m++) {
		s.h.step[m] = xcalloc(n, sizeof(float));
		s.h.change[m] = xcalloc(n, sizeof(float));
	}
	s.loss = objective(p, w, s.grad);
	for (unsigned round = 0; round < p->rounds; round++) {
		if (!improve(p, &s, n))
			break;
		if (round % 10 == 9)
			report(p, round + 1, s.loss);
	}
	for (size_t i = 0; i < nitems(all); i++)
		xfree(*all[i]);
	for (unsigned m = 0; m < MEMORY; m++) {
		xfree(s.h.step[m]);
		xfree(s.h.change[m]);
	}
}
