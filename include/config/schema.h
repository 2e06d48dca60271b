/* schema.h: the keys of frugald.yaml, defined once: reading, `check --print`,
 * `check --diff` and docs/config.md come from the same rows. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "base/buf.h"
#include "base/str.h"

/* docs/config.md, whole. */
void schema_markdown(struct buf *ret);

/* In words, a line each: what changes from one canonical policy to another
 * (as snapshot->canonical and `check --print` have them), and which
 * changes need a restart. Appends to `ret`; gives the number of lines.
 * Text that is no policy counts as empty. */
unsigned config_diff(
    struct str old_canonical, struct str fresh_canonical, struct buf *ret);

#endif
