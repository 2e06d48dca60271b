/* env.h: clock, randomness and files, the only way to the outside for everything that a
 * seeded simulation must be able to drive. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* A file that is mapped whole and shared; locked for as long as it is mapped. */
struct env_map {
	void *p;
	size_t bytes;
	void *handle; /* of the implementation */
};

struct env {
	/* Nanoseconds that never step back; only differences mean something. */
	int64_t (*mono_ns)(struct env *);
	/* Nanoseconds since 1970-01-01 UTC; may step. */
	int64_t (*wall_ns)(struct env *);
	void (*random)(struct env *, void *ret, size_t bytes);

	/* The whole file, at most `max` bytes, appended to `ret`. On failure errno says
	 * why (EFBIG above `max`). */
	bool (*read_file)(struct env *, const char *path, size_t max, struct buf *ret);
	/* Replaces a file: temporary file, fsync, rename, fsync of the folder; mode
	 * 0600. By root: it belongs to whoever had the file, else has the folder. */
	bool (*write_file)(struct env *, const char *path, struct str content);
	/* A descriptor that writes at the end of a file, made when absent (mode 0600);
	 * the caller closes it. -1: errno. */
	int (*append_file)(struct env *, const char *path);
	/* Makes a file full of zeros (written, not sparse: a full disk must fail here
	 * and not by SIGBUS later), locks and maps it. Fails if it exists. */
	bool (*map_create)(
	    struct env *, const char *path, size_t bytes, struct env_map *ret);
	/* Maps an existing file if its lock can be taken.
	 * EWOULDBLOCK: its owner lives. */
	bool (*map_open)(struct env *, const char *path, struct env_map *ret);
	void (*map_close)(struct env *, struct env_map *);
	bool (*remove_file)(struct env *, const char *path); /* or an empty folder */
	/* rename(2), over whatever was there, and it survives a power cut. */
	bool (*move_file)(struct env *, const char *from, const char *to);
	/* What was written into it, by whomever, survives a power cut. */
	bool (*sync_file)(struct env *, const char *path);
	bool (*make_dir)(
	    struct env *, const char *path); /* mode 0700; there already: true */
	/* Calls `each` with the name of every entry of `dir` (not "." and ".."). */
	bool (*list_dir)(struct env *, const char *dir,
	    void (*each)(void *arg, const char *name), void *arg);
	/* Takes an exclusive lock on a file, made when absent, held until unlock or
	 * death. NULL: somebody else holds it (EWOULDBLOCK) or it cannot be made. */
	void *(*lock_file)(struct env *, const char *path);
	void (*unlock_file)(struct env *, void *lock);
	/* Bytes that an unprivileged process may
	 * still write below `dir`; -1 unknown. */
	int64_t (*free_bytes)(struct env *, const char *dir);
	/* Size and permission bits of a file, -1 when it cannot be read. */
	int64_t (*file_size)(struct env *, const char *path);
	int (*file_mode)(struct env *, const char *path);
};

/* The real one: a const table of functions, the same for all threads. */
struct env *env_system(void);

#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

static inline int64_t
env_mono_ms(struct env *env)
{
	return env->mono_ns(env) / NS_PER_MS;
}

static inline int64_t
env_wall_ms(struct env *env)
{
	return env->wall_ns(env) / NS_PER_MS;
}

#endif
