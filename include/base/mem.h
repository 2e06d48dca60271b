/* mem.h: memory that only we can grow; running out of it is our fault and aborts. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Says why on standard error and aborts: for what only our own bug or a machine without
 * memory can bring about. */
_Noreturn void xabort(const char *why);

/* `count * size` zeroed bytes, aborting on overflow or when there is no memory; the
 * caller releases them with xfree(). */
void *xcalloc(size_t count, size_t size);

/* Like realloc(3), aborting when there is no memory. New bytes are not zeroed. */
void *xrealloc(void *p, size_t size);

/* A copy of the string or the bytes (with a NUL behind them); xfree() it. */
char *xstrdup(const char *s);
char *xmemdup(const void *p, size_t len);

/* Takes NULL. */
void xfree(void *p);

/* Before the first thread: large blocks are the system's again as soon as they are
 * freed. Left alone, glibc raises its borders to the largest block that it has seen,
 * and each thread keeps for good what its start or one great body has needed. */
void mem_limit(void);

/* Gives what is free back to the system:
 * after start and reload, which need much for a moment. */
void mem_trim(void);

/* Constants of the program, or a mapped file, that were looked at once and are not soon
 * again: their pages are given back, and come again from the file when they are
 * touched. */
void mem_forget(const void *p, size_t len);

/* Overwrites secrets so that the compiler cannot drop it, then frees. Takes NULL. */
void xfree_secret(void *p, size_t len);

#endif
