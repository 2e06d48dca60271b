/* step.c: the row `route` of steps.def,
 * and what an answer teaches about its session. */
#include "work.h"

#include "base/hash.h"
#include "core/worker.h"

/* Providers that cache by themselves do so from here on. */
#define AUTOMATIC_CACHE_TOKENS 1024

static struct str
session_header(const struct request *r)
{
	static const enum header_id ids[] = {HDR_x_frugald_session, HDR_x_session_id,
	    HDR_x_claude_code_session_id, HDR_session_id};

	for (size_t i = 0; i < nitems(ids); i++) {
		const char *value = r->in.header[ids[i]];

		if (value != NULL && value[0] != '\0')
			return str_of(value);
	}
	return str_make("", 0);
}

static enum route_mode
bypass_of(const struct request *r, const struct route *route)
{
	if (route != NULL &&
	    bypass_active(r->worker->shared->bypass, route->name, r->start_wall_ms))
		return MODE_bypass;
	return MODE_COUNT;
}

/* Each route remembers its own part of a session, and nothing is to be remembered of a
 * model that the client chose. What a client asks beside its conversation (titles,
 * topics) comes with the same id but without tools, or with another first turn
 * (sub-agents). 0: nothing. */
static uint64_t
part_of_session(const struct request *r, const struct route *route, uint64_t first_turn)
{
	uint64_t parts[4];

	if (route == NULL)
		return 0;
	parts[0] = r->session;
	parts[1] = hash_stable(str_of(route->name));
	parts[2] = r->task.tools > 0;
	parts[3] = first_turn;
	return hash_stable(str_make((const char *)parts, sizeof(parts)));
}

/* What is known of this conversation; of a new one what is known of all in the session:
 * a client may have cut off its first turns. */
static void
look(struct request *r, const struct route *route)
{
	struct sessions_shared *s = r->worker->shared->sessions;
	struct str header = session_header(r);
	uint64_t all;

	r->session = session_id(&r->task, r->who.key_name, header);
	all = part_of_session(r, route, 0);
	if (session_named(&r->task, header))
		r->conversation = part_of_session(r, route, r->task.first_turn_hash);
	session_look(s, r->conversation, r->snap, r->start_wall_ms, &r->session_view);
	if (!r->session_view.known)
		session_look(s, all, r->snap, r->start_wall_ms, &r->session_view);
	r->session_view.id = all;
}

static struct signal
live_signal(void *arg, const struct candidate *c)
{
	const int64_t *now_ns = arg;

	return health_signal(c, *now_ns);
}

/* At least 1: 0 is none. */
static int64_t
deadline_left_ms(const struct request *r)
{
	struct env *env = r->worker->env;
	int64_t left = r->deadline_ms - (env->mono_ns(env) - r->start_ns) / NS_PER_MS;

	if (r->deadline_ms <= 0)
		return 0;
	return left > 1 ? left : 1;
}

static struct route_input
input_of(const struct request *r, const struct route *route)
{
	return (struct route_input){
	    .snap = r->snap,
	    .task = &r->task,
	    .verdict = &r->verdict,
	    .who = &r->who,
	    .outlook = r->outlook,
	    .session = &r->session_view,
	    .tags = r->tags,
	    .tag_count = r->tag_count,
	    .data = r->data,
	    .min_quality = r->min_quality,
	    .max_cost_usd = r->max_cost_usd,
	    .deadline_ms = deadline_left_ms(r),
	    .bypass_mode = bypass_of(r, route),
	    .wall_s = r->start_wall_ms / 1000,
	    .hours_s = r->start_wall_ms / 1000,
	    .draw = r->session,
	};
}

/* Two first requests of a session at the same time:
 * the second goes where the first went. */
static bool
claim(struct request *r, const struct route_input *in)
{
	const struct model *mine = r->plan->candidate[0].model, *holds;

	if (r->session_view.id == 0 || r->session_view.model != NULL ||
	    r->task.endpoint != EP_generate)
		return true;
	holds = session_claim(r->worker->shared->sessions, r->session_view.id, r->snap,
	    mine, r->start_wall_ms);
	if (holds == mine)
		return true;
	r->session_view.known = true;
	r->session_view.model = holds;
	return plan_build(in, r->plan);
}

/* A whole tier is 1/3; below the half nothing is hard. */
#define HARDER 0.25F
#define HARD   0.5F

/* "Yes, go on" is of the kind of what it goes on with and as hard, however long the
 * talk has become; unless the answer in between has made something hard of it. */
