/* env.c: the system's clock, randomness and files; nobody else calls them. */
#include "base/env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

/* Of one read(2) or write(2); on the stack. */
#define PIECE_BYTES 16384U
#define PATH_BYTES  4096U
#define LOCK_TRIES  16

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		xabort("no clock");
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t
system_mono_ns(struct env *env)
{
	(void)env;
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t
system_wall_ns(struct env *env)
{
	(void)env;
	return read_clock(CLOCK_REALTIME);
}

static void
system_random(struct env *env, void *ret, size_t bytes)
{
	char *p = ret;

	(void)env;
	while (bytes > 0) {
		ssize_t n = getrandom(p, bytes, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			xabort("no randomness");
		p += n;
		bytes -= (size_t)n;
	}
}

/* close(2), and unlink(2) unless `path` is NULL, that keep the errno of what went wrong
 * before. */
static void
drop(int fd, const char *path)
{
	int saved = errno;

	if (path != NULL)
		(void)unlink(path);
	if (fd >= 0)
		(void)close(fd);
	errno = saved;
}

static bool
read_all(int fd, size_t max, struct buf *ret)
{
	char piece[PIECE_BYTES];
	size_t start = ret->len;

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		if ((size_t)n > max - (ret->len - start) ||
		    !buf_append(ret, piece, (size_t)n)) {
			errno = EFBIG;
			return false;
		}
	}
}

static bool
system_read_file(struct env *env, const char *path, size_t max, struct buf *ret)
{
	size_t start = ret->len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	(void)env;
	if (fd < 0)
		return false;
	ok = read_all(fd, max, ret);
	if (!ok && ret->p != NULL) {
		ret->len = start;
		ret->p[start] = '\0';
	}
	drop(fd, NULL);
	return ok;
}

static bool
write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
write_zeros(int fd, size_t bytes)
{
	static const char zeros[PIECE_BYTES];

	for (size_t done = 0; done < bytes;) {
		size_t n = bytes - done < sizeof(zeros) ? bytes - done : sizeof(zeros);

		if (!write_all(fd, zeros, n))
			return false;
		done += n;
	}
	return true;
}

/* Opens and locks; made with mode 0600 when `flags` say O_CREAT. flock(2), since its
 * locks belong to the open file: a second handle of this very process is refused like
 * any other, and no unrelated close(2) drops them. -1: not to be had. */
static int
open_locked(const char *path, int flags)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		struct stat locked, named;
		int fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600);

		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &locked) != 0) {
			drop(fd, NULL);
			return -1;
		}
		/* Between open and lock its owner may have removed or renamed it. */
		if (stat(path, &named) == 0 && named.st_ino == locked.st_ino &&
		    named.st_dev == locked.st_dev)
			return fd;
		drop(fd, NULL);
	}
	errno = EWOULDBLOCK;
	return -1;
}

static void
folder_of(const char *path, char ret[static PATH_BYTES])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		str_copy(ret, PATH_BYTES, STR("."));
	else
		str_copy(ret, PATH_BYTES,
		    slash == path ? STR("/") : str_make(path, (size_t)(slash - path)));
}

/* What root makes for a daemon is the daemon's: it belongs to whoever has the file that
 * it replaces, else the folder. Never a file that has a second name, which might be
 * somebody else's. */
static bool
give_to_owner(int fd, const char *path)
{
	char folder[PATH_BYTES];
	struct stat file, owner;

	if (geteuid() != 0)
		return true;
	folder_of(path, folder);
	if (fstat(fd, &file) != 0 ||
	    (lstat(path, &owner) != 0 && stat(folder, &owner) != 0))
		return false;
	if (file.st_nlink != 1 ||
	    (file.st_uid == owner.st_uid && file.st_gid == owner.st_gid))
		return true;
	return fchown(fd, owner.st_uid, owner.st_gid) == 0;
}

/* The empty, locked file PATH.tmp. What a crash left there is taken over. */
static int
open_temporary(const char *path, char ret_tmp[static PATH_BYTES])
{
	int fd, n = snprintf(ret_tmp, PATH_BYTES, "%s.tmp", path);

	if (n < 0 || (size_t)n >= PATH_BYTES) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open_locked(ret_tmp, O_CREAT | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0 && give_to_owner(fd, path))
		return fd;
	drop(fd, NULL);
	return -1;
}

static bool
system_sync_file(struct env *env, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	(void)env;
	if (fd < 0)
		return false;
	/* EINVAL: a file system that has nothing to do for a folder. */
	ok = fsync(fd) == 0 || errno == EINVAL;
	drop(fd, NULL);
	return ok;
}

/* Makes a new name in the folder of `path` survive a power cut. */
static bool
sync_folder(const char *path)
{
	char folder[PATH_BYTES];

	folder_of(path, folder);
	return system_sync_file(NULL, folder);
}

static bool
system_write_file(struct env *env, const char *path, struct str content)
{
	char tmp[PATH_BYTES];
	int fd = open_temporary(path, tmp);
	bool ok;

	(void)env;
	if (fd < 0)
		return false;
	ok = write_all(fd, content.p, content.len) && fsync(fd) == 0 &&
	     rename(tmp, path) == 0;
	drop(fd, ok ? NULL : tmp);
	return ok && sync_folder(path);
}

