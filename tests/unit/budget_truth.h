/* budget_truth.h: what budgets must say, reckoned from lists and the C library's
 * calendar alone. */
#ifndef UNIT_BUDGET_TRUTH_H
#define UNIT_BUDGET_TRUTH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/mem.h"
#include "config/zone.h"
#include "stage/budget.h"
#include "stage/route.h"

/* ---- periods: every change of a local hour, day, week, month of some years ---- */

#define FROM_S      1748736000LL /* 2025-06-01T00:00:00Z */
#define UNTIL_S     1861920000LL /* 2029-01-01T00:00:00Z */
#define QUARTER_S   900
#define CHANGES_MAX 33000

struct calendar {
	const char *name;         /* of the zone; NULL: UTC */
	const struct zone *clock; /* the product's */
	unsigned shifts;          /* of the clock, to and from summer time */
	int64_t shift_s[16];
	unsigned count[PER_month + 1];
	int64_t *begin_s[PER_month + 1];
};

/* Summer time; an offset of half an hour; days that begin at 1 o'clock and days that
 * have midnight twice; a calendar of its own. */
static const char *const zone_names[] = {NULL, "Europe/Berlin", "America/New_York",
    "Asia/Kolkata", "America/Havana", "Africa/Cairo"};
#define ZONES (sizeof(zone_names) / sizeof(zone_names[0]))

/* The same for all moments of one period. */
static inline int64_t
label(enum budget_per per, const struct tm *t, int64_t at_s)
{
	switch (per) {
	case PER_hour:
		return (at_s + t->tm_gmtoff) / 3600;
	case PER_day:
		return t->tm_year * 1000 + t->tm_yday;
	case PER_week: /* days since a Monday */
		return (timegm(&(struct tm){.tm_year = t->tm_year,
			    .tm_mon = t->tm_mon,
			    .tm_mday = t->tm_mday}) /
			       86400 +
			   3) /
		       7;
	default:
		return t->tm_year * 12 + t->tm_mon;
	}
}

static inline void
calendar_init(struct calendar *c, const char *zone, struct arena *mem)
{
	int64_t last[PER_month + 1] = {0};
	long offset_s = 0;
	struct tm t;

	*c = (struct calendar){.name = zone};
	setenv("TZ", zone == NULL ? "UTC0" : zone, 1);
	tzset();
	for (int per = PER_hour; per <= PER_month; per++)
		c->begin_s[per] = arena_alloc(mem, CHANGES_MAX * sizeof(int64_t));
	for (int64_t s = FROM_S; s < UNTIL_S; s += QUARTER_S) {
		time_t at = s;

		(void)localtime_r(&at, &t);
		if (s != FROM_S && t.tm_gmtoff != offset_s && c->shifts < 16)
			c->shift_s[c->shifts++] = s;
		offset_s = t.tm_gmtoff;
		for (int per = PER_hour; per <= PER_month; per++) {
			int64_t now = label((enum budget_per)per, &t, s);

			/* What the clock shows again when it is put back is over. */
			if (now <= last[per])
				continue;
			if (s != FROM_S)
				c->begin_s[per][c->count[per]++] = s;
			last[per] = now;
		}
	}
}

static inline void
calendar_period(const struct calendar *c, enum budget_per per, int64_t at_ms,
    int64_t *ret_begin_ms, int64_t *ret_next_ms)
{
	unsigned low = 0, high = c->count[per];

	*ret_begin_ms = 0;
	*ret_next_ms = -1;
	if (per == PER_all)
		return;
	while (low + 1 < high) {
		unsigned mid = (low + high) / 2;

		if (c->begin_s[per][mid] * 1000 <= at_ms)
			low = mid;
		else
			high = mid;
	}
	*ret_begin_ms = c->begin_s[per][low] * 1000;
	*ret_next_ms = c->begin_s[per][low + 1] * 1000;
}

/* ---- who asks ---- */

/* 63 bytes, as many as a row keeps of a user. */
#define KEPT   "a-name-that-is-longer-than-any-ledger-keeps-0123456789-01234567"
#define LONG_A KEPT "89-0123-A"
#define LONG_B KEPT "89-0123-B"

/* What the ledger keeps of them; `check` refuses longer values of budgets. */
#define LONG_KEPT "a-name-that-is-longer-than-any-ledger-keeps-0123456789-01234567"

static const struct tag tags_of[][2] = {
    {{.name = STR("run"), .value = STR("17"), .source = TAG_by_key},
	{.name = STR("run"), .value = STR("18"), .source = TAG_by_header}},
    {{.name = STR("env"), .value = STR("ci"), .source = TAG_by_key},
	{.name = STR("run"), .value = STR("18"), .source = TAG_by_header}},
};

static const struct budget_who askers[] = {
    {.team = STR("red"),
	.key = STR("r1"),
	.user = STR("ann"),
	.session = 7,
	.tags = tags_of[0],
	.tag_count = 2},
    {.team = STR("red"),
	.key = STR("r2"),
	.user = STR("bob"),
	.session = 8,
	.tags = tags_of[1],
	.tag_count = 2},
    {.team = STR("red"), .key = STR("r2"), .user = STR(LONG_A), .session = 7},
    {.team = STR("blue"),
	.key = STR("b1"),
	.user = STR(LONG_B),
	.session = UINT64_MAX,
	.tags = tags_of[1],
	.tag_count = 1},
    {.team = STR("blue"),
	.key = STR("b1"),
	.user = STR("ann"),
	.tags = tags_of[1],
	.tag_count = 2},
    {.key = STR("local"), .session = 8},
    {.user = STR("bob")},
    {.team = STR("ann"), .key = STR("ann"), .tags = tags_of[0], .tag_count = 1},
};
#define ASKERS (sizeof(askers) / sizeof(askers[0]))

