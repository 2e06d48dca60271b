/* learn_share.c: which share of a month's spend of a team or key went to frontier
 * models. The roll-ups know; here it is kept up between two looks at them. */
#include <string.h>

#include "base/util.h"
#include "learn.h"
#include "month.h"
#include "store.h"

/* A smaller step is none: every published value is a row for good. */
#define STEP 0.005F

static void
begin_month(struct learn *l, unsigned i, int month)
{
	l->now.share[i].month = month;
	l->now.share[i].frontier = 0;
	l->spend[i] = (struct learn_spend){0};
}

/* Who has not spent anything for a month makes room. */
static int
place_for(struct learn *l, int month)
{
	struct outlook *o = &l->now;

	if (o->shares < nitems(o->share))
		return (int)o->shares++;
	for (unsigned i = 0; i < o->shares; i++) {
		if (o->share[i].month < month)
			return (int)i;
	}
	return -1;
}

static int
find(struct learn *l, enum share_of of, const char *name, int month)
{
	struct outlook *o = &l->now;
	int at;

	for (unsigned i = 0; i < o->shares; i++) {
		if (o->share[i].of == (int32_t)of &&
		    strcmp(o->share[i].name, name) == 0)
			return (int)i;
	}
	at = place_for(l, month);
	if (at < 0)
		return -1;
	o->share[at] = (struct outlook_share){.of = (int32_t)of};
	str_copy(o->share[at].name, sizeof(o->share[at].name), str_of(name));
	begin_month(l, (unsigned)at, month);
	return at;
}

static void
set_share(struct learn *l, unsigned i)
{
	const struct learn_spend *s = &l->spend[i];

	l->now.share[i].frontier =
	    s->all.v > 0 ? (float)((double)s->frontier.v / (double)s->all.v) : 0;
}

static void
add(struct learn *l, enum share_of of, const char *name, const struct slot *s)
{
	int month = month_of(s->end_ms), i = find(l, of, name, month);

	if (i < 0 || month < l->now.share[i].month)
		return;
	if (month > l->now.share[i].month)
		begin_month(l, (unsigned)i, month);
	/* Else it comes with the roll-ups, in which it is already. */
	if (!l->spend[i].loaded)
		return;
	for (unsigned k = 0; k < s->attempts; k++) {
		const struct slot_attempt *a = &s->attempt[k];

		if (a->amount_pusd <= 0)
			continue;
		l->spend[i].all.v += a->amount_pusd;
		if (a->tier == TIER_frontier)
			l->spend[i].frontier.v += a->amount_pusd;
	}
	set_share(l, (unsigned)i);
}

void
learn_share(struct learn *l, const struct slot *s)
{
	if ((s->request.shares >> SHARE_team & 1) != 0)
		add(l, SHARE_team, s->request.team, s);
	if ((s->request.shares >> SHARE_key & 1) != 0)
		add(l, SHARE_key, s->request.key, s);
}

/* Few at a time: each is a look at all of a month. */
#define LOADS 8

void
learn_share_load(struct learn *l)
{
	unsigned loads = 0;

	for (unsigned i = 0; i < l->now.shares; i++) {
		const struct outlook_share *s = &l->now.share[i];
		struct pusd_sum by_tier[TIER_COUNT], all = {0};

		if (l->spend[i].loaded)
			continue;
		if (loads++ == LOADS)
			return;
		/* On failure the ledger's own errors say why; tried again next time. */
		if (!store_month_spend(
			l->store, (enum share_of)s->of, s->name, s->month, by_tier))
			return;
		for (size_t k = 0; k < TIER_COUNT; k++)
			all.v += by_tier[k].v;
		l->spend[i] = (struct learn_spend){true, all, by_tier[TIER_frontier]};
		set_share(l, i);
	}
}

bool
learn_share_moved(const struct outlook_share *was, const struct outlook_share *is)
{
	float step = is->frontier - was->frontier;

	return was->month != is->month || was->of != is->of ||
	       strcmp(was->name, is->name) != 0 || step >= STEP || step <= -STEP;
}
