/* fake_files.c: files in memory behind the table of struct env. */
#include "fake_files.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static struct file *
find(struct fake_env *f, const char *path)
{
	struct file *file;

	TAILQ_FOREACH (file, &f->files, link)
		if (file->path != NULL && strcmp(file->path, path) == 0)
			return file;
	errno = ENOENT;
	return NULL;
}

/* The name inside `dir` when the path lies right there, else NULL. */
static const char *
name_in(const char *dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str parent = slash == NULL   ? STR(".")
			    : slash == path ? STR("/")
					    : str_make(path, (size_t)(slash - path));

	if (!str_is(parent, dir))
		return NULL;
	return slash == NULL ? path : slash + 1;
}

static bool
has_parent(struct fake_env *f, const char *path)
{
	struct file *file;

	if (name_in(".", path) != NULL || name_in("/", path) != NULL)
		return true;
	TAILQ_FOREACH (file, &f->files, link)
		if (file->path != NULL && file->is_dir &&
		    name_in(file->path, path) != NULL)
			return true;
	errno = ENOENT;
	return false;
}

bool
fake_files_take_space(struct fake_env *f, size_t bytes)
{
	f->writes++;
	if (f->writes == f->fail_at) {
		errno = f->fail_error != 0 ? f->fail_error : EIO;
		if (f->fail_error == 0)
			fake_env_crash(f);
		return false;
	}
	if (f->disk_free >= 0 && (int64_t)bytes > f->disk_free) {
		errno = ENOSPC;
		return false;
	}
	if (f->disk_free >= 0)
		f->disk_free -= (int64_t)bytes;
	return true;
}

static struct file *
add_file(struct fake_env *f, const char *path, struct str content)
{
	struct file *file = xcalloc(1, sizeof(*file));

	file->path = xstrdup(path);
	file->p = xmemdup(content.p, content.len);
	file->len = content.len;
	file->mode = 0600;
	STAILQ_INIT(&file->pieces);
	TAILQ_INSERT_TAIL(&f->files, file, link);
	return file;
}

static void
unname(struct fake_env *f, struct file *file)
{
	xfree(file->path);
	file->path = NULL;
	if (f->disk_free >= 0)
		f->disk_free += (int64_t)file->len;
}

static struct handle *
open_handle(struct fake_env *f, struct file *file)
{
	struct handle *h = xcalloc(1, sizeof(*h));

	h->file = file;
	file->locked = true;
	SLIST_INSERT_HEAD(&f->handles, h, link);
	return h;
}

static void
close_handle(struct fake_env *f, struct handle *h)
{
	SLIST_REMOVE(&f->handles, h, handle, link);
	if (!h->dead)
		h->file->locked = false;
	xfree(h->orphan);
	xfree(h);
}

static bool
fake_read_file(struct env *env, const char *path, size_t max, struct buf *ret)
{
	struct file *file = find(fake_of(env), path);

	if (file == NULL)
		return false;
	if (file->is_dir) {
		errno = EISDIR;
		return false;
	}
	if (file->len > max || !buf_append(ret, file->p, file->len)) {
		errno = EFBIG;
		return false;
	}
	return true;
}

static bool
fake_write_file(struct env *env, const char *path, struct str content)
{
	struct fake_env *f = fake_of(env);
	struct file *old = find(f, path);

	if (!has_parent(f, path) || !fake_files_take_space(f, content.len))
		return false;
	if (old != NULL && old->is_dir) {
		errno = EISDIR;
		return false;
	}
	/* As by rename(2): who has the old one open keeps the old one. */
	if (old != NULL)
		unname(f, old);
	add_file(f, path, content);
	return true;
}

static void
map(struct fake_env *f, struct file *file, struct env_map *ret)
{
	*ret = (struct env_map){
	    .p = file->p,
	    .bytes = file->len,
	    .handle = open_handle(f, file),
	};
}

