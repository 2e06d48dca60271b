/* fake_vfs.c: the table of functions that SQLite calls instead of the system's. */
#include "fake_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fake_files.h"

#define SHM_REGIONS 64

/* What the connections of one process share; SQLite's own lies in memory as well. */
struct shm {
	struct shm *next;
	struct file *file;
	unsigned epoch;
	char *region[SHM_REGIONS];
};

struct vfs_file {
	sqlite3_file base;
	struct fake_env *fake;
	struct file *file;
	struct shm *shm;
	unsigned epoch;
	bool drop; /* on close */
	SLIST_ENTRY(vfs_file) link;
};

static struct {
	struct fake_env *fake;
	struct shm *shm;
	SLIST_HEAD(, vfs_file) open;
} used;

static struct vfs_file *
of(sqlite3_file *base)
{
	return container_of(base, struct vfs_file, base);
}

/* The process that opened it was killed: whatever it still does has no effect. */
static bool
dead(const struct vfs_file *v)
{
	return v->epoch != v->fake->epoch;
}

static int
error_of(int full, int other)
{
	return errno == ENOSPC ? full : other;
}

/* ---- one file ---- */

static int
on_close(sqlite3_file *base)
{
	struct vfs_file *v = of(base);

	SLIST_REMOVE(&used.open, v, vfs_file, link);
	if (v->drop && !dead(v))
		v->fake->env.remove_file(&v->fake->env, v->file->path);
	return SQLITE_OK;
}

static int
on_read(sqlite3_file *base, void *dst, int amount, sqlite3_int64 offset)
{
	const struct vfs_file *v = of(base);
	size_t want = (size_t)amount, at = (size_t)offset, have = 0;

	if (dead(v))
		return SQLITE_IOERR_READ;
	if (at < v->file->len)
		have = v->file->len - at < want ? v->file->len - at : want;
	memcpy(dst, v->file->p + at, have);
	memset((char *)dst + have, 0, want - have);
	return have == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
on_write(sqlite3_file *base, const void *src, int amount, sqlite3_int64 offset)
{
	struct vfs_file *v = of(base);
	struct str bytes = str_make(src, (size_t)amount);

	if (dead(v) || !fake_files_write(v->fake, v->file, (size_t)offset, bytes))
		return error_of(SQLITE_FULL, SQLITE_IOERR_WRITE);
	return SQLITE_OK;
}

static int
on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct vfs_file *v = of(base);

	if (dead(v) || !fake_files_cut(v->fake, v->file, (size_t)size))
		return SQLITE_IOERR_TRUNCATE;
	return SQLITE_OK;
}

static int
on_sync(sqlite3_file *base, int flags)
{
	struct vfs_file *v = of(base);

	(void)flags;
	if (dead(v) || !fake_files_sync(v->fake, v->file))
		return SQLITE_IOERR_FSYNC;
	return SQLITE_OK;
}

static int
on_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)of(base)->file->len;
	return SQLITE_OK;
}

/* Only who has the file alone may lock it for good: SQLite asks when it closes one. */
static int
on_lock(sqlite3_file *base, int level)
{
	const struct vfs_file *v = of(base), *other;

	if (dead(v))
		return SQLITE_IOERR_LOCK;
	SLIST_FOREACH(other, &used.open, link)
	{
		if (level == SQLITE_LOCK_EXCLUSIVE && other != v &&
		    other->file == v->file && !dead(other))
			return SQLITE_BUSY;
	}
	return SQLITE_OK;
}

