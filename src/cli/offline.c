/* offline.c: the pure functions behind the steps, without a daemon. */
#include "offline.h"

#include "base/mem.h"

struct offline {
	struct env *env;
	struct snapshot *snap;
	struct fleet_shared *fleet;
	struct parse_shared *parse;
	struct outlook_shared *outlook;
	const struct outlook *learned; /* nothing yet */
};

struct offline *
offline_new(struct env *env, struct snapshot *s)
{
	struct offline *o = xcalloc(1, sizeof(*o));

	o->env = env;
	o->snap = s;
	o->fleet = fleet_new();
	o->parse = parse_shared_new();
	o->outlook = outlook_shared_new();
	o->learned = outlook_take(o->outlook);
	if (fleet_bind(o->fleet, s))
		return o;
	offline_free(o);
	return NULL;
}

void
offline_free(struct offline *o)
{
	if (o == NULL)
		return;
	outlook_release(o->learned);
	outlook_shared_free(o->outlook);
	parse_shared_free(o->parse);
	fleet_free(o->fleet);
	xfree(o);
}

bool
offline_read(
    struct offline *o, struct str body, struct arena *mem, struct offline_request *r)
{
	struct reader *reader = reader_new(o->parse, r->dialect, EP_generate, mem);
	struct body_fault fault = {0};
	enum outcome out;

	/* What it refuses, reader_finish() says. */
	(void)!reader_feed(reader, body, body.len);
	out = reader_finish(reader, body, &r->task, &r->prompt, &fault);
	reader_free(reader);
	if (out != OUT_served) {
		r->why = arena_printf(mem, "%d %s", outcome_row(out)->http, fault.text);
		return false;
	}
	classify(o->snap->classifier, &r->task, &r->prompt, &r->verdict);
	return true;
}

bool
offline_plan(struct offline *o, struct offline_request *r)
{
	const struct str none = {0};
	int64_t now_s = o->env->wall_ns(o->env) / NS_PER_S;

	r->session = (struct session_view){.complexity = -1, .class = -1};
	r->in = (struct route_input){.snap = o->snap,
	    .task = &r->task,
	    .verdict = &r->verdict,
	    .who = &r->who,
	    .outlook = o->learned,
	    .session = &r->session,
	    .tags = r->tags,
	    .tag_count = r->tag_count,
	    .data = r->data,
	    .min_quality = -1,
	    .max_cost_usd = -1,
	    .bypass_mode = MODE_COUNT,
	    .wall_s = now_s,
	    .hours_s = r->hours_s != 0 ? r->hours_s : now_s};

	if (r->who.key_name == NULL)
		r->who.key_name = "local";
	if (r->who.team_name == NULL)
		r->who.team_name = r->who.team == NULL ? "" : r->who.team->name;
	r->snap = o->snap;
	r->in.draw = session_id(&r->task, r->who.key_name, none);
	return plan_build(&r->in, &r->plan);
}
