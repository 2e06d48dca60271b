/* util.h: the few macros that every file may use. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>

#define nitems(a)              (sizeof(a) / sizeof((a)[0]))
#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The struct that `member` of type `type` lies in. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
