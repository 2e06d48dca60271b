/* wire.h: a head's own bytes, before libmicrohttpd has cut them into pieces. */
#ifndef EDGE_WIRE_H
#define EDGE_WIRE_H

#include "base/str.h"

/* Is there a whole head at the begin of `bytes`, and is something wrong with it that is
 * lost in reading (NUL, bare CR or LF, folding), or that libmicrohttpd answers in a
 * broken way (Content-Length)? Says what; NULL: nothing, or it is not whole.
 * `*ret_target` is the request's, empty where none can be made out. RFC 9112. */
const char *wire_check(struct str bytes, struct str *ret_target);

#endif
