/* anthropic.c: messages as Anthropic answers them.
 * https://docs.anthropic.com/en/api/messages-streaming */
#include <stdio.h>

#include "base/hash.h"
#include "sim.h"

static void
head(const struct answer *a, struct buf *out)
{
	buf_printf(out,
	    "request-id: req_sim%s\r\nanthropic-ratelimit-requests-remaining: 99\r\n"
	    "anthropic-organization-id: 00000000-simulated\r\nvia: 1.1 simulated\r\n",
	    a->id);
}

static const char *
stop_reason(const struct answer *a)
{
	if (a->cut_by_limit)
		return "max_tokens";
	return a->tool_call ? "tool_use" : "end_turn";
}

static void
add_input(const struct answer *a, struct buf *out)
{
	const struct cached *c = &a->cached;
	int64_t read = c->read, written = c->write_5m + c->write_1h;
	int64_t fresh = a->prompt - read - written;

	if (a->b.usage == USAGE_inconsistent)
		read += 1000000000000;
	if (a->b.usage == USAGE_negative)
		fresh = -7;
	if (a->b.usage == USAGE_huge) {
		buf_add(out, "\"input_tokens\":9223372036854775807,"
			     "\"cache_read_input_tokens\":99999999999999999999");
		return;
	}
	buf_printf(out,
	    "\"input_tokens\":%lld,\"cache_creation_input_tokens\":%lld,"
	    "\"cache_read_input_tokens\":%lld,\"cache_creation\":{"
	    "\"ephemeral_5m_input_tokens\":%lld,\"ephemeral_1h_input_tokens\":%lld}",
	    (long long)fresh, (long long)written, (long long)read,
	    (long long)c->write_5m, (long long)c->write_1h);
}

static void
add_usage(const struct answer *a, int64_t output, struct buf *out)
{
	if (a->b.usage == USAGE_missing)
		return;
	if (a->b.usage == USAGE_null) {
		buf_add(out, ",\"usage\":null");
		return;
	}
	buf_add(out, ",\"usage\":{");
	add_input(a, out);
	buf_printf(out, ",\"output_tokens\":%lld,\"service_tier\":\"standard\"",
	    (long long)output);
	if (a->b.searches >= 0)
		buf_printf(out,
		    ",\"server_tool_use\":{\"web_search_requests\":%lld,"
		    "\"web_fetch_requests\":0}",
		    (long long)a->b.searches);
	buf_add(out, "}");
}

/* Bound to its model: another one refuses it. */
static void
add_signature(const struct answer *a, struct buf *out)
{
	buf_printf(out, "sim.%s.%016llx", a->model,
	    (unsigned long long)hash_stable(str_of(a->id)));
}

static void
add_message(const struct answer *a, struct buf *out)
{
	buf_printf(out,
	    "\"id\":\"msg_%s\",\"type\":\"message\",\"role\":\"assistant\","
	    "\"model\":\"%s\",",
	    a->id, a->model);
}

static void
whole(const struct answer *a, const struct sim *s, struct buf *out)
{
	buf_add(out, "{");
	add_message(a, out);
	buf_add(out, "\"content\":[");
	if (a->thinking) {
		buf_add(out, "{\"type\":\"thinking\",\"thinking\":\"Let me see.\","
			     "\"signature\":\"");
		add_signature(a, out);
		buf_add(out, "\"},");
	}
	if (a->tool_call) {
		buf_printf(out,
		    "{\"type\":\"tool_use\",\"id\":\"toolu_%s\",\"name\":\"%s\","
		    "\"input\":",
		    a->id, a->tool_name);
		(void)!buf_append_str(out, buf_str(&a->own));
	} else {
		buf_add(out, "{\"type\":\"text\",\"text\":\"");
		for (int64_t i = 0; i < a->events; i++)
			answer_text(a, s, i, out);
		buf_add(out, "\"");
	}
	buf_printf(
	    out, "}],\"stop_reason\":\"%s\",\"stop_sequence\":null", stop_reason(a));
	add_usage(a, a->output, out);
	buf_add(out, "}");
}

/* ---- streams ---- */

