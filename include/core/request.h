/* request.h: one client request, from its first header byte to its ledger row, and its
 * attempts. Each member is written by the stage named beside it, and by no other. The
 * only header that knows all stages. */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/loop.h"
#include "base/money.h"
#include "config/snapshot.h"
#include "core/dialect.h"
#include "core/sets.h"
#include "stage/auth.h"
#include "stage/budget.h"
#include "stage/call.h"
#include "stage/classify.h"
#include "stage/edge.h"
#include "stage/limit.h"
#include "stage/meter.h"
#include "stage/parse.h"
#include "stage/relay.h"
#include "stage/report.h"
#include "stage/route.h"

struct worker;

/* One call to one upstream. Owned by its request;
 * holds one reference to it while live. */
struct attempt {
	struct request *request;
	unsigned number;                   /* from 0 */
	unsigned row;                      /* of attempt.def; core/attempt.c */
	const struct candidate *candidate; /* serve: of the plan */
	const struct provider *provider;   /* serve */
	bool live;                         /* serve; until attempt_end() */
	bool fresh_connection; /* serve: the one more try after a stale one */

	/* gate, hold, slot */
	bool entered_model, entered_provider; /* places taken below max_inflight */
	int64_t max_output;                   /* hold: to set upstream; -1: leave it */
	struct pusd at_most;                  /* hold */
	bool unpriced;                        /* hold: `at_most` is not known */
	struct limit_taken tokens;            /* hold */
	struct pusd expected;                 /* hold: its cost, an estimate */
	bool spends;                          /* hold: that counts as under way */
	struct grant grant;                   /* hold; settle ends it */
	int slot_index;                       /* slot; -1: none */

	/* shape */
	struct pieces body;
	size_t body_sent;

	/* send, judge: of the transfer */
	void *easy;            /* call/ only */
	struct attempt_io *io; /* call/ only */
	bool sent;             /* the request's first byte may have left */
	bool first_byte;       /* of the answer was seen */
	bool accepted;         /* the answer goes to the client */
	bool upstream_done;    /* nothing more comes */
	bool paused;           /* until the client has taken what waits */
	int http_status;       /* 0: none came */
	char content_type[64];
	int64_t retry_after_ms; /* -1: not said */
	struct {
		const char *name, *value;
	} pass[4]; /* answer headers that header.def lets through; in the arena */
	unsigned passes;
	struct buf error_body; /* of an error answer, at most 64 KiB */
	struct tap tap;
	enum outcome outcome; /* judge, or whoever ends it */
	enum flaw flaw;       /* judge: of the first of a cascade */
	char error_text[400]; /* for the client, secrets masked */

	/* monotonic; 0: not come to. By serve, send, and what came; attempt_end() */
	int64_t start_ns, connected_ns, first_byte_ns, last_byte_ns, end_ns;
	struct timer deadline; /* one timer: the nearest of all deadlines */
	struct deferred
	    wake; /* call/ asks for attempt_resume(), outside curl's callbacks */

	/* settle */
	struct usage usage;
	enum basis basis;
	struct pusd list, amount;
};

struct request {
	struct worker *worker;         /* admission; it stays there for good */
	struct snapshot *snap;         /* admission; one reference */
	const struct outlook *outlook; /* admission; one reference */
	struct arena *mem;             /* admission; everything below points into it */
	struct id id;                  /* admission */
	int64_t start_ns, start_wall_ms; /* admission; monotonic, wall clock */
	unsigned refs; /* the client side, each live attempt, an answer of ours */
	unsigned step; /* core/request.c */
	bool running;  /* core/request.c: the walk is on the stack */
	enum outcome outcome; /* once: request_fail(), own, or relay at the end */
	const char *fail_text, *fail_param; /* request_fail_text() */
	int64_t retry_after_ms;             /* whoever refuses it; -1: not said */
	TAILQ_ENTRY(request) link;          /* core/request.c: all of the worker's */
	struct deferred later; /* core/request.c: resume or cancel, outside callbacks */
	struct deferred cut;   /* core/request.c: grace is over */
	bool client_gone;      /* edge, by request_client_gone() */

