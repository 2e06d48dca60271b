/* budget_world.h: one simulated daemon: its clock, its policies, and what draws them.
 */
#ifndef UNIT_BUDGET_WORLD_H
#define UNIT_BUDGET_WORLD_H

#include "budget_bugs.h"
#include "budget_truth.h"
#include "fake_env.h"

struct template
{
	char name[BUDGET_NAME];
	struct budget rule;
	unsigned zone;
};

struct sim {
	struct fake_env *fake;
	struct env *env;
	struct budgets *b;
	struct template template[RULES_MAX];
	struct policy policy[POLICIES_MAX];
	struct policy *now;
	unsigned policies, first; /* of this process */
	int64_t unit;             /* of amounts */
	struct truth t;
	struct bugs bugs;
};

static struct calendar calendars[ZONES];

static inline unsigned
draw(struct sim *s, unsigned below)
{
	return (unsigned)fake_env_draw(s->fake, below);
}

static inline bool
one_in(struct sim *s, unsigned n)
{
	return draw(s, n) == 0;
}

static inline int64_t
wall_ms(struct sim *s)
{
	return env_wall_ms(s->env);
}

/* What budgets take for now: the clock, but never back. */
static inline int64_t
never_back(struct sim *s)
{
	int64_t wall = wall_ms(s);

	return wall > s->t.at_ms ? wall : s->t.at_ms;
}

/* ---- policies ---- */

static inline void
draw_scope(struct sim *s, struct budget *r)
{
	static const char *const values[][3] = {{NULL}, {"red", "blue", "none"},
	    {"r1", "b1", "local"}, {"ann", "bob", KEPT}, {NULL}, {"17", "18", "ci"}};

	r->scope = (enum budget_scope)draw(s, SCOPE_tag + 1);
	if (r->scope == SCOPE_tag)
		r->tag = one_in(s, 3) ? "env" : "run";
	if (r->scope != SCOPE_daemon && !one_in(s, 3))
		r->value = values[r->scope][draw(s, 3)];
}

static inline void
draw_template(struct sim *s, unsigned i)
{
	struct template *t = &s->template[i];
	struct budget *r = &t->rule;

	draw_scope(s, r);
	r->per = (enum budget_per)draw(s, PER_month + 1);
	t->zone = r->per == PER_all ? 0 : draw(s, ZONES);
	r->zone = zone_names[t->zone];
	r->clock = calendars[t->zone].clock;
	snprintf(t->name, sizeof(t->name), "%d %.20s %s per %d %s %u", (int)r->scope,
	    r->value == NULL ? "each" : r->value, r->tag == NULL ? "" : r->tag,
	    (int)r->per, r->zone == NULL ? "UTC" : r->zone,
	    one_in(s, 2) ? 0 : i); /* two of one kind now and then */
	r->name = t->name;
}

static inline void
draw_terms(struct sim *s, struct budget *r)
{
	r->cap.v = one_in(s, 20) ? 0 : (wide)s->unit * draw(s, 6000);
	r->hold = one_in(s, 3) ? HOLD_expected : HOLD_worst_case;
	r->on_exhausted = (enum on_exhausted)draw(s, EXHAUSTED_local_only + 1);
	r->http_status = one_in(s, 2) ? 402 : 429;
	r->warns = draw(s, 3);
	for (unsigned i = 0; i < r->warns; i++)
		r->warn_ppm[i] = (int32_t)(i * 300000 + draw(s, 300000));
}

/* Some of the rules, some of them changed since the last policy. */
static inline struct policy *
draw_policy(struct sim *s)
{
	struct policy *p = &s->policy[s->policies];

	for (unsigned i = 0; i < RULES_MAX; i++) {
		struct budget *r = &p->rule[p->snap.budget_count];
		int was = s->now == NULL ? -1 : rule_named(s->now, s->template[i].name);

		if (one_in(s, 3) || rule_named(p, s->template[i].name) >= 0)
			continue;
		p->zone[p->snap.budget_count] = s->template[i].zone;
		*r = was >= 0 ? s->now->rule[was] : s->template[i].rule;
		if (was < 0 || one_in(s, 3))
			draw_terms(s, r);
		r->index = p->snap.budget_count++;
	}
	p->snap.budgets = p->rule;
	return p;
}

static inline struct one *
some(struct sim *s, enum state state)
{
	unsigned from = s->t.count == 0 ? 0 : draw(s, s->t.count);

	for (unsigned i = 0; i < s->t.count; i++) {
		struct one *o = &s->t.one[(from + i) % s->t.count];

		if (o->state == state)
			return o;
	}
	return NULL;
}

#endif
