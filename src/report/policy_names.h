/* policy_names.h: what the numbers of a packed plan were called. */
#ifndef REPORT_POLICY_NAMES_H
#define REPORT_POLICY_NAMES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "books.h"

#define POLICY_MODELS 64
#define POLICY_ATS    8

/* Names in the order of the policy. In the arena. */
struct policy_names {
	struct {
		struct str name;
		struct str at[POLICY_ATS];
		unsigned ats;
	} model[POLICY_MODELS];
	unsigned models;
};

/* From a policy as it is printed back (`check
 * --print`), which is what the ledger keeps. */
void policy_names_parse(struct str canonical, struct policy_names *ret);

/* Of the policy that the ledger keeps by this hash; NULL: it has none. */
const struct policy_names *policy_names_load(
    struct books *b, struct str hash, struct arena *mem);

#endif
