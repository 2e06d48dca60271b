/* ring.c: a byte ring that doubles while its reader is slow. */
#include "base/ring.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

void
ring_init(struct ring *r, size_t max_bytes)
{
	size_t max = RING_MIN;

	assert(max_bytes <= SIZE_MAX / 2);
	while (max < max_bytes)
		max *= 2;
	*r = (struct ring){.max = max};
}

void
ring_fini(struct ring *r)
{
	xfree(r->p);
	*r = (struct ring){0};
}

struct str
ring_peek(const struct ring *r)
{
	size_t to_end = r->cap - r->head;

	if (r->len == 0)
		return str_make("", 0);
	return str_make(r->p + r->head, r->len < to_end ? r->len : to_end);
}

size_t
ring_read(struct ring *r, char *dst, size_t cap)
{
	size_t done = 0;

	while (done < cap && r->len > 0) {
		struct str part = ring_peek(r);
		size_t n = part.len < cap - done ? part.len : cap - done;

		memcpy(dst + done, part.p, n);
		done += n;
		r->head = (r->head + n) & (r->cap - 1);
		r->len -= n;
	}
	return done;
}

static void
grow(struct ring *r, size_t need)
{
	struct ring bigger = {.cap = r->cap == 0 ? RING_MIN : r->cap, .max = r->max};

	while (bigger.cap < need)
		bigger.cap *= 2;
	bigger.p = xrealloc(NULL, bigger.cap);
	bigger.len = ring_read(r, bigger.p, bigger.cap);
	xfree(r->p);
	*r = bigger;
}

bool
ring_write(struct ring *r, const void *src, size_t len)
{
	size_t tail, first;

	if (len > ring_room(r))
		return false;
	if (len == 0)
		return true;
	if (r->len + len > r->cap)
		grow(r, r->len + len);
	tail = (r->head + r->len) & (r->cap - 1);
	first = len < r->cap - tail ? len : r->cap - tail;
	memcpy(r->p + tail, src, first);
	memcpy(r->p, (const char *)src + first, len - first);
	r->len += len;
	return true;
}

size_t
ring_room(const struct ring *r)
{
	return r->max - r->len;
}

void
ring_relax(struct ring *r)
{
	if (r->len > 0)
		return;
	xfree(r->p);
	r->p = NULL;
	r->cap = 0;
	r->head = 0;
}
