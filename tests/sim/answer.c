/* answer.c: plays an answer: what it says, when, and in which writes. */
#include <stdio.h>

#include "base/scan.h"

#include "sim.h"

#define BYTES_PER_TOKEN 4
#define WRITE_BYTES     16384U
#define CHUNK_HEAD      10U /* eight hex digits and CRLF */

/* ---- what it says ---- */

static void
call_tool(struct answer *a, const struct ask *ask)
{
	a->tool_call = true;
	str_copy(a->tool_name, sizeof(a->tool_name), ask->tool_name);
	text_of_schema(ask->tool_schema, &a->own);
}

static bool
wants_tool(const struct ask *ask, const struct behaviour *b)
{
	if (ask->tool_name.len == 0 || ask->tool_forbidden || b->tool == 0)
		return false;
	if (b->tool == 1 || ask->tool_forced)
		return true;
	return !ask->tool_result_last &&
	       memmem(ask->last_user.p, ask->last_user.len, "tool", 4) != NULL;
}

/* Longer questions get longer answers; the same question the same one. */
static int64_t
usual_tokens(const struct ask *ask, uint64_t draw)
{
	int64_t more = ask->tokens / 4;

	return 24 + (int64_t)(draw % 40) + (more < 400 ? more : 400);
}

/* Words come as they stand in a JSON string. */
static void
say(struct answer *a)
{
	char text[sizeof(a->b.say)];
	size_t len = scan_unescape(str_of(a->b.say), text);

	buf_fini(&a->own);
	buf_init(&a->own, sizeof(text));
	(void)!buf_append(&a->own, text, len);
	for (size_t i = 0; i < a->own.len; i++) {
		if (a->own.p[i] == '_')
			a->own.p[i] = ' ';
	}
}

