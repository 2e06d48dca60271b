/* resolve.h: names and addresses; what the resolver thread and the workers share. */
#ifndef CALL_RESOLVE_H
#define CALL_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct addresses_shared;
struct provider;

/* Host and port that a connection to `p` goes to: its own, or its proxy's. */
void resolve_target(
    const struct provider *p, char *ret_host, size_t cap, uint16_t *ret_port);

/* "192.0.2.1,[2001:db8::1]" as CURLOPT_RESOLVE wants it, each once, at most 16. */
void resolve_format(const struct addrinfo *list, struct buf *ret);
/* The same addresses, in whatever order? Round-robin DNS turns them each time. */
bool resolve_same(const char *a, const char *b);

/* The last good answer for a name; the caller xfree()s it. NULL: none yet. */
char *addresses_now(struct addresses_shared *a, const char *host);

#endif
