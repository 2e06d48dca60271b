/* recompute.c: the decision again, and whether it is the same; where it cannot be made
 * again, what its row tells of it. */
#include "recompute.h"

#include <stdio.h>

#include "base/mem.h"
#include "in_force.h"
#include "policy_names.h"

const char *
recompute_word(enum recompute_state s)
{
	static const char *const words[] = {"not", "same", "differs"};

	return words[s];
}

struct decision_row
recompute_row(const struct record *r)
{
	return (struct decision_row){.asked = r->asked,
	    .class_name = r->class_name,
	    .key = r->key,
	    .team = r->team,
	    .tags = r->tags,
	    .complexity = (float)r->complexity,
	    .confidence = (float)r->confidence,
	    .start_ms = r->start_ms,
	    .session = r->session,
	    .decision = r->decision,
	    .plan = r->plan};
}

/* ---- what the row tells ---- */

static void
view_packed(const struct packed_candidate *c, const struct policy_names *names,
    struct view_candidate *ret)
{
	*ret = (struct view_candidate){.model = STR("?"),
	    .provider = STR("?"),
	    .service = str_of(c->by_rule ? "(tier by rule)" : ""),
	    .success = c->success > 0 ? c->success : -1,
	    .cost_usd = c->cost_usd,
	    .input_tokens = -1,
	    .cached_tokens = -1,
	    .output_tokens = -1,
	    .signal = {c->up, c->ttft_ms, c->wait_ms, c->wait_high_ms},
	    .takes_ms = -1,
	    .reason = (enum reason)c->reason,
	    .rule = c->rule};
	if (names == NULL || c->model >= names->models)
		return;
	ret->model = names->model[c->model].name;
	if (c->at < names->model[c->model].ats)
		ret->provider = names->model[c->model].at[c->at];
}

static bool
is_out(const struct packed_candidate *c)
{
	return str_starts(str_of(reason_name((enum reason)c->reason)), STR("out_"));
}

static void
view_row(const struct record *r, struct books *b, struct plan_view *ret)
{
	const struct policy_names *names = policy_names_load(b, r->policy, r->mem);
	struct packed_candidate c[CANDIDATES_MAX];

	*ret = (struct plan_view){.asked = r->asked,
	    .route = r->route,
	    .mode = r->mode,
	    .data = r->data,
	    .baseline = r->baseline,
	    .decided = r->decided,
	    .session = r->session,
	    .session_told = false,
	    .idle_ms = -1,
	    .warm = -1,
	    .class_name = r->class_name,
	    .class_p = -1,
	    .complexity = r->complexity,
	    .confidence = r->confidence,
	    .floor = -1,
	    .baseline_success = r->baseline_success,
	    .baseline_cost_usd =
		r->baseline_pusd < 0 ? -1 : (double)r->baseline_pusd / 1e12,
	    .below_quality = r->below_quality,
	    .unsure = r->unsure,
	    .pinned = r->pinned};
	ret->count = plan_unpack(r->plan, c, CANDIDATES_MAX);
	for (unsigned i = 0; i < ret->count; i++) {
		view_packed(&c[i], names, &ret->candidate[i]);
		ret->usable += !is_out(&c[i]);
	}
	if (r->attempts > 0 && ret->count > 0)
		ret->candidate[0].input_tokens = (double)r->attempt[0].input_estimate;
}

/* ---- again ---- */

/* A row tells of CANDIDATES_MAX of them; of what others were judged by nothing is
 * known.
 */
static bool
too_many(const struct plan *p)
{
	unsigned n = 0;

	for (unsigned i = 0; p->route != NULL && i < p->route->candidates; i++)
		n += 2 * p->route->candidate[i]->ats; /* at two tiers of service */
	return p->count == CANDIDATES_MAX && n > CANDIDATES_MAX;
}

static bool
same_bytes(struct recompute *c, const struct record *r)
{
	uint8_t packed[sizeof(((struct slot_request *)0)->plan)];
	size_t len = plan_pack(&c->plan, packed, sizeof(packed));

	return len == r->plan.len && memcmp(packed, r->plan.p, len) == 0;
}

static const char *
why_not(const struct record *r)
{
	if (r->basis.len == 0)
		return "an older release wrote its row";
	if (r->decision.len == 0)
		return "what it was decided from is not in its row: it did not fit, or "
		       "keep: slim";
	return NULL;
}

static void
again(const struct record *r, struct recompute *c)
{
	const struct decision_row row = recompute_row(r);
	struct route_input *in = decision_unpack(&row, c->snap, r->mem);
	struct verdict v;

	if (in == NULL) {
		snprintf(c->why, sizeof(c->why), "its row is damaged");
		return;
	}
	in->outlook = c->outlook;
	(void)plan_build(in, &c->plan);
	c->state = same_bytes(c, r) ? RECOMPUTE_same : RECOMPUTE_differs;
	if (c->state == RECOMPUTE_differs && too_many(&c->plan)) {
		c->state = RECOMPUTE_not;
		snprintf(c->why, sizeof(c->why),
		    "there were more candidates than the %d of which a row tells",
		    CANDIDATES_MAX);
	}
	if (c->state != RECOMPUTE_same)
		return;
	v = *in->verdict;
	plan_view(&c->plan, &v, in, r->mem, &c->view);
}

void
recompute(const struct record *r, struct books *b, struct recompute *ret)
{
	const char *why = why_not(r);

	*ret = (struct recompute){.state = RECOMPUTE_not};
	view_row(r, b, &ret->view);
	if (why != NULL) {
		snprintf(ret->why, sizeof(ret->why), "%s", why);
		return;
	}
	ret->fleet = fleet_new();
	ret->snap = in_force_snapshot(b, r->basis, ret->fleet, ret->why);
	if (ret->snap == NULL)
		return;
	ret->outlook = xcalloc(1, sizeof(*ret->outlook));
	if (in_force_outlook(b, r->outlook, ret->outlook))
		again(r, ret);
	else
		snprintf(ret->why, sizeof(ret->why), "%.250s", b->why);
}

void
recompute_fini(struct recompute *c)
{
	if (c->outlook != NULL)
		outlook_clear(c->outlook);
	snapshot_unref(c->snap);
	if (c->fleet != NULL)
		fleet_free(c->fleet);
	xfree(c->outlook);
	*c = (struct recompute){0};
}
