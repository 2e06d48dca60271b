/* record.h: every request that came, for tests to look at. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/str.h"
#include "http.h"

enum record_end {
	RECORD_open,
	RECORD_completed, /* the peer was given all of it */
	RECORD_aborted,   /* the peer left before that */
	RECORD_broken     /* we broke it, as we were asked to */
};

struct record {
	TAILQ_ENTRY(record) link;
	uint64_t number; /* from 1 */
	unsigned port, on_conn;
	uint16_t tcp_port;
	uint64_t conn;
	int64_t at_ms, end_ms, body_bytes; /* times since the simulator began */
	int64_t inflight;                  /* on this port, with this one */
	int64_t events, bytes;             /* given */
	int64_t prompt, output, cached;    /* tokens */
	int status;
	bool stream, owned; /* by the list; else freed by the connection */
	enum record_end end;
	char model[64], fault[16];
	struct http_head head;
	char *body; /* NULL: not kept */
};

struct records;

/* Keeps the last `count`; 0: none. */
struct records *records_new(uint64_t count);
void records_free(struct records *r);
void records_clear(struct records *r);
uint64_t records_count(const struct records *r); /* ever */

/* Takes the head; copies the body. Hold it until record_put(). */
struct record *record_get(struct records *r, struct http_head *head, struct str body);
void record_put(struct record *r);

/* Lines of JSON; those with a number above `since`, of `port` (-1: all). */
void records_write(
    const struct records *r, uint64_t since, int64_t port, struct buf *out);

#endif
