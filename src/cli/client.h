/* client.h: speaks HTTP to a running daemon, and to servers that might serve models. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "verb.h"

#define ANSWER_BYTES ((size_t)64 << 20)

struct call {
	const char *url;
	const char *body;  /* NULL: GET, else POST of this JSON */
	const char *token; /* NULL: none */
	long timeout_ms;
};

/* Gives the status, 0 when there was no answer:
 * then `ret_body` says why. Init and fini `ret_body`. */
long client_call(const struct call *call, struct buf *ret_body);

/* Asks the daemon at FRUGALD_URL (default http://127.0.0.1:4601, the admin port) with
 * the key in FRUGALD_KEY; `body` as above. False: said why, or what it answered. */
bool daemon_ask(struct cli *c, const char *target, const char *body,
    struct buf *ret_body) MUST_CHECK;

/* Of what may not be there, such as the admin plane at the clients' port; false: no
 * answer, and nothing was said. */
bool daemon_try(struct cli *c, const char *target, struct buf *ret_body) MUST_CHECK;

/* What a daemon is to know if there is one: gives its status, 0: no answer. Of one that
 * is not in 2xx it was said why. */
long daemon_tell(
    struct cli *c, const char *target, const char *body, struct buf *ret_body);

/* The same as daemon_ask(), or from the folder of --state. */
bool ledger_ask(struct cli *c, const char *target, struct buf *ret_body) MUST_CHECK;

/* The same, where an answer other than 2xx may be meant: its status, with the body; of
 * one that is not in 2xx and not 412 it was said why. 0: no answer. */
long ledger_status_of(struct cli *c, const char *target, struct buf *ret_body);

#endif
