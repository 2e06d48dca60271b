/* classify.h: what kind of work a prompt is and how hard; pure, no allocation. */
#ifndef STAGE_CLASSIFY_H
#define STAGE_CLASSIFY_H

#include "core/sets.h"

struct task;
struct prompt;
struct classifier;

/* The answer. */
struct verdict {
	enum task_class class;      /* the likeliest */
	float class_p[CLASS_COUNT]; /* sums to 1 */
	float complexity; /* [0, 1]: 0 any model will do, 1 only the best may */
	float confidence; /* [0, 1] */
	const char
	    *reasons[4]; /* constant strings: what weighed most; NULL behind the last */
};

/* The rules of this release; the shape into which trained weights will be loaded.
 * Immutable, shared. */
const struct classifier *classifier_builtin(void);
/* For the ledger: names the weights, e.g. "rules-1". */
const char *classifier_version(const struct classifier *c);

/* At most a few microseconds for a usual prompt; reads head and tail of a long one. */
void classify(const struct classifier *c, const struct task *task,
    const struct prompt *prompt, struct verdict *ret);

#endif
