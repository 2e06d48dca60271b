/* log.h: the way of a request's line from its worker to the writer. */
#ifndef REPORT_LOG_H
#define REPORT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mailbox.h"
#include "stage/report.h"

/* Who is to be woken when a line comes; before the worker's thread starts. */
void log_ring_attach(struct log_ring *l, struct mailbox *reader,
    void (*on_lines)(void *reader, struct message *m));
/* Reader only, first of all in on_lines(): the ring's message has been delivered, so
 * that it may be posted again once the ring is quiet. */
void log_ring_noticed(struct message *m);
/* Reader only, before it takes: lines put from here on wake it again. A message that
 * still lies in the mailbox will do so by itself. */
void log_ring_quiet(struct log_ring *l);
/* Reader only: moves the oldest line out, with a newline behind it; false: none. */
bool log_ring_take(struct log_ring *l, struct buf *ret);

/* ---- the writer; report thread only ---- */

struct log_writer {
	struct env *env;
	const char *where; /* "stderr", "none" or a path; of the snapshot in force */
	int fd;            /* of a path; -1: none */
	int64_t end;       /* where in the file we are; -1: it is none */
	int64_t checked_ns;
	bool failing; /* told once */
	bool stalled; /* it took nothing of late: no more patience until it does */
	bool torn;    /* its last line is cut off */
	uint64_t dropped;
};

void log_writer_init(struct log_writer *w, struct env *env);
/* From now on write there; opens the file anew, so that SIGHUP ends a rotation. */
void log_writer_use(struct log_writer *w, const char *where);
/* Whole lines. What the other side does not take within a second is dropped, and what
 * follows at once, until it takes something again. */
void log_writer_put(struct log_writer *w, struct str lines);
void log_writer_fini(struct log_writer *w);

#endif
