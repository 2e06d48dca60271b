/* train_write.c: fitted weights become a weights file: calibrated, rounded, checked. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/request.h"
#include "lesson.h"

/* ---- rounding ---- */

/* Head `to` of the file from column `from` of `heads`. */
static void
round_words(
    struct trainer *t, unsigned to, const float *w, unsigned heads, unsigned from)
{
	float most = 1e-6F;

	for (size_t b = 0; b < BUCKETS; b++)
		most = fmaxf(most, fabsf(w[b * heads + from]));
	t->model->scale[to] = most / 127;
	for (size_t b = 0; b < BUCKETS; b++)
		t->model->row[b][to] =
		    (int8_t)lrintf(w[b * heads + from] / t->model->scale[to]);
}

void
uncentre(
    const float *mean, const float *spread, const float *w, unsigned count, float *ret)
{
	float rest = w[SURFACE_bias];

	for (unsigned i = 1; i < count; i++) {
		ret[i] = w[i] / spread[i];
		rest -= ret[i] * mean[i];
	}
	ret[SURFACE_bias] = rest;
}

void
train_round(struct trainer *t)
{
	struct classifier *m = t->model;
	const float *dense;
	float column[SURFACE_COUNT];

	memcpy(m->usual, t->tiers.mean, sizeof(m->usual));
	for (unsigned k = 0; k < CLASS_COUNT; k++) {
		round_words(t, HEAD_class + k, t->class_w, CLASS_COUNT, k);
		dense = t->class_w + (size_t)BUCKETS * CLASS_COUNT;
		uncentre(t->mean, t->spread, dense + (size_t)k * SURFACE_COUNT,
		    SURFACE_COUNT, column);
		for (unsigned i = 0; i < SURFACE_COUNT; i++)
			m->class_surface[i][k] = column[i];
	}
	for (unsigned h = 0; h < 2; h++) {
		round_words(t, HEAD_small + h, t->outcome_w, 2, h);
		dense = t->outcome_w + (size_t)BUCKETS * 2 +
			(size_t)h * FORM_COUNT * OUTCOME_SURFACES;
		for (unsigned k = 0; k < FORM_COUNT; k++)
			uncentre(t->form[k].mean, t->form[k].spread,
			    dense + (size_t)k * OUTCOME_SURFACES, OUTCOME_SURFACES,
			    m->outcome_surface[k][h]);
		round_words(t, HEAD_above_local + h, t->tier_w, 2, h);
		dense = t->tier_w + (size_t)BUCKETS * 2 +
			(size_t)h * (SURFACE_COUNT + HINT_COUNT);
		uncentre(t->tiers.mean, t->tiers.spread, dense, SURFACE_COUNT,
		    m->tier_surface[h]);
		memcpy(m->tier_hint[h], dense + SURFACE_COUNT, sizeof(m->tier_hint[h]));
	}
}

/* ---- calibration ---- */

/* Towards slope 1 and offset 0: where the labels are told apart without a mistake, the
 * best slope would have no end. */
#define LITTLE 0.1

/* Platt: slope and offset of a logit, by Newton's method. `label` below 0: not known.
 */
static void
platt(const float *logit, const float *label, const float *weight, uint32_t n,
    float ret[2])
{
	double a = 1, b = 0;

	for (int round = 0; round < 30; round++) {
		double ga = LITTLE * (a - 1), gb = LITTLE * b, haa = LITTLE, hab = 0,
		       hbb = LITTLE, det;

		for (uint32_t r = 0; r < n; r++) {
			double x = logit[(size_t)r * 2], y = label[(size_t)r * 2], p, v;

			if (y < 0 || weight[r] == 0)
				continue;
			p = 1 / (1 + exp(-(a * x + b)));
			v = weight[r] * p * (1 - p);
			ga += weight[r] * (p - y) * x;
			gb += weight[r] * (p - y);
			haa += v * x * x;
			hab += v * x;
			hbb += v;
		}
		det = haa * hbb - hab * hab;
		if (!(det > 1e-9))
			break;
		a -= fmax(-1, fmin(1, (ga * hbb - gb * hab) / det));
		b -= fmax(-1, fmin(1, (gb * haa - ga * hab) / det));
	}
	ret[0] = (float)(a > 0.05 ? a : 0.05); /* the order of prompts must stay */
	ret[1] = (float)b;
}

/* Weights of the prompts of a form; all others are 0. */
static void
only_form(const struct trainer *t, enum form form, float *ret)
{
	for (uint32_t r = 0; r < t->count; r++)
		ret[r] = form_in(t, r) == form ? t->weight[r] : 0;
}

static void
calibrate(struct trainer *t)
{
	float *label = xcalloc((size_t)t->count * 4, sizeof(float));
	float *weight = xcalloc(t->count, sizeof(float));
	float *tier = label + (size_t)t->count * 2;
	struct classifier *m = t->model;

	for (uint32_t r = 0; r < t->count; r++) {
		const struct lesson *l = &t->lesson[r];

		label[(size_t)r * 2] = l->small;
		label[(size_t)r * 2 + 1] = l->frontier;
		tier[(size_t)r * 2] = l->tier < 0 ? -1 : l->tier > 0;
		tier[(size_t)r * 2 + 1] = l->tier < 0 ? -1 : l->tier > 1;
	}
	for (unsigned k = 0; k < FORM_COUNT; k++) {
		only_form(t, k, weight);
		for (unsigned h = 0; h < 2; h++)
			platt(t->outcome + h, label + h, weight, t->count,
			    m->outcome_platt[k][h]);
	}
	for (uint32_t r = 0; r < t->count; r++)
		weight[r] = 1;
	for (unsigned h = 0; h < 2; h++)
		platt(t->tier + h, tier + h, weight, t->count, m->tier_platt[h]);
	xfree(weight);
	xfree(label);
}

