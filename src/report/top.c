/* top.c: workers are asked for their requests under way and for what keys have spent of
 * late; budgets and machines stand beside it. */
#include "top.h"

#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/map.h"
#include "base/mem.h"
#include "caps.h"
#include "core/request.h"
#include "core/worker.h"
#include "dates.h"
#include "machines.h"
#include "recent.h"
#include "report.h"
#include "survey.h"

#define NAME 48
/* A worker has other things to do; further requests are only counted. */
#define LOOKED_AT 4096U
#define LINES_MAX 200U

/* Requests of one key at one model that are under way. */
struct top_call {
	char key[NAME], team[NAME], model[NAME], provider[NAME];
	int64_t count, oldest_ms;
};

struct top_key {
	char key[NAME], team[NAME];
	int64_t in_flight;
	struct recent_sum minute, hour;
};

/* What a worker tells, and what all together do. */
struct part {
	struct map *calls, *keys;   /* to struct top_call and top_key, owned */
	int64_t in_flight, waiting; /* waiting: no upstream was called yet */
};

struct top {
	unsigned workers;
	struct part *part; /* by worker */
};

static void
part_init(struct part *p)
{
	*p = (struct part){.calls = map_new(), .keys = map_new()};
}

static void
free_values(struct map *m)
{
	struct str key;
	size_t at = 0;
	void *v;

	while (map_next(m, &at, &key, &v))
		xfree(v);
	map_free(m);
}

static void
part_fini(struct part *p)
{
	free_values(p->calls);
	free_values(p->keys);
}

static void
top_free(void *arg)
{
	struct top *t = arg;

	for (unsigned i = 0; i < t->workers; i++)
		part_fini(&t->part[i]);
	xfree(t->part);
	xfree(t);
}

/* ---- what is kept of a name ---- */

static struct top_key *
key_of(struct part *p, const char *key, const char *team)
{
	struct top_key *k = map_get(p->keys, str_of(key));

	if (k != NULL)
		return k;
	k = xcalloc(1, sizeof(*k));
	str_copy(k->key, sizeof(k->key), str_of(key));
	str_copy(k->team, sizeof(k->team), str_of(team));
	map_put(p->keys, str_of(key), k);
	return k;
}

static struct top_call *
call_of(struct part *p, const struct top_call *like)
{
	char name[3 * NAME];
	struct top_call *c;
	size_t n = str_copy(name, NAME, str_of(like->key));

	name[n++] = '\x1f';
	n += str_copy(name + n, NAME, str_of(like->model));
	name[n++] = '\x1f';
	n += str_copy(name + n, NAME, str_of(like->provider));
	c = map_get(p->calls, str_make(name, n));
	if (c != NULL)
		return c;
	c = xcalloc(1, sizeof(*c));
	*c = *like;
	c->count = c->oldest_ms = 0;
	map_put(p->calls, str_make(name, n), c);
	return c;
}

static void
add_call(struct part *p, const struct top_call *from)
{
	struct top_call *c = call_of(p, from);

	c->count += from->count;
	if (from->oldest_ms > c->oldest_ms)
		c->oldest_ms = from->oldest_ms;
}

static void
add_sum(struct recent_sum *into, const struct recent_sum *from)
{
	into->requests += from->requests;
	into->refused += from->refused;
	into->spent.v += from->spent.v;
}

/* ---- on a worker ---- */

static void
look_at(struct part *p, const struct request *r, int64_t now_ns)
{
	const struct attempt *a = r->live;
	struct top_call c = {.count = 1};

	p->in_flight++;
	p->waiting += a == NULL;
	if (p->in_flight > LOOKED_AT)
		return;
	str_copy(c.key, sizeof(c.key), str_of(r->who.key_name));
	if (r->who.team_name != NULL)
		str_copy(c.team, sizeof(c.team), str_of(r->who.team_name));
	if (a != NULL) {
		str_copy(c.model, sizeof(c.model), str_of(a->candidate->model->name));
		str_copy(c.provider, sizeof(c.provider), str_of(a->provider->name));
	}
	c.oldest_ms = (now_ns - r->start_ns) / NS_PER_MS;
	add_call(p, &c);
	key_of(p, c.key, c.team)->in_flight++;
}

static void
on_recent(void *arg, const struct recent_line *l)
{
	struct top_key *k = key_of(arg, l->key, l->team);

	add_sum(&k->minute, &l->minute);
	add_sum(&k->hour, &l->hour);
}

static void
look(void *arg, const struct worker *w)
{
	struct top *t = arg;
	struct part *p = &t->part[w->index];
	int64_t now_ns = w->env->mono_ns(w->env);
	const struct request *r;

	TAILQ_FOREACH (r, &w->requests, link) {
		if (r->in.endpoint == EP_generate && !r->in.dry &&
		    r->outcome == OUT_unset && r->who.key_name != NULL)
			look_at(p, r, now_ns);
	}
	recent_each(w->recent, now_ns, on_recent, p);
}

/* ---- all together ---- */

