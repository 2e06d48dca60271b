/* judge.c: answer or fault: who may see it,
 * who is to blame, may somebody else be asked. */
#include <stdio.h>

#include "check.h"
#include "core/worker.h"
#include "fault.h"
#include "transfer.h"

void
judge_later(struct attempt *a)
{
	if (a->live)
		loop_defer(a->request->worker->loop, &a->wake);
}

void
judge_fault(struct attempt *a, enum outcome o, const char *text)
{
	if (a->io->fault != OUT_unset)
		return;
	a->io->fault = o;
	if (text[0] != '\0')
		snprintf(a->error_text, sizeof(a->error_text), "%s", text);
}

/* What still waits in the tap goes out; once. */
static bool
end_tap(struct attempt *a)
{
	if (a->io->tap_ended)
		return true;
	a->io->tap_ended = true;
	return tap_end(&a->tap, relay_put, a->request);
}

/* ---- the end of an answer that began well ---- */

static enum outcome
end_of_stream(const struct attempt *a)
{
	const struct tap *t = &a->tap;

	if (t->failed)
		return OUT_stream_error;
	if (t->terminal)
		return OUT_served;
	if (a->io->fault != OUT_unset)
		return a->io->fault == OUT_bad_answer ? OUT_cut : a->io->fault;
	/* A connection that simply ends is no end: only the provider's word is. */
	return t->finished && a->io->result == CURLE_OK ? OUT_served : OUT_cut;
}

static enum outcome
end_of_body(const struct attempt *a)
{
	if (a->io->fault != OUT_unset)
		return a->io->fault == OUT_bad_answer ? OUT_cut : a->io->fault;
	return a->io->result == CURLE_OK ? OUT_served : OUT_cut;
}

void
judge_ended(struct attempt *a, enum outcome fault)
{
	struct request *r = a->request;

	if (a->upstream_done)
		return;
	if (fault != OUT_unset)
		judge_fault(a, fault, "");
	a->upstream_done = true;
	a->paused = false;
	if (!end_tap(a))
		judge_fault(a, OUT_bad_answer, "");
	a->outcome = a->tap.stream ? end_of_stream(a) : end_of_body(a);
	if (a->outcome == OUT_stream_error)
		fault_mask(
		    buf_str(&a->tap.error), a->error_text, sizeof(a->error_text));
	counter_add(&r->worker->counters->stream_events, (uint64_t)a->tap.events);
	judge_later(a);
}

void
judge_on_done(struct transfer *t, CURLcode result)
{
	struct attempt_io *io = container_of(t, struct attempt_io, transfer);
	struct attempt *a = io->attempt;

	io->done = true;
	io->result = result;
	trace(&a->request->worker->shared->trace, attempt, "%u %s: %s %s", a->number,
	    a->provider->name, curl_easy_strerror(result), io->why);
	if (a->accepted)
		judge_ended(a, OUT_unset);
	else
		judge_later(a);
}

/* ---- cascades ---- */

static bool
is_first_of_cascade(const struct attempt *a)
{
	const struct plan *p = a->request->plan;

	return p->escalate_to > 0 && a->candidate < &p->candidate[p->escalate_to];
}

/* Else the poor answer is served at once, and nobody is paid in vain. */
static bool
second_has_time(const struct request *r)
{
	const struct candidate *second = &r->plan->candidate[r->plan->escalate_to];

	return r->deadline_ms <= 0 ||
	       deadline_left_ms(r, loop_now(r->worker->loop)) > second->takes_ms;
}

/* Is the whole answer of the first model so poor that the second is asked? */
static bool
is_flawed(struct attempt *a)
{
	struct request *r = a->request;
	struct span at = r->task.format_at;
	struct check_input in = {.body = buf_str(&r->relay.whole),
	    .format = str_make(r->in.body.p + at.start, at.end - at.start),
	    .may_be_cut = r->task.max_output >= 0};

	if (!is_first_of_cascade(a) || a->tap.stream || !r->relay.buffered ||
	    in.body.len > CHECK_BYTES_MAX)
		return false;
	a->flaw = check_answer(&in);
	return a->flaw != FLAW_none && second_has_time(r);
}

/* ---- the row ---- */

static enum next
fail(struct attempt *a, enum outcome o)
{
	a->outcome = o;
	return END;
}

static enum next
accept_answer(struct attempt *a)
{
	const struct relay *y = &a->request->relay;

	if (is_first_of_cascade(a) && (!y->buffered || y->whole.len > CHECK_BYTES_MAX))
		a->flaw = FLAW_unjudged;
	a->accepted = true;
	if (a->content_type[0] == '\0')
		str_copy(
		    a->content_type, sizeof(a->content_type), STR("application/json"));
	if (a->io->done || a->io->fault != OUT_unset)
		judge_ended(a, OUT_unset);
	return NEXT;
}

