/* replay_world.h: what was in force when a request was decided. */
#ifndef REPORT_REPLAY_WORLD_H
#define REPORT_REPLAY_WORLD_H

#include "core/request.h"
#include "books.h"

struct replay_worlds;

struct replay_world {
	const char *policy, *basis; /* the row's texts */
	const struct snapshot *fresh;
	struct snapshot *old; /* NULL: `why` */
	const char *why;      /* for people */
	bool same_prices;     /* as in the other policy, contract terms too */
	/* the other policy's model of an old one's index; NULL: it has none */
	const struct model *model[MODELS_MAX];
};

struct replay_worlds *replay_worlds_new(struct books *b, const struct snapshot *fresh);
void replay_worlds_free(struct replay_worlds *w); /* takes NULL */
/* Of a row; the same texts are the same pointers. Never NULL. */
const struct replay_world *replay_world_of(
    struct replay_worlds *w, const char *policy, const char *basis);

#endif
