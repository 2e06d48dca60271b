/* surface_only.c: outcomes by counts alone, the baseline that words have to beat. */
#include "core/request.h"
#include "model.h"

static void
judge(const struct classifier *c, const struct features *f, const struct task *task,
    struct verdict *ret)
{
	float surface[SURFACE_COUNT], logit[2] = {0};

	features_surface(f, task, surface);
	for (unsigned i = 0; i < OUTCOME_SURFACES; i++) {
		for (unsigned h = 0; h < 2; h++)
			logit[h] += surface[i] * c->surface_only[h][i];
	}
	*ret = (struct verdict){0};
	ret->p_small = logistic(logit[HEAD_small]);
	ret->p_frontier = logistic(logit[HEAD_frontier]);
	ret->need = ret->p_frontier - ret->p_small;
}

void
classify_surface(const struct classifier *c, const struct task *task,
    const struct prompt *prompt, struct verdict *ret)
{
	struct features f;

	features_init(&f, &c->lexicon);
	features_read(&f, task, prompt);
	judge(c, &f, task, ret);
}

void
classify_surface_text(const struct classifier *c, struct str text, struct verdict *ret)
{
	struct features f;

	features_init(&f, &c->lexicon);
	features_read_text(&f, text);
	judge(c, &f, NULL, ret);
}
