/* state_file.c: what is remembered in mapped files is a convenience: damage is no
 * reason not to start. */
#include "base/state_file.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

static bool
is_ours(const struct env_map *m, struct str head, size_t bytes)
{
	return m->bytes == bytes && memcmp(m->p, head.p, head.len) == 0;
}

/* The file may be as good as ever. */
static bool
is_passing(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

bool
state_file_open(struct env *env, const char *path, struct str head, size_t bytes,
    struct env_map *ret)
{
	bool there = env->map_open(env, path, ret);

	if (there && is_ours(ret, head, bytes))
		return true;
	if (there)
		env->map_close(env, ret);
	else if (errno == EWOULDBLOCK || errno == EISDIR || is_passing(errno))
		return false; /* a folder is nothing of ours to drop */
	if (there || errno != ENOENT) {
		if (!env->remove_file(env, path))
			return false;
		log_warn("%s was damaged, or not of this release: it is begun anew, "
			 "and what it remembered is lost",
		    path);
	}
	if (!env->map_create(env, path, bytes, ret))
		return false;
	memcpy(ret->p, head.p, head.len);
	return true;
}
