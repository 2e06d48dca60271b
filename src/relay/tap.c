/* tap.c: look at an answer's bytes as they pass; keep back what the client is not to
 * have, or not yet. */
#include "stage/relay.h"

#include <math.h>

#include "base/mem.h"
#include "edit.h"
#include "reading.h"
#include "sse.h"

#define KEEP_BYTES 1024U

struct tap_private {
	struct lane *lane;
	struct reading *reading; /* of the event or body under way; NULL: not begun */

	/* of the stream */
	struct sse sse;
	enum event_fate last_fate; /* of the event before */
	struct buf wait;           /* the event under way, of pieces that are gone */
	bool passing;              /* it is too long to wait: it has gone out */
	size_t data_bytes;         /* of the event under way */
	struct pattern pattern;    /* of the event before */
	char head[TAP_HEAD_MAX];
	struct buf held;       /* the event that is withheld */
	size_t held_usage_end; /* in its data, where the usage object ends; 0: none */
	struct buf last;       /* the terminal event; at the end all that goes last */
};

/* Where bytes for the client go. What lies together is given together. */
struct sink {
	tap_out_fn *out;
	void *arg;
	const char *run; /* not given yet, in the piece in hand */
	size_t run_len;
};

void
tap_init(struct tap *t, struct taps *taps, const struct dialect *d, bool stream,
    bool usage_wanted)
{
	struct tap_private *x = xcalloc(1, sizeof(*x));

	*t = (struct tap){.dialect = d, .stream = stream, .usage_wanted = usage_wanted};
	usage_unknown(&t->usage);
	for (size_t i = 0; i < nitems(t->count); i++)
		t->count[i] = -1;
	buf_init(&t->raw_usage, TAP_USAGE_MAX);
	buf_init(&t->error, 1024);
	t->private = x;
	x->lane = taps_lane(taps, d->answer);
	pattern_init(&x->pattern);
	buf_init(&x->wait, TAP_EVENT_MAX);
	buf_init(&x->held, TAP_EVENT_MAX);
	buf_init(&x->last, 3 * TAP_EVENT_MAX);
}

void
tap_fini(struct tap *t)
{
	struct tap_private *x = t->private;

	buf_fini(&t->raw_usage);
	buf_fini(&t->error);
	if (x == NULL)
		return;
	reading_give(x->reading);
	pattern_fini(&x->pattern);
	buf_fini(&x->wait);
	buf_fini(&x->held);
	buf_fini(&x->last);
	xfree(x);
	t->private = NULL;
}

/* ---- bytes for the client ---- */

/* Thousands of streams wait most of their time: only a little memory is kept. */
static void
forget(struct buf *b)
{
	size_t max = b->max;

	if (b->cap > KEEP_BYTES) {
		buf_fini(b);
		buf_init(b, max);
	}
	buf_clear(b);
}

static bool
flush(struct sink *to)
{
	size_t len = to->run_len;

	to->run_len = 0;
	return len == 0 || to->out(to->arg, to->run, len);
}

/* Bytes of the piece in hand. */
static bool
give(struct sink *to, struct str s)
{
	if (to->run_len > 0 && to->run + to->run_len != s.p && !flush(to))
		return false;
	if (to->run_len == 0)
		to->run = s.p;
	to->run_len += s.len;
	return true;
}

/* Bytes that waited. */
static bool
give_buf(struct sink *to, struct buf *b)
{
	bool ok = b->len == 0 || (flush(to) && to->out(to->arg, b->p, b->len));

	forget(b);
	return ok;
}

/* ---- what an event means ---- */

static void
read_data(struct tap *t, struct str data)
{
	struct tap_private *x = t->private;

	if (x->data_bytes < sizeof(x->head)) {
		size_t room = sizeof(x->head) - x->data_bytes;

		memcpy(
		    x->head + x->data_bytes, data.p, data.len < room ? data.len : room);
	}
	x->data_bytes += data.len;
	if (x->reading == NULL)
		x->reading = reading_take(x->lane, t);
	(void)reading_feed(x->reading, data.p, data.len);
}

struct judgement {
	enum event_fate fate;
	bool data;  /* the event has some */
	bool whole; /* and it is what the dialect has */
	struct reading_found found;
	size_t model_at, model_end;
};

/* The event is over: asks the dialect. */
static struct judgement
judge(struct tap *t)
{
	struct tap_private *x = t->private;
	struct judgement j = {.data = x->sse.lines > 0};
	size_t head = x->data_bytes < sizeof(x->head) ? x->data_bytes : sizeof(x->head);

	if (x->reading != NULL)
		reading_end(x->reading, &j.found);
	x->reading = NULL;
	j.whole = j.found.json;
	t->fate = EVENT_pass;
	if (j.data) {
		t->event_name = str_make(x->sse.name, x->sse.name_len);
		t->event_data = str_make(x->head, head);
		t->dialect->answer->on_event(t);
		j.whole |= t->fate != EVENT_pass;
	}
	j.model_at = t->model_at;
	j.model_end = t->model_end;
	t->model_end = 0;
	t->failed |= t->event_failed;
	/* What an error brought is not for the client: it gets an event of ours. */
	j.fate = t->failed ? EVENT_swallow : t->fate;
	t->event_flags = 0;
	x->data_bytes = 0;
	sse_begin(&x->sse);
	return j;
}

