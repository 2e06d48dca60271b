/* train.c: a trainer, from its first lesson to the weights file. */
#include "base/mem.h"
#include "core/request.h"
#include "lesson.h"

struct trainer *
trainer_new(const struct train_options *o)
{
	struct trainer *t = xcalloc(1, sizeof(*t));

	t->o = *o;
	t->model = xcalloc(1, sizeof(*t->model));
	lexicon_make(&t->lexicon);
	return t;
}

void
trainer_free(struct trainer *t)
{
	if (t == NULL)
		return;
	xfree(t->lesson);
	xfree(t->surface);
	xfree(t->x.begin);
	xfree(t->x.bucket);
	xfree(t->x.value);
	xfree(t->heard.bit);
	xfree(t->heard_begin);
	xfree(t->fold);
	xfree(t->weight);
	xfree(t->class_p);
	xfree(t->outcome);
	xfree(t->tier);
	xfree(t->class_w);
	xfree(t->outcome_w);
	xfree(t->tier_w);
	xfree(t->model);
	xfree(t);
}
