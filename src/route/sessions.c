/* sessions.c: what is remembered of conversations: a table of fixed
 * size in a mapped file, shared by all workers, keyed by names so
 * that it outlives reloads and restarts. */
#include "work.h"

#include <errno.h>
#include <pthread.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/state_file.h"

#define MAGIC  "frugald sessions"
#define LAYOUT 2U

/* 16,384 conversations in 640 KiB: those of the last hour of a busy daemon. A session
 * that was pushed out costs one cold prompt cache. */
#define WAYS   8U
#define SETS   2048U
#define SHARDS 64U /* locks; a set belongs to one */

#define FLAG_hour 1U /* the cached prefix is to last an hour or longer */

struct entry {
	uint64_t id;    /* 0: free */
	uint64_t model; /* hash of its name; 0: none */
	int64_t last_ms;
	uint32_t provider; /* hash of its name; 0: unknown */
	uint32_t cached_tokens;
	float complexity; /* -1: claimed, nothing answered yet */
	uint16_t turns;
	uint8_t class; /* enum task_class + 1; 0: unknown */
	uint8_t flags; /* FLAG_… */
};
_Static_assert(sizeof(struct entry) == 40, "the layout is part of the file's version");

struct head {
	char magic[16];
	uint32_t layout, entry_bytes, sets, ways;
	char zero[32];
};
_Static_assert(sizeof(struct head) == 64, "the layout is part of the file's version");

#define FILE_BYTES (sizeof(struct head) + sizeof(struct entry) * SETS * WAYS)

struct sessions_shared {
	struct env *env;
	struct env_map map;
	struct entry *entries;
	pthread_mutex_t lock[SHARDS];
};

/* ---- the file ---- */

static struct head
right_head(void)
{
	struct head h = {.layout = LAYOUT,
	    .entry_bytes = sizeof(struct entry),
	    .sets = SETS,
	    .ways = WAYS};

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	return h;
}

struct sessions_shared *
sessions_open(struct env *env, const char *path)
{
	struct sessions_shared *s = xcalloc(1, sizeof(*s));
	struct head head = right_head();

	s->env = env;
	if (!state_file_open(env, path, str_make((const char *)&head, sizeof(head)),
		FILE_BYTES, &s->map)) {
		int saved = errno;

		xfree(s);
		errno = saved;
		return NULL;
	}
	s->entries = (struct entry *)(void *)((char *)s->map.p + sizeof(struct head));
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&s->lock[i], NULL);
	return s;
}

void
sessions_close(struct sessions_shared *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&s->lock[i]);
	s->env->map_close(s->env, &s->map);
	xfree(s);
}

/* ---- entries ---- */

static size_t
set_of(uint64_t id)
{
	return (size_t)(id % SETS);
}

static pthread_mutex_t *
lock_of(struct sessions_shared *s, uint64_t id)
{
	return &s->lock[set_of(id) % SHARDS];
}

static struct entry *
find_locked(struct sessions_shared *s, uint64_t id)
{
	struct entry *e = &s->entries[set_of(id) * WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		if (e[i].id == id)
			return &e[i];
	}
	return NULL;
}

/* A free place, or that of the session that has rested longest. */
static struct entry *
make_locked(struct sessions_shared *s, uint64_t id)
{
	struct entry *e = &s->entries[set_of(id) * WAYS], *oldest = e;

	for (size_t i = 0; i < WAYS; i++) {
		if (e[i].id == 0) {
			oldest = &e[i];
			break;
		}
		if (e[i].last_ms < oldest->last_ms)
			oldest = &e[i];
	}
	*oldest = (struct entry){.id = id, .complexity = -1};
	return oldest;
}

static uint64_t
name_hash(const char *name)
{
	return hash_stable(str_of(name));
}

static const struct model *
model_of(const struct snapshot *snap, uint64_t hash)
{
	for (unsigned i = 0; hash != 0 && i < snap->model_count; i++) {
		if (name_hash(snap->models[i].name) == hash)
			return &snap->models[i];
	}
	return NULL;
}

static const struct provider *
provider_of(const struct snapshot *snap, uint32_t hash)
{
	for (unsigned i = 0; hash != 0 && i < snap->provider_count; i++) {
		if ((uint32_t)name_hash(snap->providers[i].name) == hash)
			return &snap->providers[i];
	}
	return NULL;
}

