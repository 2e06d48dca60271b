/* limit_tell.c: what clients are told of their limits with every answer. */
#include <time.h>

#include "core/worker.h"
#include "limit.h"

/* The longest is that of an int64_t, with a unit. */
#define NUMBER_BYTES 24

/* In front of `end`; without printf(3), which costs more than all of the limits do.
 * Not below 0. */
static char *
put_number(char *end, int64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return end;
}

static const char *
number_text(struct request *r, int64_t v)
{
	char text[NUMBER_BYTES] = "", *end = text + sizeof(text) - 1;

	return arena_str(r->mem, str_of(put_number(end, v)));
}

/* "59s", "6m0s", and of what is not a whole second more. */
static const char *
span_text(struct request *r, int64_t ms)
{
	char text[2 * NUMBER_BYTES] = "", *end = text + sizeof(text) - 1;
	int64_t s = (ms + 999) / 1000;

	*--end = 's';
	end = put_number(end, s % 60);
	if (s >= 60) {
		*--end = 'm';
		end = put_number(end, s / 60);
	}
	return arena_str(r->mem, str_of(end));
}

static const char *
moment_text(struct request *r, int64_t ms)
{
	time_t at = (time_t)((env_wall_ms(r->worker->env) + ms + 999) / 1000);
	struct tm t = {0};
	char text[32];

	(void)gmtime_r(&at, &t);
	if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &t) == 0)
		return NULL;
	return arena_str(r->mem, str_of(text));
}

/* Also of a request that came not so far as to be let in. */
static bool
known(struct request *r)
{
	struct limit_state *s = &r->limits;
	struct env *env = r->worker->env;

	if (s->known)
		return true;
	if (!limit_who_make(&r->who, &s->who))
		return false;
	limit_look(r->worker->shared->limits, &s->who, env->mono_ns(env), s->room);
	s->known = true;
	return true;
}

void
limit_tell(struct request *r, struct reply_head *h)
{
	const struct dialect *d = r->in.dialect;

	if (d == NULL || !known(r))
		return;
	for (size_t k = 0; k < nitems(d->limit_headers); k++) {
		const struct limit_headers *name = &d->limit_headers[k];
		const struct limit_room *room = &r->limits.room[k];

		if (room->most <= 0)
			continue;
		reply_header(h, name->most, number_text(r, room->most));
		reply_header(h, name->left, number_text(r, room->left));
		reply_header(h, name->reset,
		    d->resets_at_moment ? moment_text(r, room->reset_ms)
					: span_text(r, room->reset_ms));
	}
}
