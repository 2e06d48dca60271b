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
	/* Written piece by piece (SQLite's): what a power cut leaves for certain, and
	 * what it may or may not leave. */
	bool in_pieces;
	char *synced;
	size_t synced_len;
	STAILQ_HEAD(, piece) pieces;
};

/* A write since the last sync; `cut`: the file was shortened to `at`. */
struct piece {
	STAILQ_ENTRY(piece) link;
	size_t at, len;
	bool cut;
	char bytes[];
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
	int fail_error;           /* 0: a crash instead */
	unsigned epoch;           /* crashes so far */
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

/* ---- for files that are written in pieces ---- */

/* NULL: errno. */
struct file *fake_files_open(struct fake_env *f, const char *path, bool create);
/* False: errno; nothing has changed. */
bool fake_files_write(
    struct fake_env *f, struct file *file, size_t at, struct str bytes);
bool fake_files_cut(struct fake_env *f, struct file *file, size_t len);
bool fake_files_sync(struct fake_env *f, struct file *file);
void fake_pieces_fini(struct file *file);

/* Whether `bytes` more may be written;
 * counts the call, and fails it when it is its turn. */
bool fake_files_take_space(struct fake_env *f, size_t bytes);

#endif
