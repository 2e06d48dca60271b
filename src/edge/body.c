/* body.c: the row `body` of steps.def: bytes are scanned as they come, and bounded for
 * one request and for all. */
#include "front.h"

/* Of a question to us: a pipeline's token is never longer. */
#define OWN_BODY_BYTES 20000U

static bool
wants_body(const struct request *r)
{
	return r->in.endpoint == EP_generate || r->in.endpoint == EP_count_tokens;
}

enum next
body_step(struct request *r)
{
	struct edge_conn *c = r->in.conn;

	if (c == NULL)
		return NEXT; /* a request of our own has it all */
	if (wants_body(r) && r->reader == NULL)
		r->reader = reader_new(
		    r->worker->shared->parse, r->in.dialect, r->in.endpoint, r->mem);
	return r->in.body_whole ? NEXT : WAIT;
}

/* ---- memory for all bodies ---- */

void
body_release(struct edge_conn *c)
{
	atomic_fetch_sub_explicit(
	    &c->front->edge->shared->body_bytes, c->body_charged, memory_order_relaxed);
	c->body_charged = 0;
}

/* Asked after growing: the most that is too much is one doubling. */
static bool
charge(struct edge_conn *c, int64_t bytes)
{
	int64_t more = bytes - c->body_charged;
	int64_t all;

	if (more == 0)
		return true;
	c->body_charged = bytes;
	all = atomic_fetch_add_explicit(
	    &c->front->edge->shared->body_bytes, more, memory_order_relaxed);
	return all + more <= c->request->snap->limits.body_bytes_total;
}

/* ---- as it comes ---- */

static void
refuse(struct request *r, enum outcome o)
{
	buf_fini(&r->in.body);
	body_release(r->in.conn);
	(void)request_fail(r, o);
}

static void
keep(struct edge_conn *c, const char *p, size_t len)
{
	struct request *r = c->request;

	if ((r->reader == NULL && r->in.body.len + len > OWN_BODY_BYTES) ||
	    !buf_append(&r->in.body, p, len)) {
		refuse(r, OUT_too_large);
	} else if (!charge(c, (int64_t)r->in.body.cap)) {
		refuse(r, OUT_overloaded);
	} else if (r->reader != NULL &&
		   !reader_feed(r->reader, buf_str(&r->in.body), len)) {
		/* The reader says why in the row `parse`, when all of it has come. */
		c->body_bad = true;
	}
}

void
body_take(struct edge_conn *c, const char *p, size_t len)
{
	struct request *r = c->request;

	c->taken += (int64_t)len;
	counter_add(&r->worker->counters->bytes_from_clients, len);
	if (c->state == CONN_body && !c->body_bad &&
	    (r->reader != NULL || r->in.endpoint == EP_ci_token))
		keep(c, p, len);
	else if (c->state == CONN_body && c->taken > r->snap->limits.body_bytes)
		refuse(r, OUT_too_large);
	else if (c->state == CONN_drain && c->framing.content_length < 0 &&
		 c->taken > DRAIN_BYTES && !conn_tls(c))
		reply_at_once(r);
	else if (c->taken > LINGER_BYTES)
		conn_cut(c);
}
