/* limit_step.c: the row `limit` of steps.def. */
#include <time.h>

#include "core/worker.h"
#include "limit.h"

static const char *
usd_text(struct request *r, struct pusd v)
{
	char text[PUSD_TEXT_BYTES];

	pusd_sum_round((struct pusd_sum){v.v}, 2, text);
	return arena_str(r->mem, str_of(text));
}

static enum next
say_paused(struct request *r, const struct runaway_refusal *why)
{
	time_t at = (time_t)(why->since_ms / 1000);
	struct tm t = {0};
	char when[32] = "";

	(void)gmtime_r(&at, &t);
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &t);
	return request_fail_text(r, OUT_paused, NULL,
	    "key '%s' is paused since %s: it had spent $%s within a minute, and $%s is "
	    "the limit of `runaway`; when it is known why, `frugald keys resume %s` "
	    "lets it in again",
	    r->who.key_name, when, usd_text(r, why->spent), usd_text(r, why->most),
	    r->who.key_name);
}

static enum next
say_too_fast(struct request *r, const struct runaway_refusal *why)
{
	r->limits.reached = "key runaway";
	if (why->paused)
		return say_paused(r, why);
	r->retry_after_ms = why->wait_ms;
	return request_fail_text(r, OUT_limited, NULL,
	    "key '%s' has spent $%s within a minute, with what it has under way, and "
	    "$%s is the limit of `runaway`; there is room in %lld s",
	    r->who.key_name, usd_text(r, why->spent), usd_text(r, why->most),
	    (long long)(why->wait_ms + 999) / 1000);
}

enum next
limit_step(struct request *r)
{
	struct env *env = r->worker->env;
	struct limits_shared *l = r->worker->shared->limits;
	struct limit_state *s = &r->limits;
	struct runaway_refusal fast;
	struct limit_refusal why;
	struct limit_moment now;

	if (r->in.dry || !limit_who_make(&r->who, &s->who))
		return NEXT;
	s->limited = true;
	now = (struct limit_moment){env->mono_ns(env), env_wall_ms(env)};
	if (!runaway_admit(l, &s->who, &now, &fast))
		return say_too_fast(r, &fast);
	s->known = true;
	if (limit_enter(l, &s->who, now.mono_ns, &s->taken, s->room, &why))
		return NEXT;
	limit_say(r, &why);
	return request_fail(r, OUT_limited);
}
