/* runaway.c: a key that spends faster than it may is stopped, for a moment or until
 * somebody has looked. */
#include "limit.h"

#include "base/map.h"
#include "base/state_file.h"

#define MAGIC   "frugald paused 1"
#define ENTRIES 256U
#define LISTED  256U
/* Nobody knows when what is under way will end. */
#define RUNNING_WAIT_MS 1000

struct table {
	char magic[16];
	struct runaway_entry entry[ENTRIES];
};

/* ---- what is remembered ---- */

/* The key's own place, or with "" a free one. */
static struct runaway_entry *
entry_locked(struct limits_shared *l, const char *key)
{
	struct table *t = l->map.p;

	for (size_t i = 0; t != NULL && i < ENTRIES; i++) {
		if (strcmp(t->entry[i].key, key) == 0)
			return &t->entry[i];
	}
	return NULL;
}

bool
limits_remember(struct limits_shared *l, struct env *env, const char *path)
{
	struct table *t;

	if (!state_file_open(env, path, STR(MAGIC), sizeof(*t), &l->map))
		return false;
	pthread_mutex_lock(&l->lock);
	l->env = env;
	t = l->map.p;
	for (size_t i = 0; i < ENTRIES; i++) {
		struct runaway_entry *e = &t->entry[i];
		struct limit *key;

		e->key[sizeof(e->key) - 1] = '\0';
		if (e->key[0] == '\0')
			continue;
		key = limit_find_locked(l, LIMIT_key, e->key);
		l->paused += !atomic_exchange(&key->paused_shared, true);
		key->pause = *e;
	}
	pthread_mutex_unlock(&l->lock);
	return true;
}

void
runaway_forget(struct limits_shared *l)
{
	if (l->env != NULL)
		l->env->map_close(l->env, &l->map);
	l->env = NULL;
}

bool
runaway_paused_locked(struct limits_shared *l, const char *key)
{
	struct limit *one = map_get(l->by_name[LIMIT_key], str_of(key));

	return one != NULL && atomic_load(&one->paused_shared);
}

/* ---- too fast? ---- */

static int64_t
running(struct limit *key)
{
	return atomic_load_explicit(&key->running_shared, memory_order_relaxed);
}

static int64_t
spent_locked(struct limit *key, int64_t now_ns)
{
	window_turn(&key->spent, now_ns);
	return key->spent.sum + running(key);
}

static void
pause_locked(struct limits_shared *l, struct limit *key, const struct runaway_news *n,
    int64_t wall_ms)
{
	struct runaway_entry *kept = entry_locked(l, "");

	key->pause = (struct runaway_entry){
	    .at_ms = wall_ms, .spent_pusd = n->spent.v, .most_pusd = n->most.v};
	str_copy(key->pause.key, sizeof(key->pause.key), str_of(key->name));
	atomic_store(&key->paused_shared, true);
	l->paused++;
	/* More than the file has room for are paused until a restart. */
	if (kept != NULL)
		*kept = key->pause;
}

static void
tell_locked(struct limits_shared *l, const struct runaway_news *n)
{
	l->trips[n->then]++;
	if (l->news_count == RUNAWAY_NEWS)
		l->news_lost++;
	else
		l->news[l->news_count++] = *n;
}

/* Gives whether it is too fast, and acts when it has become so. */
static bool
look_locked(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    int64_t wall_ms)
{
	struct limit *key = who->of[LIMIT_key];
	int64_t spent = spent_locked(key, now_ns);
	struct runaway_news n = {
	    .then = who->then, .spent = {spent}, .most = who->runaway};
	bool was = key->too_fast;

	key->too_fast = spent >= who->runaway.v;
	if (!key->too_fast || atomic_load(&key->paused_shared))
		return key->too_fast;
	str_copy(n.key, sizeof(n.key), str_of(key->name));
	if (who->then == RUNAWAY_pause)
		pause_locked(l, key, &n, wall_ms);
	if (who->then == RUNAWAY_pause || !was)
		tell_locked(l, &n);
	return true;
}

static void
say_paused_locked(const struct limit *key, struct runaway_refusal *ret)
{
	*ret = (struct runaway_refusal){.paused = true,
	    .spent = {key->pause.spent_pusd},
	    .most = {key->pause.most_pusd},
	    .since_ms = key->pause.at_ms};
}

static void
say_throttled_locked(
    const struct limit_who *who, int64_t now_ns, struct runaway_refusal *ret)
{
	struct limit *key = who->of[LIMIT_key];
	int64_t spent = key->spent.sum + running(key);
	int64_t over = spent - who->runaway.v + 1;

	*ret = (struct runaway_refusal){.spent = {spent},
	    .most = who->runaway,
	    .wait_ms = over <= key->spent.sum
			   ? window_wait_ms(&key->spent, over, now_ns)
			   : RUNNING_WAIT_MS};
}

