/* buf.h: a byte buffer that is told its ceiling when it is made. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "base/util.h"

struct buf {
	char *p; /* always NUL-terminated once anything was appended */
	size_t len, cap, max;
};

void buf_init(struct buf *b, size_t max_bytes);

/* Frees and zeroes; takes a zeroed buf. */
void buf_fini(struct buf *b);

/* Room for `more` bytes behind `len`, by doubling. False above the maximum: the peer's
 * fault, nothing has changed. No memory: aborts. */
bool buf_reserve(struct buf *b, size_t more) MUST_CHECK;

bool buf_append(struct buf *b, const void *src, size_t len) MUST_CHECK;
bool buf_append_str(struct buf *b, struct str s) MUST_CHECK;

/* For text that we make with a ceiling that we chose: passing it aborts. */
void buf_add(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);

static inline struct str
buf_str(const struct buf *b)
{
	return str_make(b->p == NULL ? "" : b->p, b->len);
}

#endif