/* ---- an event's way ---- */

/* Does nothing more go out as it comes? */
static bool
over(const struct tap *t)
{
	return t->terminal || t->failed;
}

/* What has waited and `rest` go into `to`. */
static bool
move(struct buf *wait, struct str rest, struct buf *to)
{
	bool ok = buf_append_str(to, buf_str(wait)) && buf_append_str(to, rest);

	forget(wait);
	return ok;
}

/* Gives the event the model's name that the client is to see; all of it then waits. */
static void
name_model(struct tap *t, struct judgement *j, struct str *rest)
{
	struct tap_private *x = t->private;
	struct buf event, named;

	buf_init(&event, TAP_EVENT_MAX + 1);
	buf_init(&named, TAP_EVENT_MAX + 1 + t->model_as.len);
	(void)!move(&x->wait, *rest, &event);
	edit_replace(buf_str(&event), j->model_at, j->model_end, t->model_as, &named);
	if (j->found.usage_end > j->model_at)
		j->found.usage_end += t->model_as.len - (j->model_end - j->model_at);
	buf_fini(&event);
	buf_fini(&x->wait);
	named.max = TAP_EVENT_MAX;
	x->wait = named;
	*rest = str_make("", 0);
}

/* An event has ended with `rest`; what came before waits, or has passed. */
static bool
dispatch(struct tap *t, struct judgement *j, struct str rest, struct sink *to)
{
	struct tap_private *x = t->private;
	size_t len = x->wait.len + rest.len;
	enum event_fate fate = j->fate;

	/* The same length, whether its last LF is here or still to come. */
	len -= rest.len > 1 && memcmp(rest.p + rest.len - 2, "\r\n", 2) == 0;
	/* Between usage and terminal event there may be comments. */
	if (!j->data && x->held.len > 0)
		fate = EVENT_withhold;
	else if (fate != EVENT_terminal && fate != EVENT_swallow &&
		 !give_buf(to, &x->held))
		return false;
	if (fate == EVENT_withhold && x->held.len + len > TAP_HELD_MAX)
		fate = EVENT_pass;
	if (x->passing || len > TAP_EVENT_MAX)
		fate = EVENT_pass;
	else if (fate != EVENT_swallow && t->model_as.len > 0 && j->model_end > 0)
		name_model(t, j, &rest);
	x->passing = false;
	x->last_fate = fate;
	switch (fate) {
	case EVENT_pass:
		break;
	case EVENT_swallow:
		forget(&x->wait);
		return true;
	case EVENT_withhold:
		if (j->data)
			x->held_usage_end = j->found.usage_end;
		return move(&x->wait, rest, &x->held);
	case EVENT_terminal:
		t->terminal = true;
		return move(&x->wait, rest, &x->last);
	}
	return give_buf(to, &x->held) && give_buf(to, &x->wait) && give(to, rest);
}

/* The event that has ended is the pattern of the next, when it lies there whole, and
 * does nothing but bring text. */
static void
learn(struct tap *t, const struct judgement *j, struct str event, int64_t events)
{
	struct tap_private *x = t->private;

	pattern_forget(&x->pattern);
	if (!j->found.alike || j->fate != EVENT_pass || events != 1 ||
	    x->wait.len > 0 || x->passing || event.p[event.len - 1] != '\n')
		return;
	x->pattern.text = j->found.text;
	x->pattern.text_id = j->found.text_id;
	pattern_learn(&x->pattern, event, j->found.vary, j->found.varies);
}

/* The length of an event at `p` that is like the one before; it is counted. */
static size_t
take_alike(struct tap *t, const char *p, const char *end)
{
	struct tap_private *x = t->private;
	struct str text;
	size_t n;

	if (x->pattern.varies == 0 || t->model_as.len > 0 || x->wait.len > 0 ||
	    x->passing || x->held.len > 0)
		return 0;
	n = pattern_match(&x->pattern, p, end, &text);
	if (n == 0)
		return 0;
	t->dialect->answer->on_value(t, x->pattern.text_id, SCAN_string, text);
	t->event_flags = 0;
	t->events++;
	return n;
}

static bool
end_event(struct tap *t, struct str rest, struct sink *to)
{
	int64_t events = t->events;
	struct judgement j = judge(t);

	t->broken |= j.data && !j.whole;
	learn(t, &j, rest, t->events - events);
	return dispatch(t, &j, rest, to);
}

