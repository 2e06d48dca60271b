/* replay_pay.c: when a machine pays: it costs its hours whether it answers or not, and
 * saves what its requests would have cost elsewhere. */
#include "replay.h"

#define HOUR_MS 3600000.0

struct replay_pay
replay_pay_of(const struct replay_found *f)
{
	const struct replay_result *r = f->r;
	double n = (double)r->local.requests, places = f->o->places;
	struct replay_pay p = {.hours = (double)(r->last_ms - r->first_ms) / HOUR_MS,
	    .needed_by_hour = -1};

	if (p.hours < 1)
		p.hours = 1;
	p.machine_usd = p.hours * f->usd_per_hour;
	p.used = r->local.busy_s / (p.hours * 3600 * places);
	p.saved_usd =
	    f->alone->figure[REPLAY_cost_is].value - r->figure[REPLAY_cost_is].value;
	if (n == 0)
		return p;
	p.saved_each_usd = p.saved_usd / n;
	if (r->local.busy_s > 0)
		p.most_by_hour = 3600 * places * n / r->local.busy_s;
	if (p.saved_each_usd > 0)
		p.needed_by_hour = f->usd_per_hour / p.saved_each_usd;
	return p;
}
