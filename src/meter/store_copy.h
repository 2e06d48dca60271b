/* store_copy.h: one file of the store, copied some pages at a time while rows go on
 * being written. Ledger thread only; or whoever holds the ledger's lock, without a
 * store. */
#ifndef METER_STORE_COPY_H
#define METER_STORE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct store_copy;

/* Month 0 is ledger.db. `s` NULL: of the files in `dir`, which nobody writes. */
struct store_copy *store_copy_begin(struct store *s, struct env *env, const char *dir,
    int month, const char *to, char ret_why[static STORE_WHY]);

enum copy_step {
	COPY_more,
	COPY_whole, /* but not synced */
	COPY_again, /* the file was closed meanwhile: begin again */
	COPY_failed
};
/* Goes on for about so long. `*ret_bytes`: copied so far. */
enum copy_step store_copy_step(struct store_copy *c, int64_t ns, int64_t *ret_bytes,
    char ret_why[static STORE_WHY]);
void store_copy_end(struct store_copy *c); /* takes NULL */

/* "ledger.db", "ledger-2026-11.db" below `dir`, with `end` behind. */
void store_copy_path(
    const char *dir, int month, const char *end, char *ret, size_t cap);

#endif
