/* map.c: open addressing with linear probes; removal moves the rest of a run up, so
 * that there are no tombstones. */
#include "base/map.h"

#include <stdint.h>

#include "base/hash.h"
#include "base/mem.h"

#define FIRST_CAP 16U

struct entry {
	char *key; /* NULL: free */
	size_t key_len;
	uint64_t hash;
	void *value;
};

struct map {
	struct entry *entries;
	size_t cap; /* a power of two */
	size_t count;
};

struct map *
map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->cap = FIRST_CAP;
	m->entries = xcalloc(m->cap, sizeof(*m->entries));
	return m;
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->cap; i++)
		xfree(m->entries[i].key);
	xfree(m->entries);
	xfree(m);
}

/* The entry of the key, or the free one where it would stand. */
static struct entry *
find(const struct map *m, uint64_t hash, struct str key)
{
	size_t mask = m->cap - 1;
	size_t i = (size_t)hash & mask;

	for (;; i = (i + 1) & mask) {
		struct entry *e = &m->entries[i];

		if (e->key == NULL)
			return e;
		if (e->hash == hash && str_eq(str_make(e->key, e->key_len), key))
			return e;
	}
}

static void
grow(struct map *m)
{
	struct map bigger = {.cap = m->cap * 2, .count = m->count};

	bigger.entries = xcalloc(bigger.cap, sizeof(*bigger.entries));
	for (size_t i = 0; i < m->cap; i++) {
		struct entry *e = &m->entries[i];

		if (e->key != NULL)
			*find(&bigger, e->hash, str_make(e->key, e->key_len)) = *e;
	}
	xfree(m->entries);
	*m = bigger;
}

bool
map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_stable(key);
	struct entry *e = find(m, hash, key);

	if (e->key != NULL)
		return false;
	if ((m->count + 1) * 4 > m->cap * 3) {
		grow(m);
		e = find(m, hash, key);
	}
	*e = (struct entry){
	    .key = xmemdup(key.p, key.len),
	    .key_len = key.len,
	    .hash = hash,
	    .value = value,
	};
	m->count++;
	return true;
}

void *
map_get(const struct map *m, struct str key)
{
	return find(m, hash_stable(key), key)->value;
}

/* Moves up what stood behind the hole only because the hole was taken. */
static void
close_hole(struct map *m, size_t hole)
{
	size_t mask = m->cap - 1;

	for (size_t i = (hole + 1) & mask; m->entries[i].key != NULL;
	     i = (i + 1) & mask) {
		size_t home = (size_t)m->entries[i].hash & mask;

		/* Distances are counted around the end of the table. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->entries[hole] = m->entries[i];
		hole = i;
	}
	m->entries[hole] = (struct entry){0};
}

void *
map_remove(struct map *m, struct str key)
{
	struct entry *e = find(m, hash_stable(key), key);
	void *value = e->value;

	if (e->key == NULL)
		return NULL;
	xfree(e->key);
	m->count--;
	close_hole(m, (size_t)(e - m->entries));
	return value;
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

bool
map_next(const struct map *m, size_t *iter, struct str *ret_key, void **ret_value)
{
	while (*iter < m->cap) {
		const struct entry *e = &m->entries[(*iter)++];

		if (e->key == NULL)
			continue;
		*ret_key = str_make(e->key, e->key_len);
		*ret_value = e->value;
		return true;
	}
	return false;
}
