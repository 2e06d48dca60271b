/* path.h: the budgets that a request is under. */
#ifndef BUDGET_PATH_H
#define BUDGET_PATH_H

#include "core/request.h"

struct path {
	unsigned count;
	bool too_many; /* a policy that `check` lets through has none such */
	struct path_entry {
		const struct budget *rule;
		char value[BUDGET_VALUE];
	} at[BUDGET_PATH_MAX];
};

void path_find(
    const struct snapshot *snap, const struct budget_who *who, struct path *ret);

#endif
