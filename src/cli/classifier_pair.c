/* classifier_pair.c: --pair [SOURCE:]WEAK,STRONG: outcomes of two named models. */
#include <string.h>

#include "classifier_eval.h"

/* A name of a model may have a colon: then SOURCE is written, or nothing before the
 * first. */
static void
split_source(struct str *weak, struct str *ret_source)
{
	const char *colon = memchr(weak->p, ':', weak->len);

	*ret_source = str_make("", 0);
	if (colon == NULL)
		return;
	*ret_source = str_make(weak->p, (size_t)(colon - weak->p));
	*weak = str_skip(*weak, ret_source->len + 1);
}

static bool
same_source(const struct eval *x, struct str source)
{
	for (unsigned i = 0; i < x->pairs; i++) {
		if (str_eq(x->pair[i].source, source))
			return true;
	}
	return false;
}

static bool
add_pair(struct eval *x, struct str weak, struct str strong)
{
	struct str source;

	split_source(&weak, &source);
	if (weak.len == 0 || strong.len == 0) {
		cli_misuse(x->c, "--pair: expected [SOURCE:]WEAK,STRONG, not '%s'",
		    x->c->opt[OPT_pair]);
		return false;
	}
	if (same_source(x, source)) {
		cli_misuse(x->c, "--pair: there are two for %s%.*s",
		    source.len == 0 ? "every source" : "source ", (int)source.len,
		    source.p);
		return false;
	}
	if (x->pairs == PAIRS) {
		cli_misuse(x->c, "--pair: more than %d in one call", PAIRS);
		return false;
	}
	x->pair[x->pairs++] = (struct pair){
	    source, arena_str(x->c->mem, weak), arena_str(x->c->mem, strong), 0};
	return true;
}

bool
pairs_read(struct eval *x)
{
	struct str rest = str_of(x->c->opt[OPT_pair]), weak, strong;

	while (rest.len > 0) {
		/* Without a comma `strong` stays empty, and that is said. */
		if (!str_split(&rest, ',', &weak) || !str_split(&rest, ',', &strong))
			strong = str_make("", 0);
		if (!add_pair(x, weak, strong))
			return false;
	}
	return true;
}

struct pair *
pair_of(struct eval *x, const char *source)
{
	struct pair *all = NULL;

	for (unsigned i = 0; i < x->pairs; i++) {
		if (x->pair[i].source.len == 0)
			all = &x->pair[i];
		else if (str_is(x->pair[i].source, source))
			return &x->pair[i];
	}
	return all;
}

bool
pair_outcomes(struct pair *p, struct row_read *row)
{
	const json_t *scores = json_object_get(row->json, "scores");
	const json_t *weak = json_object_get(scores, p->weak);
	const json_t *strong = json_object_get(scores, p->strong);

	if (!json_is_number(weak) || !json_is_number(strong))
		return false;
	row->lesson.small = (float)json_number_value(weak);
	row->lesson.frontier = (float)json_number_value(strong);
	p->rows++;
	return true;
}

bool
pairs_all_used(const struct eval *x)
{
	for (unsigned i = 0; i < x->pairs; i++) {
		const struct pair *p = &x->pair[i];

		if (p->rows > 0)
			continue;
		cli_fail("--pair: no row%s%.*s has outcomes of both '%s' and '%s'; are "
			 "the names spelt as in \"scores\"?",
		    p->source.len == 0 ? "" : " of source ", (int)p->source.len,
		    p->source.p, p->weak, p->strong);
		return false;
	}
	return true;
}
