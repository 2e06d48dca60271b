/* limits.c: limits that can never be reached, because another one is. */
#include "build.h"

struct limit_row {
	const char *key;
	int64_t own, team;
};

static void
check_within(struct build *b, const struct limits_of *of, const struct limit_row *row)
{
	if (row->own <= 0 || row->team <= 0 || row->own <= row->team)
		return;
	diag_warning(b->r.d, node_place(of->node, row->key),
	    "key '%s': %s %lld is more than the %lld of its team '%s', which holds; "
	    "lower it, or remove it",
	    of->name, row->key, (long long)row->own, (long long)row->team,
	    of->team->name);
}

static void
check_runaway(struct build *b, const struct limits_of *of)
{
	const struct terms *own = of->terms;
	const struct terms *team = of->team == NULL ? NULL : &of->team->terms;

	if (own->runaway_then >= 0 && own->runaway.v <= 0)
		diag_warning(b->r.d, node_place(of->node, "runaway"),
		    "%s '%s': runaway: `then` means nothing without usd_per_minute; "
		    "name an amount",
		    of->what, of->name);
	if (team != NULL && team->runaway.v > 0 && own->runaway.v > team->runaway.v)
		diag_warning(b->r.d, node_place(of->node, "runaway"),
		    "key '%s': runaway.usd_per_minute is more than that of its team "
		    "'%s', which holds; lower it, or remove it",
		    of->name, of->team->name);
}

static void
check_alone(struct build *b, const struct limits_of *of)
{
	const struct terms *t = of->terms;

	if (t->tpm > 0 && t->max_output > t->tpm)
		diag_warning(b->r.d, node_place(of->node, "tpm"),
		    "%s '%s': an answer may have %lld tokens (max_output), but all "
		    "together %lld a minute (tpm): one so long is never let in; raise "
		    "tpm, or lower max_output",
		    of->what, of->name, (long long)t->max_output, (long long)t->tpm);
	if (t->tpm > 0 && t->rpm > t->tpm)
		diag_warning(b->r.d, node_place(of->node, "tpm"),
		    "%s '%s': %lld requests a minute (rpm) cannot be had with %lld "
		    "tokens a minute (tpm); raise tpm",
		    of->what, of->name, (long long)t->rpm, (long long)t->tpm);
}

void
check_limits(struct build *b, const struct limits_of *of)
{
	const struct terms *own = of->terms;
	const struct terms *team = of->team == NULL ? NULL : &of->team->terms;

	check_alone(b, of);
	check_runaway(b, of);
	if (team == NULL)
		return;
	check_within(b, of, &(struct limit_row){"rpm", own->rpm, team->rpm});
	check_within(b, of, &(struct limit_row){"tpm", own->tpm, team->tpm});
	check_within(b, of,
	    &(struct limit_row){"max_inflight", own->max_inflight, team->max_inflight});
}
