/* buf.c: bytes that grow by doubling, up to a ceiling. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_CAP 256U

void
buf_init(struct buf *b, size_t max_bytes)
{
	/* One byte less than everything: there is always room to count the NUL. */
	*b = (struct buf){.max = max_bytes < SIZE_MAX / 2 ? max_bytes : SIZE_MAX / 2};
}

void
buf_fini(struct buf *b)
{
	xfree(b->p);
	*b = (struct buf){0};
}

bool
buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;

	if (more > b->max - b->len)
		return false;
	need = b->len + more + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap == 0 ? FIRST_CAP : b->cap;
	while (cap < need)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
	b->p[b->len] = '\0';
	return true;
}

bool
buf_append(struct buf *b, const void *src, size_t len)
{
	/* Room and to spare is the usual case. */
	if ((b->cap - b->len <= len || len > b->max - b->len) && !buf_reserve(b, len))
		return false;
	if (len > 0)
		memcpy(b->p + b->len, src, len);
	b->len += len;
	b->p[b->len] = '\0';
	return true;
}

bool
buf_append_str(struct buf *b, struct str s)
{
	return buf_append(b, s.p, s.len);
}

void
buf_add(struct buf *b, const char *s)
{
	if (!buf_append(b, s, strlen(s)))
		xabort("our own text is over its buffer's ceiling");
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0 || !buf_reserve(b, (size_t)len))
		xabort("our own text is over its buffer's ceiling");
	(void)vsnprintf(b->p + b->len, (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}
