/* classes.c: maps of task classes to numbers, as models have them. */
#include "classes.h"

#include "value.h"

static const char *const class_words[] = {
#define CLASS(name, help) #name,
#include "core/class.def"
    "default", NULL};

static const char *const capability_words[] = {
#define CAPABILITY(name, help) #name,
#include "core/capability.def"
    NULL};

static void
refuse_word(const struct reading *r, struct diag_place at, const char *what,
    const char *word, const char *const known[])
{
	const char *near = diag_nearest(word, known);
	const char *all = "";

	if (near != NULL) {
		diag_error(
		    r->d, at, "unknown %s '%s'; did you mean '%s'?", what, word, near);
		return;
	}
	for (size_t i = 0; known[i] != NULL; i++)
		all = arena_printf(r->mem, "%s%s%s", all, i == 0 ? "" : ", ", known[i]);
	diag_error(r->d, at, "unknown %s '%s'; known are: %s", what, word, all);
}

void
classes_read(const struct reading *r, const struct node *map, double min, double max,
    double values[static CLASS_COUNT])
{
	const struct node *rest = node_get(map, "default"), *n;
	enum task_class c;
	double v;

	if (rest != NULL && value_number(rest->text, &v)) {
		for (size_t i = 0; i < CLASS_COUNT; i++)
			values[i] = v;
	}
	for (n = map == NULL ? NULL : map->first; n != NULL; n = n->next) {
		if (n != rest && !class_parse(n->key, &c)) {
			refuse_word(r, n->key_at, "task class", n->key.p, class_words);
			continue;
		}
		if (!value_number(n->text, &v) || v < min || v > max)
			diag_error(r->d, n->at,
			    "%s: '%s' does not fit; write a number from %g to %g",
			    n->key.p, n->text.p, min, max);
		else if (n != rest)
			values[c] = v;
	}
}

uint32_t
capabilities_read(const struct reading *r, const struct node *list)
{
	enum capability c;
	uint32_t set = 0;

	for (const struct node *n = list == NULL ? NULL : list->first; n != NULL;
	     n = n->next) {
		if (capability_parse(n->text, &c))
			set |= 1U << c;
		else
			refuse_word(
			    r, n->at, "capability", n->text.p, capability_words);
	}
	return set;
}

const char *const *
texts_read(const struct reading *r, const struct node *list)
{
	const char **texts;
	size_t i = 0;

	if (list == NULL)
		return NULL;
	texts = arena_alloc(r->mem, (list->count + 1) * sizeof(*texts));
	for (const struct node *n = list->first; n != NULL; n = n->next)
		texts[i++] = n->text.p;
	return texts;
}
