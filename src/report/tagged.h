/* tagged.h: whose cost can be told to somebody: it has a team, and the tags that team
 * and key require. */
#ifndef REPORT_TAGGED_H
#define REPORT_TAGGED_H

#include "base/map.h"
#include "facts.h"

struct snapshot;

struct tagged {
	const struct snapshot *snap;
	struct map *keys;    /* names to const struct terms * */
	struct pusd_sum has; /* cost that has all */
	bool unknown;        /* of some nobody knows: no roll-up has its tags */
};

/* `snap` NULL, or one without teams: nothing is required, all is unknown. */
void tagged_init(struct tagged *t, const struct snapshot *snap);
void tagged_fini(struct tagged *t);
void tagged_add(struct tagged *t, const struct fact *f);

#endif
