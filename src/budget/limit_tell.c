/* limit_tell.c: what clients are told of their limits with every answer. */
#include <time.h>

#include "core/worker.h"
#include "limit.h"

/* "59s", "6m0s", and of what is not a whole second more. */
static const char *
span_text(struct request *r, int64_t ms)
{
	long long s = (ms + 999) / 1000;

	if (s < 60)
		return arena_printf(r->mem, "%llds", s);
	return arena_printf(r->mem, "%lldm%llds", s / 60, s % 60);
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

void
limit_tell(struct request *r, struct reply_head *h)
{
	const struct dialect *d = r->in.dialect;

	if (!r->limits.limited)
		return;
	for (size_t k = 0; k < nitems(d->limit_headers); k++) {
		const struct limit_headers *name = &d->limit_headers[k];
		const struct limit_room *room = &r->limits.room[k];

		if (room->most <= 0)
			continue;
		reply_header(
		    h, name->most, arena_printf(r->mem, "%lld", (long long)room->most));
		reply_header(
		    h, name->left, arena_printf(r->mem, "%lld", (long long)room->left));
		reply_header(h, name->reset,
		    d->resets_at_moment ? moment_text(r, room->reset_ms)
					: span_text(r, room->reset_ms));
	}
}
