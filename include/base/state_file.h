/* state_file.h: a mapped file that survives restarts and may be lost. */
#ifndef BASE_STATE_FILE_H
#define BASE_STATE_FILE_H

#include <stdbool.h>

#include "base/env.h"

/* Maps `path` when it has that size and begins with `head`; what is there but is not
 * ours is dropped and made anew, full of zeros behind the head. False with errno:
 * another process uses it (EWOULDBLOCK), or the disk does not take it. */
bool state_file_open(struct env *env, const char *path, struct str head, size_t bytes,
    struct env_map *ret);

#endif
