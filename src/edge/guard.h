/* guard.h: what libmicrohttpd lets through and no request of ours may have. */
#ifndef EDGE_GUARD_H
#define EDGE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct http_field {
	struct str name, value;
};

/* A request's head as libmicrohttpd read it. */
struct http_head {
	struct str method, version;
	struct str target; /* as it came */
	const struct http_field *field;
	size_t fields;
};

/* How the body is delimited. */
struct framing {
	bool body;              /* bytes follow the head */
	int64_t content_length; /* -1: chunked, or unknown */
	bool expect_continue;   /* the client waits for our word before it sends them */
};

/* NULL: the head may be trusted. Else why not, for the client, which must be told at
 * once and cut off: nobody knows where its next request begins. `*ret` is set in any
 * case. RFC 9110, RFC 9112. */
const char *guard_check(const struct http_head *h, struct framing *ret);

/* May it be the name of a field? */
bool guard_is_token(struct str s);

/* The value of the only or first field of that name; p is NULL when there is none. */
struct str head_find(const struct http_head *h, struct str name);
unsigned head_count(const struct http_head *h, struct str name);

#endif