/* A descriptor as a pointer that is never NULL. */
static void *
handle_of(int fd)
{
	return (void *)((intptr_t)fd + 1);
}

static int
fd_of(void *handle)
{
	return (int)((intptr_t)handle - 1);
}

static bool
map_fd(int fd, size_t bytes, struct env_map *ret)
{
	/* Not MAP_POPULATE: the bytes are in the page cache, so that a
	 * first touch costs one short fault for 16 pages, and what is
	 * never touched is not ours to hold. */
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return false;
	*ret = (struct env_map){.p = p, .bytes = bytes, .handle = handle_of(fd)};
	return true;
}

/* The name appears when the file is whole: whoever finds it may rely on its size. */
static bool
system_map_create(struct env *env, const char *path, size_t bytes, struct env_map *ret)
{
	struct env_map map;
	char tmp[PATH_BYTES];
	int fd = open_temporary(path, tmp);

	(void)env;
	if (fd < 0)
		return false;
	if (!write_zeros(fd, bytes) || fsync(fd) != 0 || !map_fd(fd, bytes, &map)) {
		drop(fd, tmp);
		return false;
	}
	/* link(2) fails where rename(2) would replace. */
	if (link(tmp, path) != 0) {
		(void)munmap(map.p, map.bytes);
		drop(fd, tmp);
		return false;
	}
	drop(-1, tmp);
	if (!sync_folder(path)) {
		(void)munmap(map.p, map.bytes);
		drop(fd, path);
		return false;
	}
	*ret = map;
	return true;
}

static bool
system_map_open(struct env *env, const char *path, struct env_map *ret)
{
	int fd = open_locked(path, O_NOFOLLOW);
	struct stat st;

	(void)env;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && map_fd(fd, (size_t)st.st_size, ret))
		return true;
	drop(fd, NULL);
	return false;
}

static void
system_map_close(struct env *env, struct env_map *m)
{
	(void)env;
	if (m->p == NULL)
		return;
	(void)munmap(m->p, m->bytes);
	drop(fd_of(m->handle), NULL);
	*m = (struct env_map){0};
}

static bool
system_remove_file(struct env *env, const char *path)
{
	(void)env;
	return remove(path) == 0;
}

static bool
system_move_file(struct env *env, const char *from, const char *to)
{
	(void)env;
	return rename(from, to) == 0 && sync_folder(to);
}

static bool
system_make_dir(struct env *env, const char *path)
{
	struct stat st;

	(void)env;
	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	errno = ENOTDIR;
	return false;
}

static bool
system_list_dir(struct env *env, const char *dir,
    void (*each)(void *arg, const char *name), void *arg)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int why;

	(void)env;
	if (d == NULL)
		return false;
	while (errno = 0, (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			each(arg, e->d_name);
	why = errno;
	(void)closedir(d);
	errno = why;
	return why == 0;
}

static void *
system_lock_file(struct env *env, const char *path)
{
	int fd = open_locked(path, O_CREAT | O_NOFOLLOW);
	char folder[PATH_BYTES];

	(void)env;
	if (fd < 0)
		return NULL;
	folder_of(path, folder);
	(void)give_to_owner(fd, folder); /* if it fails, our lock is no worse */
	return handle_of(fd);
}

static void
system_unlock_file(struct env *env, void *lock)
{
	(void)env;
	if (lock != NULL)
		drop(fd_of(lock), NULL);
}

static int64_t
system_free_bytes(struct env *env, const char *dir)
{
	struct statvfs st;
	int64_t bytes;

	(void)env;
	if (statvfs(dir, &st) != 0 ||
	    __builtin_mul_overflow(st.f_bavail, st.f_frsize, &bytes))
		return -1;
	return bytes;
}

static int
system_append_file(struct env *env, const char *path)
{
	(void)env;
	/* O_NONBLOCK: a named pipe without a reader must not hold us up. */
	return open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	    (mode_t)0600);
}

static int64_t
system_file_size(struct env *env, const char *path)
{
	struct stat st;

	(void)env;
	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static int
system_file_mode(struct env *env, const char *path)
{
	struct stat st;

	(void)env;
	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static const struct env system_env = {
    .mono_ns = system_mono_ns,
    .wall_ns = system_wall_ns,
    .random = system_random,
    .read_file = system_read_file,
    .write_file = system_write_file,
    .map_create = system_map_create,
    .map_open = system_map_open,
    .map_close = system_map_close,
    .remove_file = system_remove_file,
    .move_file = system_move_file,
    .sync_file = system_sync_file,
    .make_dir = system_make_dir,
    .list_dir = system_list_dir,
    .lock_file = system_lock_file,
    .unlock_file = system_unlock_file,
    .free_bytes = system_free_bytes,
    .append_file = system_append_file,
    .file_size = system_file_size,
    .file_mode = system_file_mode,
};

/* Not const in the signature, because other
 * implementations have state; nobody writes. */
struct env *
env_system(void)
{
	return (struct env *)&system_env;
}
