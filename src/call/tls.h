/* tls.h: what libcurl does not tell or do of a handshake. */
#ifndef CALL_TLS_H
#define CALL_TLS_H

#include <curl/curl.h>
#include <stdbool.h>

/* Lets connections that are opened at the same time resume the same session. */
void tls_share_sessions(CURL *easy);

/* Did the connection under this transfer resume
 * a session? Only while it is under way. */
bool tls_was_resumed(CURL *easy);

#endif
