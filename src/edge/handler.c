/* handler.c: libmicrohttpd's callbacks: a request begins, its body comes, it waits for
 * its answer, it is over. */
#include "base/mem.h"
#include "front.h"

/* ---- the head ---- */

/* The request line is here, not yet decoded,
 * and the rest of the head is still to come. */
void *
handler_on_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct edge_conn *c = conn_of(mhd);

	(void)cls;
	xfree(c->target);
	c->target = xstrdup(uri == NULL ? "" : uri);
	if (c->state == CONN_idle)
		conn_enter(c, CONN_head, conn_limits(c)->header_ms);
	return NULL; /* of the context: no request yet */
}

static enum MHD_Result
queue_reply(struct edge_conn *c)
{
	enum MHD_Result ok = MHD_queue_response(c->mhd, c->status, c->reply);

	MHD_destroy_response(c->reply); /* our reference */
	c->reply = NULL;
	c->acked_ns = conn_now(c);
	if (c->state != CONN_cut)
		conn_enter_sending(c);
	return ok;
}

static struct request *
admit(struct edge_conn *c, const char *method)
{
	struct edge *e = c->front->edge;
	struct request *r = request_new(e->worker);

	c->request = r;
	c->body_bad = false;
	c->comment_due = false;
	c->events = false;
	r->in.conn = c;
	r->in.method = arena_str(r->mem, str_of(method));
	atomic_fetch_add_explicit(&e->shared->busy, 1, memory_order_relaxed);
	conn_enter_body(c);
	return r;
}

static enum MHD_Result
begin(struct edge_conn *c, const char *method, const char *version)
{
	struct request *r = admit(c, method);

	c->version = version;
	request_run(r);
	c->version = NULL;
	/* "Continue" was asked for and is not given, or there is no better moment. */
	if (c->reply != NULL && c->state == CONN_body && c->framing.body)
		return queue_reply(c);
	return MHD_YES;
}

void
handler_refuse(struct edge_conn *c, struct str target, const char *why)
{
	struct request *r = admit(c, "");
	struct endpoint_found found;
	struct str path = str_make("", 0);

	(void)str_split(&target, '?', &path);
	(void)endpoint_match(STR("POST"), path, &found);
	r->in.path = str_of(arena_str(r->mem, path));
	r->in.query = str_make("", 0);
	r->in.dialect = found.dialect;
	c->close = true;
	c->framing = (struct framing){.body = true, .content_length = -1};
	count(r->worker, requests_guarded);
	(void)request_fail_text(r, OUT_bad_framing, NULL, "%s", why);
}

/* ---- the whole request ---- */

static bool
hung_up(const struct edge_conn *c)
{
	return c->half_closed && !c->front->edge->worker->snap->half_close_serve;
}

/* libmicrohttpd comes here when the body is whole, and again after each resume. */
static enum MHD_Result
answer(struct edge_conn *c)
{
	struct request *r = c->request;

	if (c->state == CONN_linger)
		return MHD_NO; /* answered; nobody knows what comes next */
	if (!r->in.body_whole) {
		r->in.body_whole = true;
		r->body_ns = conn_now(c);
		c->state = c->state == CONN_cut ? CONN_cut : CONN_work;
		c->deadline_ns = INT64_MAX;
		if (c->reply == NULL)
			request_run(r);
	}
	if (c->state == CONN_cut)
		return MHD_NO;
	if (c->reply != NULL)
		return queue_reply(c);
	if (hung_up(c)) {
		conn_gone(c, OUT_client_gone);
		return MHD_NO;
	}
	conn_suspend(c);
	return MHD_YES;
}

enum MHD_Result
handler_on_request(HANDLER_PARAMETERS)
{
	struct edge_conn *c = conn_of(mhd);

	(void)front;
	(void)url;
	(void)con_cls;
	if (c->state == CONN_cut)
		return MHD_NO;
	if (c->request == NULL)
		return begin(c, method, version);
	if (*data_bytes == 0)
		return answer(c);
	body_take(c, data, *data_bytes);
	*data_bytes = 0;
	return c->state == CONN_cut ? MHD_NO : MHD_YES;
}

/* ---- the end ---- */

void
handler_forget(struct edge_conn *c, enum MHD_RequestTerminationCode how)
{
	struct request *r = c->request;

	if (c->reply != NULL)
		MHD_destroy_response(c->reply);
	c->reply = NULL;
	xfree(c->target);
	c->target = NULL;
	if (r == NULL)
		return;
	body_release(c);
	c->request = NULL;
	atomic_fetch_sub_explicit(
	    &c->front->edge->shared->busy, 1, memory_order_relaxed);
	if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK && r->outcome == OUT_unset)
		request_client_gone(r, OUT_client_gone);
	request_client_done(r);
}

/* The connection may go on with the next request. */
void
handler_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
    enum MHD_RequestTerminationCode how)
{
	struct edge_conn *c = conn_of(mhd);

	(void)cls;
	(void)con_cls;
	handler_forget(c, how);
	if (c->state == CONN_cut)
		return;
	conn_enter(c, CONN_idle, conn_limits(c)->idle_ms);
	if (c->front->edge->draining)
		conn_cut(c);
}
