/* machines.c: what is known of each local machine: its queue, what it tells of itself,
 * which of our models it has loaded. */
#include "machines.h"

#include "core/request.h"

static void
put_count(struct json *j, const char *key, int64_t v)
{
	if (v < 0)
		json_put_null(j, key);
	else
		json_int(j, key, v);
}

static void
put_number(struct json *j, const char *key, double v, int places)
{
	if (v < 0)
		json_put_null(j, key);
	else
		json_num(j, key, v, places);
}

/* Models of the policy that it serves, and whether they are in its memory. */
static void
put_models(
    struct json *j, const struct snapshot *s, const struct provider *p, int64_t now_ns)
{
	json_array_begin(j, "models");
	for (unsigned i = 0; i < s->model_count; i++) {
		const struct model *m = &s->models[i];

		for (unsigned k = 0; k < m->ats; k++) {
			int loaded = -1;

			if (m->at[k].provider != p)
				continue;
			if (p->poll != POLL_none)
				loaded =
				    machine_loaded(p->queue, m->at[k].name, now_ns);
			json_object_begin(j, NULL);
			json_str(j, "model", str_of(m->name));
			if (loaded < 0)
				json_put_null(j, "loaded");
			else
				json_bool(j, "loaded", loaded != 0);
			json_object_end(j);
		}
	}
	json_array_end(j);
}

static void
put_machine(
    struct json *j, const struct snapshot *s, const struct provider *p, int64_t now_ns)
{
	bool polled = p->poll != POLL_none;
	struct machine m;

	machine_look(p->queue, now_ns, &m);
	json_object_begin(j, NULL);
	json_str(j, "provider", str_of(p->name));
	json_bool(j, "polled", polled);
	json_int(j, "inflight", m.inflight);
	put_count(j, "running", m.running);
	put_count(j, "waiting", m.waiting);
	put_count(j, "slots", m.slots);
	put_count(j, "wait_ms", m.wait_ms);
	put_count(j, "wait_high_ms", m.wait_high_ms);
	put_count(j, "answer_ms", m.service_ms);
	put_number(j, "utilisation", m.utilisation, 3);
	put_number(j, "kv_share", m.kv_share, 3);
	put_number(j, "tokens_per_s", m.tokens_per_s, 1);
	/* Without a poll nobody knows what is loaded, so nothing is a cold start. */
	put_count(j, "cold_starts", polled ? m.cold_starts : -1);
	put_count(j, "cold_ms", m.cold_ms);
	put_count(j, "poll_age_ms", m.age_ms);
	put_count(j, "polls", polled ? (int64_t)m.polls : -1);
	put_count(j, "polls_failed", polled ? (int64_t)m.polls_failed : -1);
	put_models(j, s, p, now_ns);
	json_object_end(j);
}

void
machines_json(const struct snapshot *s, int64_t now_ns, struct json *j)
{
	json_array_begin(j, "machines");
	for (unsigned i = 0; i < s->provider_count; i++) {
		if (s->providers[i].queue != NULL)
			put_machine(j, s, &s->providers[i], now_ns);
	}
	json_array_end(j);
}
