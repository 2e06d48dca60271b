/* edge.h: speaks libmicrohttpd so that nobody else does. */
#ifndef STAGE_EDGE_H
#define STAGE_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/dialect.h"
#include "core/sets.h"

struct request;
struct worker;
struct edge;        /* a worker's share of the front */
struct edge_shared; /* listening socket, connection and body-memory counts */

/* Request headers that we read (`ours` in core/header.def). */
enum header_id {
	HDR_authorization,
	HDR_x_api_key,
	HDR_x_frugald_tags,
	HDR_x_frugald_session,
	HDR_x_frugald_data,
	HDR_x_frugald_max_cost_usd,
	HDR_x_frugald_min_quality,
	HDR_x_frugald_deadline,
	HDR_x_frugald_explain,
	HDR_x_session_id,
	HDR_x_claude_code_session_id,
	HDR_session_id,
	HDR_COUNT
};

/* Written by the edge before the first step, and while the body arrives. */
struct ingress {
	const char *method;
	struct str path;
	struct str query; /* behind the target's '?', as it came; empty: none */
	const struct dialect *dialect; /* by path; for the form of errors */
	enum endpoint endpoint;
	bool dry; /* only the plan is asked for: no provider, no slot, no row */
	struct str tail, path_tags;    /* of the path */
	const char *header[HDR_COUNT]; /* in the request's arena; NULL: absent */
	const char *const
	    *pass;     /* "name: value" lines to send upstream, the last NULL */
	char peer[48]; /* address of the client, or of behind_proxy's X-Forwarded-For */
	int64_t content_length; /* -1: chunked */
	struct buf body;
	bool body_whole;
	struct edge_conn *conn; /* NULL once the client side is done */
};

/* One listening socket for all workers. NULL: `ret_why` says what and what to do. */
struct edge_shared *edge_listen(
    const char *host, uint16_t port, char ret_why[static 256]);
/* No new connection from here on. */
void edge_close_listener(struct edge_shared *s);
void edge_shared_free(struct edge_shared *s);
unsigned edge_connections(const struct edge_shared *s);

struct edge *edge_new(struct worker *w, struct edge_shared *s);
void edge_free(struct edge *e); /* takes NULL; no connection may be left */
/* Part of every turn of the worker: runs the daemons that are ready, resumed or due. */
void edge_run(struct edge *e);
/* When edge_run() is wanted at the latest; INT64_MAX: only on events. */
int64_t edge_due_ns(struct edge *e);
/* Drain: idle connections are closed, running ones get "Connection: close". */
void edge_drain(struct edge *e);
bool edge_idle(const struct edge *e); /* no connection is left */
/* The last resort at the end of grace: every connection is shut down. */
void edge_abort(struct edge *e);

/* ---- answers; at most one head for each request ---- */

/* Extra answer headers, up to 24 "name", "value" pairs. */
struct reply_head {
	int status;
	const char *content_type;
	struct {
		const char *name, *value;
	} header[24];
	unsigned headers;
};
void reply_header(struct reply_head *h, const char *name, const char *value);

/* The error object of `outcome` in the request's dialect. */
void edge_reply_error(struct request *r);
/* An answer whose bytes are here; copied. */
void edge_reply_whole(struct request *r, const struct reply_head *h, struct str body);
/* An answer that relay_take() will give piece by piece. */
void edge_reply_stream(struct request *r, const struct reply_head *h);
/* There is something to take, or the end: the connection goes on. Any time, cheap. */
void edge_wake(struct request *r);

#endif
