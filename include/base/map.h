/* map.h: names to pointers; built once or grown slowly, looked up often. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct map;

struct map *map_new(void);

/* Takes NULL. Values belong to the caller. */
void map_free(struct map *m);

/* Copies the key. False when the key was there already: the old value stays. */
bool map_put(struct map *m, struct str key, void *value);

/* NULL when absent. */
void *map_get(const struct map *m, struct str key);

/* Gives the value that was there, or NULL. */
void *map_remove(struct map *m, struct str key);

size_t map_count(const struct map *m);

/* In no particular order; begin with `*iter` 0.
 * False at the end. No changes meanwhile. */
bool map_next(const struct map *m, size_t *iter, struct str *ret_key, void **ret_value);

#endif
