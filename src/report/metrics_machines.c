/* metrics_machines.c: what is known of each local machine; what nobody knows is left
 * out. */
#include "metrics.h"

#include <stddef.h>

#include "core/request.h"

/* One number of all machines; -1: unknown of this one. */
struct gauge {
	const char *name, *type, *help;
	double (*of)(const struct machine *m);
};

static double
inflight(const struct machine *m)
{
	return m->inflight;
}

static double
wait_s(const struct machine *m)
{
	return m->wait_ms < 0 ? -1 : m->wait_ms / 1000.0;
}

static double
wait_high_s(const struct machine *m)
{
	return m->wait_high_ms < 0 ? -1 : m->wait_high_ms / 1000.0;
}

static double
answer_s(const struct machine *m)
{
	return m->service_ms < 0 ? -1 : (double)m->service_ms / 1000.0;
}

static double
utilisation(const struct machine *m)
{
	return m->utilisation;
}

static const struct gauge gauges[] = {
    {"machine_requests_in_flight", "gauge", "our calls at this local machine",
	inflight},
    {"machine_wait_seconds", "gauge",
	"expected wait of the next request there, for those before it", wait_s},
    {"machine_wait_high_seconds", "gauge", "the longest wait of the last five seconds",
	wait_high_s},
    {"machine_answer_seconds", "gauge", "what an answer takes there, once it is begun",
	answer_s},
    {"machine_utilisation", "gauge",
	"share of its places in use, an older minute counting less (five minutes)",
	utilisation},
};

void
metrics_machines(struct buf *b, const struct snapshot *s, int64_t now_ns)
{
	struct machine machine[PROVIDERS_MAX];

	for (unsigned i = 0; i < s->provider_count; i++) {
		if (s->providers[i].queue != NULL)
			machine_look(s->providers[i].queue, now_ns, &machine[i]);
	}
	for (size_t k = 0; k < nitems(gauges); k++) {
		metrics_head(b, gauges[k].name, gauges[k].type, gauges[k].help);
		for (unsigned i = 0; i < s->provider_count; i++) {
			double v;

			if (s->providers[i].queue == NULL)
				continue;
			v = gauges[k].of(&machine[i]);
			if (v < 0)
				continue;
			buf_printf(b, "frugald_%s{provider=\"", gauges[k].name);
			metrics_label(b, s->providers[i].name);
			buf_printf(b, "\"} %.6g\n", v);
		}
	}
}
