/* fault.c: the ways in which an answer goes wrong. */
#include "sim.h"

static void
stick(struct conn *c)
{
	c->answer.stage = ANSWER_stuck;
}

static void
send_and_stick(struct conn *c, struct str bytes)
{
	stick(c);
	conn_send(c, bytes);
}

static void
send_and_end(struct conn *c, struct str bytes)
{
	c->answer.stage = ANSWER_end;
	conn_send(c, bytes);
	if (!conn_gone(c) && conn_waiting(c) == 0)
		conn_done(c);
}

static void
send_and_close(struct conn *c, struct str bytes)
{
	stick(c);
	conn_send(c, bytes);
	conn_close(c, RECORD_broken);
}

static void
send_big_head(struct conn *c)
{
	int64_t kib = c->answer.b.at > 3 ? c->answer.b.at : 300;
	struct buf out;

	buf_init(&out, OUT_MAX);
	buf_add(&out, "HTTP/1.1 200 OK\r\n");
	for (int64_t i = 0; i < kib; i++)
		buf_printf(&out, "x-filler-%lld: %01000d\r\n", (long long)i, 0);
	buf_add(&out, "Content-Length: 2\r\n\r\n{}");
	send_and_end(c, buf_str(&out));
	buf_fini(&out);
}

/* The head may promise what does not come, and the other way round. */
static void
send_body(struct conn *c, struct str head, struct str body)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	buf_printf(&out, "HTTP/1.1 200 OK\r\n%.*sContent-Length: %zu\r\n\r\n%.*s",
	    (int)head.len, head.p, body.len, (int)body.len, body.p);
	send_and_end(c, buf_str(&out));
	buf_fini(&out);
}

bool
fault_at_head(struct conn *c)
{
	switch (c->answer.b.fault) {
	case FAULT_hang:
		stick(c);
		return true;
	case FAULT_rst:
		conn_reset(c);
		return true;
	case FAULT_stale:
		if (c->served <= 1)
			return false;
		conn_close(c, RECORD_broken);
		return true;
	case FAULT_close:
		conn_close(c, RECORD_broken);
		return true;
	case FAULT_html:
		send_body(c, STR("Content-Type: text/html\r\n"),
		    STR("<html><body>It works!</body></html>"));
		return true;
	case FAULT_empty:
		send_body(c, STR("Content-Type: application/json\r\n"), STR(""));
		return true;
	case FAULT_redirect:
		send_and_end(
		    c, STR("HTTP/1.1 302 Found\r\nLocation: "
			   "http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"));
		return true;
	case FAULT_gzip:
		send_body(c,
		    STR("Content-Type: application/json\r\nContent-Encoding: gzip\r\n"),
		    STR("\x1f\x8b\x08 not really"));
		return true;
	case FAULT_garbage_head:
		send_and_close(c, STR("\x16\x03\x01\x02garbage, no HTTP\r\n\r\n"));
		return true;
	case FAULT_slow_head:
		send_and_stick(c, STR("HTTP/1.1 200 OK\r\n"));
		return true;
	case FAULT_big_head:
		send_big_head(c);
		return true;
	default:
		return false;
	}
}

static void
send_part(struct conn *c, struct str body, size_t n, size_t promised)
{
	struct buf *out = &c->sim->made;

	buf_clear(out);
	answer_head(c, 200, (int64_t)promised, out);
	(void)!buf_append(out, body.p, n < body.len ? n : body.len);
	conn_send(c, buf_str(out));
}

bool
fault_at_whole(struct conn *c, struct str body)
{
	const struct behaviour *b = &c->answer.b;
	size_t half = body.len / 2;

	switch (b->fault) {
	case FAULT_stall:
		stick(c);
		send_part(c, body, half, body.len);
		return true;
	case FAULT_rst_at:
		send_part(c, body, half, body.len);
		conn_reset(c);
		return true;
	case FAULT_cut_after:
	case FAULT_chunk_error:
		send_part(c, body, half, body.len);
		conn_close(c, RECORD_broken);
		return true;
	case FAULT_wrong_length:
		send_part(c, body, body.len, body.len + (size_t)b->at);
		conn_close(c, RECORD_broken);
		return true;
	case FAULT_end_after:
	case FAULT_invalid_json:
		send_body(c, STR("Content-Type: application/json\r\n"),
		    str_make(body.p, half));
		return true;
	case FAULT_error_event:
		answer_error(c, 500, "", STR("it failed on the way"));
		return true;
	default:
		return false;
	}
}

static void
send_chunk(struct conn *c, struct str data, bool last)
{
	struct buf out;

	buf_init(&out, 65536);
	buf_printf(&out, "%zx\r\n%.*s\r\n%s", data.len, (int)data.len, data.p,
	    last ? "0\r\n\r\n" : "");
	if (last)
		send_and_end(c, buf_str(&out));
	else
		conn_send(c, buf_str(&out));
	buf_fini(&out);
}

static void
send_error_event(struct conn *c)
{
	struct buf event;

	buf_init(&event, 4096);
	c->answer.voice->stream_error(&event);
	send_chunk(c, buf_str(&event), true);
	buf_fini(&event);
}

bool
fault_at_event(struct conn *c)
{
	switch (c->answer.b.fault) {
	case FAULT_rst_at:
		conn_reset(c);
		return true;
	case FAULT_stall:
		stick(c);
		return true;
	case FAULT_cut_after:
	case FAULT_wrong_length:
		conn_close(c, RECORD_broken);
		return true;
	case FAULT_end_after:
		send_and_end(c, STR("0\r\n\r\n"));
		return true;
	case FAULT_error_event:
		send_error_event(c);
		return true;
	case FAULT_chunk_error:
		send_and_close(c, STR("zz\r\ndata: {}\r\n"));
		return true;
	case FAULT_invalid_json:
		send_chunk(c, STR("data: {\"choices\":[{\"delta\":\n\n"), false);
		break;
	default:
		break;
	}
	/* Its time has come and it changes nothing here. */
	c->answer.b.at = -1;
	return false;
}
