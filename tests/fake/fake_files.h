/* fake_files.h: what the halves of the fake environment share. */
#ifndef FAKE_FILES_H
#define FAKE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/env.h"
#include "base/util.h"
#include "fake_env.h"

/* Like an inode: lives on without a name while somebody has it open. Inodes are freed
 * with the environment only, so that handles of a dead process never dangle. */
struct file {
	TAILQ_ENTRY(file) link;
	char *path; /* NULL: removed */
	char *p;
	size_t len;
	int mode;
	bool is_dir, locked;
};

/* An open lock or map. A crash makes it `dead` and leaves it the old bytes. */
struct handle {
	SLIST_ENTRY(handle) link;
	struct file *file;
	char *orphan;
	bool dead;
};

struct rng {
	uint64_t s[4];
};

struct fake_env {
	struct env env;
	int64_t mono_ns, wall_ns, disk_free; /* disk_free < 0: without end */
	struct rng code, schedule;
	unsigned writes, fail_at; /* fail_at 0: never */
	int fail_error;
	TAILQ_HEAD(file_list, file) files;
	SLIST_HEAD(handle_list, handle) handles;
};

static inline struct fake_env *
fake_of(struct env *env)
{
	return container_of(env, struct fake_env, env);
}

/* Fills in the functions of files. */
void fake_files_init(struct fake_env *f);
void fake_files_fini(struct fake_env *f);

#endif
