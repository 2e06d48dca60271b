/* fleet.c: the health of everybody, kept by name, so that it outlives a reload. */
#include <pthread.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "core/request.h"
#include "health.h"
#include "queue.h"

struct fleet_shared {
	pthread_mutex_t lock;
	struct map *by_name; /* "provider NAME", "model NAME", "model NAME at PROVIDER",
				"tier NAME at PROVIDER" */
	struct map *queues;  /* "NAME" of a local provider */
};

struct fleet_shared *
fleet_new(void)
{
	struct fleet_shared *f = xcalloc(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	f->by_name = map_new();
	f->queues = map_new();
	return f;
}

void
fleet_free(struct fleet_shared *f)
{
	size_t iter = 0;
	struct str name;
	void *h, *q;

	if (f == NULL)
		return;
	while (map_next(f->by_name, &iter, &name, &h))
		health_free(h);
	iter = 0;
	while (map_next(f->queues, &iter, &name, &q))
		queue_free(q);
	map_free(f->by_name);
	map_free(f->queues);
	pthread_mutex_destroy(&f->lock);
	xfree(f);
}

static struct health *
find_locked(struct fleet_shared *f, const char *kind, const char *a, const char *b)
{
	char name[512];
	struct health *h;

	snprintf(
	    name, sizeof(name), "%s %s%s%s", kind, a, b[0] != '\0' ? " at " : "", b);
	h = map_get(f->by_name, str_of(name));
	if (h == NULL) {
		h = health_new();
		(void)map_put(f->by_name, str_of(name), h);
	}
	return h;
}

static struct queue *
queue_of_locked(struct fleet_shared *f, const struct provider *p)
{
	struct queue *q = map_get(f->queues, str_of(p->name));

	if (q == NULL) {
		q = queue_new();
		(void)map_put(f->queues, str_of(p->name), q);
	}
	queue_limit(q, p->places);
	return q;
}

static bool
bind_providers_locked(struct fleet_shared *f, const struct snapshot *s)
{
	/* The snapshot is constant from its publication on; this comes before. */
	struct provider *p = (struct provider *)s->providers;

	for (unsigned i = 0; i < s->provider_count; i++) {
		p[i].dialect = dialect_find(str_of(p[i].api));
		if (p[i].dialect == NULL)
			return false;
		p[i].health = find_locked(f, "provider", p[i].name, "");
		health_keys_forget(p[i].health);
		p[i].queue = p[i].local ? queue_of_locked(f, &p[i]) : NULL;
	}
	return true;
}

static bool
asks_for_tiers(const struct snapshot *s)
{
	for (unsigned i = 0; i < s->route_count; i++) {
		for (unsigned k = 0; k < s->routes[i].rule_count; k++) {
			if (s->routes[i].rules[k].service_tier != NULL)
				return true;
		}
	}
	return false;
}

/* A deadline that is far away may ask for it, as far as prices are known. */
static bool
has_flex(const struct snapshot *s, const struct model *m, unsigned at)
{
	const struct price_row *row = price_for(s, m, at, INT64_MAX - 1).row;

	for (unsigned i = 0; row != NULL && i < row->services; i++) {
		if (str_is(str_of(row->service[i].name), FLEX))
			return true;
	}
	return false;
}

static void
bind_models_locked(struct fleet_shared *f, const struct snapshot *s)
{
	struct model *m = (struct model *)s->models;
	bool tiers = asks_for_tiers(s);

	for (unsigned i = 0; i < s->model_count; i++) {
		m[i].health = find_locked(f, "model", m[i].name, "");
		for (unsigned k = 0; k < m[i].ats; k++) {
			const char *at = m[i].at[k].provider->name;
			bool own = tiers || has_flex(s, &m[i], k);

			m[i].at[k].health = find_locked(f, "model", m[i].name, at);
			m[i].at[k].tier_health =
			    find_locked(f, own ? "tier" : "model", m[i].name, at);
			health_keys_forget(m[i].at[k].health);
			health_keys_forget(m[i].at[k].tier_health);
		}
	}
}

bool
fleet_bind(struct fleet_shared *f, struct snapshot *s)
{
	bool ok;

	pthread_mutex_lock(&f->lock);
	ok = bind_providers_locked(f, s);
	if (ok)
		bind_models_locked(f, s);
	pthread_mutex_unlock(&f->lock);
	return ok;
}

static const char *
state_of(const struct health_view *v)
{
	if (v->open)
		return "open";
	if (v->half_open)
		return "half-open";
	return v->cooling ? "cooling" : "closed";
}

void
fleet_json(struct fleet_shared *f, int64_t now_ns, struct json *j)
{
	size_t iter = 0;
	struct str name;
	void *h;

	pthread_mutex_lock(&f->lock);
	json_array_begin(j, "health");
	while (map_next(f->by_name, &iter, &name, &h)) {
		struct health_view v = health_look(h, now_ns);

		json_object_begin(j, NULL);
		json_str(j, "name", name);
		json_str(j, "state", str_of(state_of(&v)));
		json_int(j, "inflight", v.inflight);
		json_int(j, "wait_ms", v.wait_ms);
		json_int(j, "served", (int64_t)v.served);
		json_int(j, "faults", (int64_t)v.faults);
		json_int(j, "ttft_ms", health_ttft_ms(h, now_ns));
		json_object_end(j);
	}
	json_array_end(j);
	pthread_mutex_unlock(&f->lock);
}
