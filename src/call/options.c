/* options.c: every switch of libcurl that must not stay as it comes. */
#include "tls.h"
#include "transfer.h"

#define READ_BYTES    16384L
#define KEEP_IDLE_S   25L /* below the 30 s after which many load balancers hang up */
#define KEEP_AT_ALL_S 300L
#define KEEPALIVE_S   30L

#define set(easy, option, value) (void)curl_easy_setopt(easy, CURLOPT_##option, value)

void
options_common(CURL *easy)
{
	set(easy, NOSIGNAL, 1L);
	set(easy, QUICK_EXIT, 1L); /* never wait for a resolver's thread */
	set(easy, HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	set(easy, HTTP09_ALLOWED, 0L);
	set(easy, FOLLOWLOCATION, 0L);
	set(easy, PROTOCOLS_STR, "http,https"); /* which of them, the URL says */
	set(easy, BUFFERSIZE, READ_BYTES);
	set(easy, TCP_NODELAY, 1L);
	set(easy, TCP_KEEPALIVE, 1L);
	set(easy, TCP_KEEPIDLE, KEEPALIVE_S);
	set(easy, TCP_KEEPINTVL, KEEPALIVE_S);
	set(easy, MAXAGE_CONN, KEEP_IDLE_S);
	set(easy, MAXLIFETIME_CONN, KEEP_AT_ALL_S);
	set(easy, SSL_VERIFYPEER, 1L);
	set(easy, SSL_VERIFYHOST, 2L);
	set(easy, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* With a folder of certificates libcurl parses them for every connection and
	 * keeps nothing: 33 ms each. A file it parses once for all. */
	set(easy, CAPATH, NULL);
	tls_share_sessions(easy);
	set(easy, NETRC, (long)CURL_NETRC_IGNORED);
	set(easy, NOPROXY, "");
}

void
options_fix(CURL *easy, struct call *c)
{
	set(easy, SHARE, c->share);
	set(easy, OPENSOCKETFUNCTION, call_open_socket);
	set(easy, OPENSOCKETDATA, c);
	options_common(easy);
}

/* The handle may have been another provider's before. */
static void
set_authorities(CURL *easy, const struct provider *p)
{
	char *ca = NULL;

	if (p->ca_file == NULL)
		(void)curl_easy_getinfo(easy, CURLINFO_CAINFO, &ca);
	set(easy, CAINFO, p->ca_file != NULL ? p->ca_file : ca);
}

void
options_provider(CURL *easy, const struct provider *p)
{
	if (p->tls)
		set_authorities(easy, p);
	/* Empty: no proxy, whatever the environment says. */
	set(easy, PROXY, p->proxy != NULL ? p->proxy : "");
	/* Ours is the deadline; this only lets
	 * libcurl's own of 300 s not come first. */
	set(easy, CONNECTTIMEOUT_MS, (long)p->timeouts.connect_ms + 1000L);
}

void
options_forget(CURL *easy)
{
	set(easy, PRIVATE, NULL);
	set(easy, ERRORBUFFER, NULL);
	set(easy, HTTPHEADER, NULL);
	set(easy, RESOLVE, NULL);
	set(easy, POSTFIELDS, NULL);
	set(easy, READDATA, NULL);
	set(easy, WRITEDATA, NULL);
	set(easy, HEADERDATA, NULL);
	set(easy, PREREQDATA, NULL);
}
