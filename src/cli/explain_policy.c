/* explain_policy.c: `frugald explain … --policy new.yaml`: what another policy decides
 * of the same request. */
#include "explain.h"

#include <stdio.h>

#include "client.h"
#include "compare.h"
#include "config/kept.h"
#include "past.h"
#include "policy.h"

#define OUT_BYTES ((size_t)1 << 20)

struct snapshot *
explain_new_policy(struct cli *c)
{
	struct diag *d = diag_new();
	struct snapshot *s =
	    policy_bound(snapshot_load_offline(c->env, c->opt[OPT_policy], d), d);

	if (s == NULL)
		cli_print_findings(d);
	diag_free(d);
	return s;
}

void
explain_compared(struct cli *c, const struct compared *then, const struct compared *now)
{
	struct buf out;
	struct json j;

	buf_init(&out, OUT_BYTES);
	if (c->opt[OPT_json] != NULL) {
		json_init(&j, &out);
		compare_json(then, now, &j);
		buf_add(&out, "\n");
	} else {
		compare_text(then, now, &out);
	}
	fputs(out.p, stdout);
	buf_fini(&out);
}

/* ---- of the past ---- */

/* The policy of then. NULL: said why. */
static struct snapshot *
rebuild(struct cli *c, const struct past *p)
{
	struct snapshot_texts t = {.policy = p->policy,
	    .catalogue = p->catalogue,
	    .prices = p->prices,
	    .contracts = p->contracts};
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_rebuild(c->env, &t, d);

	if (s == NULL) {
		cli_fail("this release cannot read the policy of then");
		cli_print_findings(d);
	}
	diag_free(d);
	return s;
}

static struct route_input *
input_of(const struct past *p, const struct snapshot *s, struct arena *mem)
{
	const struct decision_row row = {.asked = p->asked,
	    .class_name = p->class_name,
	    .key = p->key,
	    .team = p->team,
	    .tags = p->tags,
	    .complexity = (float)p->complexity,
	    .confidence = (float)p->confidence,
	    .start_ms = p->start_ms,
	    .session = (uint64_t)p->session,
	    .decision = p->decision,
	    .plan = p->plan};

	return decision_unpack(&row, s, mem);
}

static const struct plan_view *
view_of(const struct route_input *in, struct arena *mem)
{
	struct plan *p = arena_alloc(mem, sizeof(*p));
	struct plan_view *v = arena_alloc(mem, sizeof(*v));

	(void)plan_build(in, p);
	plan_view(p, in->verdict, in, mem, v);
	return v;
}

/* `in` before both. */
static int
tell(struct cli *c, const struct route_input *in, const struct snapshot *fresh)
{
	struct compared then = {
	    .name = arena_printf(c->mem, "then: policy %s", in->snap->short_hash)};
	struct compared now = {.name = arena_printf(c->mem, "now: %s (%s)",
				   c->opt[OPT_policy], fresh->short_hash)};
	struct route_input *moved = decision_move(in, fresh, c->mem);

	if (moved == NULL)
		return cli_fail(
		    "%s does not have the data class or the team that the request or "
		    "its key names: who may see it is not known there",
		    c->opt[OPT_policy]);
	then.view = view_of(in, c->mem);
	now.view = view_of(moved, c->mem);
	explain_compared(c, &then, &now);
	return now.view->usable > 0 ? CLI_fine : CLI_found;
}

static int
tell_past(struct cli *c, const struct past *p, const struct outlook *o)
{
	struct snapshot *s = rebuild(c, p), *fresh = NULL;
	struct route_input *in = NULL;
	int code = CLI_found;

	if (s != NULL)
		in = input_of(p, s, c->mem);
	if (s != NULL && in == NULL)
		cli_fail("its row does not have what it was decided from (an older "
			 "release's, or it did not fit)");
	if (in != NULL)
		fresh = explain_new_policy(c);
	if (fresh != NULL) {
		in->outlook = o;
		code = tell(c, in, fresh);
	}
	snapshot_unref(fresh);
	snapshot_unref(s);
	return code;
}

int
explain_past_policy(struct cli *c)
{
	struct past *p = arena_alloc(c->mem, sizeof(*p));
	struct outlook *o = arena_alloc(c->mem, sizeof(*o));
	int code = CLI_found;
	struct buf body;

	buf_init(&body, ANSWER_BYTES);
	if (!ledger_ask(c,
		arena_printf(c->mem, "/v1/requests/%s?format=input", c->arg[0]), &body))
		goto out;
	if (!past_read(buf_str(&body), c->mem, p)) {
		cli_fail(
		    "the daemon's answer is not understood; is it of this release?");
		goto out;
	}
	for (unsigned i = 0; i < p->cells; i++)
		outlook_cell_take(
		    o, p->cell[i].cell, p->cell[i].value, p->cell[i].samples);
	code = tell_past(c, p, o);
	outlook_clear(o);
out:
	buf_fini(&body);
	return code;
}
