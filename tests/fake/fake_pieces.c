/* fake_pieces.c: files that are written piece by
 * piece, and what a power cut leaves of them. */
#include <string.h>

#include "base/mem.h"
#include "fake_files.h"

static void
note(struct file *file, size_t at, struct str bytes, bool cut)
{
	struct piece *p = xcalloc(1, sizeof(*p) + bytes.len);

	p->at = at;
	p->len = bytes.len;
	p->cut = cut;
	if (bytes.len > 0)
		memcpy(p->bytes, bytes.p, bytes.len);
	STAILQ_INSERT_TAIL(&file->pieces, p, link);
}

static void
forget(struct file *file)
{
	struct piece *p;

	while ((p = STAILQ_FIRST(&file->pieces)) != NULL) {
		STAILQ_REMOVE_HEAD(&file->pieces, link);
		xfree(p);
	}
}

static void
resize(char **p, size_t *len, size_t want)
{
	*p = xrealloc(*p, want + 1);
	if (want > *len)
		memset(*p + *len, 0, want - *len);
	*len = want;
}

static void
apply(const struct piece *p, char **bytes, size_t *len)
{
	if (p->cut || p->at + p->len > *len)
		resize(bytes, len, p->at + p->len);
	memcpy(*bytes + p->at, p->bytes, p->len);
}

bool
fake_files_write(struct fake_env *f, struct file *file, size_t at, struct str bytes)
{
	size_t end = at + bytes.len;

	if (!fake_files_take_space(f, end > file->len ? end - file->len : 0))
		return false;
	if (end > file->len)
		resize(&file->p, &file->len, end);
	memcpy(file->p + at, bytes.p, bytes.len);
	note(file, at, bytes, false);
	return true;
}

bool
fake_files_cut(struct fake_env *f, struct file *file, size_t len)
{
	if (!fake_files_take_space(f, 0))
		return false;
	if (f->disk_free >= 0 && len < file->len)
		f->disk_free += (int64_t)(file->len - len);
	resize(&file->p, &file->len, len);
	note(file, len, STR(""), true);
	return true;
}

bool
fake_files_sync(struct fake_env *f, struct file *file)
{
	const struct piece *p;

	if (!fake_files_take_space(f, 0))
		return false;
	STAILQ_FOREACH (p, &file->pieces, link)
		apply(p, &file->synced, &file->synced_len);
	forget(file);
	return true;
}

static void
lose(struct fake_env *f, struct file *file)
{
	char *bytes = xmemdup(file->synced, file->synced_len);
	size_t len = file->synced_len;
	const struct piece *p;

	STAILQ_FOREACH (p, &file->pieces, link) {
		if (fake_env_draw(f, 2) == 0)
			apply(p, &bytes, &len);
	}
	xfree(file->p);
	file->p = bytes;
	file->len = len;
	forget(file);
}

void
fake_env_power_cut(struct fake_env *f)
{
	struct file *file;

	fake_env_crash(f);
	TAILQ_FOREACH (file, &f->files, link) {
		if (file->in_pieces)
			lose(f, file);
	}
}

void
fake_pieces_fini(struct file *file)
{
	if (file->in_pieces)
		forget(file);
	xfree(file->synced);
}
