/* catalogue.c: what is known of public models, from YAML to a sorted table. */
#include "config/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "classes.h"
#include "row.h"

#define CATALOGUE_MODELS_MAX 4096
#define ARENA_BYTES          ((size_t)256 << 20)

struct entry {
	struct draft draft;
	struct catalogue_model m;
	int tier;
	const struct node *can, *match, *output_tokens, *quality;
};

struct catalogue_file {
	int version;
	struct table models;
};

struct catalogue {
	struct arena *mem;
	struct catalogue_model *models; /* by id */
	size_t count;
	const char **ids; /* the last NULL */
};

static const char *const tiers[] = {"frontier", "small", "local", NULL};

static const struct row model_rows[] = {
#include "catalogue.def"
    {0}};

static const struct table_def model_table = {
    "model", model_rows, sizeof(struct entry), CATALOGUE_MODELS_MAX};

static const struct row file_rows[] = {
    {"version", KIND_int, .flags = ROW_required, LANDS(struct catalogue_file, version),
	.min = 1, .max = 1, .shape = "1"},
    {"models", KIND_table, .flags = ROW_required, LANDS(struct catalogue_file, models),
	.table = &model_table, .shape = "{VENDOR/NAME: {context: 128000}}"},
    {0}};

static bool
all_known(const double values[static CLASS_COUNT])
{
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		if (values[i] < 0)
			return false;
	}
	return true;
}

static void
fill(const struct reading *r, const struct entry *e, struct catalogue_model *ret)
{
	double quality[CLASS_COUNT], tokens[CLASS_COUNT];

	for (size_t i = 0; i < CLASS_COUNT; i++)
		quality[i] = tokens[i] = -1;
	*ret = e->m;
	ret->id = e->draft.name;
	ret->tier = (enum tier)e->tier;
	ret->can = capabilities_read(r, e->can);
	ret->match = texts_read(r, e->match);
	classes_read(r, e->quality, 0, 1, quality);
	classes_read(r, e->output_tokens, 1, 1000000, tokens);
	if ((e->quality != NULL && !all_known(quality)) ||
	    (e->output_tokens != NULL && !all_known(tokens)))
		diag_error(r->d, e->draft.node->key_at,
		    "'%s': quality and output_tokens need a `default`, or every class",
		    ret->id);
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		ret->quality[i] = quality[i];
		ret->output_tokens[i] = (int32_t)tokens[i];
	}
}

static int
by_id(const void *a, const void *b)
{
	const struct catalogue_model *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static void
take(struct catalogue *c, const struct reading *r, const struct table *t)
{
	c->count = t->count;
	c->models = arena_alloc(c->mem, (c->count + 1) * sizeof(*c->models));
	c->ids = arena_alloc(c->mem, (c->count + 1) * sizeof(*c->ids));
	for (unsigned i = 0; i < t->count; i++)
		fill(r, table_at(t, &model_table, i), &c->models[i]);
	qsort(c->models, c->count, sizeof(*c->models), by_id);
	for (size_t i = 0; i < c->count; i++)
		c->ids[i] = c->models[i].id;
}

struct catalogue *
catalogue_parse(struct str yaml, const char *file, struct diag *d)
{
	struct catalogue *c = xcalloc(1, sizeof(*c));
	struct catalogue_file f = {0};
	size_t before = diag_errors(d);
	struct arena *nodes = arena_new(ARENA_BYTES);
	struct reading r;
	struct node *root;

	c->mem = arena_new(ARENA_BYTES);
	r = (struct reading){.mem = c->mem, .d = d};
	root = tree_parse(nodes, c->mem, yaml, file, d);
	if (root != NULL) {
		row_read(&r, file_rows, root, " in the catalogue", &f);
		take(c, &r, &f.models);
	}
	arena_free(nodes);
	if (root != NULL && diag_errors(d) == before)
		return c;
	catalogue_free(c);
	return NULL;
}

void
catalogue_free(struct catalogue *c)
{
	if (c == NULL)
		return;
	arena_free(c->mem);
	xfree(c);
}

static int
against_id(const void *key, const void *entry)
{
	const struct str *id = key;
	const struct catalogue_model *m = entry;
	size_t len = strlen(m->id);
	int by = memcmp(id->p, m->id, id->len < len ? id->len : len);

	return by != 0 ? by : (id->len > len) - (id->len < len);
}

const struct catalogue_model *
catalogue_find(const struct catalogue *c, struct str id)
{
	if (c->count == 0 || id.len == 0)
		return NULL;
	return bsearch(&id, c->models, c->count, sizeof(*c->models), against_id);
}

const struct catalogue_model *
catalogue_at(const struct catalogue *c, size_t i)
{
	return &c->models[i];
}

size_t
catalogue_count(const struct catalogue *c)
{
	return c->count;
}

const char *
catalogue_nearest(const struct catalogue *c, struct str id)
{
	char text[64];

	str_copy(text, sizeof(text), id);
	return diag_nearest(text, c->ids);
}
