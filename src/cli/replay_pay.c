/* replay_pay.c: when a machine pays: it costs its hours whether it answers or not, and
 * saves what its requests would have cost elsewhere. */
#include "replay.h"

#define HOUR_MS 3600000.0

struct replay_pay
replay_pay_of(
    const struct replay_options *o, const struct replay_result *r, double usd_per_hour)
{
	double n = (double)r->local.requests;
	struct replay_pay p = {.hours = (double)(r->last_ms - r->first_ms) / HOUR_MS,
	    .needed_by_hour = -1};

	if (p.hours < 1)
		p.hours = 1;
	p.machine_usd = p.hours * usd_per_hour;
	p.used = r->local.busy_s / (p.hours * 3600 * o->places);
	if (n == 0)
		return p;
	p.saved_each_usd = r->figure[REPLAY_saved].value / n;
	if (r->local.busy_s > 0)
		p.most_by_hour = 3600 * o->places * n / r->local.busy_s;
	if (p.saved_each_usd > 0)
		p.needed_by_hour = usd_per_hour / p.saved_each_usd;
	return p;
}
