/* relay.c: move bytes at the client's pace; never hold more than one ring. */

#include "core/request.h"
#include "core/worker.h"

#define RING_MAX 65536U
/* Kept free for the end of a stream: what the tap withholds, and the terminal or the
 * error event. What waits in the tap has its room by relay_room()'s caller. */
#define RING_LAST (TAP_HELD_MAX + 8192U)
/* What a paused upstream needs to be let on:
 * one read of libcurl's, and the tap's rest. */
#define RING_RESUME (RING_LAST + 16384U + TAP_EVENT_MAX)

void
relay_init(struct request *r)
{
	struct relay *y = &r->relay;

	ring_init(&y->ring, RING_MAX);
	buf_init(&y->whole, (size_t)r->snap->limits.hold_back_bytes);
}

void
relay_reset(struct request *r)
{
	ring_fini(&r->relay.ring);
	buf_fini(&r->relay.whole);
	r->relay = (struct relay){.buffered = !r->task.stream};
	relay_init(r);
	/* Both together are held back, and no more than that. */
	r->relay.whole.max = r->kept_whole.len < r->relay.whole.max
				 ? r->relay.whole.max - r->kept_whole.len
				 : 0;
}

/* The attempt whose answer the client gets. */
static const struct attempt *
answering(const struct request *r)
{
	return r->live != NULL ? r->live : r->last;
}

/* ---- in: from the upstream, through the tap ---- */

/* Bytes of a held-back answer that the client has not taken yet. */
static size_t
whole_left(const struct relay *y)
{
	return y->whole.len - y->whole_taken;
}

bool
relay_room(const struct request *r, size_t bytes)
{
	const struct relay *y = &r->relay;

	if (y->buffered)
		return true;
	return whole_left(y) == 0 && ring_room(&y->ring) >= bytes + RING_LAST;
}

/* Gives an answer that is held back the model's name that the client asked for, where
 * its route wants that. */
static void
name_model(struct request *r)
{
	struct buf *whole = &r->relay.whole, named;
	const struct tap *t = &answering(r)->tap;

	if (t->stream || t->model_as.len == 0 || t->model_end == 0 ||
	    t->model_end > whole->len)
		return;
	buf_init(&named, whole->len + t->model_as.len);
	(void)!buf_append(&named, whole->p, t->model_at);
	(void)!buf_append_str(&named, t->model_as);
	(void)!buf_append_str(&named, str_skip(buf_str(whole), t->model_end));
	buf_fini(whole);
	*whole = named;
}

void
relay_keep(struct attempt *a)
{
	struct request *r = a->request;

	name_model(r);
	a->tap.model_end = 0; /* it has its name */
	buf_fini(&r->kept_whole);
	r->kept_whole = r->relay.whole;
	r->relay.whole = (struct buf){0};
	r->kept = a;
}

void
relay_restore(struct request *r)
{
	relay_reset(r);
	r->relay.whole = r->kept_whole;
	r->kept_whole = (struct buf){0};
}

/* The answer is longer than we hold back: from here on it streams, unjudged. */
static void
overflow(struct request *r)
{
	struct relay *y = &r->relay;

	name_model(r);
	y->buffered = false;
	y->overflowed = true;
	if (r->live != NULL)
		loop_defer(r->worker->loop, &r->live->wake);
}

bool
relay_put(void *request, const char *p, size_t len)
{
	struct request *r = request;
	struct relay *y = &r->relay;

	if (y->buffered) {
		if (buf_append(&y->whole, p, len))
			return true;
		overflow(r);
	}
	if (!ring_write(&y->ring, p, len))
		return false;
	if (y->begun)
		edge_wake(r);
	return true;
}

/* ---- the end ---- */

static void
put_last(struct request *r, struct str last)
{
	if (last.len > 0 && !ring_write(&r->relay.ring, last.p, last.len))
		r->relay.cut = true; /* an end that is longer than RING_LAST */
}

static void
finish_stream(struct request *r, enum outcome o)
{
	struct attempt *a = r->last;
	char cost[PUSD_TEXT_BYTES];
	struct buf event;

	if (o == OUT_served) {
		pusd_sum_format(r->cost, cost);
		put_last(r, tap_terminal(&a->tap, r->unpriced ? NULL : cost));
		return;
	}
	buf_init(&event, 8192);
	r->task.dialect->write_stream_error(&event, outcome_row(o),
	    a->error_text[0] != '\0' ? a->error_text : outcome_row(o)->text,
	    request_id_text(r));
	put_last(r, buf_str(&event));
	buf_fini(&event);
}

