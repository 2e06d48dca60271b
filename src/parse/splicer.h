/* splicer.h: replaces values in a client's body and, where there is none, puts a member
 * at the object's start. */
#ifndef PARSE_SPLICER_H
#define PARSE_SPLICER_H

#include "core/request.h"

struct splicer {
	const struct task *task;
	struct arena *mem;
	struct splice *list; /* room for SPLICES_MAX */
	size_t count;
	struct str members; /* to be put behind the body's first '{' */
};

void splicer_init(struct splicer *s, const struct task *t, struct arena *mem,
    struct splice ret[static SPLICES_MAX]);
/* `value` is JSON and outlives the splices, as do all texts below. */
void splicer_replace(struct splicer *s, struct span at, struct str value);
void splicer_insert(struct splicer *s, size_t at, struct str text);
/* The body's member `name`, whose value stands at `at` or nowhere. */
void splicer_set(struct splicer *s, struct span at, const char *name, struct str value);

/* What all dialects have; nothing where the body says it already. */
void splicer_set_model(struct splicer *s, struct str model);
void splicer_set_service_tier(struct splicer *s, struct str tier);

/* Puts the splices in order; gives their number. */
size_t splicer_done(struct splicer *s);

/* JSON of a whole number, in the arena. */
struct str splicer_int(const struct splicer *s, int64_t v);

#endif
