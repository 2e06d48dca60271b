/* lesson.c: prompts become rows of numbers, once. */
#include "lesson.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "core/request.h"

static void
grow(struct trainer *t, uint32_t tokens)
{
	if (t->count == t->room) {
		t->room = t->room == 0 ? 1024 : 2 * t->room;
		t->lesson = xrealloc(t->lesson, t->room * sizeof(*t->lesson));
		t->fold = xrealloc(t->fold, t->room);
		t->surface = xrealloc(
		    t->surface, (size_t)t->room * SURFACE_COUNT * sizeof(float));
		t->x.begin =
		    xrealloc(t->x.begin, ((size_t)t->room + 1) * sizeof(size_t));
		t->heard_begin =
		    xrealloc(t->heard_begin, ((size_t)t->room + 1) * sizeof(size_t));
	}
	if (t->x.begin[t->count] + tokens > t->token_room) {
		t->token_room = 2 * t->token_room + tokens + 65536;
		t->x.bucket =
		    xrealloc(t->x.bucket, t->token_room * sizeof(*t->x.bucket));
		t->x.value = xrealloc(t->x.value, t->token_room * sizeof(float));
	}
}

/* One question may stand in several sources: by how it begins. */
static uint8_t
fold_of(const struct trainer *t, const struct features *f)
{
	uint32_t n = f->tokens < 16 ? f->tokens : 16, hash = t->o.seed;

	for (uint32_t i = 0; i < n; i++)
		hash = hash_mix(hash ^ f->bucket[i]) + 1;
	return (uint8_t)(hash_mix(hash) % FOLDS);
}

static void
add(struct trainer *t, const struct features *f, const struct task *task,
    const struct lesson *l)
{
	float norm = token_norm(f);
	size_t at;

	if (t->count == 0 && t->x.begin == NULL) {
		t->x.begin = xcalloc(1, sizeof(size_t));
		t->heard_begin = xcalloc(1, sizeof(size_t));
	}
	grow(t, f->tokens);
	at = t->x.begin[t->count];
	for (uint32_t i = 0; i < f->tokens; i++) {
		t->x.bucket[at + i] = f->bucket[i];
		t->x.value[at + i] = (float)f->add[i] * norm;
	}
	t->x.begin[t->count + 1] = at + f->tokens;
	t->heard_begin[t->count + 1] = t->heard.count;
	features_surface(f, task, t->surface + (size_t)t->count * SURFACE_COUNT);
	t->lesson[t->count] = *l;
	t->fold[t->count] = fold_of(t, f);
	t->of_source[l->source % LESSON_SOURCES]++;
	t->count++;
	t->x.rows = t->count;
}

static void
begin(struct trainer *t, struct features *f, const struct lesson *l)
{
	features_init(f, &t->lexicon);
	f->once = t->once;
	f->twice = t->twice;
	f->heard = l->tier >= 0 ? &t->heard : NULL;
}

void
trainer_add(struct trainer *t, const struct task *task, const struct prompt *prompt,
    const struct lesson *l)
{
	struct features f;

	begin(t, &f, l);
	features_read(&f, task, prompt);
	add(t, &f, task, l);
}

void
trainer_add_text(struct trainer *t, struct str text, const struct lesson *l)
{
	struct features f;

	begin(t, &f, l);
	features_read_text(&f, text);
	add(t, &f, NULL, l);
}

/* Of a source of n prompts each counts n^-0.5, and 1 on the mean of all. */
static void
weigh(struct trainer *t)
{
	double sum = 0;

	t->weight = xcalloc(t->count, sizeof(float));
	for (unsigned s = 0; s < LESSON_SOURCES; s++)
		sum += sqrt((double)t->of_source[s]);
	for (uint32_t r = 0; r < t->count; r++) {
		double n = t->of_source[t->lesson[r].source % LESSON_SOURCES];

		t->weight[r] = (float)((double)t->count / sum / sqrt(n));
	}
}

/* Values of surface number `i`: mean 0, spread 1; the constant stays 1. */
static void
centre(struct trainer *t, unsigned i)
{
	double sum = 0, squares = 0, n = 0, w;

	for (uint32_t r = 0; r < t->count; r++) {
		double v = t->surface[(size_t)r * SURFACE_COUNT + i];

		w = t->weight[r];
		n += w;
		sum += w * v;
		squares += w * v * v;
	}
	t->mean[i] = (float)(sum / n);
	t->spread[i] = (float)sqrt(squares / n - sum / n * sum / n);
	if (!(t->spread[i] > 1e-3F))
		t->spread[i] = 1;
	if (i == SURFACE_bias) {
		t->mean[i] = 0;
		t->spread[i] = 1;
	}
	for (uint32_t r = 0; r < t->count; r++) {
		float *v = &t->surface[(size_t)r * SURFACE_COUNT + i];

		*v = (*v - t->mean[i]) / t->spread[i];
	}
}

/* Of a prompt whose values are centred. */
enum form
form_in(const struct trainer *t, uint32_t row)
{
	return form_of(t->surface[(size_t)row * SURFACE_COUNT + SURFACE_options] *
			   t->spread[SURFACE_options] +
		       t->mean[SURFACE_options]);
}

void
lessons_finish(struct trainer *t)
{
	size_t n = t->count;

	weigh(t);
	for (unsigned i = 0; i < SURFACE_COUNT; i++)
		centre(t, i);
	t->class_p = xcalloc(n * CLASS_COUNT, sizeof(float));
	t->outcome = xcalloc(n * 2, sizeof(float));
	t->tier = xcalloc(n * 2, sizeof(float));
	t->class_w = xcalloc((BUCKETS + SURFACE_COUNT) * CLASS_COUNT, sizeof(float));
	t->outcome_w =
	    xcalloc((BUCKETS + FORM_COUNT * OUTCOME_SURFACES) * 2, sizeof(float));
	t->tier_w = xcalloc((BUCKETS + SURFACE_COUNT + HINT_COUNT) * 2, sizeof(float));
}
