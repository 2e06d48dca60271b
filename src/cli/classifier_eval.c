/* classifier_eval.c: `frugald classifier eval`: how good the verdicts are. */
#include "classifier_eval.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define OUT_MAX ((size_t)1 << 20)

static struct slice *
slice_of(struct eval *x, const char *name)
{
	struct slice *s;

	for (unsigned i = 0; i < x->slices; i++) {
		if (strcmp(x->slice[i].name, name) == 0)
			return &x->slice[i];
	}
	if (x->slices == SLICES)
		return NULL;
	s = &x->slice[x->slices++];
	s->name = arena_str(x->c->mem, str_of(name));
	s->pair = pair_of(x, name);
	s->room = 256;
	for (unsigned o = 0; o < ORDERS; o++)
		s->sample[o] = xcalloc(s->room, sizeof(struct sample));
	return s;
}

static void
surface_row(const struct classifier *c, const struct row_read *row, struct verdict *ret)
{
	if (row->is_request)
		classify_surface(c, &row->task, &row->prompt, ret);
	else
		classify_surface_text(c, row->text, ret);
}

static size_t
length_of(const struct row_read *row)
{
	size_t bytes = row->text.len;

	for (uint32_t i = 0; row->is_request && i < row->prompt.count; i++)
		bytes += row->prompt.pieces[i].raw.len;
	return bytes;
}

static void
add_samples(struct eval *x, struct slice *s, const struct row_read *row,
    const struct verdict *v)
{
	float weak = row->lesson.small, strong = row->lesson.frontier;
	float length = (float)length_of(row);
	uint32_t at = (uint32_t)s->count;
	struct verdict surface;

	if (s->count == s->room) {
		s->room *= 2;
		for (unsigned o = 0; o < ORDERS; o++)
			s->sample[o] =
			    xrealloc(s->sample[o], s->room * sizeof(struct sample));
	}
	surface_row(x->weights, row, &surface);
	s->sample[BY_need][at] = (struct sample){v->need, weak, strong, v->p_small, at};
	s->sample[BY_surface][at] =
	    (struct sample){surface.need, weak, strong, surface.p_small, at};
	/* Less and less likely, though no probability. */
	s->sample[BY_length][at] = (struct sample){length, weak, strong, -length, at};
	s->count++;
}

static void
add_outcome(struct eval *x, struct row_read *row, const struct verdict *v)
{
	struct slice *s = slice_of(x, row->source);
	struct pair *pair = pair_of(x, row->source);
	bool known;

	if (s == NULL) {
		x->full++;
		return;
	}
	if (pair != NULL)
		known = pair_outcomes(pair, row);
	else
		known = row->lesson.small >= 0 && row->lesson.frontier >= 0;
	if (known)
		add_samples(x, s, row, v);
	else
		s->left_out++;
}

static int
level_of(const struct verdict *v)
{
	return v->complexity < 1.0F / 3 ? 0 : v->complexity < 2.0F / 3 ? 1 : 2;
}

static void
add_trap(struct eval *x, const char *name, bool wrong)
{
	unsigned i = 0;

	if (name[0] == '\0')
		name = "none";
	while (i < x->traps && strcmp(x->trap[i].name, name) != 0)
		i++;
	if (i == TRAPS)
		return;
	if (i == x->traps) {
		x->trap[i].name = arena_str(x->c->mem, str_of(name));
		x->traps++;
	}
	x->trap[i].rows++;
	x->trap[i].wrong += wrong;
}

static bool
add_row(void *arg, struct row_read *row)
{
	struct eval *x = arg;
	const struct lesson *l = &row->lesson;
	struct verdict v;

	classify_row(x->weights, row, &v);
	if (json_object_get(row->json, "scores") != NULL)
		add_outcome(x, row, &v);
	if (l->tier < 0)
		return true;
	x->labelled++;
	x->tier[l->tier][level_of(&v)]++;
	x->class_right += l->class == (int)v.class;
	add_trap(x, row->trap, l->tier != level_of(&v));
	return true;
}

static void
tell(const struct eval *x)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	if (x->c->opt[OPT_json] != NULL)
		eval_json(x, &out);
	else
		eval_text(x, &out);
	fputs(out.p, stdout);
	buf_fini(&out);
}

int
verb_classifier_eval(struct cli *c)
{
	struct eval *x = arena_alloc(c->mem, sizeof(*x));
	struct rows rows;
	bool ok = true;

	x->c = c;
	if (!pairs_read(x))
		return CLI_usage;
	x->weights = classifier_given(c);
	if (x->weights == NULL)
		return CLI_found;
	rows_init(&rows, c);
	for (unsigned i = 0; ok && i < c->args; i++)
		ok = rows_each(&rows, c->arg[i], add_row, x);
	rows_fini(&rows);
	if (ok && x->full > 0)
		ok = cli_fail("more than %u sources in one call", SLICES) == CLI_fine;
	ok = ok && pairs_all_used(x);
	if (ok)
		tell(x);
	for (unsigned i = 0; i < x->slices; i++) {
		for (unsigned o = 0; o < ORDERS; o++)
			xfree(x->slice[i].sample[o]);
	}
	return ok ? CLI_fine : CLI_found;
}
