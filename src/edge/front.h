/* front.h: what the files of this folder share: the listener, libmicrohttpd's daemons,
 * the clients' connections. */
#ifndef EDGE_FRONT_H
#define EDGE_FRONT_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "core/request.h"
#include "core/worker.h"
#include "guard.h"

/* libmicrohttpd walks all suspended connections of a daemon at each resume, so a daemon
 * has few and a worker has many daemons. */
#define FRONT_CONNECTIONS 64U

struct edge_shared {
	int fd;               /* listening, for all workers */
	unsigned descriptors; /* that the process may have */
	atomic_uint workers, connections;
	atomic_uint busy;        /* connections with a request: each may need another
				    descriptor, to its upstream */
	atomic_llong body_bytes; /* of all bodies under way */
};

/* One daemon of libmicrohttpd. */
struct front {
	TAILQ_ENTRY(front) link;       /* of edge->fronts */
	TAILQ_ENTRY(front) ready_link; /* of edge->ready */
	struct edge *edge;
	struct MHD_Daemon *daemon;
	struct watch watch; /* its epoll descriptor */
	TAILQ_HEAD(conn_list, edge_conn) conns;
	struct conn_list fresh; /* that sent nothing when they were last looked at */
	unsigned connections;
	unsigned busy_turns; /* one after another in which it wanted another */
	bool ready;
};

/* What libmicrohttpd has for the heads of a request and of its answer. It is the memory
 * of a connection that is kept alive. */
#define CONNECTION_BYTES 10240U

/* A refused body that is not longer is read to its end, so that the connection may be
 * kept; a longer one costs the client its connection. */
#define DRAIN_BYTES (1LL << 20)

/* What is read of a body that was refused and answered, so that the client gets to read
 * the answer; beyond it is cut off. */
#define LINGER_BYTES (64LL << 20)

enum conn_state {
	CONN_idle,   /* kept alive between two requests */
	CONN_head,   /* a head is under way */
	CONN_body,   /* the head is here, the body is not */
	CONN_drain,  /* refused; the answer goes out behind the body's rest */
	CONN_linger, /* refused and answered; what still comes is thrown away */
	CONN_work,   /* the request is whole; suspended until there is an answer */
	CONN_send,   /* the answer is under way; suspended while there is none of it */
	CONN_cut,    /* to be closed as soon as libmicrohttpd looks at it */
};

/* One client's connection; made and freed by libmicrohttpd's notice. */
struct edge_conn {
	TAILQ_ENTRY(edge_conn) link;        /* of front->conns */
	TAILQ_ENTRY(edge_conn) waking_link; /* of edge->waking */
	TAILQ_ENTRY(edge_conn) fresh_link;  /* of front->fresh */
	unsigned fresh; /* looks that are left for its first bytes; 0: they have come */
	struct front *front;
	struct MHD_Connection *mhd;
	struct watch watch; /* the client's descriptor, for hang-ups */
	struct timer timer; /* armed for deadline_ns or earlier */
	int64_t deadline_ns;
	enum conn_state state;
	bool suspended, waking;
	bool half_closed;    /* the client sends no more */
	bool comment_due;    /* write something, to see whether it still reads */
	bool events;         /* the answer is a stream of events */
	bool body_bad;       /* the reader has seen enough of it */
	bool close;          /* no further request here */
	bool pushed;         /* to be looked at, after it was shut */
	char tail[2];        /* the last bytes given out */
	char *target;        /* of the request line, until its request is made */
	const char *version; /* during the first call of the handler */
	struct request *request;
	struct framing framing;
	struct MHD_Response *reply; /* to be queued */
	unsigned status;
	int64_t taken;        /* body bytes that came */
	int64_t taken_seen;   /* by conn_unstick() */
	int64_t taken_looked; /* when the body was last looked at */
	int64_t body_until_ns;
	int64_t body_charged; /* to shared->body_bytes */
	uint64_t acked;       /* bytes the client's system has taken, when last seen */
	int64_t acked_ns;     /* when that last changed */
};

struct refusal;

/* A worker's share. */
struct edge {
	struct worker *worker;
	struct edge_shared *shared;
	TAILQ_HEAD(front_list, front) fronts;
	struct front_list ready;
	struct conn_list waking; /* to be resumed */
	unsigned connections;
	struct watch listener;
	struct timer listen_again;
	int reserve; /* a descriptor to accept with, and say no, when none is left */
	TAILQ_HEAD(refusal_list, refusal) refusals;
	unsigned refused;
	bool draining;
	struct buf tls_cert, tls_key;
};

/* ---- listen.c ---- */

void listen_begin(struct edge *e);
void listen_end(struct edge *e);
/* Would one more request, with a call to an upstream, find a descriptor? */
bool descriptors_left(const struct edge_shared *s);

/* ---- daemons.c ---- */

/* Takes the socket in any case. */
bool front_add(
    struct edge *e, int fd, const struct sockaddr *address, socklen_t address_bytes);
void front_ready(struct front *f);

/* ---- conn.c ---- */

void conn_open(struct front *f, struct MHD_Connection *mhd, void **ret_context);
void conn_close(struct edge_conn *c);
struct edge_conn *conn_of(struct MHD_Connection *mhd);
/* The body is under way: it must be whole in time, and not crawl. */
void conn_enter_body(struct edge_conn *c);
/* The answer is under way: it must be taken in time. */
void conn_enter_sending(struct edge_conn *c);
void conn_enter(struct edge_conn *c, enum conn_state state, int64_t deadline_ms);
/* Suspends; only from libmicrohttpd's handler or content reader, whose manual says that
 * there it is safe. */
void conn_suspend(struct edge_conn *c);
/* Goes on in edge_run(), if it is suspended. */
void conn_wake(struct edge_conn *c);
/* Before libmicrohttpd reads: the first bytes of a new connection, if they are there.
 */
void conn_look(struct edge_conn *c);
/* Ends it if its body does not move although there is more of it. */
void conn_unstick(struct edge_conn *c);
/* The daemon wants to end: what is not used goes, the rest takes no further request. */
void conn_hurry(struct edge_conn *c);
/* Closes it without a further word. */
void conn_cut(struct edge_conn *c);
/* The client is there no more, or does not read: the request is told. */
void conn_gone(struct edge_conn *c, enum outcome o);
bool conn_tls(const struct edge_conn *c);
int64_t conn_now(const struct edge_conn *c);
const struct limits *conn_limits(const struct edge_conn *c);

/* ---- handler.c: libmicrohttpd's callbacks ---- */

/* Of its MHD_AccessHandlerCallback; more than ours may have, and not ours to choose. */
#define HANDLER_PARAMETERS                                                            \
	void *front, struct MHD_Connection *mhd, const char *url, const char *method, \
	    const char *version, const char *data, size_t *data_bytes, void **con_cls

/* A head that libmicrohttpd need not read. */
void handler_refuse(struct edge_conn *c, struct str target, const char *why);
/* The connection's request, if there is one, has no client side any more. */
void handler_forget(struct edge_conn *c, enum MHD_RequestTerminationCode how);

void *handler_on_line(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result handler_on_request(HANDLER_PARAMETERS);
void handler_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
    enum MHD_RequestTerminationCode how);

/* ---- body.c ---- */

/* Some of the body has come. */
void body_take(struct edge_conn *c, const char *p, size_t len);
/* Gives back what the body was charged with. */
void body_release(struct edge_conn *c);

/* ---- reply.c ---- */

/* A refusal before the body was whole, as bytes on the socket behind libmicrohttpd's
 * back, which cannot answer now; it then throws away what still comes. */
void reply_at_once(struct request *r);

#endif