static void
add_thinking(const struct answer *a, struct buf *out)
{
	buf_add(out,
	    "event: content_block_start\ndata: {\"type\":\"content_block_start\","
	    "\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\","
	    "\"signature\":\"\"}}\n\n"
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
	    "\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":"
	    "\"Let me see.\"}}\n\n"
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
	    "\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"");
	add_signature(a, out);
	buf_add(out, "\"}}\n\nevent: content_block_stop\ndata: {\"type\":"
		     "\"content_block_stop\",\"index\":0}\n\n");
}

static void
open_stream(struct answer *a, struct buf *out)
{
	int index = a->thinking ? 1 : 0;

	buf_add(out, "event: message_start\ndata: {\"type\":\"message_start\","
		     "\"message\":{");
	add_message(a, out);
	buf_add(out, "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null");
	add_usage(a, 1, out);
	buf_add(out, "}}\n\n");
	if (a->thinking)
		add_thinking(a, out);
	buf_printf(out,
	    "event: content_block_start\ndata: {\"type\":\"content_block_start\","
	    "\"index\":%d,\"content_block\":",
	    index);
	if (a->tool_call)
		buf_printf(out,
		    "{\"type\":\"tool_use\",\"id\":\"toolu_%s\",\"name\":\"%s\","
		    "\"input\":{}}}\n\n",
		    a->id, a->tool_name);
	else
		buf_add(out, "{\"type\":\"text\",\"text\":\"\"}}\n\n");
	buf_add(out, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
	buf_printf(&a->lead,
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
	    "\"index\":%d,\"delta\":{\"type\":%s",
	    index,
	    a->tool_call ? "\"input_json_delta\",\"partial_json\":\""
			 : "\"text_delta\",\"text\":\"");
	buf_add(&a->tail, "\"}}\n\n");
}

static void
event(const struct answer *a, struct str text, struct buf *out)
{
	(void)!buf_append_str(out, buf_str(&a->lead));
	(void)!buf_append_str(out, text);
	(void)!buf_append_str(out, buf_str(&a->tail));
	if (a->b.usage != USAGE_every)
		return;
	buf_printf(out,
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},"
	    "\"usage\":{\"output_tokens\":%lld}}\n\n",
	    (long long)(a->output * (a->sent + 1) / a->events));
}

static void
close_stream(const struct answer *a, struct buf *out)
{
	buf_printf(out,
	    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
	    "\"index\":%d}\n\n"
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
	    "\"stop_reason\":\"%s\",\"stop_sequence\":null}",
	    a->thinking ? 1 : 0, stop_reason(a));
	add_usage(a, a->output, out);
	buf_add(out, "}\n\n");
}

static void
terminal(struct buf *out)
{
	buf_add(out, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

/* ---- errors ---- */

static const struct {
	int status;
	const char *type, *text;
} errors[] = {
    {400, "invalid_request_error", "The request could not be understood."},
    {401, "authentication_error", "invalid x-api-key"},
    {402, "billing_error", "Your credit balance is too low."},
    {403, "permission_error", "Your API key may not use this resource."},
    {404, "not_found_error", "model: no such model"},
    {408, "timeout_error", "Request timed out."},
    {409, "invalid_request_error", "Another request changes the same thing."},
    {413, "request_too_large", "Request exceeds the maximum size"},
    {429, "rate_limit_error", "This request would exceed your rate limit."},
    {500, "api_error", "Internal server error"},
    {502, "api_error", "Bad gateway"},
    {503, "api_error", "Service unavailable"},
    {529, "overloaded_error", "Overloaded"},
};

static void
error(int status, const char *code, struct str text, struct buf *out)
{
	size_t row = 0;

	for (size_t i = 0; i < nitems(errors); i++) {
		if (errors[i].status == status ||
		    (errors[i].status == 500 && status > 500))
			row = i;
	}
	if (text.len == 0)
		text = str_of(errors[row].text);
	if (str_is(str_of(code), "context_length_exceeded"))
		text = STR("prompt is too long: 210000 tokens > 200000 maximum");
	buf_printf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"",
	    errors[row].type);
	text_escape(text, out);
	buf_add(out, "\"},\"request_id\":\"req_simulated\"}");
}

static void
stream_error(struct buf *out)
{
	buf_add(out, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
		     "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
}

const struct voice voice_anthropic = {.name = "anthropic",
    .head = head,
    .whole = whole,
    .open = open_stream,
    .event = event,
    .close = close_stream,
    .terminal = terminal,
    .error = error,
    .stream_error = stream_error,
    .cache = cache_anthropic};