	struct ingress in;     /* edge */
	struct principal who;  /* auth */
	struct reader *reader; /* body */
	int64_t body_ns;       /* body, else own: when all of the body was here */
	struct own *own;       /* own: an answer of ours that is under way */
	struct trade *trade;   /* own: a pipeline's token, while it is looked at */
	struct task task;      /* parse */
	struct prompt prompt;  /* parse */
	struct tag tags[16];   /* parse: from key, token, path and header */
	unsigned tag_count;    /* parse */
	const struct data_class *data;    /* parse: by header */
	double min_quality, max_cost_usd; /* parse: by header; -1: not said */
	int64_t deadline_ms;              /* parse: by header; 0: none */
	bool explain;                     /* parse: by header */
	struct limit_state limits;        /* limit, hold, settle */
	struct verdict verdict;           /* classify */
	uint64_t session;                 /* route */
	uint64_t conversation; /* route: one of several in a session; 0: all of it */
	struct session_view session_view; /* route */
	struct plan *plan;                /* route; in the arena */
	struct plan_view *view;           /* route: where only the plan is asked for */
	uint8_t decision[DECISION_BYTES]; /* route: what the plan was made from */
	size_t decision_len;              /* route */
	unsigned next_candidate;          /* serve */
	unsigned attempts;                /* serve: begun */
	bool stale_retried;               /* serve */
	bool called;                      /* send: an upstream was, if only in vain */
	uint32_t failed_at;   /* gate: providers whose fault it has met, a bit each */
	struct attempt *live; /* serve: at most one */
	struct attempt
	    *last; /* serve: the one that answered, or the last that failed */
	const struct budget
	    *capped; /* hold: it has changed what was decided, or NULL */
	struct budget_refusal *cap_why; /* hold: of it; in the arena */
	enum cap_follows after_cap;     /* hold */
	bool cap_told;                  /* hold: counted as served otherwise */
	struct slot *slot;              /* slot; NULL once closed */
	struct relay relay;             /* relay */
	/* judge: the first of a cascade; its answer was flawed and waits in
	 * `kept_whole` for when nobody does better; else NULL */
	struct attempt *kept;
	struct buf kept_whole;        /* relay */
	struct pusd_sum cost;         /* settle: of all attempts */
	bool unpriced;                /* settle */
	int64_t classify_ns, plan_ns; /* classify, route: how long they took */
	int64_t first_byte_ns; /* relay: when the client got its first; 0: none */
};

/* ---- life ---- */

/* At the headers. One reference, the client's: request_client_done() drops it. */
struct request *request_new(struct worker *w);

/* "req_" and the id; in the arena. */
const char *request_id_text(struct request *r);

/* Walks steps.def from where it stands until a step waits or ends. Not reentrant: from
 * inside a step it only notes. */
void request_run(struct request *r);

/* The same from the deferred list: for library callbacks. */
void request_resume_later(struct request *r);

/* Ends the request early; returns END. The edge tells the client, unless it has gone or
 * the answer has begun (then an error event ends the stream). */
enum next request_fail(struct request *r, enum outcome o);
/* The same with a text of its own (in the arena) and the field to blame, or NULL. */
enum next request_fail_text(struct request *r, enum outcome o, const char *param,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The client side is gone or stalled: noted here, attempts are cancelled from the
 * deferred list. */
void request_client_gone(struct request *r, enum outcome o);

/* Drops a reference; the last one ends the request. */
void request_unref(struct request *r);

/* Drops the reference of the client side: libmicrohttpd has completed the request. */
void request_client_done(struct request *r);

/* ---- attempts ---- */

/* Walks attempt.def. */
void attempt_resume(struct attempt *a);

/* The only place that settles, once per attempt, when its upstream ends, for whatever
 * reason: usage or basis to money, slot, health, places; wakes relay and request. */
void attempt_end(struct attempt *a, enum outcome o);

#define STEP(name, what) enum next name##_step(struct request *r);
#include "core/steps.def"
#define ATTEMPT(name, folder, what) enum next attempt_##name(struct attempt *a);
#include "core/attempt.def"

/* parse/: fills the request's tags from key, token, path and header; ends it where they
 * are malformed, unknown (in a path) or do not fit. */
enum next parse_tags(struct request *r);
/* budget/: sets the tokens aside that the attempt may use. False: `outcome` says why
 * not, and the request's `fail_text`. */
bool limit_attempt(struct attempt *a);
/* budget/: what the attempt did use stands for it. */
void limit_attempt_over(struct attempt *a);
/* budget/: nothing of it is under way any more. Again, this changes nothing. */
void limit_over(struct request *r);
/* budget/: what is left of the limits, for the client. */
void limit_tell(struct request *r, struct reply_head *h);
/* meter/: fills the attempt's bill from usage or basis, and its part of the slot. */
void meter_settle(struct attempt *a);
/* meter/: no further attempt follows; the slot goes to the ledger. */
void meter_close(struct request *r, enum outcome o);
/* route/: what the session remembers of an answer. */
void route_note(const struct attempt *a);
/* call/: gives the places back and tells health how it went. */
void call_leave(struct attempt *a);

/* ---- relay, as call/ and edge/ use it ---- */

/* Admission. */
void relay_init(struct request *r);
/* Before an attempt: what a failed one has left is forgotten. */
void relay_reset(struct request *r);
/* Puts a held-back answer aside; the next attempt may begin. */
void relay_keep(struct attempt *a);
/* Takes it back: it is what the client gets. */
void relay_restore(struct request *r);
/* Is there room for so many bytes (those that come and those that may wait in the tap)
 * and for the end? False: pause. */
bool relay_room(const struct request *r, size_t bytes);
/* The answer's bytes, already through the tap. False: they do not fit. */
bool relay_put(void *request, const char *p, size_t len); /* a tap_out_fn */
/* The attempt is settled: terminal event, or the error event of `o`, and the end. */
void relay_finish(struct request *r, enum outcome o);
/* The edge's content reader. -1: end of the answer, -2: cut the connection, 0: wait. */
int64_t relay_take(struct request *r, char *dst, size_t cap);

#endif
