/* explain.h: the two halves of `frugald explain`. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "compare.h"
#include "verb.h"

/* That of --policy, without secrets. NULL: findings were printed. */
struct snapshot *explain_new_policy(struct cli *c);
/* On standard output, as text or JSON. */
void explain_compared(
    struct cli *c, const struct compared *then, const struct compared *now);
/* REQUEST_ID --policy; gives the exit code. */
int explain_past_policy(struct cli *c);

#endif