static bool
fake_map_create(struct env *env, const char *path, size_t bytes, struct env_map *ret)
{
	struct fake_env *f = fake_of(env);
	struct file *file;
	char *zeros;

	if (!has_parent(f, path))
		return false;
	if (bytes == 0) {
		errno = EINVAL;
		return false;
	}
	if (find(f, path) != NULL) {
		errno = EEXIST;
		return false;
	}
	if (!fake_files_take_space(f, bytes))
		return false;
	zeros = xcalloc(1, bytes);
	file = add_file(f, path, str_make(zeros, bytes));
	xfree(zeros);
	map(f, file, ret);
	return true;
}

static bool
fake_map_open(struct env *env, const char *path, struct env_map *ret)
{
	struct fake_env *f = fake_of(env);
	struct file *file = find(f, path);

	if (file == NULL)
		return false;
	if (file->locked) {
		errno = EWOULDBLOCK;
		return false;
	}
	if (file->is_dir || file->len == 0) {
		errno = EINVAL;
		return false;
	}
	map(f, file, ret);
	return true;
}

static void
fake_map_close(struct env *env, struct env_map *m)
{
	if (m->p == NULL)
		return;
	close_handle(fake_of(env), m->handle);
	*m = (struct env_map){0};
}

static bool
is_empty(struct fake_env *f, const char *dir)
{
	struct file *file;

	TAILQ_FOREACH (file, &f->files, link)
		if (file->path != NULL && name_in(dir, file->path) != NULL)
			return false;
	return true;
}

static bool
fake_remove_file(struct env *env, const char *path)
{
	struct file *file = find(fake_of(env), path);

	if (file == NULL)
		return false;
	if (file->is_dir && !is_empty(fake_of(env), path)) {
		errno = ENOTEMPTY;
		return false;
	}
	unname(fake_of(env), file);
	return true;
}

static bool
fake_move_file(struct env *env, const char *from, const char *to)
{
	struct fake_env *f = fake_of(env);
	struct file *file = find(f, from), *old = find(f, to);

	if (file == NULL || !has_parent(f, to) || !fake_files_take_space(f, 0))
		return false;
	if (old != NULL)
		unname(f, old);
	xfree(file->path);
	file->path = xstrdup(to);
	return true;
}

static bool
fake_sync_file(struct env *env, const char *path)
{
	struct file *file = find(fake_of(env), path);

	return file != NULL &&
	       (!file->in_pieces || fake_files_sync(fake_of(env), file));
}

static bool
fake_make_dir(struct env *env, const char *path)
{
	struct fake_env *f = fake_of(env);
	struct file *file = find(f, path);

	if (file != NULL) {
		errno = ENOTDIR;
		return file->is_dir;
	}
	if (!has_parent(f, path) || !fake_files_take_space(f, 0))
		return false;
	file = add_file(f, path, STR(""));
	file->is_dir = true;
	file->mode = 0700;
	return true;
}

static bool
fake_list_dir(struct env *env, const char *dir,
    void (*each)(void *arg, const char *name), void *arg)
{
	struct fake_env *f = fake_of(env);
	struct file *file = find(f, dir), *last;

	if (strcmp(dir, ".") != 0 && strcmp(dir, "/") != 0 && file == NULL)
		return false;
	if (file != NULL && !file->is_dir) {
		errno = ENOTDIR;
		return false;
	}
	/* Not what `each` itself adds. */
	last = TAILQ_LAST(&f->files, file_list);
	TAILQ_FOREACH (file, &f->files, link) {
		const char *name = file->path == NULL ? NULL : name_in(dir, file->path);

		if (name != NULL)
			each(arg, name);
		if (file == last)
			break;
	}
	return true;
}

static void *
fake_lock_file(struct env *env, const char *path)
{
	struct fake_env *f = fake_of(env);
	struct file *file = find(f, path);

	if (file == NULL) {
		if (!has_parent(f, path) || !fake_files_take_space(f, 0))
			return NULL;
		file = add_file(f, path, STR(""));
	}
	if (file->is_dir || file->locked) {
		errno = file->is_dir ? EISDIR : EWOULDBLOCK;
		return NULL;
	}
	return open_handle(f, file);
}

static void
fake_unlock_file(struct env *env, void *lock)
{
	if (lock != NULL)
		close_handle(fake_of(env), lock);
}

