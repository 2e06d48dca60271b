/* limit_watch.c: the report thread tells the log of keys that spend too fast, so that
 * no worker waits for it. */
#include "base/log.h"
#include "core/request.h"
#include "core/worker.h"
#include "report.h"

#define LOOK_EVERY_NS NS_PER_S

static void
tell(const struct runaway_news *n)
{
	char spent[PUSD_TEXT_BYTES], most[PUSD_TEXT_BYTES];

	pusd_sum_round((struct pusd_sum){n->spent.v}, 2, spent);
	pusd_sum_round((struct pusd_sum){n->most.v}, 2, most);
	if (n->then == RUNAWAY_pause)
		log_warn(
		    "key '%s' is paused: it has spent $%s within a minute, and $%s "
		    "is the limit of `runaway`; `frugald keys resume %s` lets it "
		    "in again",
		    n->key, spent, most, n->key);
	else
		log_warn("key '%s' is throttled: it has spent $%s within a minute, and "
			 "$%s is the limit of `runaway`",
		    n->key, spent, most);
}

static void
on_look(struct timer *t)
{
	struct report *r = container_of(t, struct report, limits);
	struct runaway_news n;

	while (runaway_news(r->o.shared->limits, &n))
		tell(&n);
	loop_timer(r->loop, t, r->env->mono_ns(r->env) + LOOK_EVERY_NS);
}

void
limit_watch_start(struct report *r)
{
	r->limits.on_due = on_look;
	if (r->o.shared->limits != NULL)
		loop_timer(
		    r->loop, &r->limits, r->env->mono_ns(r->env) + LOOK_EVERY_NS);
}
