/* budget_sums.c: what rows come to, budget by budget. */
#include <string.h>

#include "base/mem.h"
#include "budget_kept.h"

void
budget_sums_init(struct budget_sums *s, const struct budget *rule, unsigned rules)
{
	*s = (struct budget_sums){.rule = rule, .rules = rules};
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

void
budget_sums_add(struct budget_sums *s, const struct slot *slot)
{
	struct tag tag[SLOT_TAGS];
	struct budget_who who;

	if (s->rules == 0)
		return;
	budget_row_who(&slot->request, tag, &who);
	for (unsigned r = 0; r < s->rules; r++) {
		struct key k = {.rule = r};

		if (!budget_value(&s->rule[r], &who, k.value))
			continue;
		for (unsigned i = 0; i < slot->attempts; i++)
			add_attempt(s, &k, &slot->attempt[i]);
	}
}

int64_t
budget_kept_from_ms(const struct budget *rule, int64_t at_ms)
{
	if (rule->per == PER_all)
		return INT64_MIN;
	return budget_period_ms(rule, budget_period_ms(rule, at_ms) - 1);
}
