/* recent.c: sixty seconds and sixty minutes of each key. A slot says of which second or
 * minute it is, so that nobody has to go over what is long ago. */
#include "recent.h"

#include "base/env.h"
#include "base/map.h"
#include "base/mem.h"

#define SLOTS    60
#define KEYS_MAX 4096U
#define NAME     48

struct window {
	struct {
		int64_t unit; /* second or minute */
		struct recent_sum sum;
	} slot[SLOTS];
};

struct spender {
	char key[NAME], team[NAME];
	int64_t minute; /* of its last request */
	struct window seconds, minutes;
};

struct recent {
	struct map *by_key;
	int64_t swept; /* the minute in which the silent ones were last forgotten */
};

struct recent *
recent_new(void)
{
	struct recent *r = xcalloc(1, sizeof(*r));

	r->by_key = map_new();
	return r;
}

void
recent_free(struct recent *r)
{
	struct str key;
	size_t at = 0;
	void *s;

	if (r == NULL)
		return;
	while (map_next(r->by_key, &at, &key, &s))
		xfree(s);
	map_free(r->by_key);
	xfree(r);
}

/* Jobs of pipelines have names of their own, which do not come again: without those
 * that were silent for an hour. */
static void
sweep(struct recent *r, int64_t minute)
{
	struct map *kept = map_new();
	struct str key;
	size_t at = 0;
	void *p;

	while (map_next(r->by_key, &at, &key, &p)) {
		if (((struct spender *)p)->minute <= minute - SLOTS)
			xfree(p);
		else
			(void)map_put(kept, key, p);
	}
	map_free(r->by_key);
	r->by_key = kept;
	r->swept = minute;
}

static struct spender *
spender_of(struct recent *r, struct str key, struct str team, int64_t minute)
{
	struct spender *s = map_get(r->by_key, key);

	if (s == NULL && map_count(r->by_key) >= KEYS_MAX && r->swept != minute)
		sweep(r, minute);
	if (s == NULL && map_count(r->by_key) >= KEYS_MAX) {
		key = team = STR("");
		s = map_get(r->by_key, key);
	}
	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof(*s));
	str_copy(s->key, sizeof(s->key), key);
	str_copy(s->team, sizeof(s->team), team);
	map_put(r->by_key, key, s);
	return s;
}

static void
add(struct window *w, int64_t unit, struct pusd_sum spent, bool refused)
{
	struct recent_sum *sum = &w->slot[unit % SLOTS].sum;

	if (w->slot[unit % SLOTS].unit != unit)
		*sum = (struct recent_sum){0};
	w->slot[unit % SLOTS].unit = unit;
	sum->requests++;
	sum->refused += refused;
	sum->spent.v += spent.v;
}

void
recent_add(struct recent *r, struct str key, struct str team, int64_t mono_ns,
    struct pusd_sum spent, bool refused)
{
	int64_t second = mono_ns / NS_PER_S + 1; /* 0: no slot was used */
	int64_t minute = second / 60 + 1;
	struct spender *s = spender_of(r, key, team, minute);

	s->minute = minute;
	add(&s->seconds, second, spent, refused);
	add(&s->minutes, s->minute, spent, refused);
}

static struct recent_sum
sum_of(const struct window *w, int64_t unit)
{
	struct recent_sum all = {0};

	for (size_t i = 0; i < SLOTS; i++) {
		if (w->slot[i].unit == 0 || w->slot[i].unit <= unit - SLOTS)
			continue;
		all.requests += w->slot[i].sum.requests;
		all.refused += w->slot[i].sum.refused;
		all.spent.v += w->slot[i].sum.spent.v;
	}
	return all;
}

void
recent_each(const struct recent *r, int64_t mono_ns, recent_fn *each, void *arg)
{
	int64_t second = mono_ns / NS_PER_S + 1, minute = second / 60 + 1;
	struct str key;
	size_t at = 0;
	void *p;

	while (map_next(r->by_key, &at, &key, &p)) {
		const struct spender *s = p;
		struct recent_line l = {.key = s->key, .team = s->team};

		if (s->minute <= minute - SLOTS)
			continue;
		l.minute = sum_of(&s->seconds, second);
		l.hour = sum_of(&s->minutes, minute);
		each(arg, &l);
	}
}
