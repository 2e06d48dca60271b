/* tls.c: the one look past libcurl into the TLS library. */
#include "tls.h"

#include <openssl/ssl.h>

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
