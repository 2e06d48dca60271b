/* replay.h: what `frugald replay` found, for people and for programs. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "core/request.h"
#include "verb.h"

/* What the provider of --add-model is called. */
#define REPLAY_ADDED "added-machine"

/* The policy with that machine; the caller has one reference. NULL: said why. */
struct snapshot *replay_with_machine(
    struct cli *c, const struct snapshot *s, const char *id);

/* When an added machine pays, from what a replay found. */
struct replay_pay {
	double saved_usd;      /* beside the policy without it */
	double hours;          /* from the first request to the last, one at least */
	double machine_usd;    /* for so long */
	double saved_each_usd; /* by each request that it would have answered */
	double needed_by_hour; /* so many an hour pay for it; -1: none do */
	double most_by_hour;   /* so many it has time for */
	double used;           /* share of its places' time */
};

/* `r` is what was found with the machine, or without one. */
struct replay_found {
	const char *policy; /* its path */
	const struct replay_options *o;
	const struct replay_result *r;
	const struct replay_result
	    *alone;          /* without the machine; NULL: there is none */
	double usd_per_hour; /* of the machine */
};
struct replay_pay replay_pay_of(const struct replay_found *f);

void replay_view(struct cli *c, const struct replay_found *f, struct buf *ret);
void replay_json(const struct replay_found *f, struct buf *ret);

#endif
