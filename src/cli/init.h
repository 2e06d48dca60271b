/* init.h: what `frugald init` knows of vendors,
 * what it finds, and the policy it makes of that. */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include <stdbool.h>

#include "base/buf.h"
#include "config/catalogue.h"
#include "verb.h"

/* Where models may be had; constant. */
struct place {
	const char *provider, *api, *url, *region;
	const char *key;  /* environment variable; NULL: a server on this machine */
	const char *note; /* for people: "Ollama" */
	const char *more; /* further keys of the provider, or "" */
	const char *models[2]; /* catalogue ids, the best first; local: asked for */
};

#define FOUND_MODELS 6

/* A model at a place that was found. */
struct found_model {
	const char *name;                    /* for the policy */
	const char *served_as;               /* what the place calls it */
	const struct catalogue_model *known; /* NULL: not in the catalogue */
};

struct found {
	const struct place *place;
	struct found_model model[FOUND_MODELS];
	unsigned models;
};

/* Looks around: the environment, then the usual ports of this machine. Gives the number
 * of places, at most `max`; says on standard error what there is. */
unsigned init_look(
    struct cli *c, const struct catalogue *known, struct found *ret, unsigned max);

/* The policy. `state` is its state folder. */
void init_write(
    const struct found *found, unsigned count, const char *state, struct buf *ret);

#endif
