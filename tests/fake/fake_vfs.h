/* fake_vfs.h: SQLite on the files of a fake environment: the same disk, the same
 * faults, the same crashes, and power cuts that lose what was not synced. */
#ifndef FAKE_VFS_H
#define FAKE_VFS_H

#include "fake_env.h"

/* From now on SQLite's default is `f`; one at a time. Every write and sync counts as a
 * call that takes space. Connections take turns: but for
 * "who has it alone" there are no locks. */
void fake_vfs_use(struct fake_env *f);
/* SQLite's own again; before `f` is freed. */
void fake_vfs_forget(void);

#endif
