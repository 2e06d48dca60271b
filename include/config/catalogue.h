/* catalogue.h: what is known of public models (config/models.yaml). */
#ifndef CONFIG_CATALOGUE_H
#define CONFIG_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"
#include "core/sets.h"

struct catalogue_model {
	const char *id;              /* vendor/name */
	int64_t context, max_output; /* tokens */
	uint32_t can;                /* 1 << enum capability */
	enum tier tier;              /* usual; the config's line decides */
	const char *max_field; /* body field of the output limit; NULL: the dialect's */
	const char *const
	    *match; /* names at providers; the last NULL; exact or with '*' */
	int32_t output_tokens[CLASS_COUNT]; /* expected, reasoning included */
	double quality[CLASS_COUNT]; /* expected success at complexity 0.5, [0, 1] */
	const char *retires;         /* day; NULL: unknown */
	/* for people, who read the file; NULL: not said */
	const char *quality_source, *quality_date, *released;
};

struct catalogue;

/* Reads YAML text; NULL when it has errors (all are in `d`). The caller frees. */
struct catalogue *catalogue_parse(struct str yaml, const char *file, struct diag *d);
void catalogue_free(struct catalogue *c);

/* By id; NULL when unknown. */
const struct catalogue_model *catalogue_find(const struct catalogue *c, struct str id);
const struct catalogue_model *catalogue_at(const struct catalogue *c, size_t i);
size_t catalogue_count(const struct catalogue *c);
/* The id nearest to a mistyped one, or NULL. */
const char *catalogue_nearest(const struct catalogue *c, struct str id);

#endif
