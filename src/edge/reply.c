/* reply.c: answers: error objects, bodies that
 * are here, streams that come piece by piece. */
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "front.h"

/* How long the rest of a short body that was refused is waited for. */
#define DRAIN_MS 5000
/* How long a client that was answered too early may go on sending. */
#define LINGER_MS 5000

/* An error object is never longer:
 * its text is ours, or at most 1 KiB of a provider's. */
#define ERROR_MAX 16384U

/* Of the buffer that a stream to an HTTP/1.0 client goes through. */
#define STREAM_BLOCK 4096U

void
reply_header(struct reply_head *h, const char *name, const char *value)
{
	if (h->headers == nitems(h->header) || value == NULL || value[0] == '\0')
		return;
	h->header[h->headers].name = name;
	h->header[h->headers++].value = value;
}

/* ---- to libmicrohttpd ---- */

static void
add(struct request *r, struct MHD_Response *m, const char *name, const char *value)
{
	/* It refuses CR, LF and what is empty. */
	if (MHD_add_response_header(m, name, value) != MHD_YES)
		trace(
		    &r->worker->shared->trace, edge, "answer header %s left out", name);
}

/* The answer is queued by the handler, which alone may do it. */
static void
give(struct request *r, struct MHD_Response *m, const struct reply_head *h)
{
	struct edge_conn *c = r->in.conn;

	if (m == NULL) {
		conn_gone(c, OUT_internal); /* no memory for a word */
		return;
	}
	for (unsigned i = 0; i < h->headers; i++)
		add(r, m, h->header[i].name, h->header[i].value);
	if (h->content_type != NULL && h->content_type[0] != '\0')
		add(r, m, "content-type", h->content_type);
	add(r, m, "x-request-id", request_id_text(r));
	if (c->close || c->front->edge->draining)
		add(r, m, "connection", "close");
	if (c->reply != NULL)
		MHD_destroy_response(c->reply);
	c->reply = m;
	c->status = (unsigned)h->status;
	conn_wake(c);
}

static void
give_whole(struct request *r, const struct reply_head *h, struct str body)
{
	/* The manual has `void *` for what it copies. */
	void *p = (void *)(uintptr_t)body.p;

	give(r, MHD_create_response_from_buffer(body.len, p, MHD_RESPMEM_MUST_COPY), h);
}

void
edge_reply_whole(struct request *r, const struct reply_head *h, struct str body)
{
	if (r->in.conn != NULL)
		give_whole(r, h, body);
}

/* ---- streams ---- */

/* Are we between two events, where a comment may stand? */
static bool
between_events(const struct edge_conn *c)
{
	return c->events &&
	       (c->tail[1] == '\0' || (c->tail[0] == '\n' && c->tail[1] == '\n'));
}

static void
note_tail(struct edge_conn *c, const char *p, size_t len)
{
	size_t i = 0;

	/* "\r\n\r\n" and "\n\n" are the same end. */
	for (i = len > 4 ? len - 4 : 0; i < len; i++) {
		if (p[i] == '\r')
			continue;
		c->tail[0] = c->tail[1];
		c->tail[1] = p[i];
	}
}

static ssize_t
take(struct edge_conn *c, char *dst, size_t cap)
{
	static const char comment[] = ":\n\n";
	int64_t n;

	if (c->comment_due && between_events(c) && cap >= sizeof(comment)) {
		c->comment_due = false;
		memcpy(dst, comment, sizeof(comment) - 1);
		return sizeof(comment) - 1;
	}
	n = relay_take(c->request, dst, cap);
	if (n > 0)
		note_tail(c, dst, (size_t)n);
	return (ssize_t)n;
}

static ssize_t
on_take(void *conn, uint64_t position, char *dst, size_t cap)
{
	struct edge_conn *c = conn;
	ssize_t n;

	(void)position;
	if (c->state == CONN_cut || c->request == NULL)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = take(c, dst, cap);
	if (n > 0)
		return n;
	if (n < 0)
		return n == -1 ? MHD_CONTENT_READER_END_OF_STREAM
			       : MHD_CONTENT_READER_END_WITH_ERROR;
	conn_suspend(c);
	return 0;
}

void
edge_reply_stream(struct request *r, const struct reply_head *h)
{
	struct edge_conn *c = r->in.conn;

	if (c == NULL)
		return;
	c->events = h->content_type != NULL &&
		    str_starts(str_of(h->content_type), STR("text/event-stream"));
	c->tail[0] = c->tail[1] = '\0';
	give(r,
	    MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_take, c, NULL),
	    h);
}

void
edge_wake(struct request *r)
{
	if (r->in.conn != NULL && r->in.conn->state == CONN_send)
		conn_wake(r->in.conn);
}

/* ---- errors ---- */

/* -1: nobody says when. */
static int64_t
wait_ms(const struct request *r)
{
	if (r->retry_after_ms >= 0)
		return r->retry_after_ms;
	return r->last != NULL ? r->last->retry_after_ms : -1;
}

static bool
says_when(const struct request *r)
{
	return wait_ms(r) >= 0;
}

/* Once we have called upstreams ourselves, the client's SDK would only do it all again:
 * not before the time that a limit names. Not at all by itself where an attempt may
 * have cost something. */
static bool
should_retry(const struct request *r, const struct outcome_row *row)
{
	if (!row->retry || r->cost.v != 0)
		return false;
	return !r->called || (row->http == 429 && says_when(r));
}

static const char *
retry_after(struct request *r, const struct outcome_row *row, bool retry)
{
	int64_t ms = says_when(r) ? wait_ms(r) : 1000;

	if (row->http != 429 && row->http != 503)
		return NULL;
	if (!says_when(r) && !retry)
		return NULL;
	return arena_printf(
	    r->mem, "%lld", ms <= 0 ? 1LL : (long long)((ms + 999) / 1000));
}

