/* disk.c: writes and syncs of the ledger's files for LD_PRELOAD, that fail, take long
 * or kill when the file FRUGALD_TEST_DISK says so: a line of "NUMBER OP K WHAT [MS]".
 * NUMBER: a new one begins to count anew. OP: write, sync or any. K: the k-th such call
 * from then on; 0: each. WHAT: eio, enospc, kill, delay. "NUMBER off": none. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct order {
	int number, k, ms;
	char op[8], what[8];
};

static atomic_int counted_of, count;

static int
read_order(struct order *ret)
{
	const char *path = getenv("FRUGALD_TEST_DISK");
	FILE *f = path == NULL ? NULL : fopen(path, "r");
	int n;

	memset(ret, 0, sizeof(*ret));
	if (f == NULL)
		return 0;
	n = fscanf(
	    f, "%d %7s %d %7s %d", &ret->number, ret->op, &ret->k, ret->what, &ret->ms);
	(void)fclose(f);
	return n >= 4;
}

/* ledger.db, ledger-2026-11.db, their logs; copies that are being made of them. */
static int
is_ledger(int fd)
{
	char link[64], path[4096];
	const char *name;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return 0;
	path[n] = '\0';
	name = strrchr(path, '/');
	return name != NULL && strncmp(name, "/ledger", 7) == 0;
}

/* 0: go on; else the error. */
static int
consult(int fd, const char *op)
{
	struct order o;
	int n, saved = errno;

	if (!is_ledger(fd) || !read_order(&o) ||
	    (strcmp(o.op, "any") != 0 && strcmp(o.op, op) != 0)) {
		errno = saved;
		return 0;
	}
	errno = saved;
	if (atomic_exchange(&counted_of, o.number) != o.number)
		atomic_store(&count, 0);
	n = atomic_fetch_add(&count, 1) + 1;
	if (o.k != 0 && n != o.k)
		return 0;
	if (strcmp(o.what, "kill") == 0)
		(void)kill(getpid(), SIGKILL);
	if (strcmp(o.what, "delay") == 0)
		nanosleep(&(struct timespec){.tv_sec = o.ms / 1000,
			      .tv_nsec = o.ms % 1000 * 1000000L},
		    NULL);
	return strcmp(o.what, "eio") == 0      ? EIO
	       : strcmp(o.what, "enospc") == 0 ? ENOSPC
					       : 0;
}

#define NEXT(name) ((name##_fn *)dlsym(RTLD_NEXT, #name))

typedef ssize_t pwrite_fn(int fd, const void *p, size_t n, off_t at);
typedef ssize_t pwrite64_fn(int fd, const void *p, size_t n, off64_t at);
typedef ssize_t write_fn(int fd, const void *p, size_t n);
typedef int fdatasync_fn(int fd);
typedef int fsync_fn(int fd);

static int
refused(int fd, const char *op)
{
	int why = consult(fd, op);

	if (why != 0)
		errno = why;
	return why;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return refused(fd, "write") ? -1 : NEXT(pwrite)(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return refused(fd, "write") ? -1 : NEXT(pwrite64)(fd, p, n, at);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return refused(fd, "write") ? -1 : NEXT(write)(fd, p, n);
}

int
fdatasync(int fd)
{
	return refused(fd, "sync") ? -1 : NEXT(fdatasync)(fd);
}

int
fsync(int fd)
{
	return refused(fd, "sync") ? -1 : NEXT(fsync)(fd);
}
