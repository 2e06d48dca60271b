/* openai.c: chat completions as OpenAI answers them.
 * https://platform.openai.com/docs/api-reference/chat */
#include <stdio.h>

#include "sim.h"

static void
head(const struct answer *a, struct buf *out)
{
	buf_printf(out,
	    "x-request-id: req_sim%s\r\nopenai-version: 2020-10-01\r\n"
	    "openai-processing-ms: 7\r\nopenai-organization: org-simulated\r\n"
	    "x-ratelimit-remaining-requests: 9999\r\n"
	    "set-cookie: __cf_bm=simulated; path=/; HttpOnly\r\n",
	    a->id);
}

static const char *
finish_reason(const struct answer *a)
{
	if (a->cut_by_limit)
		return "length";
	return a->tool_call ? "tool_calls" : "stop";
}

static void
add_usage_numbers(const int64_t n[static 5], struct buf *out)
{
	buf_printf(out,
	    "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":%lld,\"audio_tokens\":0},"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":%lld,"
	    "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
	    "\"rejected_prediction_tokens\":0}",
	    (long long)n[0], (long long)n[1], (long long)n[2], (long long)n[3],
	    (long long)n[4]);
}

static void
add_usage(const struct answer *a, int64_t output, struct buf *out)
{
	int64_t n[5] = {a->prompt, output * a->n, a->prompt + output * a->n,
	    a->cached.read, a->reasoning};

	switch (a->b.usage) {
	case USAGE_inconsistent:
		n[2] = n[0];
		n[3] = n[0] + 1000;
		break;
	case USAGE_tenfold:
		n[1] *= 10;
		n[2] = n[0] + n[1];
		break;
	case USAGE_negative:
		n[1] = -5;
		break;
	case USAGE_huge:
		buf_add(out, "{\"prompt_tokens\":9223372036854775807,"
			     "\"completion_tokens\":99999999999999999999,"
			     "\"total_tokens\":1e300}");
		return;
	default:
		break;
	}
	add_usage_numbers(n, out);
	if (a->b.searches >= 0) /* as OpenRouter tells them */
		buf_printf(out, ",\"server_tool_use\":{\"web_search_requests\":%lld}",
		    (long long)a->b.searches);
	buf_add(out, "}");
}

static void
add_tool_call(const struct answer *a, bool stream, struct buf *out)
{
	buf_printf(out,
	    "\"tool_calls\":[{%s\"id\":\"call_%s\",\"type\":\"function\",\"function\":"
	    "{\"name\":\"%s\",\"arguments\":\"",
	    stream ? "\"index\":0," : "", a->id, a->tool_name);
}

static void
add_choice(const struct answer *a, const struct sim *s, int64_t index, struct buf *out)
{
	buf_printf(out, "{\"index\":%lld,\"message\":{\"role\":\"assistant\",",
	    (long long)index);
	if (a->tool_call) {
		buf_add(out, "\"content\":null,");
		add_tool_call(a, false, out);
	} else {
		buf_add(out, "\"content\":\"");
	}
	for (int64_t i = 0; i < a->events; i++)
		answer_text(a, s, i, out);
	buf_printf(out,
	    "\"%s,\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
	    "\"finish_reason\":\"%s\"}",
	    a->tool_call ? "}}]" : "", finish_reason(a));
}

static void
whole(const struct answer *a, const struct sim *s, struct buf *out)
{
	buf_printf(out,
	    "{\"id\":\"chatcmpl-%s\",\"object\":\"chat.completion\",\"created\":%lld,"
	    "\"model\":\"%s\",\"choices\":[",
	    a->id, (long long)a->created_s, a->model);
	for (int64_t i = 0; i < a->n; i++) {
		if (i > 0)
			buf_add(out, ",");
		add_choice(a, s, i, out);
	}
	buf_add(out, "]");
	if (a->b.usage == USAGE_null)
		buf_add(out, ",\"usage\":null");
	if (a->b.usage != USAGE_missing && a->b.usage != USAGE_null) {
		buf_add(out, ",\"usage\":");
		add_usage(a, a->output, out);
	}
	buf_printf(out,
	    ",\"service_tier\":\"%s\",\"system_fingerprint\":\"fp_simulated\"}",
	    a->tier[0] != '\0' && !str_is(str_of(a->tier), "auto") ? a->tier
								   : "default");
}

/* ---- streams ---- */

static void
begin_chunk(const struct answer *a, struct buf *out)
{
	buf_printf(out,
	    "data: {\"id\":\"chatcmpl-%s\",\"object\":\"chat.completion.chunk\","
	    "\"created\":%lld,\"model\":\"%s\",\"service_tier\":\"%s\","
	    "\"system_fingerprint\":\"fp_simulated\",\"choices\":[",
	    a->id, (long long)a->created_s, a->model,
	    a->tier[0] != '\0' && !str_is(str_of(a->tier), "auto") ? a->tier
								   : "default");
}

