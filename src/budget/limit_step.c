/* limit_step.c: the row `limit` of steps.def. */
#include "core/worker.h"
#include "limit.h"

enum next
limit_step(struct request *r)
{
	struct limits_shared *l = r->worker->shared->limits;
	struct limit_state *s = &r->limits;
	struct limit_refusal why;

	if (r->in.dry || !limit_who_make(&r->who, &s->who))
		return NEXT;
	s->limited = true;
	if (limit_enter(l, &s->who, r->worker->env->mono_ns(r->worker->env), &s->taken,
		s->room, &why))
		return NEXT;
	limit_say(r, &why);
	return request_fail(r, OUT_limited);
}
