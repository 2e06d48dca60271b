/* replay.c: `frugald replay`: the ledger's requests under another policy. */
#include "replay.h"

#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/money.h"
#include "policy.h"
#include "when.h"

#define OUT_BYTES ((size_t)1 << 20)
#define SPAN_S    (30 * 86400)

/* A day or a moment, or a span before now. False: said what is wrong. */
static bool
moment(struct cli *c, enum option opt, int64_t now_s, int64_t *ret_ms)
{
	const char *text = c->opt[opt];
	int64_t s;

	if (text == NULL)
		return true;
	if (when_span(str_of(text), &s)) {
		s = now_s - s;
	} else if (!when_time(str_of(text), &s)) {
		cli_misuse(c,
		    "--%s: expected a span such as 24h or 30d, or a day such as "
		    "2026-11-01",
		    option_row(opt)->name);
		return false;
	}
	*ret_ms = s * 1000;
	return true;
}

static bool
read_span(struct cli *c, struct replay_options *o)
{
	int64_t now_s = c->env->wall_ns(c->env) / NS_PER_S;

	o->from_ms = (now_s - SPAN_S) * 1000;
	o->to_ms = (now_s + 1) * 1000;
	if (!moment(c, OPT_since, now_s, &o->from_ms) ||
	    !moment(c, OPT_until, now_s, &o->to_ms))
		return false;
	if (o->from_ms < o->to_ms)
		return true;
	cli_misuse(c, "--since lies at or behind --until; exchange them");
	return false;
}

static bool
read_seed(struct cli *c, struct replay_options *o)
{
	o->seed = 1;
	if (c->opt[OPT_seed] == NULL || str_to_u64(str_of(c->opt[OPT_seed]), &o->seed))
		return true;
	cli_misuse(c, "--seed: expected a number");
	return false;
}

/* A number above 0, and at most `most`; `def` when it is not said. */
static bool
number(struct cli *c, enum option opt, double def, double most, double *ret)
{
	const char *text = c->opt[opt];
	struct pusd v;

	*ret = def;
	if (text == NULL)
		return true;
	if (pusd_parse(str_of(text), &v))
		*ret = (double)v.v / (double)PUSD_PER_USD;
	if (pusd_parse(str_of(text), &v) && v.v > 0 && *ret <= most)
		return true;
	cli_misuse(c, "--%s: expected a number above 0, at most %.0f",
	    option_row(opt)->name, most);
	return false;
}

#define PLACES_USUAL 8
#define RATE_USUAL   40
#define USD_MOST     10000

/* False: said what is wrong. */
static bool
read_machine(struct cli *c, struct replay_options *o, double *ret_usd_per_hour)
{
	double places;

	if (!number(c, OPT_usd_per_hour, 0, USD_MOST, ret_usd_per_hour) ||
	    !number(c, OPT_inflight, PLACES_USUAL, REPLAY_PLACES_MAX, &places) ||
	    !number(c, OPT_tokens_per_s, RATE_USUAL, 1e6, &o->tokens_per_s))
		return false;
	o->places = places < 1 ? 1 : (unsigned)places;
	if ((c->opt[OPT_add_model] != NULL) == (c->opt[OPT_usd_per_hour] != NULL))
		return true;
	cli_misuse(c, "--add-model and --usd-per-hour go together");
	return false;
}

static const struct replay_result *
find(struct cli *c, const struct replay_options *o)
{
	struct replay_result *r = arena_alloc(c->mem, sizeof(*r));
	char why[256];

	if (replay_run(c->env, o, r, why))
		return r;
	cli_fail("%s", why);
	return NULL;
}

static int
tell(struct cli *c, const struct replay_found *f)
{
	struct buf out;

	buf_init(&out, OUT_BYTES);
	if (c->opt[OPT_json] != NULL)
		replay_json(f, &out);
	else
		replay_view(c, f, &out);
	fputs(out.p, stdout);
	buf_fini(&out);
	return CLI_fine;
}

/* The machine beside the same policy without it. */
static int
run_machine(struct cli *c, struct replay_options *o, struct replay_found *f)
{
	struct snapshot *more = replay_with_machine(c, o->fresh, c->opt[OPT_add_model]);
	int code = CLI_found;

	if (more == NULL)
		return CLI_found;
	f->alone = find(c, o);
	o->fresh = more;
	o->added = REPLAY_ADDED;
	if (f->alone != NULL)
		f->r = find(c, o);
	if (f->r != NULL)
		code = tell(c, f);
	snapshot_unref(more);
	return code;
}

static int
run(struct cli *c, struct replay_options *o, struct replay_found *f)
{
	if (c->opt[OPT_add_model] != NULL)
		return run_machine(c, o, f);
	f->r = find(c, o);
	return f->r != NULL ? tell(c, f) : CLI_found;
}

int
verb_replay(struct cli *c)
{
	struct replay_options o = {.team = c->opt[OPT_team],
	    .key = c->opt[OPT_key],
	    .route = c->opt[OPT_route],
	    .model = c->opt[OPT_model]};
	struct replay_found f = {.o = &o};
	struct snapshot *s;
	int code;

	if (!read_span(c, &o) || !read_seed(c, &o) ||
	    !read_machine(c, &o, &f.usd_per_hour))
		return CLI_usage;
	if (c->opt[OPT_policy] != NULL)
		c->opt[OPT_config] = c->opt[OPT_policy];
	s = policy_offline(c);
	if (s == NULL)
		return CLI_found;
	f.policy = s->path;
	o.fresh = s;
	o.state_dir = c->opt[OPT_state] != NULL ? c->opt[OPT_state] : s->state_dir;
	code = run(c, &o, &f);
	snapshot_unref(s);
	return code;
}
