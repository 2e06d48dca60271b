/* policy.h: the policy as verbs look at it, and whether it knows what was typed. */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include <stdbool.h>

#include "config/snapshot.h"
#include "verb.h"

/* Without secrets. NULL: findings were printed. */
struct snapshot *policy_offline(struct cli *c);

/* `s` with its weights; takes NULL. NULL, and a finding: they are none. */
struct snapshot *policy_bound(struct snapshot *s, struct diag *d);

/* NULL is known. False: said so, with the nearest that is. */
bool policy_knows_team(struct cli *c, const struct snapshot *s, const char *name);
bool policy_knows_data(struct cli *c, const struct snapshot *s, const char *name);
/* "name=value" lines, the last NULL. */
bool policy_knows_tags(
    struct cli *c, const struct snapshot *s, const char *const *tags);

#endif
