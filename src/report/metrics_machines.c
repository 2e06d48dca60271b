/* metrics_machines.c: what is known of each local machine; what nobody knows is left
 * out. */
#include "metrics.h"

#include <stddef.h>

#include "core/request.h"

/* One number of all machines; -1: unknown of this one. */
struct gauge {
	const char *name, *type, *help;
	double (*of)(const struct machine *m);
	bool of_poll; /* only where the server is asked */
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

static double
running(const struct machine *m)
{
	return m->running;
}

static double
waiting(const struct machine *m)
{
	return m->waiting;
}

static double
slots(const struct machine *m)
{
	return m->slots;
}

static double
kv_share(const struct machine *m)
{
	return m->kv_share;
}

static double
tokens_per_s(const struct machine *m)
{
	return m->tokens_per_s;
}

static double
cold_starts(const struct machine *m)
{
	return (double)m->cold_starts;
}

static double
cold_s(const struct machine *m)
{
	return m->cold_ms < 0 ? -1 : (double)m->cold_ms / 1000.0;
}

static double
poll_age_s(const struct machine *m)
{
	return m->age_ms < 0 ? -1 : (double)m->age_ms / 1000.0;
}

static double
polls(const struct machine *m)
{
	return (double)m->polls;
}

static double
polls_failed(const struct machine *m)
{
	return (double)m->polls_failed;
}

static const struct gauge gauges[] = {
    {"machine_requests_in_flight", "gauge", "our calls at this local machine", inflight,
	false},
    {"machine_wait_seconds", "gauge",
	"expected wait of the next request there, for those before it", wait_s, false},
    {"machine_wait_high_seconds", "gauge", "the longest wait of the last five seconds",
	wait_high_s, false},
    {"machine_answer_seconds", "gauge", "what an answer takes there, once it is begun",
	answer_s, false},
    {"machine_utilisation", "gauge",
	"share of its places in use, an older minute counting less (five minutes)",
	utilisation, false},
    {"machine_requests_running", "gauge",
	"requests of everybody that it answers, as told at the last poll", running,
	true},
    {"machine_requests_waiting", "gauge",
	"requests of everybody in its queue, as told at the last poll", waiting, true},
    {"machine_slots", "gauge", "requests that it answers at the same time, as told",
	slots, true},
    {"machine_kv_cache_used", "gauge", "share of its KV cache in use, as told",
	kv_share, true},
    {"machine_tokens_per_second", "gauge",
	"tokens that it gave out a second between the last two polls", tokens_per_s,
	true},
    {"machine_cold_starts_total", "counter",
	"our calls for which it had to load their model first", cold_starts, true},
    {"machine_cold_start_seconds", "gauge",
	"time to the first byte of the last such call", cold_s, true},
    {"machine_poll_age_seconds", "gauge", "since the last poll that came back",
	poll_age_s, true},
    {"machine_polls_total", "counter", "times that it was asked for its queue", polls,
	true},
    {"machine_polls_failed_total", "counter", "of these without a usable answer",
	polls_failed, true},
};

/* Where a server tells which models it has loaded. */
static void
loaded_models(struct buf *b, const struct snapshot *s, int64_t now_ns)
{
	metrics_head(b, "machine_model_loaded", "gauge",
	    "1: this model is in the machine's memory; 0: a call would load it first");
	for (unsigned i = 0; i < s->model_count; i++) {
		const struct model *m = &s->models[i];

		for (unsigned k = 0; k < m->ats; k++) {
			const struct provider *p = m->at[k].provider;
			int loaded = -1;

			if (p->poll != POLL_none && p->queue != NULL)
				loaded =
				    machine_loaded(p->queue, m->at[k].name, now_ns);
			if (loaded < 0)
				continue;
			buf_add(b, "frugald_machine_model_loaded{provider=\"");
			metrics_label(b, p->name);
			buf_add(b, "\",model=\"");
			metrics_label(b, m->name);
			buf_printf(b, "\"} %d\n", loaded);
		}
	}
}

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

			if (s->providers[i].queue == NULL ||
			    (gauges[k].of_poll && s->providers[i].poll == POLL_none))
				continue;
			v = gauges[k].of(&machine[i]);
			if (v < 0)
				continue;
			buf_printf(b, "frugald_%s{provider=\"", gauges[k].name);
			metrics_label(b, s->providers[i].name);
			buf_printf(b, "\"} %.10g\n", v);
		}
	}
	loaded_models(b, s, now_ns);
}