/* What `rule` goes by, of this asker; len 0: it does not apply. */
static inline struct str
part_of(const struct budget *rule, const struct budget_who *w, char text[static 32])
{
	switch (rule->scope) {
	case SCOPE_daemon:
		return STR("all");
	case SCOPE_team:
		return w->team;
	case SCOPE_key:
		return w->key;
	case SCOPE_user:
		return w->user.len < BUDGET_VALUE
			   ? w->user
			   : str_make(w->user.p, BUDGET_VALUE - 1);
	case SCOPE_session:
		snprintf(text, 32, "%016llx", (unsigned long long)w->session);
		if (w->session != 0)
			return str_of(text);
		break;
	case SCOPE_tag:
		for (unsigned i = 0; i < w->tag_count; i++) {
			if (str_eq(w->tags[i].name, str_of(rule->tag)))
				return w->tags[i].value;
		}
		break;
	}
	return (struct str){0};
}

/* Do both have one account of it? */
static inline bool
same_account(const struct budget *rule, unsigned a, unsigned b)
{
	char text_a[32], text_b[32];
	struct str x = part_of(rule, &askers[a], text_a);
	struct str y = part_of(rule, &askers[b], text_b);

	if (x.len == 0 || y.len == 0)
		return false;
	x.len = x.len < BUDGET_VALUE ? x.len : BUDGET_VALUE - 1;
	y.len = y.len < BUDGET_VALUE ? y.len : BUDGET_VALUE - 1;
	if (rule->value != NULL)
		return str_eq(x, str_of(rule->value)) && str_eq(y, str_of(rule->value));
	return str_eq(x, y);
}

static inline bool
applies(const struct budget *rule, unsigned who)
{
	return same_account(rule, who, who);
}

/* ---- what was asked for and what became of it ---- */

#define RULES_MAX    8
#define CASES_MAX    160
#define POLICIES_MAX 40

struct policy {
	struct snapshot snap;
	struct budget rule[RULES_MAX];
	unsigned zone[RULES_MAX];  /* of the rule, in zone_names */
	uint32_t since[RULES_MAX]; /* generation in which the rule came */
	uint32_t generation;
};

enum state {
	HELD,  /* sent */
	ENDED, /* settled; its row is on the way */
	BOOKED /* the ledger has it */
};

struct one {
	enum state state;
	unsigned who;
	const struct policy *under; /* the policy of its begin */
	const struct policy *by;    /* the one that was in force when it was granted */
	struct grant grant;
	struct budget_need need;
	int64_t at_ms;
	int64_t amount;
};

struct truth {
	struct calendar *calendar; /* by zone */
	struct one one[CASES_MAX];
	unsigned count;
	int64_t at_ms; /* the latest moment that anything was granted in */
	char why[400]; /* "": all is well */
};

#define wrong(t, ...)                                                      \
	do {                                                               \
		if ((t)->why[0] == '\0')                                   \
			snprintf((t)->why, sizeof((t)->why), __VA_ARGS__); \
	} while (0)

static inline int64_t
need_of(const struct budget *rule, const struct budget_need *n)
{
	return rule->hold == HOLD_expected ? n->expected.v : n->worst_case.v;
}

/* The rule of this name in a policy; -1: it has none. */
static inline int
rule_named(const struct policy *p, const char *name)
{
	for (unsigned i = 0; i < p->snap.budget_count; i++) {
		if (strcmp(p->rule[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* Does a request of this asker, begun under `under`, have an account of the rule? */
static inline bool
on_path(
    const struct policy *now, unsigned rule, const struct policy *under, unsigned who)
{
	return now->since[rule] <= under->generation &&
	       rule_named(under, now->rule[rule].name) >= 0 &&
	       applies(&now->rule[rule], who);
}

static inline int64_t
begin_of(const struct truth *t, const struct policy *p, unsigned rule, int64_t at_ms)
{
	int64_t begin, next;

	calendar_period(
	    &t->calendar[p->zone[rule]], p->rule[rule].per, at_ms, &begin, &next);
	return begin;
}

/* What was spent and is held of the account that `who` has of a rule of the policy in
 * force, in the period of `at_ms`. */
static inline void
truth_sums(const struct truth *t, const struct policy *now, unsigned rule, unsigned who,
    wide ret[static 2], int64_t at_ms)
{
	const struct budget *r = &now->rule[rule];
	int64_t begin = begin_of(t, now, rule, at_ms);

	ret[0] = ret[1] = 0;
	for (unsigned i = 0; i < t->count; i++) {
		const struct one *o = &t->one[i];
		/* The rule is newer: only the ledger can tell it. */
		bool older = o->under->generation < now->since[rule];
		int was = o->state == HELD ? rule_named(o->by, r->name) : -1;

		if (!same_account(r, who, o->who) ||
		    begin_of(t, now, rule, o->at_ms) != begin)
			continue;
		if (o->state == BOOKED || (o->state == ENDED && !older))
			ret[0] += o->amount;
		else if (was >= 0 && !older)
			ret[1] += need_of(&o->by->rule[was], &o->need);
	}
}

#endif
