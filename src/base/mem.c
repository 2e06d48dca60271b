/* mem.c: the one place that takes memory from libc and gives it back. */
#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
xabort(const char *why)
{
	fprintf(stderr, "frugald: %s\n", why);
	abort();
}

void *
xcalloc(size_t count, size_t size)
{
	/* Never zero bytes: calloc(3) may answer NULL to that. */
	void *p = count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);

	if (p == NULL)
		xabort("out of memory");
	return p;
}

void *
xrealloc(void *p, size_t size)
{
	void *moved = realloc(p, size == 0 ? 1 : size);

	if (moved == NULL)
		xabort("out of memory");
	return moved;
}

char *
xstrdup(const char *s)
{
	return xmemdup(s, strlen(s));
}

char *
xmemdup(const void *p, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		xabort("out of memory");
	copy = xrealloc(NULL, len + 1);
	if (len > 0)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

void
xfree(void *p)
{
	free(p);
}

void
xfree_secret(void *p, size_t len)
{
	if (p == NULL)
		return;
	explicit_bzero(p, len);
	free(p);
}

void
mem_limit(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

void
mem_trim(void)
{
	(void)malloc_trim(0);
}

void
mem_forget(const void *p, size_t len)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)p + len) / page * page;

	/* Whole pages only. */
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}