/* A part of an event, at the end of a piece. */
static bool
keep_part(struct tap *t, struct str part, struct sink *to)
{
	struct tap_private *x = t->private;

	if (!x->passing && buf_append_str(&x->wait, part))
		return true;
	x->passing = true;
	return give_buf(to, &x->held) && give_buf(to, &x->wait) && give(to, part);
}

/* The LF of a CRLF that was cut shares the fate of the event that it ended. */
static bool
end_line_feed(struct tap *t, struct str lf, struct sink *to)
{
	struct tap_private *x = t->private;

	if (x->last_fate == EVENT_withhold)
		return buf_append_str(&x->held, lf);
	if (x->last_fate == EVENT_terminal)
		return buf_append_str(&x->last, lf);
	return x->last_fate == EVENT_swallow || give(to, lf);
}

static bool
feed_stream(struct tap *t, const char *p, size_t len, struct sink *to)
{
	struct tap_private *x = t->private;
	const char *end = p + len, *event = p;
	struct str data;

	if (x->sse.cr && x->wait.len == 0 && !x->passing) {
		x->sse.cr = false;
		if (*p == '\n' && !end_line_feed(t, str_make(p, 1), to))
			return false;
		event = p += *p == '\n';
	}
	while (p < end && !over(t)) {
		size_t alike = p == event ? take_alike(t, p, end) : 0;
		enum sse_token token;

		if (alike > 0) {
			if (!give(to, str_make(p, alike)))
				return false;
			event = p += alike;
			continue;
		}
		token = sse_next(&x->sse, &p, end, &data);
		if (token == SSE_data)
			read_data(t, data);
		if (token != SSE_end)
			continue;
		if (!end_event(t, str_make(event, (size_t)(p - event)), to))
			return false;
		event = p;
	}
	if (over(t) || event == end)
		return true;
	return keep_part(t, str_make(event, (size_t)(end - event)), to);
}

static bool
feed_body(struct tap *t, const char *p, size_t len, struct sink *to)
{
	struct tap_private *x = t->private;

	if (x->reading == NULL)
		x->reading = reading_take(x->lane, t);
	(void)reading_feed(x->reading, p, len);
	return give(to, str_make(p, len));
}

bool
tap_feed(struct tap *t, const char *p, size_t len, tap_out_fn *out, void *arg)
{
	struct sink to = {.out = out, .arg = arg};

	if (len == 0)
		return true;
	if (t->stream)
		return feed_stream(t, p, len, &to) && flush(&to);
	return feed_body(t, p, len, &to) && flush(&to);
}

/* ---- the end ---- */

/* The last event has no blank line:
 * it gets one when it is whole, else nobody gets it. */
static bool
end_stream(struct tap *t, struct sink *to)
{
	struct tap_private *x = t->private;
	const struct sse *s = &x->sse;
	bool in_line = s->state != SSE_line || s->field_len > 0 || s->cr;
	struct str rest = in_line ? STR("\n\n") : STR("\n");
	struct judgement j;

	if (over(t) || (x->wait.len == 0 && !x->passing))
		return true;
	j = judge(t);
	t->broken |= j.data && !j.whole;
	if (!x->passing && !j.whole) {
		forget(&x->wait);
		return true;
	}
	return dispatch(t, &j, rest, to);
}

bool
tap_end(struct tap *t, tap_out_fn *out, void *arg)
{
	struct tap_private *x = t->private;
	struct sink to = {.out = out, .arg = arg};
	struct reading_found found = {0};

	if (t->stream)
		return end_stream(t, &to) && flush(&to);
	if (x->reading != NULL)
		reading_end(x->reading, &found);
	x->reading = NULL;
	t->broken |= !found.json;
	t->failed |= t->event_failed;
	return true;
}

struct str
tap_terminal(struct tap *t, const char *cost_usd)
{
	struct tap_private *x = t->private;
	struct buf all;

	if (x->held.len == 0)
		return buf_str(&x->last);
	buf_init(&all, x->last.max);
	if (cost_usd != NULL && x->held_usage_end > 0)
		edit_add_member(
		    buf_str(&x->held), x->held_usage_end, "cost_usd", cost_usd, &all);
	else
		(void)!buf_append_str(&all, buf_str(&x->held));
	(void)!buf_append_str(&all, buf_str(&x->last));
	forget(&x->held);
	buf_fini(&x->last);
	x->last = all;
	return buf_str(&x->last);
}

int64_t
tap_output_seen(const struct tap *t, double bytes_per_token)
{
	const struct tap_private *x = t->private;
	int64_t bytes = t->output_bytes, seen;

	/* The text of a body is one long string that is told when it is over. */
	if (!t->stream && x->reading != NULL)
		bytes += (int64_t)reading_under_way(x->reading);
	seen = (int64_t)ceil((double)bytes / fmax(bytes_per_token, 1));
	return seen > t->usage.tokens[TOKEN_output] ? seen
						    : t->usage.tokens[TOKEN_output];
}
