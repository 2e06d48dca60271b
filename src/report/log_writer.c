/* log_writer.c: lines to standard error or to a file that may be rotated under us. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "log.h"

/* A pipe that polls writable takes so much at once. */
#define PIECE_BYTES    4096U
#define PATIENCE_MS    1000
#define CHECK_EVERY_NS NS_PER_S

void
log_writer_init(struct log_writer *w, struct env *env)
{
	*w = (struct log_writer){.env = env, .where = "none", .fd = -1};
}

static bool
to_stderr(const struct log_writer *w)
{
	return strcmp(w->where, "stderr") == 0;
}

static void
close_file(struct log_writer *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}

static void
open_file(struct log_writer *w)
{
	off_t end;

	close_file(w);
	w->fd = w->env->append_file(w->env, w->where);
	if (w->fd < 0) {
		if (!w->failing)
			log_error("the log %s cannot be written: %s; its lines are "
				  "dropped until it can",
			    w->where, strerror(errno));
		w->failing = true;
		return;
	}
	w->failing = false;
	end = lseek(w->fd, 0, SEEK_END);
	w->end = end < 0 ? 0 : end;
}

void
log_writer_use(struct log_writer *w, const char *where)
{
	close_file(w);
	w->where = where == NULL ? "stderr" : where;
	w->failing = false;
	if (!to_stderr(w) && strcmp(w->where, "none") != 0)
		open_file(w);
}

/* Was the file moved away or cut short? Once a second, and only when there is a line.
 */
static void
follow_rotation(struct log_writer *w)
{
	int64_t now = w->env->mono_ns(w->env);

	if (now - w->checked_ns < CHECK_EVERY_NS)
		return;
	w->checked_ns = now;
	if (w->fd < 0 || w->env->file_size(w->env, w->where) < w->end)
		open_file(w);
}

/* False: it takes nothing for longer than we wait, or it is broken. */
static bool
put_piece(int fd, const char *p, size_t len, size_t *ret_done)
{
	struct pollfd f = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	if (poll(&f, 1, PATIENCE_MS) != 1)
		return false;
	n = write(fd, p, len < PIECE_BYTES ? len : PIECE_BYTES);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return false;
	*ret_done += n > 0 ? (size_t)n : 0;
	return true;
}

void
log_writer_put(struct log_writer *w, struct str line)
{
	size_t done = 0;
	int fd = STDERR_FILENO;

	if (strcmp(w->where, "none") == 0)
		return;
	if (!to_stderr(w)) {
		follow_rotation(w);
		fd = w->fd;
	}
	while (fd >= 0 && done < line.len) {
		if (!put_piece(fd, line.p + done, line.len - done, &done))
			break;
	}
	w->end += (int64_t)done;
	if (done < line.len)
		w->dropped++;
}

void
log_writer_fini(struct log_writer *w)
{
	close_file(w);
}
