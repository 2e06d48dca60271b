/* arena.h: memory with one owner and one free; what a request needs lives here. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"
#include "base/util.h"

struct arena;

/* An arena that hands out at most `max_bytes` (each piece rounded up to
 * 16; what is taken from the system beyond that is below 128 KiB). The
 * caller frees it with arena_free(). */
struct arena *arena_new(size_t max_bytes);

/* Takes NULL. */
void arena_free(struct arena *a);

/* Zeroed bytes, aligned for any type, valid until arena_free(). For sizes that we
 * choose: beyond the ceiling it aborts. */
void *arena_alloc(struct arena *a, size_t bytes);

/* The same for sizes that a peer chooses: NULL when the ceiling would be passed. */
void *arena_try(struct arena *a, size_t bytes) MUST_CHECK;

/* A copy with a NUL behind it; aborts like arena_alloc(). */
char *arena_str(struct arena *a, struct str s);
/* Both texts as one. */
char *arena_join(struct arena *a, const char *first, const char *second);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

size_t arena_used(const struct arena *a);

#endif