static void
choose_text(struct answer *a, const struct ask *ask, uint64_t draw)
{
	const struct behaviour *b = &a->b;
	struct str known;

	if (wants_tool(ask, b))
		call_tool(a, ask);
	else if (ask->schema_wanted)
		text_of_schema(ask->schema, &a->own);
	known = text_known(ask->last_user);
	if (b->say[0] != '\0')
		say(a);
	if (a->own.len == 0 && known.len > 0 && b->tokens < 0 && b->events < 0)
		(void)!buf_append_str(&a->own, known);
	a->text_bytes = (int64_t)a->own.len;
	a->output = (a->text_bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
	if (a->own.len > 0)
		return;
	a->output = usual_tokens(ask, draw);
	if (b->tokens >= 0)
		a->output = b->tokens;
	else if (b->events >= 0)
		a->output = b->events;
	a->text_bytes = a->output * BYTES_PER_TOKEN;
}

static void
limit_output(struct answer *a, const struct ask *ask)
{
	if (a->b.reasoning > 0) {
		a->reasoning = a->b.reasoning;
		a->output += a->reasoning;
	}
	if (ask->max_output < 0 || a->output <= ask->max_output)
		return;
	a->cut_by_limit = true;
	a->output = ask->max_output;
	if (a->reasoning > a->output)
		a->reasoning = a->output;
	if (a->text_bytes > (a->output - a->reasoning) * BYTES_PER_TOKEN)
		a->text_bytes = (a->output - a->reasoning) * BYTES_PER_TOKEN;
}

static void
choose_events(struct answer *a)
{
	a->events = a->b.events >= 0
			? a->b.events
			: (a->text_bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
	if (a->b.bytes > 0)
		a->text_bytes = a->events * a->b.bytes;
	if (a->b.fault != FAULT_none && a->b.at < 0)
		a->b.at = a->b.fault == FAULT_giant ? 1 << 20 : 3;
}

void
answer_text(const struct answer *a, const struct sim *s, int64_t i, struct buf *out)
{
	size_t begin = (size_t)(a->text_bytes * i / a->events);
	size_t end = (size_t)(a->text_bytes * (i + 1) / a->events);

	if (a->own.len > 0)
		text_escape(str_make(a->own.p + begin, end - begin), out);
	else
		(void)!buf_append_str(
		    out, text_slice(s->text, a->from + begin, end - begin));
}

void
answer_fini(struct answer *a)
{
	buf_fini(&a->own);
	buf_fini(&a->lead);
	buf_fini(&a->tail);
	*a = (struct answer){0};
}

/* ---- when ---- */

static int64_t
now(const struct conn *c)
{
	return loop_now(c->sim->loop);
}

static bool
too_early(struct conn *c)
{
	if (c->answer.due_ns <= now(c))
		return false;
	loop_timer(c->sim->loop, &c->timer, c->answer.due_ns);
	return true;
}

static bool
gated(struct conn *c, int64_t at)
{
	struct answer *a = &c->answer;

	if (a->b.gate == at && !a->gated) {
		a->gated = true;
		c->sim->gated++;
	}
	return a->gated;
}

void
answer_begin(struct conn *c, const struct ask *ask, const struct behaviour *b)
{
	struct answer *a = &c->answer;
	struct sim *s = c->sim;
	uint64_t draw =
	    ask->piece_count > 0 ? ask->pieces[ask->piece_count - 1].hash : 0;

	*a = (struct answer){.b = *b, .voice = c->port->voice, .stage = ANSWER_head};
	buf_init(&a->own, OUT_MAX);
	buf_init(&a->lead, 4096);
	buf_init(&a->tail, 4096);
	a->stream = ask->stream;
	a->include_usage = ask->include_usage;
	a->thinking = ask->thinking;
	a->from = draw;
	a->prompt = ask->tokens;
	a->n = ask->n;
	a->cached = a->voice->cache(c->port->cache, ask, now(c));
	a->created_s = s->env->wall_ns(s->env) / NS_PER_S;
	str_copy(a->model, sizeof(a->model),
	    b->served[0] != '\0' ? str_of(b->served) : ask->model);
	str_copy(a->tier, sizeof(a->tier), ask->service_tier);
	snprintf(a->id, sizeof(a->id), "%012llx%08llx", (unsigned long long)draw >> 16,
	    (unsigned long long)c->record->number);
	choose_text(a, ask, draw);
	limit_output(a, ask);
	choose_events(a);
	c->record->prompt = a->prompt;
	c->record->output = a->output * a->n;
	c->record->cached = a->cached.read;
	a->due_ns = now(c) + (b->ttft_ms > 0 ? b->ttft_ms * NS_PER_MS : 0);
	answer_go_on(c);
}

/* ---- in which writes ---- */

static void
add_retry_after(struct conn *c, struct buf *out)
{
	const struct behaviour *b = &c->answer.b;
	struct env *env = c->sim->env;
	time_t at = (time_t)(env->wall_ns(env) / NS_PER_S + b->retry_after_date);
	char date[64];
	struct tm tm;

	if (b->retry_after >= 0)
		buf_printf(out, "Retry-After: %lld\r\n", (long long)b->retry_after);
	if (b->retry_after_ms >= 0)
		buf_printf(
		    out, "retry-after-ms: %lld\r\n", (long long)b->retry_after_ms);
	if (b->retry_after_date < 0 || gmtime_r(&at, &tm) == NULL)
		return;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(out, "Retry-After: %s\r\n", date);
}

void
answer_head(struct conn *c, int status, int64_t length, struct buf *out)
{
	struct answer *a = &c->answer;
	const char *type = a->stream && status == 200
			       ? "text/event-stream; charset=utf-8"
			       : "application/json";

	for (int64_t i = 0; i < a->b.interim; i++)
		buf_printf(out, "HTTP/1.1 %d %s\r\nlink: </x>; rel=preload\r\n\r\n",
		    i % 2 == 0 ? 103 : 102, http_reason(i % 2 == 0 ? 103 : 102));
	if (a->b.fault == FAULT_text_plain)
		type = "text/plain";
	buf_printf(out, "HTTP/1.1 %d %s\r\nServer: frugald-sim\r\nContent-Type: %s\r\n",
	    status, http_reason(status), type);
	if (length >= 0)
		buf_printf(out, "Content-Length: %lld\r\n", (long long)length);
	else
		buf_add(out, "Transfer-Encoding: chunked\r\n");
	if (c->close_after)
		buf_add(out, "Connection: close\r\n");
	add_retry_after(c, out);
	if (a->voice != NULL)
		a->voice->head(a, out);
	buf_add(out, "\r\n");
	if (c->record != NULL)
		c->record->status = status;
}

void
reply_json(struct conn *c, int status, struct str body)
{
	struct buf *out = &c->sim->made;

	buf_clear(out);
	answer_head(c, status, (int64_t)body.len, out);
	(void)!buf_append_str(out, body);
	c->answer.stage = ANSWER_end;
	conn_send(c, buf_str(out));
	if (!conn_gone(c) && conn_waiting(c) == 0)
		conn_done(c);
}

void
answer_error(struct conn *c, int status, const char *code, struct str text)
{
	struct buf body;

	buf_init(&body, 65536);
	c->answer.voice = c->port->voice;
	c->port->voice->error(status, code, text, &body);
	reply_json(c, status, buf_str(&body));
	buf_fini(&body);
}

static void
answer_whole(struct conn *c)
{
	struct answer *a = &c->answer;
	struct buf body;

	if (a->events == 0)
		a->text_bytes = 0;
	buf_init(&body, OUT_MAX);
	a->voice->whole(a, c->sim, &body);
	a->sent = a->events;
	if (!fault_at_whole(c, buf_str(&body)))
		reply_json(c, 200, buf_str(&body));
	buf_fini(&body);
}

static void
close_chunk(struct buf *out, size_t begin)
{
	char size[CHUNK_HEAD + 1];

	if (out->len == begin + CHUNK_HEAD) {
		out->len = begin; /* an empty one would be the last */
		return;
	}
	snprintf(size, sizeof(size), "%08zx\r\n", out->len - begin - CHUNK_HEAD);
	memcpy(out->p + begin, size, CHUNK_HEAD);
	buf_add(out, "\r\n");
}

static void
add_end(struct answer *a, struct buf *out)
{
	a->voice->close(a, out);
	for (int64_t i = a->b.done == DONE_none ? 1 : 0;
	     i <= (a->b.done == DONE_twice ? 1 : 0); i++)
		a->voice->terminal(out);
	if (a->b.fault == FAULT_trailing)
		a->voice->event(a, STR("too late"), out);
	a->stage = ANSWER_end;
}

static void
add_event(struct conn *c, struct buf *out)
{
	struct answer *a = &c->answer;
	struct buf text;

	buf_init(&text, OUT_MAX);
	if (a->b.fault == FAULT_giant && a->sent == 1) {
		for (int64_t n = 0; n < a->b.at; n += 4096)
			(void)!buf_append_str(
			    &text, text_slice(c->sim->text, (uint64_t)n, 4096));
	} else {
		answer_text(a, c->sim, a->sent, &text);
	}
	a->voice->event(a, buf_str(&text), out);
	buf_fini(&text);
	a->sent++;
}

static bool
stops_here(struct conn *c)
{
	const struct answer *a = &c->answer;

	if (a->b.gate == a->sent && !a->gated)
		return true;
	return a->b.fault != FAULT_none && a->b.fault != FAULT_giant &&
	       (a->sent == a->b.at || (a->sent == a->events && a->sent < a->b.at));
}

/* One write: at most the events that belong together. */
static void
write_events(struct conn *c)
{
	struct answer *a = &c->answer;
	struct buf *out = &c->sim->made;
	int64_t most = a->b.per_write > 0 ? a->b.per_write : 1;
	size_t begin;

	buf_clear(out);
	if (a->stage == ANSWER_head)
		answer_head(c, 200, -1, out);
	begin = out->len;
	buf_add(out, "00000000\r\n");
	if (a->stage == ANSWER_head)
		a->voice->open(a, out);
	a->stage = ANSWER_events;
	for (int64_t i = 0; a->sent < a->events && !stops_here(c); i++) {
		if (a->b.gap_ms > 0 ? i >= most : out->len > WRITE_BYTES)
			break;
		add_event(c, out);
	}
	if (a->sent == a->events && !stops_here(c))
		add_end(a, out);
	close_chunk(out, begin);
	if (a->stage == ANSWER_end && a->b.fault != FAULT_linger)
		buf_add(out, "0\r\n\r\n");
	conn_send(c, buf_str(out));
}

static void
step(struct conn *c)
{
	struct answer *a = &c->answer;

	write_events(c);
	if (conn_gone(c) || a->stage != ANSWER_events)
		return;
	if (stops_here(c) && (gated(c, a->sent) || fault_at_event(c)))
		return;
	if (a->b.gap_ms > 0)
		a->due_ns += a->b.gap_ms * NS_PER_MS;
}

static void
begin(struct conn *c)
{
	struct answer *a = &c->answer;

	if (fault_at_head(c))
		return;
	if (a->b.status >= 300)
		answer_error(c, (int)a->b.status, a->b.code, STR(""));
	else if (a->stream)
		step(c);
	else
		answer_whole(c);
}

static void
finish(struct conn *c)
{
	if (c->answer.b.fault == FAULT_linger)
		return;
	if (conn_waiting(c) == 0)
		conn_done(c);
}

void
answer_go_on(struct conn *c)
{
	struct answer *a = &c->answer;

	while (
	    !conn_gone(c) && c->phase == CONN_answer && conn_waiting(c) < OUT_ENOUGH) {
		if (a->stage == ANSWER_end) {
			finish(c);
			return;
		}
		if (a->stage == ANSWER_stuck || a->stage == ANSWER_none || a->gated ||
		    too_early(c))
			return;
		if (a->stage == ANSWER_head && gated(c, -2))
			return;
		if (a->stage == ANSWER_head)
			begin(c);
		else
			step(c);
	}
}