static void
go_on(struct request *r)
{
	const struct session_view *was = &r->session_view;

	if (!r->verdict.follows || was->complexity < 0)
		return;
	if (r->verdict.complexity >= HARD &&
	    r->verdict.complexity >= was->complexity + HARDER)
		return;
	r->verdict.complexity = was->complexity;
	if (was->class >= 0)
		r->verdict.class = (enum task_class)was->class;
	/* What was made of the words alone does not hold for it. */
	memset(r->verdict.class_p, 0, sizeof(r->verdict.class_p));
	r->verdict.class_p[r->verdict.class] = 1;
	r->verdict.p_small = r->verdict.p_frontier = r->verdict.traffic = 0;
}

static void
trace_plan(const struct request *r)
{
	const struct plan *p = r->plan;

	for (unsigned i = 0; i < p->count; i++) {
		const struct candidate *c = &p->candidate[i];

		trace(&r->worker->shared->trace, route,
		    "%u %s at %s: success %.3f of %.3f, $%.9f, %s", i, c->model->name,
		    c->model->at[c->at].provider->name, c->success, p->floor,
		    c->cost_usd, reason_text(c->reason));
	}
}

/* Nothing is remembered of who only asks, and a refusal is an answer. */
static enum next
only_told(struct request *r, const struct route_input *in)
{
	(void)plan_build(in, r->plan);
	r->view = arena_alloc(r->mem, sizeof(*r->view));
	plan_view(r->plan, &r->verdict, in, r->mem, r->view);
	return NEXT;
}

enum next
route_step(struct request *r)
{
	struct worker *w = r->worker;
	int64_t start = w->env->mono_ns(w->env);
	struct plan *p = arena_alloc(r->mem, sizeof(*p));
	const struct route *route = snapshot_resolve(r->snap, r->task.model).route;
	struct route_input in;
	int64_t now_ns;
	bool ok;

	r->plan = p;
	look(r, route);
	go_on(r);
	in = input_of(r, route);
	now_ns = w->env->mono_ns(w->env);
	in.signal = live_signal;
	in.signal_arg = &now_ns;
	if (r->in.dry)
		return only_told(r, &in);
	ok = plan_build(&in, p) && claim(r, &in);
	r->decision_len = ok ? decision_pack(&in, r->decision) : 0;
	r->plan_ns = w->env->mono_ns(w->env) - start;
	trace_plan(r);
	if (ok && p->spilled > 0)
		count(w, spilled);
	if (ok)
		return NEXT;
	return request_fail_text(
	    r, p->refusal, p->refusal_param, "%s", p->refusal_text);
}

/* ---- after the answer ---- */

int64_t
session_prefix(const struct usage *u)
{
	int64_t wrote = usage_known(u->tokens[TOKEN_cache_write_5m]) +
			usage_known(u->tokens[TOKEN_cache_write_1h]);
	int64_t kept = usage_known(u->tokens[TOKEN_cache_read]) + wrote,
		all = usage_input(u);

	if (u->tokens[TOKEN_cache_write_5m] >= 0 ||
	    u->tokens[TOKEN_cache_write_1h] >= 0)
		return kept;
	return all >= AUTOMATIC_CACHE_TOKENS ? all : kept;
}

/* Is it to last an hour? The request says so, or else the bill. */
static bool
lasts_an_hour(const struct attempt *a)
{
	enum cache_mark mark = a->request->task.cache_mark;

	return mark == CACHE_hour ||
	       (mark == CACHE_unmarked && a->usage.tokens[TOKEN_cache_write_1h] > 0);
}

void
route_note(const struct attempt *a)
{
	const struct request *r = a->request;
	struct sessions_shared *s = r->worker->shared->sessions;
	const struct session_view *was = &r->session_view;
	int64_t now_ms = env_wall_ms(r->worker->env);
	struct session_view seen = {
	    .model = a->candidate->model,
	    .provider = a->provider,
	    .cached_tokens = session_prefix(&a->usage),
	    .hour = lasts_an_hour(a),
	    .complexity = r->verdict.complexity,
	    .class = (int)r->verdict.class,
	};

	if (r->task.endpoint != EP_generate)
		return;
	/* Inside a tool loop the task is the one that began it. */
	if (r->task.open_tool_call && was->complexity >= 0) {
		seen.complexity = was->complexity;
		seen.class = was->class;
	}
	session_note(s, was->id, &seen, now_ms);
	session_note(s, r->conversation, &seen, now_ms);
}