/* ---- where one tier ends and the next begins ---- */

static float
tiers_of(const struct trainer *t, uint32_t r)
{
	float sum = 0;

	for (unsigned h = 0; h < 2; h++)
		sum +=
		    logistic(t->model->tier_platt[h][0] * t->tier[(size_t)r * 2 + h] +
			     t->model->tier_platt[h][1]);
	return sum;
}

/* As many right as can be, but frontier work hardly ever at a local model and local
 * work seldom at a frontier model: beyond these shares each costs as much as ten
 * others. */
#define FRONTIER_AS_LOCAL 0.035F
#define LOCAL_AS_FRONTIER 0.08F

static float
beyond(unsigned n, unsigned of, float share)
{
	float most = (float)of * share;

	return (float)n > most ? 10 * ((float)n - most) : 0;
}

static float
price_of(const struct trainer *t, const float *sums, float low, float high)
{
	unsigned at[3][3] = {{0}}, wrong = 0;

	for (uint32_t r = 0; r < t->count; r++) {
		int tier = t->lesson[r].tier,
		    got = (sums[r] >= low) + (sums[r] >= high);

		if (tier < 0)
			continue;
		at[tier][got]++;
		wrong += tier != got;
	}
	return (float)wrong +
	       beyond(at[2][0], at[2][0] + at[2][1] + at[2][2], FRONTIER_AS_LOCAL) +
	       beyond(at[0][2], at[0][0] + at[0][1] + at[0][2], LOCAL_AS_FRONTIER);
}

/* How the borders do on prompts that the weights had not seen. */
static void
say_borders(const struct trainer *t, const float *sums)
{
	unsigned at[3][3] = {{0}}, n = 0, right = 0;
	char line[160];

	for (uint32_t r = 0; r < t->count; r++) {
		int tier = t->lesson[r].tier;
		int got =
		    (sums[r] >= t->model->local_at) + (sums[r] >= t->model->small_at);

		if (tier < 0)
			continue;
		at[tier][got]++;
		n++;
		right += tier == got;
	}
	if (n == 0 || t->o.say == NULL)
		return;
	snprintf(line, sizeof(line),
	    "tiers, unseen: %u of %u right; local as frontier %u of %u, frontier as "
	    "local "
	    "%u of %u",
	    right, n, at[0][2], at[0][0] + at[0][1] + at[0][2], at[2][0],
	    at[2][0] + at[2][1] + at[2][2]);
	t->o.say(t->o.arg, line);
}

static void
find_borders(struct trainer *t)
{
	float *sums = xcalloc(t->count, sizeof(float)), best = INFINITY;

	for (uint32_t r = 0; r < t->count; r++)
		sums[r] = tiers_of(t, r);
	t->model->local_at = 0.6F;
	t->model->small_at = 1.2F;
	for (int i = 5; i < 60; i++) {
		for (int j = i + 2; j < 90; j++) {
			float low = (float)i / 50, high = (float)j / 50;
			float got = price_of(t, sums, low, high);

			if (got >= best)
				continue;
			best = got;
			t->model->local_at = low;
			t->model->small_at = high;
		}
	}
	say_borders(t, sums);
	xfree(sums);
}

void
train_calibrate(struct trainer *t)
{
	calibrate(t);
	t->model->need_tier = t->o.need_tier;
	find_borders(t);
}

/* ---- the file ---- */

static void
fill_head(struct trainer *t, struct str manifest)
{
	struct classifier *m = t->model;
	size_t head = offsetof(struct classifier, crc) + sizeof(m->crc);
	struct sha256 hash;
	char hex[65];

	memcpy(m->magic, MODEL_MAGIC, 8);
	m->format = MODEL_FORMAT;
	m->endian = MODEL_ENDIAN;
	m->features = FEATURES_VERSION;
	m->buckets = BUCKETS;
	m->surfaces = SURFACE_COUNT;
	m->heads = HEAD_COUNT;
	m->bytes = (uint32_t)(sizeof(*m) + manifest.len);
	m->manifest_bytes = (uint32_t)manifest.len;
	m->lexicon = t->lexicon;
	hash = hash_sha256(str_make((const char *)m, sizeof(*m)));
	hash_sha256_hex(&hash, hex);
	snprintf(m->name, sizeof(m->name), "w1-%.8s", hex);
	m->crc = hash_crc32c(0, (const char *)m + head, sizeof(*m) - head);
	m->crc = hash_crc32c(m->crc, manifest.p, manifest.len);
}

bool
trainer_fit(struct trainer *t, struct str manifest, struct buf *ret)
{
	if (t->count == 0)
		return false;
	lessons_finish(t);
	train_classes(t);
	train_outcomes(t);
	train_tiers(t);
	train_traffic(t);
	train_surface(t);
	train_round(t);
	train_calibrate(t);
	memcpy(t->model->vocabulary, t->twice, sizeof(t->model->vocabulary));
	train_profile(t);
	fill_head(t, manifest);
	return buf_append(ret, t->model, sizeof(*t->model)) &&
	       buf_append_str(ret, manifest);
}
