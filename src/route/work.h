/* work.h: a plan while it is being made: every (model, provider) of a route or model,
 * and what has become of it. Private to route/. */
#ifndef ROUTE_WORK_H
#define ROUTE_WORK_H

#include <math.h>

#include "core/request.h"

/* All that a policy can name; what of it stands
 * in the plan is the best CANDIDATES_MAX. */
#define OPTIONS_MAX (MODELS_MAX * MODEL_PROVIDERS_MAX)

/* In the order in which they are tried. */
enum group {
	GROUP_good,      /* meets the bar */
	GROUP_busy,      /* meets the bar; a local machine whose queue is too long */
	GROUP_below,     /* healthy, but does not */
	GROUP_unhealthy, /* meets the bar; its provider is out of service */
	GROUP_both,      /* neither */
};

struct option {
	struct candidate c;
	bool out;    /* c.reason says why */
	bool walled; /* by walls(): no mode and no fallback brings it back */
	bool queued; /* at a local machine whose queue is longer than the route likes */
	bool busy;   /* and somebody else may serve, so that it comes last */
	enum group group;
	unsigned order; /* of the model in the route */
	unsigned place; /* of the provider among the model's, 0 first */
	/* of the model's first provider that may serve: a model is tried at all its
	 * providers before the next one is */
	double model_cost_usd;
	int32_t model_ttft_ms;
	bool slow; /* latency.c's, for a moment */
};

/* What a verdict says of every model; see success.c. */
struct evidence {
	double class_w[CLASS_COUNT]; /* sums to 1 */
	double complexity;
	double weight; /* of the classifier's own word against the curve */
	/* its log-odds for a model of quality `from` (a log-odds, too), and how they
	 * rise with quality */
	double small, from, rise;
};

struct work {
	const struct route_input *in;
	struct plan *plan;
	const struct route *route; /* NULL: `named` */
	const struct model *named;
	struct terms terms;       /* of team and key together */
	const struct rule *rule;  /* the first that holds; NULL: none */
	const char *service;      /* tier to ask for, by the rule; NULL */
	const struct model *pin;  /* the history is bound to it; NULL: free */
	const struct model *stay; /* the session's, where it may stay; NULL: free */
	bool acts;                /* the mode lets the decision serve this session */
	bool as_if; /* numbers as if the session had run on whoever is looked at */
	bool hurry; /* nobody is likely to make the deadline: fastest first */
	double max_cost_usd; /* least of all limits; -1: none */
	const char *max_cost_param;
	const struct option *spilled; /* would be first, were it not busy; NULL */
	struct evidence evidence;
	unsigned count, lined;
	struct option *option; /* OPTIONS_MAX; those of a model stand together */
	struct option **line;  /* OPTIONS_MAX; those that are not out, best first */
};

/* ---- admit.c: may this request be routed at all, and between whom ---- */

/* What the client asked for, its rights, its team's terms. False: refused. */
bool admit(struct work *w);

/* ---- walls.c: the candidate set, made once ---- */

/* Lists all options and puts out those that may not or cannot serve. False: nobody is
 * left, refused. */
bool walls(struct work *w);
/* Providers that may see the request; `ret_class` the strictest class, or NULL. */
uint32_t wall_of(const struct work *w, const struct data_class **ret_class);

/* ---- success.c ---- */

/* The odds of a verdict, in the bytes in which a row keeps them: the formula uses no
 * more, so that a decision that is made again has the same numbers. */
struct odds {
	/* all of it in `class`, when the verdict has none */
	uint8_t class_p[CLASS_COUNT];
	uint8_t small, frontier; /* both 0: not told */
	uint8_t traffic;
};
/* False: nothing is told but the class, and that is certain. */
bool odds_of(const struct verdict *v, struct odds *ret);
/* The other way: odds_of() gives the same bytes again. */
void odds_tell(const struct odds *o, struct verdict *ret);

void evidence_of(const struct verdict *v, struct evidence *ret);
/* Expected success, see success.c. */
double success_of(const struct evidence *e, const struct model *m);

/* ---- score.c: the yardstick ---- */

/* Numbers of every option that is not out, of the baseline, and the floor. */
void score(struct work *w);

/* ---- cost.c: what a candidate would cost ---- */

/* Its tokens, its price and its expected cost. `as_if`: as if the session had run
 * there. */