bool
runaway_admit(struct limits_shared *l, const struct limit_who *who,
    const struct limit_moment *at, struct runaway_refusal *ret_why)
{
	struct limit *key = who->of[LIMIT_key];
	bool paused, fast;
	int64_t now_ns;

	if (key == NULL || (who->runaway.v <= 0 && !atomic_load(&key->paused_shared)))
		return true;
	now_ns = limits_lock(l, at->mono_ns);
	fast = who->runaway.v > 0 && look_locked(l, who, now_ns, at->wall_ms);
	paused = atomic_load(&key->paused_shared);
	if (paused)
		say_paused_locked(key, ret_why);
	else if (fast)
		say_throttled_locked(who, now_ns, ret_why);
	if (paused || fast)
		l->stopped[paused ? RUNAWAY_pause : RUNAWAY_throttle]++;
	pthread_mutex_unlock(&l->lock);
	return !paused && !fast;
}

void
runaway_begin(const struct limit_who *who, struct pusd expected)
{
	struct limit *key = who->of[LIMIT_key];

	if (key != NULL && who->runaway.v > 0)
		atomic_fetch_add_explicit(
		    &key->running_shared, expected.v, memory_order_relaxed);
}

void
runaway_end(struct limits_shared *l, const struct limit_who *who,
    const struct runaway_bill *bill)
{
	struct limit *key = who->of[LIMIT_key];
	int64_t now_ns;

	if (key == NULL || who->runaway.v <= 0)
		return;
	now_ns = limits_lock(l, bill->at.mono_ns);
	atomic_fetch_sub_explicit(
	    &key->running_shared, bill->expected.v, memory_order_relaxed);
	window_turn(&key->spent, now_ns);
	(void)window_add(&key->spent, bill->amount.v);
	(void)look_locked(l, who, now_ns, bill->at.wall_ms);
	pthread_mutex_unlock(&l->lock);
}

bool
runaway_resume(struct limits_shared *l, const char *name)
{
	struct runaway_entry *kept;
	struct limit *key;
	bool was;

	pthread_mutex_lock(&l->lock);
	was = name[0] != '\0' && runaway_paused_locked(l, name);
	if (was) {
		key = map_get(l->by_name[LIMIT_key], str_of(name));
		kept = entry_locked(l, name);
		if (kept != NULL)
			*kept = (struct runaway_entry){0};
		/* Else it would be paused again at once. */
		key->spent = (struct window){0};
		key->too_fast = false;
		atomic_store(&key->paused_shared, false);
		l->paused--;
	}
	pthread_mutex_unlock(&l->lock);
	return was;
}

/* ---- for people ---- */

bool
runaway_news(struct limits_shared *l, struct runaway_news *ret)
{
	bool any;

	pthread_mutex_lock(&l->lock);
	any = l->news_count > 0;
	if (any) {
		*ret = l->news[0];
		l->news_count--;
		memmove(l->news, l->news + 1, l->news_count * sizeof(l->news[0]));
	}
	pthread_mutex_unlock(&l->lock);
	return any;
}

void
runaway_counts(struct limits_shared *l, struct runaway_counts *ret)
{
	pthread_mutex_lock(&l->lock);
	memcpy(ret->trips, l->trips, sizeof(ret->trips));
	memcpy(ret->stopped, l->stopped, sizeof(ret->stopped));
	ret->paused = l->paused;
	pthread_mutex_unlock(&l->lock);
}

static void
put_paused(const struct runaway_entry *e, struct json *j)
{
	char usd[PUSD_TEXT_BYTES];

	json_object_begin(j, NULL);
	json_str(j, "key", str_of(e->key));
	json_int(j, "since_ms", e->at_ms);
	pusd_format((struct pusd){e->spent_pusd}, usd);
	json_str(j, "spent_usd", str_of(usd));
	pusd_format((struct pusd){e->most_pusd}, usd);
	json_str(j, "usd_per_minute", str_of(usd));
	json_object_end(j);
}

void
runaway_json(struct limits_shared *l, struct json *j)
{
	struct str name;
	size_t iter = 0;
	unsigned n = 0;
	void *one;

	json_array_begin(j, "paused");
	pthread_mutex_lock(&l->lock);
	while (n < LISTED && map_next(l->by_name[LIMIT_key], &iter, &name, &one)) {
		const struct limit *key = one;

		if (!atomic_load(&((struct limit *)one)->paused_shared))
			continue;
		put_paused(&key->pause, j);
		n++;
	}
	pthread_mutex_unlock(&l->lock);
	json_array_end(j);
}