static void
add_part(struct part *into, const struct part *from)
{
	struct str name;
	size_t at = 0;
	void *v;

	into->in_flight += from->in_flight;
	into->waiting += from->waiting;
	while (map_next(from->calls, &at, &name, &v))
		add_call(into, v);
	at = 0;
	while (map_next(from->keys, &at, &name, &v)) {
		const struct top_key *k = v;
		struct top_key *all = key_of(into, k->key, k->team);

		all->in_flight += k->in_flight;
		add_sum(&all->minute, &k->minute);
		add_sum(&all->hour, &k->hour);
	}
}

/* The values of a map, in an order; free it. */
static void **
sorted(const struct map *m, int (*order)(const void *, const void *))
{
	void **list = xcalloc(map_count(m) + 1, sizeof(*list));
	struct str key;
	size_t at = 0, n = 0;

	while (map_next(m, &at, &key, &list[n]))
		n++;
	list[n] = NULL;
	qsort((void *)list, n, sizeof(*list), order);
	return list;
}

static int
by_count(const void *a, const void *b)
{
	const struct top_call *x = *(void *const *)a, *y = *(void *const *)b;
	int c;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	c = strcmp(x->key, y->key);
	return c != 0 ? c : strcmp(x->model, y->model);
}

/* Who spends most now, then of late, then by name. */
static int
by_spend(const void *a, const void *b)
{
	const struct top_key *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->minute.spent.v != y->minute.spent.v)
		return x->minute.spent.v > y->minute.spent.v ? -1 : 1;
	if (x->hour.spent.v != y->hour.spent.v)
		return x->hour.spent.v > y->hour.spent.v ? -1 : 1;
	return strcmp(x->key, y->key);
}

static void
put_sum(struct json *j, const char *key, const struct recent_sum *s)
{
	json_object_begin(j, key);
	json_int(j, "requests", s->requests);
	json_int(j, "refused", s->refused);
	json_pusd_sum(j, "usd", s->spent);
	json_object_end(j);
}

static void
put_calls(struct json *j, const struct part *all)
{
	void **list = sorted(all->calls, by_count);

	json_array_begin(j, "calls");
	for (size_t i = 0; i < LINES_MAX && list[i] != NULL; i++) {
		const struct top_call *c = list[i];

		json_object_begin(j, NULL);
		json_str(j, "key", str_of(c->key));
		json_str(j, "team", str_of(c->team));
		json_str(j, "model", str_of(c->model));
		json_str(j, "provider", str_of(c->provider));
		json_int(j, "in_flight", c->count);
		json_int(j, "oldest_ms", c->oldest_ms);
		json_object_end(j);
	}
	json_array_end(j);
	xfree((void *)list);
}

static void
put_keys(struct json *j, const struct part *all)
{
	void **list = sorted(all->keys, by_spend);
	struct recent_sum minute = {0}, hour = {0};

	json_array_begin(j, "keys");
	for (size_t i = 0; list[i] != NULL; i++) {
		const struct top_key *k = list[i];

		add_sum(&minute, &k->minute);
		add_sum(&hour, &k->hour);
		if (i >= LINES_MAX)
			continue;
		json_object_begin(j, NULL);
		json_str(j, "key", str_of(k->key));
		json_str(j, "team", str_of(k->team));
		json_int(j, "in_flight", k->in_flight);
		put_sum(j, "minute", &k->minute);
		put_sum(j, "hour", &k->hour);
		json_object_end(j);
	}
	json_array_end(j);
	put_sum(j, "minute", &minute);
	put_sum(j, "hour", &hour);
	xfree((void *)list);
}

static struct survey *
ask_workers(struct report *r, struct top **ret)
{
	struct top *t = xcalloc(1, sizeof(*t));

	t->workers = r->o.worker_count;
	t->part = xcalloc(t->workers + 1, sizeof(*t->part));
	for (unsigned i = 0; i < t->workers; i++)
		part_init(&t->part[i]);
	*ret = t;
	return survey_new(r, look, top_free, t);
}

bool
top_json(struct books *b, const struct snapshot *snap, struct buf *ret)
{
	const struct scope everything = {.all = true};
	struct top *t;
	struct survey *s = ask_workers(b->in_flight, &t);
	bool whole = survey_wait(s);
	char at[DATE_TEXT_BYTES];
	struct part all;
	struct json j;

	part_init(&all);
	for (unsigned i = 0; i < t->workers; i++) {
		if (survey_has(s, i))
			add_part(&all, &t->part[i]);
	}
	survey_free(s);
	date_format_s(env_wall_ms(b->env), at);
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "at", str_of(at));
	json_bool(&j, "whole", whole);
	json_int(&j, "in_flight", all.in_flight);
	json_int(&j, "waiting", all.waiting);
	put_calls(&j, &all);
	put_keys(&j, &all);
	caps_json(b, snap, NULL, &everything, &j);
	machines_json(snap, b->env->mono_ns(b->env), &j);
	if (b->in_flight->o.shared->limits != NULL)
		runaway_json(b->in_flight->o.shared->limits, &j);
	json_object_end(&j);
	part_fini(&all);
	return !j.full;
}
