/* peer.h: who is at the other end, also behind proxies that we trust. */
#ifndef EDGE_PEER_H
#define EDGE_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct sockaddr;

/* The numeric address without its port; "" when it has none. */
void peer_format(const struct sockaddr *sa, char *ret, size_t cap);

/* Does `address` lie in one of `networks` ("10.0.0.0/8", "::1", the last NULL)? */
bool peer_trusted(struct str address, const char *const *networks);

/* The client's address: `direct`, or behind trusted proxies the last element of the
 * X-Forwarded-For list that none of them is; a slice of one of both. */
struct str peer_client(
    struct str direct, struct str forwarded, const char *const *networks);

#endif
