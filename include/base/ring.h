/* ring.h: the bytes between a fast upstream and
 * a slow client; small until it is needed. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "base/util.h"

struct ring {
	char *p;
	size_t head; /* next byte to read, always < cap */
	size_t len;
	size_t cap; /* 0 (given back) or a power of two from RING_MIN to max */
	size_t max;
};

#define RING_MIN 4096U

/* `max` is rounded up to a power of two. No memory is taken before the first write. */
void ring_init(struct ring *r, size_t max_bytes);
void ring_fini(struct ring *r);

/* All or nothing: false when the bytes do not fit below the maximum. */
bool ring_write(struct ring *r, const void *src, size_t len) MUST_CHECK;

/* The first contiguous bytes; empty when there are none. Valid until the next call. */
struct str ring_peek(const struct ring *r);

/* Moves up to `cap` bytes out; gives the number. */
size_t ring_read(struct ring *r, char *dst, size_t cap);

/* How much ring_write() would still take. */
size_t ring_room(const struct ring *r);

/* Gives the memory back when the ring is empty. */
void ring_relax(struct ring *r);

#endif
