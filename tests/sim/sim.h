/* sim.h: the parts of the simulator and what each keeps. One thread, one loop. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/str.h"

#include "ask.h"
#include "behave.h"
#include "cache.h"
#include "http.h"
#include "record.h"
#include "text.h"

struct conn;
struct sim;

#define PORTS_MAX 32U
#define BODY_MAX  ((size_t)64 << 20)
#define OUT_MAX   ((size_t)512 << 20)
/* No further event is made while so much waits for the peer. */
#define OUT_ENOUGH 65536U

enum port_state {
	PORT_open,
	PORT_closed, /* connects are refused */
	PORT_deaf,   /* connects are never answered */
	PORT_rst     /* accepted and reset */
};

struct port {
	struct watch watch;
	struct sim *sim;
	unsigned index;
	uint16_t number;
	const struct voice *voice; /* NULL: control only */
	struct cache *cache;       /* of prompts: every provider has its own */
	bool tls;
	enum port_state state;
	int filler[2]; /* fill the queue of a deaf port */
	/* counted */
	int64_t connections, open, requests, inflight, max_inflight, completed, aborted,
	    broken, handshakes, resumed;
};

/* A line of the script: the next `left` requests that fit. */
struct rule {
	STAILQ_ENTRY(rule) link;
	int64_t left; /* -1: for good */
	struct behaviour b;
};

struct sim {
	struct env *env;
	struct loop *loop;
	struct port port[PORTS_MAX];
	unsigned ports;
	SSL_CTX *tls;
	struct text *text;
	struct records *records;
	struct behaviour usual;
	STAILQ_HEAD(, rule) script;
	struct map *times; /* how often a text with `times` was asked */
	const char *key;   /* NULL: any */
	TAILQ_HEAD(, conn) conns;
	TAILQ_HEAD(, conn) dead;
	int64_t start_ns, start_wall_ms;
	uint64_t next_conn;
	unsigned gated;
	struct buf made; /* of the answer under way, in this turn */
	char scratch[65536];
};

/* ---- answers ---- */

enum answer_stage { ANSWER_none, ANSWER_head, ANSWER_events, ANSWER_end, ANSWER_stuck };

struct answer {
	struct behaviour b;
	const struct voice *voice;
	enum answer_stage stage;
	bool stream, include_usage, tool_call, thinking, cut_by_limit, gated, chunked;
	char id[40], model[64], tier[16], tool_name[64];
	struct buf own;        /* the text, when it is not words without end */
	struct buf lead, tail; /* of a content event, the dialect's own */
	uint64_t from;         /* where in the words */
	int64_t text_bytes, events, sent, created_s, due_ns;
	int64_t prompt, output, reasoning, n;
	struct cached cached;
};

/* An API as the simulator speaks it. */
struct voice {
	const char *name;
	/* The rest of an answer's head, lines with CRLF. */
	void (*head)(const struct answer *a, struct buf *out);
	void (*whole)(const struct answer *a, const struct sim *s, struct buf *out);
	/* Events of a stream: what comes before the text, the text (escaped), what
	 * comes behind. */
	void (*open)(struct answer *a, struct buf *out);
	void (*event)(const struct answer *a, struct str text, struct buf *out);
	void (*close)(const struct answer *a, struct buf *out);
	void (*terminal)(struct buf *out);
	void (*error)(int status, const char *code, struct str text, struct buf *out);
	void (*stream_error)(struct buf *out);
	struct cached (*cache)(struct cache *c, const struct ask *a, int64_t now_ns);
};
extern const struct voice voice_openai, voice_anthropic;

/* Begins to answer the request that the connection has read. */
void answer_begin(struct conn *c, const struct ask *ask, const struct behaviour *b);
/* An answer that is wrong from the first byte on; the request need not be sound. */
void answer_error(struct conn *c, int status, const char *code, struct str text);
/* There is room for more, or a time has come. */
void answer_go_on(struct conn *c);
void answer_fini(struct answer *a);
/* The text of content event `i`, escaped. */
void answer_text(
    const struct answer *a, const struct sim *s, int64_t i, struct buf *out);

/* The head of an answer: status line, the dialect's lines, length (-1: chunked). */
void answer_head(struct conn *c, int status, int64_t length, struct buf *out);

/* ---- faults ---- */

/* What happens instead of an answer; true: nothing else does. */
bool fault_at_head(struct conn *c);
/* What happens to a whole answer on its way; true: nothing else does. */
bool fault_at_whole(struct conn *c, struct str body);
/* Before content event `a->sent`; true: nothing else does. */
bool fault_at_event(struct conn *c);

/* ---- connections ---- */

enum conn_phase { CONN_head, CONN_body, CONN_answer };

struct conn {
	TAILQ_ENTRY(conn) link;
	struct watch watch;
	struct timer timer;
	struct sim *sim;
	struct port *port;
	SSL *ssl;
	bool handshaken, wants_write, close_after, reading;
	enum conn_phase phase;
	uint64_t number;
	unsigned served;
	struct buf in, out;
	size_t out_sent;
	struct http_head head;
	struct buf body; /* of a chunked request */
	struct record *record;
	struct answer answer;
};

void conn_new(struct port *p, int fd);
/* Sends or keeps; a connection that breaks is closed, look at conn_gone(). */
void conn_send(struct conn *c, struct str bytes);
bool conn_gone(const struct conn *c);
/* Bytes that wait for the peer. */
size_t conn_waiting(const struct conn *c);
/* The answer is complete: closes or reads on. */
void conn_done(struct conn *c);
void conn_close(struct conn *c, enum record_end end);
void conn_reset(struct conn *c);
void conn_bury(struct sim *s); /* frees what was closed in this turn */

/* ---- ports ---- */

/* False: errno. Number 0: any; p->number is the real one. */
bool port_open(struct port *p);
void port_set(struct port *p, enum port_state state);
void port_close(struct port *p);

/* A request is whole. */
void request_take(struct conn *c, struct str body);
/* Below /__sim/; true: it was that and is answered. */
bool control_take(struct conn *c, struct str body);
/* Forgets what was said and seen; all ports are open again. */
void control_reset(struct sim *s);
/* A whole answer with a JSON body. */
void reply_json(struct conn *c, int status, struct str body);

#endif
