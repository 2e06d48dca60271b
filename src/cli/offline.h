/* offline.h: the pure functions behind the steps, without a daemon: what would become
 * of a request under a policy. */
#ifndef CLI_OFFLINE_H
#define CLI_OFFLINE_H

#include <stdbool.h>

#include "core/request.h"

struct offline;

/* `s` must outlive it; its providers get health and dialect.
 * NULL: a provider's api is not known. */
struct offline *offline_new(struct env *env, struct snapshot *s);
void offline_free(struct offline *o); /* takes NULL */

struct offline_request {
	/* by the caller */
	const struct dialect *dialect;
	struct principal who; /* names are filled in where they are missing */
	struct tag tags[16];
	unsigned tag_count;
	const struct data_class *data; /* NULL: none */
	int64_t hours_s;               /* by which rules with hours go; 0: now */

	/* by offline_read() and offline_plan() */
	const struct snapshot *snap;
	struct task task;
	struct prompt prompt;
	struct verdict verdict;
	struct session_view session; /* a new one */
	struct route_input in;
	struct plan plan;
	const char *why; /* offline_read() failed */
};

/* Reads and classifies a body, which must outlive `r`. False: `r->why`. */
bool offline_read(struct offline *o, struct str body, struct arena *mem,
    struct offline_request *r) MUST_CHECK;
/* False: nobody may serve it; the plan says why. */
bool offline_plan(struct offline *o, struct offline_request *r);

#endif
