/* fault.h: what went wrong, and who is to blame. Pure functions. */
#ifndef CALL_FAULT_H
#define CALL_FAULT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/sets.h"

/* What an outcome says of the provider. */
enum fault {
	FAULT_nothing,  /* neither good nor bad: the client left, or it was us */
	FAULT_alive,    /* it answered */
	FAULT_provider, /* it, or the way to it, is broken */
	FAULT_rate,     /* it wants less of this model */
	FAULT_key,      /* it does not like this key */
};
enum fault fault_of(enum outcome o);

/* How a transfer ended that libcurl could not finish. */
struct transfer_end {
	CURLcode result;
	bool sent;       /* the request may have left */
	bool resent;     /* libcurl wanted to send it once more */
	bool reused;     /* on a kept connection */
	bool answered;   /* a byte of the answer came */
	bool first_byte; /* of its body */
};
enum outcome fault_of_transfer(const struct transfer_end *e);

#define RETRY_AFTER_MAX_MS 120000

/* Retry-After: seconds, or an HTTP date;
 * at most RETRY_AFTER_MAX_MS; -1: not to be understood. */
int64_t fault_retry_after_ms(struct str value, int64_t wall_s);

/* A provider's message for the client: printable, without what looks like a key. `dst`
 * gets at most `cap - 1` bytes and a NUL. */
void fault_mask(struct str text, char *dst, size_t cap);

#endif
