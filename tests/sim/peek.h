/* peek.h: looks into JSON text in place. Made for text that a proxy has validated: what
 * is broken is told, but not everything that is broken is found. */
#ifndef SIM_PEEK_H
#define SIM_PEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Walks an object or array: `struct str rest = peek_open(value);` then one of the next
 * functions until it says false. */
struct str peek_open(struct str container);
/* `ret_key` without its quotes, escapes unresolved. */
bool peek_next_member(struct str *rest, struct str *ret_key, struct str *ret_value);
bool peek_next_element(struct str *rest, struct str *ret_value);

/* Empty when absent or when this is no object. */
struct str peek_member(struct str object, const char *key);
/* A string's inside, escapes unresolved; empty for anything else. */
struct str peek_text(struct str value);
int64_t peek_int(struct str value, int64_t fallback);
bool peek_true(struct str value);
bool peek_is_object(struct str value);
bool peek_is_array(struct str value);
/* Is the text one whole object? */
bool peek_whole(struct str text);

#endif
