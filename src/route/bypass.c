/* bypass.c: routes that an operator has sent to their baseline, until when and why. */
#include "work.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/state_file.h"

#define MAGIC   "frugald bypass 1"
#define ENTRIES 64U

struct entry {
	char route[40]; /* "": all */
	char reason[104];
	int64_t until_ms; /* wall clock; 0: free */
};

struct table {
	char magic[16];
	struct entry entry[ENTRIES];
};

struct bypass_shared {
	struct env *env;
	struct env_map map;
	struct table *t;
	/* Nearly always 0, and asked for by every request. */
	atomic_uint in_force_shared;
	pthread_mutex_t lock;
};

static void
count_locked(struct bypass_shared *b)
{
	unsigned n = 0;

	for (size_t i = 0; i < ENTRIES; i++)
		n += b->t->entry[i].until_ms != 0;
	atomic_store_explicit(&b->in_force_shared, n, memory_order_release);
}

struct bypass_shared *
bypass_open(struct env *env, const char *path)
{
	struct bypass_shared *b = xcalloc(1, sizeof(*b));

	b->env = env;
	if (!state_file_open(env, path, STR(MAGIC), sizeof(struct table), &b->map)) {
		int saved = errno;

		xfree(b);
		errno = saved;
		return NULL;
	}
	b->t = b->map.p;
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &b->t->entry[i];

		e->route[sizeof(e->route) - 1] = '\0';
		e->reason[sizeof(e->reason) - 1] = '\0';
	}
	pthread_mutex_init(&b->lock, NULL);
	count_locked(b);
	return b;
}

void
bypass_close(struct bypass_shared *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	b->env->map_close(b->env, &b->map);
	xfree(b);
}

/* The route's own entry, else a free one,
 * else the one that ends first if it is over. */
static struct entry *
place_locked(struct bypass_shared *b, const char *route, int64_t now_ms)
{
	struct entry *spare = NULL;

	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &b->t->entry[i];

		if (e->until_ms != 0 && strcmp(e->route, route) == 0)
			return e;
		if (spare == NULL && e->until_ms <= now_ms)
			spare = e;
	}
	return spare;
}

bool
bypass_set(
    struct bypass_shared *b, const char *route, int64_t until_ms, const char *reason)
{
	const char *name = route == NULL ? "" : route;
	struct entry *e;

	if (strlen(name) >= sizeof(e->route))
		return false;
	pthread_mutex_lock(&b->lock);
	e = place_locked(b, name, env_wall_ms(b->env));
	if (e != NULL) {
		*e = (struct entry){.until_ms = until_ms};
		str_copy(e->route, sizeof(e->route), str_of(name));
		str_copy(
		    e->reason, sizeof(e->reason), str_of(reason == NULL ? "" : reason));
	}
	count_locked(b);
	pthread_mutex_unlock(&b->lock);
	return e != NULL;
}

static bool
in_force(const struct entry *e, int64_t wall_ms)
{
	return e->until_ms > wall_ms;
}

bool
bypass_active(struct bypass_shared *b, const char *route, int64_t wall_ms)
{
	bool found = false;

	if (atomic_load_explicit(&b->in_force_shared, memory_order_acquire) == 0)
		return false;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < ENTRIES && !found; i++) {
		const struct entry *e = &b->t->entry[i];

		found = in_force(e, wall_ms) &&
			(e->route[0] == '\0' || strcmp(e->route, route) == 0);
	}
	pthread_mutex_unlock(&b->lock);
	return found;
}

void
bypass_json(struct bypass_shared *b, int64_t wall_ms, struct json *j)
{
	json_array_begin(j, "bypass");
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct entry *e = &b->t->entry[i];

		if (!in_force(e, wall_ms))
			continue;
		json_object_begin(j, NULL);
		if (e->route[0] == '\0')
			json_put_null(j, "route");
		else
			json_str(j, "route", str_of(e->route));
		json_int(j, "until_ms", e->until_ms);
		json_int(j, "left_s", (e->until_ms - wall_ms) / 1000);
		json_str(j, "reason", str_of(e->reason));
		json_object_end(j);
	}
	pthread_mutex_unlock(&b->lock);
	json_array_end(j);
}