/* The file may be damaged: every number is brought into its range. */
static void
view(const struct entry *e, const struct snapshot *snap, int64_t wall_ms,
    struct session_view *ret)
{
	int64_t idle = wall_ms - e->last_ms;

	ret->known = true;
	ret->turns = e->turns;
	ret->idle_ms = idle < 0 ? 0 : idle; /* the clock may have stepped back */
	ret->model = model_of(snap, e->model);
	ret->provider = provider_of(snap, e->provider);
	ret->cached_tokens = e->cached_tokens;
	ret->hour = (e->flags & FLAG_hour) != 0;
	ret->complexity = e->complexity >= 0 && e->complexity <= 1 ? e->complexity : -1;
	ret->class = e->class <= CLASS_COUNT ? e->class - 1 : -1;
}

void
session_look(struct sessions_shared *s, uint64_t id, const struct snapshot *snap,
    int64_t wall_ms, struct session_view *ret)
{
	struct entry copy;
	struct entry *e;

	*ret = (struct session_view){.id = id, .complexity = -1, .class = -1};
	if (id == 0)
		return;
	pthread_mutex_lock(lock_of(s, id));
	e = find_locked(s, id);
	if (e != NULL)
		copy = *e;
	pthread_mutex_unlock(lock_of(s, id));
	if (e != NULL)
		view(&copy, snap, wall_ms, ret);
}

const struct model *
session_claim(struct sessions_shared *s, uint64_t id, const struct snapshot *snap,
    const struct model *wanted, int64_t wall_ms)
{
	const struct model *holds = NULL;
	struct entry *e;

	if (id == 0)
		return wanted;
	pthread_mutex_lock(lock_of(s, id));
	e = find_locked(s, id);
	if (e != NULL)
		holds = model_of(snap, e->model);
	else
		e = make_locked(s, id);
	if (holds == NULL) {
		e->model = name_hash(wanted->name);
		e->last_ms = wall_ms;
		holds = wanted;
	}
	pthread_mutex_unlock(lock_of(s, id));
	return holds;
}

void
session_note(struct sessions_shared *s, uint64_t id, const struct session_view *seen,
    int64_t wall_ms)
{
	int64_t cached = seen->cached_tokens;
	struct entry *e;

	if (id == 0 || seen->model == NULL)
		return;
	cached = cached < 0 ? 0 : cached > UINT32_MAX ? UINT32_MAX : cached;
	pthread_mutex_lock(lock_of(s, id));
	e = find_locked(s, id);
	if (e == NULL)
		e = make_locked(s, id);
	e->model = name_hash(seen->model->name);
	e->provider =
	    seen->provider == NULL ? 0 : (uint32_t)name_hash(seen->provider->name);
	e->cached_tokens = (uint32_t)cached;
	e->flags = seen->hour ? FLAG_hour : 0;
	e->complexity = seen->complexity;
	e->class = (uint8_t)(seen->class + 1);
	e->turns = (uint16_t)(e->turns + (e->turns < UINT16_MAX));
	/* Answers may come in another order than they were asked for. */
	if (wall_ms > e->last_ms || e->last_ms - wall_ms > 60000)
		e->last_ms = wall_ms;
	pthread_mutex_unlock(lock_of(s, id));
}

/* ---- ids ---- */

bool
session_named(const struct task *t, struct str header)
{
	return header.len > 0 || t->prompt_cache_key.len > 0 || t->session_hint.len > 0;
}

/* The key is part of it: no client meets another's session, whatever it sends. */
uint64_t
session_id(const struct task *t, const char *key_name, struct str header)
{
	const struct str named[] = {header, t->prompt_cache_key, t->session_hint};
	char text[512];
	size_t len = str_copy(text, 64, str_of(key_name)) + 1, i = 0;
	uint64_t id, value = t->prefix_hash;

	/* A bare metadata.user_id is a person, not a conversation. */
	while (i < nitems(named) && named[i].len == 0)
		i++;
	if (i < nitems(named))
		value = hash_stable(named[i]);
	text[len++] = i < nitems(named) ? 'n' : 'p';
	memcpy(text + len, &value, sizeof(value));
	id = hash_stable(str_make(text, len + sizeof(value)));
	return id == 0 ? 1 : id;
}
