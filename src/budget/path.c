/* path.c: which budgets a request is under, and whose account in each. */
#include "path.h"

#include <inttypes.h>
#include <stdio.h>

static struct str
tag_of(const struct budget_who *who, const char *name)
{
	for (unsigned i = 0; i < who->tag_count; i++) {
		if (str_is(who->tags[i].name, name))
			return who->tags[i].value;
	}
	return STR("");
}

/* Empty: it has none. */
static struct str
value_of(const struct budget *rule, const struct budget_who *who, char session[17])
{
	switch (rule->scope) {
	case SCOPE_team:
		return who->team;
	case SCOPE_key:
		return who->key;
	case SCOPE_user:
		return who->user;
	case SCOPE_session:
		if (who->session == 0)
			break;
		snprintf(session, 17, "%016" PRIx64, who->session);
		return str_make(session, 16);
	case SCOPE_tag:
		return tag_of(who, rule->tag);
	case SCOPE_daemon:
		break;
	}
	return STR("");
}

bool
budget_value(const struct budget *rule, const struct budget_who *who,
    char ret[static BUDGET_VALUE])
{
	char session[17];
	struct str value;

	ret[0] = '\0';
	if (rule->scope == SCOPE_daemon)
		return true;
	value = value_of(rule, who, session);
	if (value.len == 0 || (rule->value != NULL && !str_is(value, rule->value)))
		return false;
	str_copy(ret, BUDGET_VALUE, value);
	return true;
}

void
path_find(const struct snapshot *snap, const struct budget_who *who, struct path *ret)
{
	char value[BUDGET_VALUE];

	ret->count = 0;
	ret->too_many = false;
	for (unsigned i = 0; i < snap->budget_count; i++) {
		struct path_entry *e = &ret->at[ret->count];

		if (ret->count == BUDGET_PATH_MAX) {
			ret->too_many |= budget_value(&snap->budgets[i], who, value);
			continue;
		}
		if (!budget_value(&snap->budgets[i], who, e->value))
			continue;
		e->rule = &snap->budgets[i];
		ret->count++;
	}
}
