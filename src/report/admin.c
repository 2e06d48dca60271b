/* admin.c: the admin listener: libmicrohttpd on a thread of its own, some connections,
 * small stacks. */
#include "admin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "admin_call.h"
#include "base/mem.h"
#include "config/snapshot.h"
#include "admin_guard.h"

#define CONNECTIONS  64U
#define TIMEOUT_S    15U
#define STACK_BYTES  ((size_t)256 << 10)
#define MEMORY_BYTES ((size_t)16 << 10)

struct admin {
	struct report *report;
	struct MHD_Daemon *mhd;
};

/* ---- answers ---- */

static enum MHD_Result
reply(struct admin_call *c)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    c->out.len, c->out.p == NULL ? "" : c->out.p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result done;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, "content-type", c->type);
	(void)MHD_add_response_header(r, "cache-control", "no-store");
	(void)MHD_add_response_header(r, "x-content-type-options", "nosniff");
	if (c->status == 401)
		(void)MHD_add_response_header(r, "www-authenticate", "Bearer");
	done = MHD_queue_response(c->connection, (unsigned)c->status, r);
	MHD_destroy_response(r);
	return done;
}

static const char *
header(const struct admin_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

static bool
from_loopback(const struct admin_call *c)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_storage a;

	if (i == NULL || i->client_addr == NULL)
		return false;
	memset(&a, 0, sizeof(a));
	memcpy(&a, i->client_addr,
	    i->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in));
	if (a.ss_family == AF_INET)
		return ntohl(((struct sockaddr_in *)(void *)&a)->sin_addr.s_addr) >>
			   24 ==
		       127;
	return a.ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)&a)->sin6_addr);
}

/* False: refused, the answer is in the call. */
static bool
admit(struct admin_call *c, const char *method)
{
	struct snapshot *snap = report_snapshot(c->report);
	struct admin_guard_input in = {
	    .host = header(c, "host"),
	    .origin = header(c, "origin"),
	    .authorization = header(c, "authorization"),
	    .token = snap->admin_token,
	    .post = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0,
	    .open = admin_is_open(c),
	    .from_loopback = from_loopback(c),
	};
	const char *why = "";
	int status = admin_guard(&in, &why);

	snapshot_unref(snap);
	if (status == 0)
		return true;
	admin_fail(c, status, NULL, "%s", why);
	return false;
}

/* ---- one request ---- */

static void *
on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct admin *a = cls;
	struct admin_call *c = xcalloc(1, sizeof(*c));

	c->report = a->report;
	c->connection = connection;
	c->target = xstrdup(target);
	c->type = "application/json";
	buf_init(&c->in, ADMIN_BODY_MAX);
	buf_init(&c->out, ADMIN_ANSWER_MAX);
	return c;
}

/* The query thread has answered, or the request needs no query. */
static enum MHD_Result
finish(struct admin_call *c, const char *method)
{
	if (c->job == NULL && !c->ran) {
		c->ran = true;
		if (!admin_run(c, method))
			return MHD_YES; /* suspended */
	}
	if (c->job != NULL)
		admin_take_answer(c);
	return reply(c);
}

/* Of libmicrohttpd's MHD_AccessHandlerCallback; not ours to choose. */
#define HANDLER_PARAMETERS                                                          \
	void *cls, struct MHD_Connection *connection, const char *url,              \
	    const char *method, const char *version, const char *data, size_t *len, \
	    void **state

static enum MHD_Result
on_request(HANDLER_PARAMETERS)
{
	struct admin_call *c = *state;

	(void)cls;
	(void)connection;
	(void)url;
	(void)version;
	if (c == NULL)
		return MHD_NO;
	if (!c->admitted) {
		if (!admit(c, method))
			return reply(c);
		c->admitted = true;
		return MHD_YES;
	}
	if (*len > 0) {
		if (!buf_append(&c->in, data, *len))
			c->too_long = true;
		*len = 0;
		return MHD_YES;
	}
	return finish(c, method);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)connection;
	(void)code;
	admin_call_free(*state);
	*state = NULL;
}

/* ---- the listener ---- */

static bool
make_address(const struct listen_address *at, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	four->sin_family = AF_INET;
	four->sin_port = htons(at->port);
	if (inet_pton(AF_INET, at->host, &four->sin_addr) == 1)
		return true;
	memset(ret, 0, sizeof(*ret));
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(at->port);
	return inet_pton(AF_INET6, at->host, &six->sin6_addr) == 1;
}

/* Without MHD_OPTION_LISTENING_ADDRESS_REUSE, which is SO_REUSEPORT: a second frugald
 * would take half of the questions in silence. */
static struct MHD_Daemon *
listen_at(struct admin *a, const struct sockaddr_storage *at)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 (at->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0U);

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, a,
	    MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)(const void *)at,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, a, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_BYTES,
	    MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, MHD_OPTION_END);
}

struct admin *
admin_new(struct report *r, char ret_why[static 256])
{
	const struct listen_address *at = &r->o.snap->admin_listen;
	struct sockaddr_storage address;
	struct admin *a;

	if (!make_address(at, &address)) {
		snprintf(ret_why, 256, "admin.listen %.100s: not a number and a port",
		    at->text);
		return NULL;
	}
	a = xcalloc(1, sizeof(*a));
	a->report = r;
	a->mhd = listen_at(a, &address);
	if (a->mhd == NULL) {
		snprintf(ret_why, 256,
		    "admin.listen %.100s cannot be had: another program uses that "
		    "port, or the address is not this machine's; choose another",
		    at->text);
		xfree(a);
		return NULL;
	}
	return a;
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	MHD_stop_daemon(a->mhd);
	xfree(a);
}
