/* task.c: where in a conversation one task ends and the next begins. */
#include "work.h"

/* Complexities that differ by less are those of one task; a session that rested so long
 * begins a new one. */
#define SAME_TASK    0.1
#define TASK_REST_MS 3600000

bool
task_is_new(const struct session_view *s, const struct task *t, const struct verdict *v)
{
	double step = (double)v->complexity - (double)s->complexity;

	if (s->complexity < 0 || t->open_tool_call || v->follows)
		return false;
	return step > SAME_TASK || step < -SAME_TASK || s->idle_ms >= TASK_REST_MS ||
	       (s->class >= 0 && s->class != (int)v->class);
}
