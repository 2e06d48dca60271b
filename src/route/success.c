/* success.c: how likely a model is to answer a request well.
 *
 * The two-parameter item-response curve (Birnbaum 1968, in Lord and Novick, Statistical
 * Theories of Mental Test Scores, ch. 17) gives log-odds of success
 *
 *     z = logit q + a (0.5 - x)
 *
 * q: the model's quality for the kind of work, a mean over the classes by how likely
 * each is; it is the expected success at complexity 0.5. x: the request's complexity.
 * a: the model's discrimination. Each step of 1/a in x moves the odds by a factor of e.
 *
 * The classifier also tells how likely a small and a frontier model answer this very
 * request well. On a straight line through these two points, in log-odds, lies what it
 * says of a model as good as q:
 *
 *     e = logit p_small + (logit q - logit s) / (logit f - logit s)
 *                         (logit p_frontier - logit p_small)
 *
 * s and f are what such small and frontier models reach in these classes at complexity
 * 0.5. The answer is the mean of both in log-odds:
 *
 *     p = 1 / (1 + exp(-((1 - w) z + w e)))        w = W (1 - traffic)^2
 *
 * A frontier model counts as no worse than a small one, so p rises with q and falls
 * with x whatever the classifier says. What it says was learned from questions of
 * examinations: of a request that is surely none, it does not count. */
#include "work.h"

/* Mean log loss of 19 pairs of a model and one of 8 sets of questions, on a part of the
 * training set that neither the classifier nor the quality rows had seen: 0.610 at 0,
 * 0.581 at 0.4, 0.579 at 0.5, 0.578 at 0.6. The greater, the less the tier of a
 * labelled request is met, so that the least that gives nearly all was taken. */
#define EVIDENCE_WEIGHT 0.5

/* Where there are outcomes (code, maths, reasoning, knowledge, specialist), the mean of
 * p_small and p_frontier over the classifier's training set; elsewhere the catalogue's
 * rows of mixtral-8x7b, qwen2.5-7b and llama-3.1-8b, and of gpt-4o. */
static const struct {
	double small, frontier;
} anchor[CLASS_COUNT] = {[CLASS_chat] = {0.61, 0.86},
    [CLASS_code] = {0.40, 0.61},
    [CLASS_maths] = {0.48, 0.76},
    [CLASS_reasoning] = {0.27, 0.64},
    [CLASS_knowledge] = {0.65, 0.82},
    [CLASS_writing] = {0.51, 0.81},
    [CLASS_extraction] = {0.59, 0.85},
    [CLASS_summarization] = {0.59, 0.85},
    [CLASS_translation] = {0.56, 0.84},
    [CLASS_classification] = {0.61, 0.86},
    [CLASS_agent] = {0.34, 0.67},
    [CLASS_specialist] = {0.44, 0.71}};

static uint8_t
byte_of(float p)
{
	return p >= 1 ? 255 : p > 0 ? (uint8_t)lroundf(p * 255) : 0;
}

/* 0 is kept for "not told". */
static uint8_t
told_byte_of(float p)
{
	uint8_t byte = byte_of(p);

	return byte == 0 && p > 0 ? 1 : byte;
}

bool
odds_of(const struct verdict *v, struct odds *ret)
{
	unsigned sum = 0;

	for (size_t i = 0; i < CLASS_COUNT; i++) {
		ret->class_p[i] = byte_of(v->class_p[i]);
		sum += ret->class_p[i];
	}
	if (sum == 0)
		ret->class_p[v->class] = 255;
	ret->small = told_byte_of(v->p_small);
	ret->frontier = told_byte_of(v->p_frontier);
	ret->traffic = byte_of(v->traffic);
	return ret->small > 0 || ret->frontier > 0 ||
	       (sum > 0 && (sum != 255 || ret->class_p[v->class] != 255));
}

void
odds_tell(const struct odds *o, struct verdict *ret)
{
	for (size_t i = 0; i < CLASS_COUNT; i++)
		ret->class_p[i] = (float)o->class_p[i] / 255;
	ret->p_small = (float)o->small / 255;
	ret->p_frontier = (float)o->frontier / 255;
	ret->traffic = (float)o->traffic / 255;
}

static double
logit(double p)
{
	p = p < 0.001 ? 0.001 : p > 0.999 ? 0.999 : p;
	return log(p / (1 - p));
}

void
evidence_of(const struct verdict *v, struct evidence *ret)
{
	double s = 0, f = 0, own;
	struct odds o;
	unsigned sum = 0;

	(void)odds_of(v, &o);
	*ret = (struct evidence){.complexity = (double)v->complexity};
	for (size_t i = 0; i < CLASS_COUNT; i++)
		sum += o.class_p[i];
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		ret->class_w[i] = (double)o.class_p[i] / sum;
		s += ret->class_w[i] * anchor[i].small;
		f += ret->class_w[i] * anchor[i].frontier;
	}
	if (o.small == 0 && o.frontier == 0)
		return; /* it was not asked */
	own = 1 - (double)o.traffic / 255;
	ret->weight = EVIDENCE_WEIGHT * own * own;
	ret->small = logit((double)o.small / 255);
	ret->rise = logit((double)o.frontier / 255) - ret->small;
	if (ret->rise < 0)
		ret->rise = 0;
	ret->from = logit(s);
	ret->rise /= logit(f) - ret->from;
}

double
success_of(const struct evidence *e, const struct model *m)
{
	double q = 0, z;

	for (size_t i = 0; i < CLASS_COUNT; i++)
		q += e->class_w[i] * m->quality[i];
	q = logit(q);
	z = q + m->discrimination * (0.5 - e->complexity);
	z += e->weight * (e->small + e->rise * (q - e->from) - z);
	return 1 / (1 + exp(-z));
}
