/* text.h: what the simulator says: words without end, and objects that fit a schema. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Text without anything that JSON would escape; whole characters. */
struct text *text_new(void);
void text_free(struct text *t);

/* About `len` bytes (a character more or less)
 * from position `from` on, round and round. */
struct str text_slice(const struct text *t, uint64_t from, size_t len);
#define TEXT_SLICE_MAX 65536U

/* A fitting answer to a few plain questions; empty: none is known. */
struct str text_known(struct str question);

/* A JSON value that fits `schema` (type,
 * properties, items, enum, const, anyOf, $ref). */
void text_of_schema(struct str schema, struct buf *out);

/* Raw text as the inside of a JSON string. */
void text_escape(struct str s, struct buf *out);

#endif