void
relay_finish(struct request *r, enum outcome o)
{
	struct relay *y = &r->relay;

	if (r->outcome == OUT_unset)
		r->outcome = o;
	y->released = true;
	if (r->client_gone || y->buffered)
		return;
	if (r->task.stream)
		finish_stream(r, o);
	else if (o != OUT_served)
		y->cut = true; /* the status is gone, JSON has no way to say it */
	if (y->begun)
		edge_wake(r);
}

/* ---- out: to the client ---- */

static void
note_taken(struct request *r, size_t n)
{
	struct relay *y = &r->relay;

	if (r->first_byte_ns == 0)
		r->first_byte_ns = loop_now(r->worker->loop);
	y->bytes += (int64_t)n;
	counter_add(&r->worker->counters->bytes_to_clients, n);
	if (r->live != NULL && r->live->paused && whole_left(y) == 0 &&
	    ring_room(&y->ring) >= RING_RESUME)
		call_unpause(r->live);
}

int64_t
relay_take(struct request *r, char *dst, size_t cap)
{
	struct relay *y = &r->relay;
	size_t left = whole_left(y), n;
	/* The last byte waits until the attempt is settled. A stream's end waits in the
	 * tap; any other answer keeps one byte here. */
	size_t keep = y->released || r->task.stream ? 0 : 1;

	if (left > 0) {
		if (y->ring.len > 0)
			keep = 0;
		n = left - keep < cap ? left - keep : cap;
		memcpy(dst, y->whole.p + y->whole_taken, n);
		y->whole_taken += n;
		if (whole_left(y) == 0) {
			buf_fini(&y->whole);
			y->whole_taken = 0;
		}
	} else {
		n = y->ring.len > keep ? y->ring.len - keep : 0;
		n = ring_read(&y->ring, dst, n < cap ? n : cap);
		ring_relax(&y->ring);
	}
	if (n > 0) {
		note_taken(r, n);
		return (int64_t)n;
	}
	if (!y->released)
		return 0;
	return y->cut ? -2 : -1;
}

/* ---- the step ---- */

/* 0 to 1 with two decimals; without printf(3),
 * which takes 3,000 instructions for it. */
static const char *
two_places(struct arena *mem, float share)
{
	unsigned v = (unsigned)(share * 100 + 0.5F);
	char text[] = {(char)('0' + v / 100), '.', (char)('0' + v / 10 % 10),
	    (char)('0' + v % 10), '\0'};

	return arena_str(mem, str_of(text));
}

static void
common_headers(struct request *r, struct reply_head *h)
{
	const struct attempt *a = answering(r);
	const struct plan *p = r->plan;

	h->status = 200;
	h->content_type = a->content_type;
	for (unsigned i = 0; i < a->passes; i++)
		reply_header(h, a->pass[i].name, a->pass[i].value);
	reply_header(h, "x-frugald-model", a->candidate->model->name);
	reply_header(h, "x-frugald-tier", tier_name(a->candidate->model->tier));
	if (p->route != NULL)
		reply_header(h, "x-frugald-route", p->route->name);
	reply_header(
	    h, "x-frugald-complexity", two_places(r->mem, r->verdict.complexity));
	limit_tell(r, h);
	if (r->capped != NULL)
		reply_header(h, "x-frugald-budget", r->capped->name);
	if (a->flaw != FLAW_none)
		reply_header(h, "x-frugald-flaw", flaw_name(a->flaw));
	if (r->explain)
		reply_header(
		    h, "x-frugald-explain", plan_line(r->plan, &r->verdict, r->mem));
}

static enum next
reply_whole(struct request *r)
{
	struct reply_head h = {0};
	char cost[PUSD_TEXT_BYTES];

	common_headers(r, &h);
	if (!r->unpriced) {
		pusd_sum_format(r->cost, cost);
		reply_header(&h, "x-frugald-cost-usd", arena_str(r->mem, str_of(cost)));
	}
	name_model(r);
	r->relay.begun = true;
	r->relay.bytes = (int64_t)r->relay.whole.len;
	r->first_byte_ns = loop_now(r->worker->loop);
	counter_add(&r->worker->counters->bytes_to_clients, r->relay.whole.len);
	edge_reply_whole(r, &h, buf_str(&r->relay.whole));
	buf_fini(&r->relay.whole);
	return END;
}

enum next
relay_step(struct request *r)
{
	struct reply_head h = {0};

	buf_fini(&r->kept_whole);
	if (r->relay.buffered)
		return r->relay.released ? reply_whole(r) : WAIT;
	common_headers(r, &h);
	if (r->task.stream) {
		/* Neither caches nor proxies (nginx) are to collect it. */
		reply_header(&h, "cache-control", "no-cache");
		reply_header(&h, "x-accel-buffering", "no");
	}
	r->relay.begun = true;
	edge_reply_stream(r, &h);
	return END;
}
