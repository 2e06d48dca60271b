/* classify.c: from features and weights to a verdict. */
#include "stage/classify.h"

#include <math.h>
#include <string.h>

#include "base/util.h"
#include "core/request.h"
#include "core/worker.h"
#include "model.h"

float
logistic(float x)
{
	return 1 / (1 + expf(-x));
}

void
softmax(const float logit[CLASS_COUNT], float ret[CLASS_COUNT])
{
	float most = logit[0], sum = 0;

	for (unsigned c = 1; c < CLASS_COUNT; c++)
		most = logit[c] > most ? logit[c] : most;
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		ret[c] = expf(logit[c] - most);
		sum += ret[c];
	}
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		ret[c] /= sum;
}

/* log2(1 + 3) / 8 is 0.25, log2(1 + 6) / 8 is 0.35. */
enum form
form_of(float options)
{
	return options > 0.34F   ? FORM_choices
	       : options > 0.24F ? FORM_choice
				 : FORM_free;
}

/* The square of a token's value is its count, so their sum is the number of tokens. */
float
token_norm(const struct features *f)
{
	return f->tokens == 0 ? 0 : 1 / (ONE * sqrtf((float)f->tokens));
}

static float
dot(const float *a, const float *b, unsigned n)
{
	float sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void
score_classes(const struct classifier *c, struct scores *s)
{
	float logit[CLASS_COUNT];

	for (unsigned k = 0; k < CLASS_COUNT; k++)
		logit[k] = s->words[HEAD_class + k];
	for (unsigned i = 0; i < SURFACE_COUNT; i++) {
		for (unsigned k = 0; k < CLASS_COUNT; k++)
			logit[k] += s->surface[i] * c->class_surface[i][k];
	}
	softmax(logit, s->class_p);
}

static void
score_outcomes(const struct classifier *c, struct scores *s)
{
	for (unsigned h = 0; h < 2; h++) {
		s->logit[h] =
		    s->words[h] +
		    dot(s->surface, c->outcome_surface[s->form][h], OUTCOME_SURFACES);
		s->hint[h] = s->logit[h];
	}
	for (unsigned k = 0; k < CLASS_COUNT; k++)
		s->hint[HINT_class + k] = s->class_p[k];
}

void
tree_inputs(const float surface[SURFACE_COUNT], const float hint[HINT_COUNT],
    float logit, float ret[TREE_INPUTS])
{
	memcpy(ret, surface, SURFACE_COUNT * sizeof(float));
	memcpy(ret + SURFACE_COUNT, hint, HINT_COUNT * sizeof(float));
	ret[TREE_INPUTS - 1] = logit;
}

static void
score_tiers(const struct classifier *c, struct scores *s)
{
	float inputs[TREE_INPUTS];

	for (unsigned t = 0; t < 2; t++) {
		float sum = s->words[HEAD_above_local + t] +
			    dot(s->surface, c->tier_surface[t], SURFACE_COUNT) +
			    dot(s->hint, c->tier_hint[t], HINT_COUNT);

		tree_inputs(s->surface, s->hint, sum, inputs);
		s->logit[HEAD_above_local + t] = trees_sum(c->tier_tree[t], inputs);
	}
}

static float
calibrated(const float platt[2], float logit)
{
	return logistic(platt[0] * logit + platt[1]);
}

#define PRIOR_WEIGHT 0.5F
/* Of a set of questions that no training has seen their length says as much as all
 * else; chosen by leaving out one source of the training set after the other. */
#define NEED_LENGTH  0.1F
#define GAIN_LOCAL   0.05F /* of a request that a local model answers well … */
#define GAIN_TIER    0.15F /* … and for each tier above, by judgement */
#define CHOICE_BONUS 0.2F  /* what the other two come to, by kind, in the mean */

/* How much better a frontier model does than a small one by the kind of work: measured
 * where there are outcomes (code, maths, reasoning, knowledge), by judgement elsewhere.
 * Of answers to choose from the outcomes say more. */
static const float prior_gain[CLASS_COUNT] = {[CLASS_code] = 0.32F,
    [CLASS_maths] = 0.31F,
    [CLASS_reasoning] = 0.27F,
    [CLASS_agent] = 0.27F,
    [CLASS_specialist] = 0.20F,
    [CLASS_knowledge] = 0.15F,
    [CLASS_extraction] = 0.12F,
    [CLASS_summarization] = 0.12F,
    [CLASS_translation] = 0.12F,
    [CLASS_classification] = 0.12F,
    [CLASS_writing] = 0.05F,
    [CLASS_chat] = 0.05F};

/* By the squares of the chances: what is surely of one kind counts as that alone. */
static float
prior_of(const float class_p[CLASS_COUNT])
{
	float sum = 0, all = 0;

	for (unsigned k = 0; k < CLASS_COUNT; k++) {
		all += class_p[k] * class_p[k];
		sum += class_p[k] * class_p[k] * prior_gain[k];
	}
	return sum / all;
}

/* How sure it is that a prompt is no question of a set. */
static float
traffic_of(const struct classifier *c, const struct scores *s)
{
	float inputs[TREE_INPUTS];

	if (s->form != FORM_free)
		return 0;
	tree_inputs(s->surface, s->hint, 0, inputs);
	return logistic(trees_sum(c->traffic_tree, inputs));
}

/* Outcomes are known of sets of questions. What a frontier model gains on a request of
 * traffic is told by the tier that it needs; what is in doubt counts little as such. */
static float
need_of(const struct classifier *c, const struct scores *s, const struct verdict *v,
    float tiers)
{
	float gain =
	    v->p_frontier - v->p_small + NEED_LENGTH * s->surface[SURFACE_words];
	float usual = GAIN_LOCAL + GAIN_TIER * tiers;

	if (s->form != FORM_free)
		return gain + CHOICE_BONUS;
	gain += v->traffic * v->traffic * v->traffic * (usual - gain);
	return gain + c->need_tier * tiers + PRIOR_WEIGHT * prior_of(s->class_p);
}

/* 1/3 is where local models end, 2/3 where small ones do. */
static float
complexity(const struct classifier *c, float tiers)
{
	if (tiers < c->local_at)
		return tiers / c->local_at / 3;
	if (tiers < c->small_at)
		return (1 + (tiers - c->local_at) / (c->small_at - c->local_at)) / 3;
	return (2 + (tiers - c->small_at) / (2 - c->small_at)) / 3;
}

/* ---- reasons ---- */

#define REASON_LEAST 0.25F /* of a logit */

static const struct {
	const char *harder, *easier;
} reasons[SURFACE_COUNT] = {
#define SURFACE(name, help) {"harder: " help, "easier: " help},
#include "surface.def"
};

/* How much value `i` moves both tiers' logits away from what is usual. */
static float
push_of(const struct classifier *c, const struct scores *s, unsigned i)
{
	return (s->surface[i] - c->usual[i]) *
	       (c->tier_surface[0][i] + c->tier_surface[1][i]);
}

static void
find_reasons(const struct classifier *c, const struct scores *s, struct verdict *ret)
{
	float push[nitems(ret->reasons)] = {0};
	size_t most = nitems(ret->reasons) - 1;

	for (unsigned i = 1; i < SURFACE_COUNT; i++) {
		float p = push_of(c, s, i);
		size_t at;

		if (fabsf(p) < REASON_LEAST || fabsf(p) <= fabsf(push[most - 1]))
			continue;
		/* Sorted by size; the last falls out. */
		for (at = most - 1; at > 0 && fabsf(p) > fabsf(push[at - 1]); at--) {
			push[at] = push[at - 1];
			ret->reasons[at] = ret->reasons[at - 1];
		}
		push[at] = p;
		ret->reasons[at] = p > 0 ? reasons[i].harder : reasons[i].easier;
	}
}

/* The share of words that the training texts had; of a text without words nothing is
 * known. */
float
confidence_of(uint32_t words, uint32_t unknown_words)
{
	return words == 0 ? 0 : (float)(words - unknown_words) / (float)words;
}

/* What no training text says: wanted reasoning, an answer of a few tokens. */
static float
adjusted(float complexity, const struct scores *s)
{
	complexity += 0.15F * s->surface[SURFACE_effort];
	complexity -= 0.08F * s->surface[SURFACE_few_tokens];
	return complexity < 0 ? 0 : complexity > 1 ? 1 : complexity;
}

void
scores_conclude(const struct classifier *c, const struct scores *s, struct verdict *ret)
{
	float tiers;

	ret->class = 0;
	for (unsigned k = 0; k < CLASS_COUNT; k++) {
		ret->class_p[k] = s->class_p[k];
		if (s->class_p[k] > s->class_p[ret->class])
			ret->class = (enum task_class)k;
	}
	ret->p_small = calibrated(c->outcome_platt[s->form][0], s->logit[HEAD_small]);
	ret->p_frontier =
	    calibrated(c->outcome_platt[s->form][1], s->logit[HEAD_frontier]);
	tiers = calibrated(c->tier_platt[0], s->logit[HEAD_above_local]) +
		calibrated(c->tier_platt[1], s->logit[HEAD_above_small]);
	ret->complexity = adjusted(complexity(c, tiers), s);
	ret->traffic = traffic_of(c, s);
	ret->need = need_of(c, s, ret, tiers);
	find_reasons(c, s, ret);
}

static void
scores_judge(const struct classifier *c, struct scores *s, struct verdict *ret)
{
	*ret = (struct verdict){0};
	s->form = form_of(s->surface[SURFACE_options]);
	score_classes(c, s);
	score_outcomes(c, s);
	score_tiers(c, s);
	scores_conclude(c, s, ret);
}

static void
sum_words(const struct classifier *c, const struct features *f, enum form form,
    float ret[HEAD_COUNT])
{
	int32_t sum[HEAD_COUNT], outcome[HEAD_COUNT];
	float norm = token_norm(f);

	rows_sum(c, f, 0, sum);
	if (form != FORM_free) {
		rows_sum(c, f, form_salt(form), outcome);
		sum[HEAD_small] = outcome[HEAD_small];
		sum[HEAD_frontier] = outcome[HEAD_frontier];
	}
	for (unsigned h = 0; h < HEAD_COUNT; h++)
		ret[h] = (float)sum[h] * norm * c->scale[h];
}

static void
judge(const struct classifier *c, struct features *f, const struct task *task,
    struct verdict *ret)
{
	struct scores s = {.form = FORM_free};

	features_surface(f, task, s.surface);
	sum_words(c, f, form_of(s.surface[SURFACE_options]), s.words);
	scores_judge(c, &s, ret);
	ret->follows = f->follows;
	ret->words = f->all_words;
	ret->unknown_words = f->all_words - f->known_words;
	ret->confidence = confidence_of(ret->words, ret->unknown_words);
}

static void
begin(const struct classifier *c, struct features *f)
{
	features_init(f, &c->lexicon);
	f->vocabulary = c->vocabulary;
	f->rows = (const char *)c->row;
}

void
classify(const struct classifier *c, const struct task *task,
    const struct prompt *prompt, struct verdict *ret)
{
	struct features f;

	begin(c, &f);
	features_read(&f, task, prompt);
	judge(c, &f, task, ret);
}

void
classify_text(const struct classifier *c, struct str text, struct verdict *ret)
{
	struct features f;

	begin(c, &f);
	features_read_text(&f, text);
	judge(c, &f, NULL, ret);
}

enum next
classify_step(struct request *r)
{
	struct worker *w = r->worker;
	int64_t start = w->env->mono_ns(w->env);

	if (r->task.endpoint == EP_generate) {
		classify(r->snap->classifier, &r->task, &r->prompt, &r->verdict);
		if (!r->in.dry)
			verdict_count(w->counters, &r->verdict);
	}
	r->classify_ns = w->env->mono_ns(w->env) - start;
	return NEXT;
}