static void
end_chunk(const struct answer *a, struct buf *out)
{
	buf_add(out, a->include_usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

static void
open_stream(struct answer *a, struct buf *out)
{
	for (int64_t i = 0; i < a->n; i++) {
		begin_chunk(a, out);
		buf_printf(out,
		    "{\"index\":%lld,\"delta\":{\"role\":\"assistant\",\"content\":%s,",
		    (long long)i, a->tool_call ? "null" : "\"\"");
		if (a->tool_call) {
			add_tool_call(a, true, out);
			buf_add(out, "\"}}],");
		}
		buf_add(out, "\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
			     "null}");
		end_chunk(a, out);
	}
	begin_chunk(a, &a->lead);
	buf_add(&a->tail, a->tool_call ? "\"}}]}" : "\"}");
	buf_add(&a->tail, ",\"logprobs\":null,\"finish_reason\":null}");
}

static void
event(const struct answer *a, struct str text, struct buf *out)
{
	for (int64_t i = 0; i < a->n; i++) {
		(void)!buf_append_str(out, buf_str(&a->lead));
		buf_printf(out, "{\"index\":%lld,\"delta\":{%s\"", (long long)i,
		    a->tool_call
			? "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
			: "\"content\":");
		(void)!buf_append_str(out, text);
		(void)!buf_append_str(out, buf_str(&a->tail));
		if (a->b.usage != USAGE_every) {
			end_chunk(a, out);
			continue;
		}
		buf_add(out, "],\"usage\":");
		add_usage(a, a->output * (a->sent + 1) / a->events, out);
		buf_add(out, "}\n\n");
	}
}

static void
close_stream(const struct answer *a, struct buf *out)
{
	for (int64_t i = 0; i < a->n; i++) {
		begin_chunk(a, out);
		buf_printf(out,
		    "{\"index\":%lld,\"delta\":{},\"logprobs\":null,"
		    "\"finish_reason\":\"%s\"}",
		    (long long)i, finish_reason(a));
		end_chunk(a, out);
	}
	if (!a->include_usage || a->b.usage == USAGE_missing)
		return;
	begin_chunk(a, out);
	buf_add(out, "],\"usage\":");
	if (a->b.usage == USAGE_null)
		buf_add(out, "null");
	else
		add_usage(a, a->output, out);
	buf_add(out, "}\n\n");
}

static void
terminal(struct buf *out)
{
	buf_add(out, "data: [DONE]\n\n");
}

/* ---- errors ---- */

static const struct {
	int status;
	const char *type, *code, *text;
} errors[] = {
    {400, "invalid_request_error", "", "The request could not be understood."},
    {401, "invalid_request_error", "invalid_api_key",
	"Incorrect API key provided: sk-simul*****************ated."},
    {402, "insufficient_quota", "insufficient_quota",
	"You exceeded your current quota, please check your plan and billing details."},
    {403, "invalid_request_error", "unsupported_country_region_territory",
	"Country, region, or territory not supported"},
    {404, "invalid_request_error", "model_not_found", "The model does not exist."},
    {408, "invalid_request_error", "", "Request timed out."},
    {409, "invalid_request_error", "", "Another request changes the same thing."},
    {413, "invalid_request_error", "", "Maximum content size limit exceeded."},
    {429, "requests", "rate_limit_exceeded",
	"Rate limit reached for requests per min. Please try again in 1s."},
    {500, "server_error", "", "The server had an error while processing your request."},
    {502, "server_error", "", "Bad gateway."},
    {503, "server_error", "", "The engine is currently overloaded."},
};

static const struct {
	const char *code, *text;
} texts[] = {
    {"context_length_exceeded",
	"This model's maximum context length is 128000 tokens. However, your messages "
	"resulted in 130000 tokens. Please reduce the length of the messages."},
    {"insufficient_quota",
	"You exceeded your current quota, please check your plan and billing details."},
    {"content_policy_violation", "Your request was rejected by our safety system."},
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
	for (size_t i = 0; i < nitems(texts); i++) {
		if (str_is(str_of(code), texts[i].code))
			text = str_of(texts[i].text);
	}
	if (code[0] == '\0')
		code = errors[row].code;
	buf_add(out, "{\n  \"error\": {\n    \"message\": \"");
	text_escape(text, out);
	buf_printf(out,
	    "\",\n    \"type\": \"%s\",\n    \"param\": null,\n    \"code\": ",
	    str_is(str_of(code), "insufficient_quota") ? "insufficient_quota"
						       : errors[row].type);
	if (code[0] == '\0')
		buf_add(out, "null\n  }\n}\n");
	else
		buf_printf(out, "\"%s\"\n  }\n}\n", code);
}

static void
stream_error(struct buf *out)
{
	buf_add(out, "data: {\"error\":{\"message\":\"The server had an error while "
		     "processing your request.\",\"type\":\"server_error\",\"param\":"
		     "null,\"code\":null}}\n\n");
}

const struct voice voice_openai = {.name = "openai",
    .head = head,
    .whole = whole,
    .open = open_stream,
    .event = event,
    .close = close_stream,
    .terminal = terminal,
    .error = error,
    .stream_error = stream_error,
    .cache = cache_openai};
