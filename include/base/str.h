/* str.h: a slice of bytes that somebody else owns; not NUL-terminated. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

#define STR(lit) ((struct str){.p = (lit), .len = sizeof(lit) - 1})

static inline struct str
str_of(const char *s)
{
	return (struct str){.p = s, .len = s == NULL ? 0 : strlen(s)};
}

static inline struct str
str_make(const char *p, size_t len)
{
	return (struct str){.p = p, .len = len};
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool
str_is(struct str a, const char *b)
{
	return str_eq(a, str_of(b));
}

static inline bool
str_starts(struct str a, struct str prefix)
{
	return a.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(a.p, prefix.p, prefix.len) == 0);
}

/* From byte `n` on; empty when `n` is beyond the end. */
static inline struct str
str_skip(struct str a, size_t n)
{
	if (a.p == NULL)
		return a;
	return n >= a.len ? str_make(a.p + a.len, 0) : str_make(a.p + n, a.len - n);
}

/* ASCII only, as in HTTP header names. */
bool str_case_eq(struct str a, struct str b);

/* Without blanks (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str a);

/* Cuts `*rest` at the first `sep`; gives the part before it and leaves the part after.
 * False when `*rest` was exhausted. */
bool str_split(struct str *rest, char sep, struct str *ret_part);

/* A decimal without sign that fits; false leaves `*ret` alone. */
bool str_to_u64(struct str a, uint64_t *ret);

/* Of '0' to '9', 'a' to 'f', 'A' to 'F'; -1: it is none. */
int str_hex_digit(char c);

/* `pattern` is exact or ends in one '*' that stands for any rest. */
bool str_glob(struct str pattern, struct str text);

/* Copies with a NUL, cut at `cap - 1`; gives the bytes copied. */
size_t str_copy(char *dst, size_t cap, struct str src);

/* Length of the UTF-8 character that the text begins with; 0 when it does not begin
 * with one (also: overlong, a surrogate, cut off, empty). */
size_t str_utf8(struct str a);

#endif
