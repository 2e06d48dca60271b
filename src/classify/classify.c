/* classify.c: plain rules over surface features, behind the interface that trained
 * weights will fill. */
#include "stage/classify.h"

#include "core/request.h"
#include "core/worker.h"
#include "surface.h"

struct classifier {
	const char *version;
};

static const struct classifier builtin = {"rules-1"};

const struct classifier *
classifier_builtin(void)
{
	return &builtin;
}

const char *
classifier_version(const struct classifier *c)
{
	return c->version;
}

/* How much each cue speaks for a class; the rest of a row is 0. */
static const float weight[CLASS_COUNT][CUE_COUNT] = {
    [CLASS_chat] = {[CUE_easy] = 0.8F, [CUE_follow] = 0.6F},
    [CLASS_code] = {[CUE_code] = 1.4F},
    [CLASS_maths] = {[CUE_maths] = 1.1F, [CUE_proof] = 1.3F},
    [CLASS_reasoning] = {[CUE_reason] = 1.0F, [CUE_hard] = 0.5F},
    [CLASS_knowledge] = {[CUE_fact] = 0.7F},
    [CLASS_writing] = {[CUE_write] = 1.3F},
    [CLASS_extraction] = {[CUE_extract] = 0.9F},
    [CLASS_summarization] = {[CUE_summarize] = 1.6F},
    [CLASS_translation] = {[CUE_translate] = 1.2F},
    [CLASS_classification] = {[CUE_label] = 1.1F},
    [CLASS_specialist] = {[CUE_special] = 1.1F},
};

/* Work of a class that says nothing else of itself is about so hard. */
static const float usual[CLASS_COUNT] = {
    [CLASS_chat] = 0.08F,
    [CLASS_code] = 0.42F,
    [CLASS_maths] = 0.42F,
    [CLASS_reasoning] = 0.48F,
    [CLASS_knowledge] = 0.20F,
    [CLASS_writing] = 0.28F,
    [CLASS_extraction] = 0.20F,
    [CLASS_summarization] = 0.22F,
    [CLASS_translation] = 0.20F,
    [CLASS_classification] = 0.15F,
    [CLASS_agent] = 0.45F,
    [CLASS_specialist] = 0.58F,
};

/* Grows with a count and saturates: the fifth cue says less than the first. */
static float
soft(uint32_t n, float half)
{
	return (float)n / ((float)n + half);
}

static void
score_classes(const struct task *t, const struct features *f, float ret[CLASS_COUNT])
{
	for (size_t c = 0; c < CLASS_COUNT; c++) {
		ret[c] = 0.02F;
		for (size_t q = 0; q < CUE_COUNT; q++)
			ret[c] += weight[c][q] * soft(f->cue[q], 1.5F) * 2.0F;
	}
	ret[CLASS_chat] += f->words < 6 ? 0.5F : 0.1F;
	ret[CLASS_knowledge] += f->questions > 0 && f->words < 40 ? 0.5F : 0.05F;
	ret[CLASS_code] += 2.0F * soft(f->code_lines, 3) + 0.5F * soft(f->braces, 12);
	ret[CLASS_maths] += 0.8F * soft(f->operators, 6) + 0.4F * soft(f->digits, 20);
	if (t->tools > 0)
		ret[CLASS_agent] += t->open_tool_call ? 4.0F : 1.0F;
	if ((t->needs & 1U << CAP_json_schema) != 0)
		ret[CLASS_extraction] += 0.8F;
}

static enum task_class
normalize(float p[CLASS_COUNT])
{
	float sum = 0;
	size_t best = 0;

	for (size_t c = 0; c < CLASS_COUNT; c++) {
		p[c] = p[c] * p[c]; /* sharpen: the best cue should lead */
		sum += p[c];
		if (p[c] > p[best])
			best = c;
	}
	for (size_t c = 0; c < CLASS_COUNT; c++)
		p[c] /= sum;
	return (enum task_class)best;
}

static void
push(struct verdict *v, float points, const char *why)
{
	v->complexity += points;
	if (points < 0.04F && points > -0.04F)
		return;
	for (size_t i = 0; i < nitems(v->reasons); i++) {
		if (v->reasons[i] != NULL)
			continue;
		v->reasons[i] = why;
		break;
	}
}

static void
score_complexity(const struct task *t, const struct features *f, struct verdict *v)
{
	v->complexity = 0;
	for (size_t c = 0; c < CLASS_COUNT; c++)
		v->complexity += v->class_p[c] * usual[c];
	push(
	    v, 0.50F * soft(f->cue[CUE_proof], 1.5F), "asks for a proof or derivation");
	push(v, 0.30F * soft(f->cue[CUE_hard], 2), "asks for design or analysis");
	push(v, 0.15F * soft(f->cue[CUE_special], 3), "professional field");
	push(v, 0.15F * soft(f->steps + f->list_items, 6), "many parts");
	push(v, 0.20F * soft(f->words, 400), "long task");
	push(v, 0.10F * soft(f->code_lines, 30), "much code");
	if (f->words < 12 && f->cue[CUE_proof] + f->cue[CUE_hard] == 0)
		push(v, -0.10F, "short question");
	push(v, -0.15F * soft(f->cue[CUE_easy], 2), "asks for little");
	if (t->effort.len > 0 && !str_is(t->effort, "low") &&
	    !str_is(t->effort, "none") && !str_is(t->effort, "minimal") &&
	    !str_is(t->effort, "disabled"))
		push(v, 0.15F, "asks for reasoning effort");
	if (t->max_output >= 0 && t->max_output <= 32)
		push(v, -0.08F, "answer of a few words");
	if (t->background)
		push(v, -0.30F, "the client's own background call");
	v->complexity = v->complexity < 0 ? 0 : v->complexity > 1 ? 1 : v->complexity;
}

/* Little evidence, foreign script, or two classes that are equally likely: not sure. */
static float
sureness(const struct features *f, const struct verdict *v)
{
	float first = 0, second = 0, foreign, sure;

	for (size_t c = 0; c < CLASS_COUNT; c++) {
		if (v->class_p[c] > first) {
			second = first;
			first = v->class_p[c];
		} else if (v->class_p[c] > second) {
			second = v->class_p[c];
		}
	}
	foreign = (float)f->foreign / (float)(f->latin + f->foreign + 1);
	sure = 0.45F + 0.5F * (first - second);
	/* The words are those of four languages in Latin script: where none of them can
	 * stand, silence is no sign of an easy task. */
	sure *= 1.0F - 0.75F * foreign;
	if (f->words == 0)
		sure = 0.2F;
	return sure < 0 ? 0 : sure;
}

void
classify(const struct classifier *c, const struct task *task,
    const struct prompt *prompt, struct verdict *ret)
{
	struct features f;

	(void)c;
	*ret = (struct verdict){0};
	features_read(prompt, &f);
	score_classes(task, &f, ret->class_p);
	ret->class = normalize(ret->class_p);
	score_complexity(task, &f, ret);
	ret->confidence = sureness(&f, ret);
}

enum next
classify_step(struct request *r)
{
	struct worker *w = r->worker;
	int64_t start = w->env->mono_ns(w->env);

	if (r->task.endpoint == EP_generate)
		classify(w->shared->classifier, &r->task, &r->prompt, &r->verdict);
	r->classify_ns = w->env->mono_ns(w->env) - start;
	return NEXT;
}
