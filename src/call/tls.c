/* tls.c: the one look past libcurl into the TLS library. */
#include "tls.h"

#include <openssl/ssl.h>

/* OpenSSL takes a TLS 1.3 session that was resumed once for used up (RFC 8446 C.4 fears
 * that clients are recognised by it; a provider knows us by our key). libcurl keeps one
 * session for each host, so that of many connections opened together only the first
 * would resume. Each gets a copy of its own to use up. */
static void
on_handshake(const SSL *ssl, int where, int ret)
{
	SSL_SESSION *session, *copy;

	(void)ret;
	if ((where & SSL_CB_HANDSHAKE_START) == 0)
		return;
	session = SSL_get_session(ssl);
	if (session == NULL || SSL_SESSION_is_resumable(session) != 1)
		return;
	copy = SSL_SESSION_dup(session);
	if (copy == NULL)
		return;
	/* The callback's type is older than its use:
	 * the connection is ours to set up. */
	(void)SSL_set_session((SSL *)ssl, copy);
	SSL_SESSION_free(copy);
}

static CURLcode
on_context(CURL *easy, void *context, void *arg)
{
	(void)easy;
	(void)arg;
	SSL_CTX_set_info_callback(context, on_handshake);
	return CURLE_OK;
}

void
tls_share_sessions(CURL *easy)
{
	/* Refused where libcurl has another TLS library: then fewer resume. */
	(void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
}

bool
tls_was_resumed(CURL *easy)
{
	struct curl_tlssessioninfo *info = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
	    info == NULL || info->backend != CURLSSLBACKEND_OPENSSL ||
	    info->internals == NULL)
		return false;
	return SSL_session_reused(info->internals) == 1;
}
