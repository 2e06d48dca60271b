/* transfer.h: what the files of call/ share:
 * one transfer, and a worker's share of libcurl. */
#ifndef CALL_TRANSFER_H
#define CALL_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/request.h"

/* What libcurl is given as CURLOPT_PRIVATE. */
struct transfer {
	/* Outside of libcurl's callbacks; the handle is still in the multi. */
	void (*on_done)(struct transfer *t, CURLcode result);
};

/* Where connections go to: the provider's host,
 * or its proxy's. Kept until the worker ends. */
struct origin {
	TAILQ_ENTRY(origin) link;
	char *host;
	uint16_t port;
	bool literal;     /* an address already */
	char *addresses;  /* "192.0.2.1,[2001:db8::1]"; NULL: none yet */
	unsigned version; /* of the addresses */
	uint64_t loaded;  /* the multis that know them, a bit each */
	bool warmed;      /* a first TLS handshake was begun */
};

/* call/'s own part of an attempt; in the request's arena. */
struct attempt_io {
	struct transfer transfer;
	struct attempt *attempt;
	struct call *call;
	struct multi *multi;
	struct origin *origin;
	unsigned origin_version; /* of the addresses in `resolve` */

	/* gate */
	unsigned key; /* of the provider's */
	bool probe_provider, probe_model;
	bool admitted;
	double turns; /* of queue_enter() */
	bool cold;    /* its model had to be loaded first */

	/* shape */
	const char *url;
	const char *whole; /* a small body, joined; NULL: read by pieces */
	struct curl_slist *headers, *resolve;

	/* connection */
	unsigned
	    prereqs; /* times that libcurl was about to send; the second is refused */
	bool reused; /* at the first of them */
	bool private_refused;

	/* answer */
	bool answered; /* a byte of the status line came */
	bool head_done;
	unsigned lines, interim;
	size_t head_bytes;
	bool encoded; /* content-encoding other than identity */

	bool done; /* libcurl has ended it */
	bool tap_ended;
	CURLcode result;
	enum outcome fault;   /* what we found ourselves; OUT_unset */
	int64_t accept_by_ns; /* then a stream without content goes to the client; 0:
				 never */
	bool accept_now;
	int64_t linger_ns;      /* the terminal event is here, the end is not; 0: no */
	struct deferred resume; /* after a pause */
	char why[CURL_ERROR_SIZE];
};

/* ---- multi.c ---- */

/* libcurl looks for a socket, for an idle connection, for one that is too many among
 * all that a multi has, so each gets this many transfers and then the next begins. */
#define MULTI_TRANSFERS 512
#define MULTIS_MAX      64

struct multi {
	struct call *call;
	CURLM *curl;
	unsigned number;
	struct timer timer;
	struct deferred kick;  /* the timer is due at once */
	struct deferred leave; /* nothing runs in it any more */
	int running, rests;    /* transfers; idle connections */
};

struct call {
	struct worker *worker;
	struct multi *multi[MULTIS_MAX]; /* the first always; NULL: none yet */
	CURLSH *share;
	TAILQ_HEAD(, origin) origins;
	TAILQ_HEAD(, warmup) warmups;
	struct sock *free_socks;
	struct sock **resting; /* by descriptor; NULL: none */
	size_t resting_room;
	CURL *idle[64]; /* handles to use again */
	unsigned idles;
};

/* Where the next transfer goes: the first with room. NULL: no memory for another. */
struct multi *call_multi(struct call *c);
/* False: no memory. */
bool multi_add(struct multi *m, CURL *easy) MUST_CHECK;
/* Not from libcurl's callbacks. */
void multi_remove(struct multi *m, CURL *easy);

/* A handle with everything set that never varies; NULL: no memory or descriptors. */
CURL *call_take_handle(struct call *c);
void call_give_handle(struct call *c, CURL *easy);
/* CURLOPT_OPENSOCKETFUNCTION. */
curl_socket_t call_open_socket(
    void *call, curlsocktype purpose, struct curl_sockaddr *a);
struct origin *call_origin(struct call *c, const char *host, uint16_t port);
/* The same of a provider, through its proxy when it has one. */
struct origin *call_origin_of(struct call *c, const struct provider *p);
/* Can it be connected to without asking for its name? */
bool origin_known(struct call *c, struct origin *o);
/* What the resolver thread has found, on the worker's thread. */
void call_take_addresses(struct call *c, const char *host, const char *addresses);
/* "host:port:address,address" for CURLOPT_RESOLVE. */
const char *origin_resolve_line(const struct origin *o, struct arena *mem);

/* ---- warm.c ---- */

/* One handshake with each TLS provider that had none, so that later ones resume. */
void warm_providers(struct call *c);
void warm_stop(struct call *c);

/* ---- options.c ---- */

/* What never varies: of every handle, and of a worker's. */
void options_common(CURL *easy);
void options_fix(CURL *easy, struct call *c);
/* What a provider decides. */
void options_provider(CURL *easy, const struct provider *p);
/* Forgets every pointer into a request. */
void options_forget(CURL *easy);

/* ---- answer.c ---- */

size_t answer_on_header(char *p, size_t size, size_t n, void *attempt);
size_t answer_on_body(char *p, size_t size, size_t n, void *attempt);

/* ---- deadline.c ---- */

/* Arms the attempt's timer at its nearest deadline;
 * after every change of what counts. */
void deadline_arm(struct attempt *a);
/* What the one deadline of all attempts leaves; INT64_MAX: there is none. */
int64_t deadline_left_ms(const struct request *r, int64_t now_ns);

/* ---- judge.c ---- */

/* attempt_io's transfer.on_done. */
void judge_on_done(struct transfer *t, CURLcode result);
/* Something has changed: judge it, outside of libcurl's callbacks. */
void judge_later(struct attempt *a);
/* The upstream has ended, or is given up with `fault`. Not from libcurl's callbacks. */
void judge_ended(struct attempt *a, enum outcome fault);
/* The first thing that we found wrong ourselves, with a text for the client. */
void judge_fault(struct attempt *a, enum outcome o, const char *text);

#endif
