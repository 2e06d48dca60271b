/* metrics_limits.c: what was refused for limits of keys and teams, and how much of
 * theirs teams use. */
#include <inttypes.h>

#include "core/request.h"
#include "core/worker.h"
#include "metrics.h"

/* So many teams are told, those that the policy has first. */
#define TEAMS 64U

static void
put_refusals(struct buf *b, struct limits_shared *l)
{
	metrics_head(b, "limit_refusals_total", "counter",
	    "requests that a limit of their key or team did not let in");
	for (int of = 0; of < LIMIT_OFS; of++) {
		for (int k = 0; k < LIMIT_KINDS; k++)
			buf_printf(b,
			    "frugald_limit_refusals_total{of=\"%s\",limit=\"%s\"} "
			    "%" PRIu64 "\n",
			    limit_of_name((enum limit_of)of),
			    limit_kind_name((enum limit_kind)k),
			    limits_refused(l, (enum limit_of)of, (enum limit_kind)k));
	}
}

static void
put_runaway(struct buf *b, struct limits_shared *l)
{
	static const char *const then[] = {"throttle", "pause"};
	struct runaway_counts n;

	runaway_counts(l, &n);
	metrics_head(
	    b, "runaway_keys_total", "counter", "times that a key spent too fast");
	for (size_t i = 0; i < nitems(then); i++)
		buf_printf(b, "frugald_runaway_keys_total{then=\"%s\"} %" PRIu64 "\n",
		    then[i], n.trips[i]);
	metrics_head(b, "runaway_refusals_total", "counter",
	    "requests that were refused because their key spent too fast");
	for (size_t i = 0; i < nitems(then); i++)
		buf_printf(b,
		    "frugald_runaway_refusals_total{then=\"%s\"} %" PRIu64 "\n",
		    then[i], n.stopped[i]);
	metrics_head(b, "keys_paused", "gauge", "keys that are paused for that");
	buf_printf(b, "frugald_keys_paused %u\n", n.paused);
}

static void
put_row(struct buf *b, const char *name, const struct team *t, size_t kind, int64_t v)
{
	buf_printf(b, "frugald_%s{team=\"", name);
	metrics_label(b, t->name);
	buf_printf(b, "\",limit=\"%s\"} %" PRId64 "\n",
	    limit_kind_name((enum limit_kind)kind), v);
}

struct gauge {
	const char *name, *help;
	bool used; /* else the limit itself */
};

static void
put_team(struct buf *b, const struct gauge *g, const struct shared *shared,
    const struct team *t)
{
	const int64_t most[LIMIT_KINDS] = {
	    t->terms.rpm, t->terms.tpm, t->terms.max_inflight};
	int64_t used[LIMIT_KINDS];

	limit_use(shared->limits, t->limit, shared->env->mono_ns(shared->env), used);
	for (size_t k = 0; k < LIMIT_KINDS; k++) {
		if (most[k] > 0)
			put_row(b, g->name, t, k, g->used ? used[k] : most[k]);
	}
}

static void
put_teams(struct buf *b, const struct gauge *g, const struct shared *shared,
    const struct snapshot *s)
{
	unsigned told = 0;

	metrics_head(b, g->name, "gauge", g->help);
	for (unsigned i = 0; i < s->team_count && told < TEAMS; i++) {
		if (s->teams[i].limit == NULL)
			continue;
		told++;
		put_team(b, g, shared, &s->teams[i]);
	}
}

void
metrics_limits(struct buf *b, const struct shared *shared, const struct snapshot *s)
{
	static const struct gauge gauges[] = {
	    {"team_limit_used", "of a team's limit: in the last minute, or in flight",
		true},
	    {"team_limit", "the limit itself", false},
	};

	put_refusals(b, shared->limits);
	put_runaway(b, shared->limits);
	for (size_t i = 0; i < nitems(gauges); i++)
		put_teams(b, &gauges[i], shared, s);
}
