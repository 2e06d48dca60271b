/* replay_places.c: each place answers one request after the other. */
#include "replay_places.h"

#include "dates.h"

static unsigned
longest_free(const struct replay_places *p)
{
	unsigned best = 0;

	for (unsigned i = 1; i < p->count; i++) {
		if (p->until_ms[i] < p->until_ms[best])
			best = i;
	}
	return best;
}

bool
replay_places_free(const struct replay_places *p, int64_t at_ms)
{
	return p->count > 0 && p->until_ms[longest_free(p)] <= at_ms;
}

void
replay_places_take(
    struct replay_places *p, int64_t at_ms, int64_t busy_ms, struct replay_local *ret)
{
	size_t hour = (size_t)(at_ms % DAY_MS / HOUR_MS);

	p->until_ms[longest_free(p)] = at_ms + busy_ms;
	ret->requests++;
	ret->requests_by_hour[hour]++;
	ret->busy_s += (double)busy_ms / 1000;
	ret->busy_by_hour_s[hour] += (double)busy_ms / 1000;
}
