/* edit.h: an event's bytes with another value
 * in its data; all else stays as it came. */
#ifndef RELAY_EDIT_H
#define RELAY_EDIT_H

#include "base/buf.h"
#include "base/str.h"

/* Appends the event with `text` instead of the bytes [from, to) of its data. */
void edit_replace(
    struct str event, size_t from, size_t to, struct str text, struct buf *ret);

/* Appends the event with a further member in the object whose brace is byte number
 * `end` - 1 of its data. */
void edit_add_member(
    struct str event, size_t end, const char *name, const char *value, struct buf *ret);

#endif
