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
	w->end = end;
}

void
log_writer_use(struct log_writer *w, const char *where)
{
	close_file(w);
	w->stalled = w->torn = false;
	w->where = where == NULL ? "stderr" : where;
	w->failing = false;
	if (!to_stderr(w) && strcmp(w->where, "none") != 0)
		open_file(w);
}

/* Was the file moved away or cut short? Once
 * a second, and only when there is a line. */
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
put_piece(struct log_writer *w, int fd, struct str piece, size_t *ret_done)
{
	struct pollfd f = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	w->stalled = poll(&f, 1, w->stalled ? 0 : PATIENCE_MS) != 1;
	if (w->stalled)
		return false;
	n = write(fd, piece.p, piece.len < PIECE_BYTES ? piece.len : PIECE_BYTES);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return false;
	*ret_done += n > 0 ? (size_t)n : 0;
	return true;
}

/* Gives the number of bytes that were taken. */
static size_t
put_all(struct log_writer *w, int fd, struct str text)
{
	size_t done = 0;

	while (fd >= 0 && done < text.len) {
		if (!put_piece(w, fd, str_skip(text, done), &done))
			break;
	}
	if (w->end >= 0)
		w->end += (int64_t)done;
	return done;
}

static uint64_t
count_lines(struct str text)
{
	struct str line;
	uint64_t n = 0;

	while (text.len > 0 && str_split(&text, '\n', &line))
		n++;
	return n;
}

void
log_writer_put(struct log_writer *w, struct str lines)
{
	int fd = STDERR_FILENO;
	size_t done;

	if (strcmp(w->where, "none") == 0)
		return;
	if (!to_stderr(w)) {
		follow_rotation(w);
		fd = w->fd;
	}
	if (w->torn && put_all(w, fd, STR("\n")) == 1)
		w->torn = false;
	done = w->torn ? 0 : put_all(w, fd, lines);
	if (done > 0)
		w->torn = lines.p[done - 1] != '\n';
	w->dropped += count_lines(str_skip(lines, done));
}

void
log_writer_fini(struct log_writer *w)
{
	close_file(w);
}
