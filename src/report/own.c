/* own.c: the row `own` of steps.def:
 * paths of the data plane that frugald answers itself. */
#include <stdio.h>

#include "base/mem.h"
#include "ci_token.h"
#include "core/request.h"
#include "core/worker.h"
#include "models.h"
#include "query.h"
#include "report.h"

#define MODELS_BYTES ((size_t)1 << 20)

/* A question under way; in the request's arena. The request has one reference more
 * until the answer is here: the client may leave meanwhile. */
struct own {
	bool answered;
	int status;
	struct str body;
};

static void
reply(struct request *r, int status, const char *type, struct str body)
{
	struct reply_head h = {.status = status, .content_type = type};

	limit_tell(r, &h);
	edge_reply_whole(r, &h, body);
}

static enum outcome
outcome_of(int status)
{
	switch (status) {
	case 200:
	case 412: /* the gate's answer: over the cap */
		return OUT_served;
	case 404:
		return OUT_not_found;
	case 503:
		return OUT_overloaded;
	default:
		return status < 500 ? OUT_bad_request : OUT_internal;
	}
}

/* ---- what the policy knows ---- */

static enum next
answer_models(struct request *r)
{
	struct buf b;

	buf_init(&b, MODELS_BYTES);
	models_list(r->snap, &r->who, &b);
	reply(r, 200, "application/json", buf_str(&b));
	buf_fini(&b);
	r->outcome = OUT_served;
	return END;
}

static enum next
answer_model(struct request *r)
{
	char name[128];
	struct buf b;
	bool found;

	buf_init(&b, MODELS_BYTES);
	found = models_one(r->snap, &r->who, r->in.tail, &b);
	if (found)
		reply(r, 200, "application/json", buf_str(&b));
	buf_fini(&b);
	if (!found) {
		str_copy(name, sizeof(name), r->in.tail);
		return request_fail_text(r, OUT_model_not_found, "model",
		    "the model \"%s\" is not known here, or this key may not use it; "
		    "GET /v1/models lists those it may use",
		    name);
	}
	r->outcome = OUT_served;
	return END;
}

/* ---- what the ledger knows ---- */

struct answer_message {
	struct message head;
	struct query_job *job;
	report_done_fn *done;
	void *arg;
	struct worker *worker;
};

/* On the asking worker. */
static void
on_message(void *receiver, struct message *m)
{
	struct answer_message *msg = container_of(m, struct answer_message, head);

	(void)receiver;
	msg->done(msg->arg, msg->job->status, buf_str(&msg->job->body));
	query_job_free(msg->job);
	xfree(msg);
}

/* On the query thread. */
static void
on_job(struct query_job *j)
{
	struct answer_message *msg = j->arg;

	msg->job = j;
	mailbox_post(msg->worker->mailbox, &msg->head);
}

bool
report_query(struct report *rep, struct worker *w, struct str target,
    const struct principal *who, report_done_fn *done, void *arg)
{
	struct answer_message *msg = xcalloc(1, sizeof(*msg));
	struct scope scope = {.key = who->key_name, .team = who->team_name};
	struct query_job *j = query_job_new(target, &scope, on_job, msg);

	msg->head.deliver = on_message;
	msg->done = done;
	msg->arg = arg;
	msg->worker = w;
	if (query_put(rep->query, j))
		return true;
	query_job_free(j);
	xfree(msg);
	return false;
}

static void
on_answer(void *arg, int status, struct str body)
{
	struct request *r = arg;

	if (!r->client_gone && r->in.conn != NULL) {
		r->own->answered = true;
		r->own->status = status;
		r->own->body = body;
		/* The body lives until we return, and the step replies at once. */
		request_run(r);
	}
	request_unref(r);
}

static enum next
ask(struct request *r)
{
	const char *path = "/costs/summary", *target;

	if (r->in.endpoint == EP_request)
		path = "/requests/";
	else if (r->in.endpoint == EP_costs_gate)
		path = "/costs/gate";
	/* What the path's table has made of it; there may have been tags before. */
	target = arena_printf(r->mem, "%s%.*s%s%.*s", path, (int)r->in.tail.len,
	    r->in.tail.p == NULL ? "" : r->in.tail.p, r->in.query.len > 0 ? "?" : "",
	    (int)r->in.query.len, r->in.query.p == NULL ? "" : r->in.query.p);
	r->own = arena_alloc(r->mem, sizeof(*r->own));
	r->refs++;
	if (report_query(r->worker->shared->report, r->worker, str_of(target), &r->who,
		on_answer, r))
		return WAIT;
	r->refs--; /* never the last: the client's is there */
	return request_fail_text(r, OUT_overloaded, NULL,
	    "too many reports are being made; try again in some seconds");
}

static enum next
answer_report(struct request *r)
{
	struct own *o = r->own;
	bool text;

	if (o == NULL)
		return ask(r);
	if (!o->answered)
		return WAIT;
	text = o->body.len > 0 && o->body.p[0] != '{';
	reply(r, o->status, text ? "text/plain; charset=utf-8" : "application/json",
	    o->body);
	r->outcome = outcome_of(o->status);
	return END;
}

/* Tags count for nothing here, but a mistake in a base URL shows at the first call. */
static bool
path_is_wrong(struct request *r)
{
	return r->in.endpoint != EP_generate && r->in.endpoint != EP_count_tokens &&
	       r->own == NULL && r->trade == NULL && r->in.path_tags.len > 0 &&
	       parse_tags(r) == END;
}

enum next
own_step(struct request *r)
{
	if (r->body_ns == 0)
		r->body_ns = r->worker->env->mono_ns(r->worker->env);
	if (path_is_wrong(r))
		return END;
	switch (r->in.endpoint) {
	case EP_models:
		return answer_models(r);
	case EP_model:
		return answer_model(r);
	case EP_request:
	case EP_costs_summary:
	case EP_costs_gate:
		return answer_report(r);
	case EP_ci_token:
		return ci_token_answer(r);
	default:
		return NEXT;
	}
}
