/* budget_sums.c: what rows come to, budget by budget. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "budget_kept.h"

static int
by_order(const void *a, const void *b)
{
	const struct budget *const *x = a, *const *y = b;
	const char *value = (*y)->value;

	return budget_order(*x, (*y)->scope, str_of((*y)->tag),
	    value == NULL ? str_make(NULL, 0) : str_of(value));
}

void
budget_sums_init(struct budget_sums *s, const struct budget *rule, unsigned rules)
{
	*s = (struct budget_sums){.rule = rule, .rules = rules};
	s->order = xcalloc(rules + 1, sizeof(*s->order));
	for (unsigned i = 0; i < rules; i++)
		s->order[i] = &rule[i];
	qsort(s->order, rules, sizeof(*s->order), by_order);
}

void
budget_sums_clear(struct budget_sums *s)
{
	map_free(s->at);
	s->at = NULL;
	s->entries = 0;
}

void
budget_sums_fini(struct budget_sums *s)
{
	budget_sums_clear(s);
	xfree(s->entry);
	xfree(s->order);
	*s = (struct budget_sums){0};
}

void
budget_row_who(const struct slot_request *r, struct tag tag[static SLOT_TAGS],
    struct budget_who *ret)
{
	struct str rest = str_make(r->tags, r->tags_len), line, name;
	unsigned at = 0;

	*ret = (struct budget_who){
	    .team = str_of(r->team),
	    .key = str_of(r->key),
	    .user = str_of(r->user),
	    .session = r->session,
	    .tags = tag,
	};
	for (; ret->tag_count < SLOT_TAGS && str_split(&rest, '\n', &line); at++) {
		if (!str_split(&line, '=', &name) || name.len == 0)
			continue;
		tag[ret->tag_count++] = (struct tag){name, line,
		    (enum tag_source)(at < SLOT_TAGS ? r->tag_source[at] : 0)};
	}
}

/* ---- entries ---- */

/* Equal ones have equal bytes. */
struct key {
	int64_t period_ms;
	unsigned rule, unused;
	char value[BUDGET_VALUE];
};

static struct str
name_of(const struct key *k)
{
	return str_make(
	    (const char *)k, offsetof(struct key, value) + strlen(k->value));
}

static struct budget_entry *
entry_of(struct budget_sums *s, const struct key *k)
{
	struct str name = name_of(k);
	size_t i;

	if (s->at == NULL)
		s->at = map_new();
	i = (size_t)(uintptr_t)map_get(s->at, name);
	if (i > 0)
		return &s->entry[i - 1];
	if (s->entries == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		s->entry = xrealloc(s->entry, s->room * sizeof(*s->entry));
	}
	s->entry[s->entries] =
	    (struct budget_entry){.rule = k->rule, .period_ms = k->period_ms};
	memcpy(s->entry[s->entries].value, k->value, sizeof(k->value));
	s->entries++;
	map_put(s->at, name, (void *)(uintptr_t)s->entries);
	return &s->entry[s->entries - 1];
}

bool
budget_sums_find(const struct budget_sums *s, const struct budget_entry *e)
{
	struct key k = {.period_ms = e->period_ms, .rule = e->rule};

	memcpy(k.value, e->value, sizeof(k.value));
	return s->at != NULL && map_get(s->at, name_of(&k)) != NULL;
}

static void
add_attempt(struct budget_sums *s, struct key *k, const struct slot_attempt *a)
{
	struct pusd charge = budget_charge(a->amount_pusd, a->at_most_pusd);
	int64_t at = budget_at_ms(a);
	struct budget_entry *e;

	if (charge.v <= 0)
		return;
	k->period_ms = budget_period_ms(&s->rule[k->rule], at);
	if (s->from_ms != NULL && k->period_ms < s->from_ms[k->rule])
		return;
	e = entry_of(s, k);
	pusd_sum_add(&e->spent, charge);
	if (e->at_ms < at)
		e->at_ms = at;
}

struct row {
	struct budget_who who;
	const struct slot *slot;
};

static void
add_rule(struct budget_sums *s, const struct budget *rule, const struct row *row)
{
	struct key k = {.rule = (unsigned)(rule - s->rule)};

	if (!budget_value(rule, &row->who, k.value))
		return;
	for (unsigned i = 0; i < row->slot->attempts; i++)
		add_attempt(s, &k, &row->slot->attempt[i]);
}

/* The first of the rules, in their order, that is not before that one. */
static unsigned
first_of(const struct budget_sums *s, enum budget_scope scope, struct str tag,
    struct str value)
{
	unsigned low = 0, high = s->rules;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (budget_order(s->order[mid], scope, tag, value) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Those of one value: of many, nearly all are somebody else's. */
static void
add_valued(struct budget_sums *s, const struct row *row, enum budget_scope scope,
    struct str tag, struct str value)
{
	unsigned i;

	if (value.len == 0)
		return;
	for (i = first_of(s, scope, tag, value); i < s->rules; i++) {
		if (budget_order(s->order[i], scope, tag, value) != 0)
			return;
		add_rule(s, s->order[i], row);
	}
}

void
budget_sums_add(struct budget_sums *s, const struct slot *slot)
{
	const struct str none = {0};
	struct tag tag[SLOT_TAGS];
	struct row row = {.slot = slot};
	const struct budget_who *who = &row.who;

	if (s->rules == 0)
		return;
	budget_row_who(&slot->request, tag, &row.who);
	for (unsigned i = 0; i < s->rules && s->order[i]->value == NULL; i++)
		add_rule(s, s->order[i], &row);
	add_valued(s, &row, SCOPE_team, none, who->team);
	add_valued(s, &row, SCOPE_key, none, who->key);
	add_valued(s, &row, SCOPE_user, none, who->user);
	for (unsigned i = 0; i < who->tag_count; i++)
		add_valued(s, &row, SCOPE_tag, who->tags[i].name, who->tags[i].value);
}

int64_t
budget_kept_from_ms(const struct budget *rule, int64_t at_ms)
{
	if (rule->per == PER_all)
		return INT64_MIN;
	return budget_period_ms(rule, budget_period_ms(rule, at_ms) - 1);
}
