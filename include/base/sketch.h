/* sketch.h: how many different things there were, in 256 bytes at most, mergeable: a
 * HyperLogLog (Flajolet et al. 2007), whose standard error is 6.5 %. */
#ifndef BASE_SKETCH_H
#define BASE_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define SKETCH_REGISTERS 256

/* Zeroed: of nothing. */
struct sketch {
	uint8_t rank[SKETCH_REGISTERS];
};

/* `hash`: the thing's, all of its bits by chance. */
void sketch_add(struct sketch *s, uint64_t hash);
void sketch_merge(struct sketch *into, const struct sketch *from);
int64_t sketch_count(const struct sketch *s);

/* Two bytes for each of a few things. */
void sketch_pack(const struct sketch *s, struct buf *ret);
/* Adds a packed one; of nothing, too. False: damaged, `into` is as it was. */
bool sketch_merge_packed(struct sketch *into, struct str packed);

#endif