static int64_t
fake_free_bytes(struct env *env, const char *dir)
{
	(void)dir;
	return fake_of(env)->disk_free < 0 ? INT64_MAX : fake_of(env)->disk_free;
}

/* Its files have no descriptors. */
static int
fake_append_file(struct env *env, const char *path)
{
	(void)env;
	(void)path;
	errno = ENOTSUP;
	return -1;
}

static int64_t
fake_file_size(struct env *env, const char *path)
{
	struct file *file = find(fake_of(env), path);

	return file == NULL ? -1 : (int64_t)file->len;
}

static int
fake_file_mode(struct env *env, const char *path)
{
	struct file *file = find(fake_of(env), path);

	return file == NULL ? -1 : file->mode;
}

void
fake_files_init(struct fake_env *f)
{
	f->env.read_file = fake_read_file;
	f->env.write_file = fake_write_file;
	f->env.map_create = fake_map_create;
	f->env.map_open = fake_map_open;
	f->env.map_close = fake_map_close;
	f->env.remove_file = fake_remove_file;
	f->env.move_file = fake_move_file;
	f->env.sync_file = fake_sync_file;
	f->env.make_dir = fake_make_dir;
	f->env.list_dir = fake_list_dir;
	f->env.lock_file = fake_lock_file;
	f->env.unlock_file = fake_unlock_file;
	f->env.free_bytes = fake_free_bytes;
	f->env.append_file = fake_append_file;
	f->env.file_size = fake_file_size;
	f->env.file_mode = fake_file_mode;
	f->disk_free = -1;
	TAILQ_INIT(&f->files);
	SLIST_INIT(&f->handles);
}

void
fake_files_fini(struct fake_env *f)
{
	struct file *file;

	while (!SLIST_EMPTY(&f->handles))
		close_handle(f, SLIST_FIRST(&f->handles));
	while ((file = TAILQ_FIRST(&f->files)) != NULL) {
		TAILQ_REMOVE(&f->files, file, link);
		fake_pieces_fini(file);
		xfree(file->path);
		xfree(file->p);
		xfree(file);
	}
}

struct file *
fake_files_open(struct fake_env *f, const char *path, bool create)
{
	struct file *file = find(f, path);

	if (file == NULL && create) {
		if (!has_parent(f, path) || !fake_files_take_space(f, 0))
			return NULL;
		file = add_file(f, path, STR(""));
	}
	if (file == NULL || file->is_dir)
		return NULL;
	if (!file->in_pieces) {
		file->in_pieces = true;
		file->synced = xmemdup(file->p, file->len);
		file->synced_len = file->len;
	}
	return file;
}

void
fake_env_crash_at(struct fake_env *f, unsigned k)
{
	fake_env_fail_write(f, k, 0);
}

unsigned
fake_env_crashes(const struct fake_env *f)
{
	return f->epoch;
}

void
fake_env_fail_write(struct fake_env *f, unsigned k, int error)
{
	f->fail_at = k == 0 ? 0 : f->writes + k;
	f->fail_error = error;
}

unsigned
fake_env_writes(const struct fake_env *f)
{
	return f->writes;
}

void
fake_env_disk(struct fake_env *f, int64_t free_bytes)
{
	f->disk_free = free_bytes;
}

/* The files go on with a copy, so that whatever the dead process's objects still write
 * while they are torn down stays without effect. */
void
fake_env_crash(struct fake_env *f)
{
	struct handle *h;

	f->epoch++;
	SLIST_FOREACH(h, &f->handles, link)
	{
		if (h->dead)
			continue;
		h->dead = true;
		h->orphan = h->file->p;
		h->file->p = xmemdup(h->orphan, h->file->len);
		h->file->locked = false;
	}
}

void
fake_env_put(struct fake_env *f, const char *path, struct str content, int mode)
{
	struct file *old = find(f, path);

	if (old != NULL)
		unname(f, old);
	add_file(f, path, content)->mode = mode;
}

char *
fake_env_bytes(struct fake_env *f, const char *path, size_t *ret_len)
{
	struct file *file = find(f, path);

	if (file == NULL)
		return NULL;
	*ret_len = file->len;
	return file->p;
}