/* The SDKs of the two large providers read this first. */
static const char *
retry_after_ms(struct request *r)
{
	if (r->outcome != OUT_limited || r->retry_after_ms < 0)
		return NULL;
	return arena_printf(r->mem, "%lld", (long long)r->retry_after_ms);
}

/* RFC 9110 wants it on a 405. */
static const char *
allowed(struct request *r)
{
	struct endpoint_found found;

	if (r->outcome != OUT_bad_method)
		return NULL;
	return endpoint_match(STR("GET"), r->in.path, &found) ? "GET, HEAD" : "POST";
}

static void
write_error(struct request *r, struct reply_head *h, struct buf *body)
{
	const struct outcome_row *row = outcome_row(r->outcome);
	const struct dialect *d = r->in.dialect;
	const char *text = r->fail_text != NULL ? r->fail_text : row->text;
	bool retry = should_retry(r, row);

	*h = (struct reply_head){
	    .status = row->http, .content_type = "application/json"};
	if (r->outcome == OUT_quota && r->capped != NULL) {
		h->status = r->capped->http_status;
		reply_header(h, "x-frugald-budget", r->capped->name);
	}
	d->write_error(body, row, text, r->fail_param, request_id_text(r));
	reply_header(h, "x-should-retry", retry ? "true" : "false");
	reply_header(h, "retry-after", retry_after(r, row, retry));
	reply_header(h, "retry-after-ms", retry_after_ms(r));
	limit_tell(r, h);
	reply_header(h, "allow", allowed(r));
	trace(&r->worker->shared->trace, edge, "refused: %d %s", row->http, text);
}

static void
http_date(const struct request *r, char *ret, size_t cap)
{
	time_t s = (time_t)(env_wall_ms(r->worker->env) / 1000);
	struct tm t = {0};

	(void)gmtime_r(&s, &t);
	if (strftime(ret, cap, "%a, %d %b %Y %H:%M:%S GMT", &t) == 0)
		ret[0] = '\0';
}

static void
write_raw(
    struct request *r, const struct reply_head *h, struct str body, struct buf *out)
{
	char date[40];

	http_date(r, date, sizeof(date));
	buf_printf(out, "HTTP/1.1 %d %s\r\n", h->status,
	    MHD_get_reason_phrase_for((unsigned)h->status));
	buf_printf(out, "Date: %s\r\nConnection: close\r\n", date);
	buf_printf(out, "Content-Type: %s\r\n", h->content_type);
	buf_printf(out, "x-request-id: %s\r\n", request_id_text(r));
	for (unsigned i = 0; i < h->headers; i++)
		buf_printf(out, "%s: %s\r\n", h->header[i].name, h->header[i].value);
	buf_printf(out, "Content-Length: %zu\r\n\r\n", body.len);
	if (strcmp(r->in.method, "HEAD") != 0)
		buf_printf(out, "%.*s", (int)body.len, body.p);
}

/* Nothing of this connection's is under way, so the socket takes it in one go. */
static void
send_raw(struct request *r, const struct reply_head *h, struct str body)
{
	struct edge_conn *c = r->in.conn;
	struct buf out;

	buf_init(&out, 2 * ERROR_MAX);
	write_raw(r, h, body, &out);
	(void)!send(c->watch.fd, out.p, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(c->watch.fd, SHUT_WR);
	buf_fini(&out);
	conn_enter(c, CONN_linger, LINGER_MS);
	c->taken = 0;
}

void
reply_at_once(struct request *r)
{
	struct reply_head h;
	struct buf body;

	if (conn_tls(r->in.conn)) {
		conn_cut(r->in.conn); /* not without the session that is not ours */
		return;
	}
	buf_init(&body, ERROR_MAX);
	write_error(r, &h, &body);
	send_raw(r, &h, buf_str(&body));
	buf_fini(&body);
}

/* Can what is left of the body be waited for? */
static bool
drains(const struct edge_conn *c, bool tls)
{
	int64_t left = c->framing.content_length - c->taken;
	enum outcome o = c->request->outcome;

	if (c->close || o == OUT_slow_body)
		return false;
	if (tls)
		return left <= LINGER_BYTES;
	return o != OUT_too_large && left <= DRAIN_BYTES;
}

/* When is a refusal told? */
enum moment {
	MOMENT_whole, /* when the request is, which may be now */
	MOMENT_first, /* by the first call of the handler, which is running */
	MOMENT_once,  /* behind libmicrohttpd's back */
};

static enum moment
moment_of(struct request *r)
{
	struct edge_conn *c = r->in.conn;
	bool tls = conn_tls(c), first = c->version != NULL;

	if (!c->framing.body || r->in.body_whole)
		return MOMENT_whole;
	/* The client waits with its body until we say "continue", or goes away. */
	if (first && c->framing.expect_continue)
		return MOMENT_first;
	if (drains(c, tls)) {
		conn_enter(c, CONN_drain, DRAIN_MS);
		return MOMENT_whole;
	}
	/* A client that is still sending may lose it; without TLS there is better. */
	return first && tls ? MOMENT_first : MOMENT_once;
}

void
edge_reply_error(struct request *r)
{
	struct reply_head h;
	struct buf body;

	if (moment_of(r) == MOMENT_once) {
		reply_at_once(r);
		return;
	}
	buf_init(&body, ERROR_MAX);
	write_error(r, &h, &body);
	give_whole(r, &h, buf_str(&body));
	buf_fini(&body);
}
