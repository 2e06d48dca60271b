/* limit_table.c: what was used, by the names of keys and teams. */
#include "limit.h"

#include "base/map.h"
#include "base/mem.h"

static const char *const of_names[] = {"key", "team"};
static const char *const kind_names[] = {"requests", "tokens", "inflight"};

const char *
limit_of_name(enum limit_of of)
{
	return of_names[of];
}

const char *
limit_kind_name(enum limit_kind kind)
{
	return kind_names[kind];
}

struct limits_shared *
limits_new(void)
{
	struct limits_shared *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	for (size_t of = 0; of < LIMIT_OFS; of++)
		l->by_name[of] = map_new();
	return l;
}

void
limits_free(struct limits_shared *l)
{
	struct str name;
	size_t iter;
	void *one;

	if (l == NULL)
		return;
	for (size_t of = 0; of < LIMIT_OFS; of++) {
		for (iter = 0; map_next(l->by_name[of], &iter, &name, &one);)
			xfree(one);
		map_free(l->by_name[of]);
	}
	runaway_forget(l);
	pthread_mutex_destroy(&l->lock);
	xfree(l);
}

int64_t
limits_lock(struct limits_shared *l, int64_t now_ns)
{
	pthread_mutex_lock(&l->lock);
	if (l->now_ns < now_ns)
		l->now_ns = now_ns;
	return l->now_ns;
}

struct limit *
limit_find_locked(struct limits_shared *l, enum limit_of of, const char *name)
{
	struct limit *one = map_get(l->by_name[of], str_of(name));

	if (one != NULL)
		return one;
	one = xcalloc(1, sizeof(*one));
	str_copy(one->name, sizeof(one->name), str_of(name));
	TAILQ_INIT(&one->active);
	(void)map_put(l->by_name[of], str_of(name), one);
	return one;
}

static bool
is_limited(const struct terms *t)
{
	return t->rpm > 0 || t->tpm > 0 || t->max_inflight > 0 || t->runaway.v > 0;
}

void
limits_bind(struct limits_shared *l, struct snapshot *s)
{
	/* The snapshot is constant from its publication on; this comes before. */
	struct team *team = (struct team *)s->teams;
	struct key_entry *key = (struct key_entry *)s->keys;
	struct ci_rule *ci = (struct ci_rule *)s->ci;

	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < s->team_count; i++)
		team[i].limit = is_limited(&team[i].terms)
				    ? limit_find_locked(l, LIMIT_team, team[i].name)
				    : NULL;
	for (unsigned i = 0; i < s->key_count; i++) {
		bool shares = key[i].team != NULL && key[i].team->limit != NULL;

		key[i].limit = shares || is_limited(&key[i].terms) ||
				       runaway_paused_locked(l, key[i].name)
				   ? limit_find_locked(l, LIMIT_key, key[i].name)
				   : NULL;
	}
	for (unsigned i = 0; i < s->ci_count; i++) {
		bool shares = ci[i].team != NULL && ci[i].team->limit != NULL;

		ci[i].limit = shares || runaway_paused_locked(l, ci[i].key)
				  ? limit_find_locked(l, LIMIT_key, ci[i].key)
				  : NULL;
	}
	pthread_mutex_unlock(&l->lock);
}

static void
most_of(const struct terms *t, int64_t ret[static LIMIT_KINDS])
{
	ret[LIMIT_requests] = t->rpm;
	ret[LIMIT_tokens] = t->tpm;
	ret[LIMIT_inflight] = t->max_inflight;
}

/* Of both the stricter: the lower one, of the same the one that pauses. */
static void
runaway_of(const struct terms *t, struct limit_who *ret)
{
	enum runaway_then then =
	    t->runaway_then == RUNAWAY_pause ? RUNAWAY_pause : RUNAWAY_throttle;

	if (t->runaway.v <= 0 || (ret->runaway.v > 0 && ret->runaway.v < t->runaway.v))
		return;
	if (ret->runaway.v != t->runaway.v || ret->then == RUNAWAY_throttle)
		ret->then = then;
	ret->runaway = t->runaway;
}

bool
limit_who_make(const struct principal *p, struct limit_who *ret)
{
	*ret = (struct limit_who){0};
	if (p->key != NULL && p->key->limit != NULL) {
		ret->of[LIMIT_key] = p->key->limit;
		most_of(&p->key->terms, ret->most[LIMIT_key]);
		runaway_of(&p->key->terms, ret);
		if (p->team != NULL)
			runaway_of(&p->team->terms, ret);
	}
	if (p->team != NULL && p->team->limit != NULL) {
		ret->of[LIMIT_team] = p->team->limit;
		most_of(&p->team->terms, ret->most[LIMIT_team]);
	}
	return ret->of[LIMIT_key] != NULL || ret->of[LIMIT_team] != NULL;
}