void cost_fill(const struct work *w, struct candidate *c, bool as_if);
/* Is it where the session last ran? */
bool at_session(const struct work *w, const struct candidate *c);
/* How likely the session's prompt cache is still at this provider; there is one. */
double warmth_of(const struct work *w, const struct provider *p);
/* What leaving that place gives up of its prompt cache, in dollars. */
double switch_cost(const struct work *w);
/* Tokens of the prompt at this provider, an estimate. */
double input_estimate(const struct route_input *in, const struct provider *p);
/* NULL: unpriced. */
const struct price_row *price_at(
    const struct work *w, const struct model *m, unsigned at);
/* Which service tier of the row it is; -1: none, it costs what all else costs. */
int service_of(const struct price_row *row, struct str tier);
/* Expected tokens of an answer that nothing cuts off. */
double output_length(const struct outlook *o, const struct model *m, enum task_class c);
/* Answers of that kind that were seen of it. */
float length_samples(const struct outlook *o, const struct model *m, enum task_class c);
/* Of this answer, over all its choices, within the maximum. */
double output_estimate(const struct work *w, const struct candidate *c);

/* ---- gates.c: what narrows the set ---- */

/* Pins, rules, latency, cost, shares. False: nobody is left, refused. */
bool gates(struct work *w);
/* Neither a rule nor a slow day moves a session that may never switch. */
bool settled(const struct work *w, const struct option *o);

/* ---- latency.c ---- */

/* What was learned of the candidate's speed at this hour, at the tier that it is asked
 * at, else at the usual one; -1: unknown. */
double pace_of(const struct work *w, const struct candidate *c, enum pace_value v);
/* Who is too slow for the route or the request's deadline is out, unless all are. */
void latency_gates(struct work *w);
/* Does the deadline leave so much time that the cheap tier of service may be tried
 * first? Only where the request says nothing of tiers, nor a rule. */
bool flex_has_time(const struct work *w, const struct candidate *c);

/* ---- place.c: which of a model's providers is first ---- */

/* Gives each option its `place`: as listed, or by cost and then by weight. */
void places(struct work *w);

/* ---- order.c: from options to a plan ---- */

/* Is it good enough; and is who is not refused? */
bool meets(const struct work *w, const struct option *o);
bool refuses_below(const struct work *w);
/* Fills `line`. False: nobody meets the bar and the route says refuse. */
bool order(struct work *w);
/* Where the mode does not act: the baseline serves, `decided` is only booked. */
bool order_baseline(struct work *w, bool decided);
/* Moves a model's healthy options to the front, in their order, and gives their number.
 */
unsigned to_front(struct work *w, const struct model *m);
/* Copies the line and those that are out into the plan. */
void order_emit(struct work *w);

/* ---- cascade.c ---- */

/* Where it is better than who stands first: a cheap model first, a better one behind it
 * for when the answer of the cheap one fails. */
void cascade(struct work *w);

/* ---- shared ---- */

/* Sums of floating-point terms that mean the same. */
#define NEARLY 1e-9

static inline bool
differ(double a, double b)
{
	return a < b - NEARLY * fabs(b) || b < a - NEARLY * fabs(a);
}

static inline void
put_out(struct option *o, enum reason why)
{
	o->out = true;
	o->c.reason = why;
}

unsigned left_in(const struct work *w);

/* ---- sessions.c ---- */

/* Does the request name its session, so that several conversations may be in it? */
bool session_named(const struct task *t, struct str header);

/* ---- task.c ---- */

/* Does the turn begin a new task in its session? */
bool task_is_new(
    const struct session_view *s, const struct task *t, const struct verdict *v);

/* ---- rules.c ---- */

/* The first rule of the route that holds; NULL: none. */
const struct rule *rule_of(const struct work *w);
/* Which of the rules were looked at, and what came of it; for people. */
void rules_text(const struct route_input *in, const struct route *r, struct buf *ret);

/* ---- terms.c: what the terms of team and key take from the set ---- */

/* Providers that may not be used, tiers of service that may not be asked for. False:
 * nobody is left, refused. */
bool terms_wall(struct work *w);
/* Frontier models, where their share of the month is spent and others can serve. */
void share_gate(struct work *w);
/* May the tier of service be asked for? */
bool terms_allow(const struct work *w, struct str tier);
/* "team 'x'" or "key 'x'" in `buf`: whose term it is that counts. */
const char *whose(bool of_team, const struct work *w, char buf[static 80]);

/* Gives false, so that `return refuse(…)` reads well. */
bool refuse(struct work *w, enum outcome o, const char *param, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* "route 'auto'" or "model 'luna'" in `buf`. */
const char *subject(const struct work *w, char buf[static 80]);

#endif
