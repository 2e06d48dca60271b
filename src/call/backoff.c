/* backoff.c: waiting times that double, with a spread. */
#include "backoff.h"

#define SPREAD_PERCENT 20

int64_t
backoff_ms(int64_t first_ms, int64_t most_ms, unsigned failures, uint64_t draw)
{
	int64_t ms = first_ms;
	int64_t percent;

	for (unsigned i = 0; i < failures && ms < most_ms; i++)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	percent = (int64_t)(draw % (2 * SPREAD_PERCENT + 1)) - SPREAD_PERCENT;
	return ms + ms * percent / 100;
}