static int
on_unlock(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int
on_reserved(sqlite3_file *base, int *ret)
{
	(void)base;
	*ret = 0;
	return SQLITE_OK;
}

static int
on_control(sqlite3_file *base, int op, void *arg)
{
	(void)base;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
on_sector_size(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

static int
on_characteristics(sqlite3_file *base)
{
	(void)base;
	return 0;
}

/* ---- shared memory of write-ahead logs ---- */

static struct shm *
shm_of(const struct vfs_file *v)
{
	struct shm *s;

	for (s = used.shm; s != NULL; s = s->next) {
		if (s->file == v->file && s->epoch == v->epoch)
			return s;
	}
	s = xcalloc(1, sizeof(*s));
	s->file = v->file;
	s->epoch = v->epoch;
	s->next = used.shm;
	used.shm = s;
	return s;
}

static int
on_shm_map(sqlite3_file *base, int region, int bytes, int extend, void volatile **ret)
{
	struct vfs_file *v = of(base);

	*ret = NULL;
	if (region >= SHM_REGIONS)
		return SQLITE_IOERR_SHMSIZE;
	if (v->shm == NULL)
		v->shm = shm_of(v);
	if (v->shm->region[region] == NULL && extend)
		v->shm->region[region] = xcalloc(1, (size_t)bytes);
	*ret = v->shm->region[region];
	return SQLITE_OK;
}

static int
on_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	(void)base;
	(void)offset;
	(void)n;
	(void)flags;
	return SQLITE_OK;
}

static void
on_shm_barrier(sqlite3_file *base)
{
	(void)base;
}

static int
on_shm_unmap(sqlite3_file *base, int drop)
{
	(void)drop;
	of(base)->shm = NULL;
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

/* ---- all files ---- */

static int
on_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *ret_flags)
{
	struct vfs_file *v = of(base);
	struct file *file;

	(void)vfs;
	base->pMethods = NULL;
	if (path == NULL)
		return SQLITE_CANTOPEN; /* temporary files lie in memory */
	file = fake_files_open(used.fake, path, (flags & SQLITE_OPEN_CREATE) != 0);
	if (file == NULL)
		return error_of(SQLITE_FULL, SQLITE_CANTOPEN);
	v->fake = used.fake;
	v->file = file;
	v->shm = NULL;
	v->epoch = used.fake->epoch;
	v->drop = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	if (ret_flags != NULL)
		*ret_flags = flags;
	base->pMethods = &methods;
	SLIST_INSERT_HEAD(&used.open, v, link);
	return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	(void)vfs;
	(void)sync;
	return used.fake->env.remove_file(&used.fake->env, path)
		   ? SQLITE_OK
		   : SQLITE_IOERR_DELETE_NOENT;
}

static int
on_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret)
{
	(void)vfs;
	(void)flags;
	*ret = used.fake->env.file_size(&used.fake->env, path) >= 0;
	return SQLITE_OK;
}

static int
on_full_path(sqlite3_vfs *vfs, const char *path, int cap, char *ret)
{
	(void)vfs;
	return snprintf(ret, (size_t)cap, "%s", path) < cap ? SQLITE_OK
							    : SQLITE_CANTOPEN;
}

static int
on_random(sqlite3_vfs *vfs, int bytes, char *ret)
{
	(void)vfs;
	used.fake->env.random(&used.fake->env, ret, (size_t)bytes);
	return bytes;
}

static int
on_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int
on_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
	(void)vfs;
	/* Julian milliseconds. */
	*ret = env_wall_ms(&used.fake->env) + 210866760000000LL;
	return SQLITE_OK;
}

static sqlite3_vfs fake = {
    .iVersion = 2,
    .szOsFile = sizeof(struct vfs_file),
    .mxPathname = 512,
    .zName = "fake",
    .xOpen = on_open,
    .xDelete = on_delete,
    .xAccess = on_access,
    .xFullPathname = on_full_path,
    .xRandomness = on_random,
    .xSleep = on_sleep,
    .xCurrentTimeInt64 = on_time,
};

void
fake_vfs_use(struct fake_env *f)
{
	used.fake = f;
	(void)sqlite3_vfs_register(&fake, 1);
}

void
fake_vfs_forget(void)
{
	struct shm *s;

	(void)sqlite3_vfs_unregister(&fake);
	while ((s = used.shm) != NULL) {
		used.shm = s->next;
		for (size_t i = 0; i < SHM_REGIONS; i++)
			xfree(s->region[i]);
		xfree(s);
	}
	used.fake = NULL;
}
