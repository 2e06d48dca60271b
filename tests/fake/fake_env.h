/* fake_env.h: an environment that a seeded simulation drives: a clock
 * that stands still until it is moved, repeatable randomness, files in
 * memory, faults on demand. One thread. */
#ifndef FAKE_ENV_H
#define FAKE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/str.h"

struct fake_env;

/* The same seed gives the same random bytes and draws. The clocks begin at 1 s
 * (monotonic) and 2026-01-01T00:00:00Z (wall); the disk has room without end. */
struct fake_env *fake_env_new(uint64_t seed);
/* Also what was mapped and never closed. Takes NULL. */
void fake_env_free(struct fake_env *f);

/* What the code under test is given; lives as long as `f`. */
struct env *fake_env(struct fake_env *f);

/* Moves both clocks on. */
void fake_env_advance(struct fake_env *f, int64_t ns);
/* Steps the wall clock alone, forth or back. */
void fake_env_step_wall(struct fake_env *f, int64_t ns);

/* For the schedule of the test itself: 0 .. below - 1, from a stream of its own, so
 * that more or less randomness used by the code does not change the schedule. */
uint64_t fake_env_draw(struct fake_env *f, uint64_t below);

/* The k-th call from now (1: the next) that takes disk space fails with `error`
 * (ENOSPC, EIO) and changes nothing; k = 0: none. Such calls are write_file,
 * map_create, and make_dir and lock_file when they make something. */
void fake_env_fail_write(struct fake_env *f, unsigned k, int error);
/* The same, but the process dies there: as fake_env_crash(), from inside the call. */
void fake_env_crash_at(struct fake_env *f, unsigned k);
/* How many such calls there were. */
unsigned fake_env_writes(const struct fake_env *f);

/* Room on the disk; what does not fit fails with ENOSPC. */
void fake_env_disk(struct fake_env *f, int64_t free_bytes);

/* kill -9: all locks are free, what was written into maps is there (it lies in the page
 * cache). Pointers and handles of before may still be used and closed, to tear down the
 * dead process's objects, but reach the files no more. */
void fake_env_crash(struct fake_env *f);
/* How many there were. */
unsigned fake_env_crashes(const struct fake_env *f);
/* The machine dies: of what SQLite wrote and did not sync, any part may be missing. */
void fake_env_power_cut(struct fake_env *f);

/* Puts a file there, whatever there was, with these permission bits. */
void fake_env_put(struct fake_env *f, const char *path, struct str content, int mode);

/* A file's bytes as they are now, mapped or not; NULL when there is none. Valid until
 * the next call that writes the file, or a crash. */
char *fake_env_bytes(struct fake_env *f, const char *path, size_t *ret_len);

#endif
