/* path.c: which budgets a request is under, and whose account in each. */
#include "path.h"

#include <inttypes.h>
#include <stdio.h>

/* So many are looked at one by one. */
#define FEW 16

static struct str
tag_of(const struct budget_who *who, const char *name)
{
	for (unsigned i = 0; i < who->tag_count; i++) {
		if (str_is(who->tags[i].name, name))
			return who->tags[i].value;
	}
	return STR("");
}

/* How much of a text the slot's row keeps: up to a NUL, cut at a whole character. */
static struct str
kept_of(struct str s)
{
	size_t at = 0,
	       n = strnlen(s.p, s.len < BUDGET_VALUE ? s.len : BUDGET_VALUE - 1);

	while (at < n) {
		size_t len = str_utf8(str_make(s.p + at, n - at));

		if (len == 0 && n - at < 4)
			break;
		at += len == 0 ? 1 : len;
	}
	return str_make(s.p, at);
}

/* What a client writes is as long as it likes; all others are names. */
static struct str
user_of(const struct budget_who *who)
{
	return who->user.len == 0 ? who->user : kept_of(who->user);
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
		return user_of(who);
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
	if (rule->scope == SCOPE_key && rule->tag != NULL &&
	    !str_starts(value, str_of(rule->tag)))
		return false;
	(void)str_copy(ret, BUDGET_VALUE, kept_of(value));
	return true;
}

static void
take(struct path *p, const struct budget *rule, const struct budget_who *who)
{
	char value[BUDGET_VALUE];

	if (p->count == BUDGET_PATH_MAX)
		p->too_many |= budget_value(rule, who, value);
	else if (budget_value(rule, who, p->at[p->count].value))
		p->at[p->count++].rule = rule;
}

/* What one of them is told apart by. */
struct whose {
	enum budget_scope scope;
	struct str tag, value;
};

static void
take_valued(const struct snapshot *snap, const struct budget_who *who, struct path *p,
    struct whose w)
{
	const struct budget *all = snap->budgets;
	unsigned low = 0, high = snap->budget_count;

	if (w.value.len == 0)
		return;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (budget_order(&all[mid], w.scope, w.tag, w.value) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < snap->budget_count; low++) {
		if (budget_order(&all[low], w.scope, w.tag, w.value) != 0)
			return;
		take(p, &all[low], who);
	}
}

/* Of many, nearly all are somebody else's. */
static void
find_among_many(
    const struct snapshot *snap, const struct budget_who *who, struct path *p)
{
	const struct str none = {0};

	for (unsigned i = 0; i < snap->budget_count; i++) {
		if (snap->budgets[i].value != NULL)
			break;
		take(p, &snap->budgets[i], who);
	}
	take_valued(snap, who, p, (struct whose){SCOPE_team, none, who->team});
	take_valued(snap, who, p, (struct whose){SCOPE_key, none, who->key});
	take_valued(snap, who, p, (struct whose){SCOPE_user, none, user_of(who)});
	for (unsigned i = 0; i < who->tag_count; i++)
		take_valued(snap, who, p,
		    (struct whose){SCOPE_tag, who->tags[i].name, who->tags[i].value});
}

void
path_find(const struct snapshot *snap, const struct budget_who *who, struct path *ret)
{
	ret->count = 0;
	ret->too_many = false;
	if (snap->budget_count > FEW) {
		find_among_many(snap, who, ret);
		return;
	}
	for (unsigned i = 0; i < snap->budget_count; i++)
		take(ret, &snap->budgets[i], who);
}
