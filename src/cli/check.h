/* check.h: what a policy means, beside its findings. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "base/json.h"
#include "config/snapshot.h"
#include "verb.h"

#define MEANING_ROUTES 64

/* What each candidate of a route is there for. */
struct meaning {
	/* of `asked` kinds of request, those of which it is the first choice, by route
	 * and by place among its candidates */
	unsigned chosen[MEANING_ROUTES][MODELS_MAX];
	/* those for which it is the second of a cascade */
	unsigned second[MEANING_ROUTES][MODELS_MAX];
	/* of those that are neither: why, in words; else NULL */
	const char *why[MEANING_ROUTES][MODELS_MAX];
	unsigned asked[MEANING_ROUTES]; /* GRID_CELLS, times WEEK_MINUTES where a rule
					   has hours */
};

/* A kind of request: a task class at a complexity. */
#define GRID_STEPS   11
#define GRID_CELLS   (CLASS_COUNT * GRID_STEPS)
#define WEEK_MINUTES (7 * 24 * 60)

/* `s` is bound to health and dialects; nothing is sent. False: a provider speaks an api
 * that this release does not know. */
bool meaning_find(struct cli *c, struct snapshot *s, struct meaning *ret);

/* Tables for people, and warnings of what cannot be chosen. */
void meaning_text(
    struct cli *c, const struct snapshot *s, const struct meaning *m, struct buf *ret);
/* Each budget in words. */
void meaning_budgets(struct cli *c, const struct snapshot *s, struct buf *ret);
/* The member `budgets` of an object: name, cap_usd, text. */
void meaning_budgets_json(struct cli *c, const struct snapshot *s, struct json *j);
/* Members of an object. */
void meaning_json(const struct snapshot *s, const struct meaning *m, struct json *j);

#endif