static bool
has_content(const struct attempt *a)
{
	const struct tap *t = &a->tap;

	if (a->http_status >= 300)
		return false;
	if (!t->stream)
		return a->request->relay.overflowed;
	return t->events > 0 || (t->finished && !t->failed);
}

/* An error answer: the dialect says what it means. Texts about our own key or account
 * are for the operator, not for the client. */
static enum next
error_answer(struct attempt *a)
{
	struct buf message;
	enum outcome o;

	buf_init(&message, 2048);
	o = a->provider->dialect->read_error(
	    a->http_status, buf_str(&a->error_body), &message);
	if (o != OUT_provider_key && o != OUT_provider_quota)
		fault_mask(buf_str(&message), a->error_text, sizeof(a->error_text));
	buf_fini(&message);
	return fail(a, o);
}

static enum next
broken_transfer(struct attempt *a)
{
	const struct attempt_io *io = a->io;
	struct transfer_end e = {
	    .result = io->result,
	    .sent = a->sent,
	    .resent = io->prereqs > 1,
	    .reused = io->reused,
	    .answered = io->answered,
	    /* A stream without content is no answer that broke off. */
	    .first_byte = a->first_byte && !a->tap.stream,
	};

	/* libcurl's general words; its longer ones would name hosts and files. */
	if (!a->sent)
		snprintf(a->error_text, sizeof(a->error_text), "%s",
		    io->private_refused ? "its name leads to a private address"
					: curl_easy_strerror(io->result));
	return fail(a, fault_of_transfer(&e));
}

/* The answer has come to its end without content that could have gone out. */
static enum next
whole_answer(struct attempt *a)
{
	if (!end_tap(a) || (!a->tap.stream && a->tap.broken)) {
		judge_fault(a, OUT_bad_answer, "");
		return fail(a, OUT_bad_answer);
	}
	if (a->tap.failed) {
		fault_mask(
		    buf_str(&a->tap.error), a->error_text, sizeof(a->error_text));
		return fail(a, OUT_provider_error);
	}
	if (!a->first_byte || (a->tap.stream && !has_content(a)))
		return fail(a, OUT_no_answer);
	if (is_flawed(a)) {
		relay_keep(a);
		count(a->request->worker, escalations);
		return fail(a, OUT_escalated);
	}
	return accept_answer(a);
}

enum next
attempt_judge(struct attempt *a)
{
	struct attempt_io *io = a->io;

	if (has_content(a) || (io->accept_now && io->fault == OUT_unset))
		return accept_answer(a);
	if (a->tap.failed)
		return whole_answer(a);
	if (io->fault != OUT_unset)
		return fail(a, io->fault);
	if (!io->done)
		return WAIT;
	if (a->http_status >= 300 && io->head_done)
		return error_answer(a);
	if (io->result != CURLE_OK)
		return broken_transfer(a);
	return whole_answer(a);
}

/* ---- for the others ---- */

static void
on_resume(struct deferred *d)
{
	struct attempt_io *io = container_of(d, struct attempt_io, resume);
	struct attempt *a = io->attempt;
	struct worker *w = a->request->worker;
	CURLcode result;

	if (!a->live || !a->paused || a->easy == NULL || io->done)
		return;
	if (!relay_room(a->request, CURL_MAX_WRITE_SIZE + TAP_EVENT_MAX))
		return;
	a->paused = false;
	a->last_byte_ns = loop_now(w->loop);
	deadline_arm(a);
	/* May call answer_on_body() at once, with what libcurl had kept. When that says
	 * no, libcurl tells only us, and never looks at the transfer again. */
	result = curl_easy_pause(a->easy, CURLPAUSE_CONT);
	if (result != CURLE_OK)
		judge_on_done(&io->transfer, result);
}

void
call_unpause(struct attempt *a)
{
	a->io->resume.run = on_resume;
	loop_defer(a->request->worker->loop, &a->io->resume);
}

void
call_cancel(struct attempt *a)
{
	struct call *c = a->request->worker->call;

	if (a->io == NULL)
		return; /* refused before the gate */
	loop_defer_cancel(a->request->worker->loop, &a->io->resume);
	if (a->easy == NULL)
		return;
	/* A transfer that is not done loses its connection here. */
	multi_remove(a->io->multi, a->easy);
	call_give_handle(c, a->easy);
	a->easy = NULL;
}
