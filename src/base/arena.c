/* arena.c: chunks that are taken as needed and freed together. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

/* Under the sanitizer every piece is followed by bytes that nobody may touch. */
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define REDZONE         ((size_t)16)
#define fence(p, len)   ASAN_POISON_MEMORY_REGION(p, len)
#define unfence(p, len) ASAN_UNPOISON_MEMORY_REGION(p, len)
#else
#define REDZONE         ((size_t)0)
#define fence(p, len)   ((void)(p))
#define unfence(p, len) ((void)(p))
#endif

#define ALIGN alignof(max_align_t)

/* What malloc(3) gives for it fits one page together with its own header. A chat
 * request of some turns needs about half of that. */
#define FIRST_CHUNK   ((size_t)4096 - 32)
#define LARGEST_CHUNK ((size_t)64 * 1024)

struct chunk {
	SLIST_ENTRY(chunk) link;
	size_t len, cap;
	alignas(max_align_t) char data[];
};

struct arena {
	SLIST_HEAD(chunk_list, chunk) chunks; /* the first one is being filled */
	size_t used, max;
	size_t next_bytes; /* of the next ordinary chunk */
};

static struct chunk *
chunk_new(size_t cap)
{
	struct chunk *c = xrealloc(NULL, sizeof(*c) + cap);

	c->len = 0;
	c->cap = cap;
	fence(c->data, cap);
	return c;
}

static void *
carve(struct chunk *c, size_t bytes, size_t padded)
{
	void *p = c->data + c->len;

	c->len += padded;
	unfence(p, bytes);
	memset(p, 0, bytes);
	return p;
}

/* The arena lives in its own first chunk, so that a small request costs one malloc. */
struct arena *
arena_new(size_t max_bytes)
{
	size_t self = (sizeof(struct arena) + ALIGN - 1) / ALIGN * ALIGN;
	struct chunk *c = chunk_new(FIRST_CHUNK - sizeof(*c));
	struct arena *a = carve(c, sizeof(*a), self + REDZONE);

	SLIST_INIT(&a->chunks);
	SLIST_INSERT_HEAD(&a->chunks, c, link);
	a->max = max_bytes;
	a->next_bytes = 2 * FIRST_CHUNK;
	return a;
}

void
arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	/* `a` itself goes with the last chunk of the list. */
	for (c = SLIST_FIRST(&a->chunks); c != NULL; c = next) {
		next = SLIST_NEXT(c, link);
		xfree(c);
	}
}

static struct chunk *
chunk_for(struct arena *a, size_t padded)
{
	struct chunk *c = SLIST_FIRST(&a->chunks), *fresh;

	if (padded <= c->cap - c->len)
		return c;
	if (padded > a->next_bytes / 4) {
		/* A chunk of its own, behind the one that still has room. */
		fresh = chunk_new(padded);
		SLIST_INSERT_AFTER(c, fresh, link);
		return fresh;
	}
	fresh = chunk_new(a->next_bytes);
	SLIST_INSERT_HEAD(&a->chunks, fresh, link);
	if (a->next_bytes < LARGEST_CHUNK)
		a->next_bytes *= 2;
	return fresh;
}

void *
arena_try(struct arena *a, size_t bytes)
{
	size_t rounded;

	if (bytes > a->max - a->used)
		return NULL;
	rounded = bytes == 0 ? ALIGN : bytes + (ALIGN - bytes % ALIGN) % ALIGN;
	/* `bytes` was below the ceiling:
	 * a size near SIZE_MAX needs a ceiling like that. */
	if (rounded < bytes || rounded > a->max - a->used)
		return NULL;
	a->used += rounded;
	return carve(chunk_for(a, rounded + REDZONE), bytes, rounded + REDZONE);
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	void *p = arena_try(a, bytes);

	if (p == NULL)
		xabort("a request's memory is over its ceiling");
	return p;
}

char *
arena_str(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.p, s.len);
	return copy;
}

char *
arena_join(struct arena *a, const char *first, const char *second)
{
	size_t one = strlen(first), two = strlen(second);
	char *text = arena_alloc(a, one + two + 1);

	memcpy(text, first, one);
	memcpy(text + one, second, two);
	return text;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		xabort("bad format");
	text = arena_alloc(a, (size_t)len + 1);
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
