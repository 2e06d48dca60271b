/* anthropic.c: the Messages API. */
#include "answer.h"
#include "field.h"
#include "provider_error.h"
#include "splicer.h"

#define BOUND_openai(path, kind)         /* not ours */
#define BOUND_anthropic(path, kind)      MANY(path, bound_##kind),
#define BOUND(dialect, path, kind, what) BOUND_##dialect(path, kind)

static const struct scan_path request_paths[] = {
    ONCE("model", model),
    ONCE("stream", stream),
    ONCE("max_tokens", max_tokens),
    ONCE("service_tier", service_tier),
    ONCE("tools", tools),
    MANY("tools[]", tool),
    MANY("tools[].type", tool_type),
    MANY("tools[].max_uses", tool_uses),
    ONCE("mcp_servers", fetches),

    MANY("cache_control", cache_mark),
    MANY("cache_control.ttl", cache_ttl),
    MANY("tools[].cache_control", cache_mark),
    MANY("tools[].cache_control.ttl", cache_ttl),
    MANY("system[].cache_control", cache_mark),
    MANY("system[].cache_control.ttl", cache_ttl),
    MANY("messages[].content[].cache_control", cache_mark),
    MANY("messages[].content[].cache_control.ttl", cache_ttl),
    MANY("messages[].content[].content[].cache_control", cache_mark),
    MANY("messages[].content[].content[].cache_control.ttl", cache_ttl),

    ONCE("system", system_text),
    MANY("system[].text", system_text),
    ONCE("messages", messages),
    MANY("messages[]", message),
    ONCE("messages[].role", role),
    ONCE("messages[].content", text),
    MANY("messages[].content[]", block),
    MANY("messages[].content[].type", block_type),
    MANY("messages[].content[].text", text),
    MANY("messages[].content[].thinking", counted),
    MANY("messages[].content[].input", counted), /* of a tool's call */
    MANY("messages[].content[].title", counted),
    MANY("messages[].content[].context", counted),
    MANY("messages[].content[].source.type", source_type),
    MANY("messages[].content[].source.data", source_data),
    MANY("messages[].content[].source.content", result_text),
    MANY("messages[].content[].source.content[].text", result_text),
    MANY("messages[].content[].content", result_text),
    MANY("messages[].content[].content[]", block),
    MANY("messages[].content[].content[].type", block_type),
    MANY("messages[].content[].content[].text", result_text),
    MANY("messages[].content[].content[].source.type", source_type),
    MANY("messages[].content[].content[].source.data", source_data),

    ONCE("output_config.format", format),
    ONCE("output_format", format), /* its name of 2025 */
    ONCE("output_config.effort", effort),
    ONCE("thinking.type", effort),

    ONCE("metadata.user_id", user_id),
#include "bound.def"
};

static const char *
target(enum endpoint ep)
{
	switch (ep) {
	case EP_generate:
		return "/v1/messages";
	case EP_count_tokens:
		return "/v1/messages/count_tokens";
	default:
		return NULL;
	}
}

static void
auth_header(struct str key, struct buf *ret)
{
	buf_printf(ret, "x-api-key: %.*s", (int)key.len, key.p);
}

/* The client always names a limit where one may stand. */
static size_t
splice(const struct task *t, const struct shape_wish *wish, struct arena *mem,
    struct splice ret[static SPLICES_MAX])
{
	struct splicer s;

	splicer_init(&s, t, mem, ret);
	splicer_set_model(&s, wish->model);
	if (t->endpoint == EP_generate)
		splicer_set_service_tier(&s, wish->service_tier);
	return splicer_done(&s);
}

/* ---- errors ---- */

/* https://docs.anthropic.com/en/api/errors */
static const char *
error_type(const struct outcome_row *row)
{
	switch (row->http) {
	case 401:
		return "authentication_error";
	case 402:
		return "billing_error";
	case 403:
		return "permission_error";
	case 404:
		return "not_found_error";
	case 413:
		return "request_too_large";
	case 429:
		return "rate_limit_error";
	case 504:
		return "timeout_error";
	default:
		break;
	}
	if (row->http < 500)
		return "invalid_request_error";
	return str_is(str_of(row->type), "overloaded_error") ? "overloaded_error"
							     : "api_error";
}

static void
put_error(struct buf *out, const struct outcome_row *row, const char *text,
    const char *request_id)
{
	struct json j;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_str(&j, "type", STR("error"));
	json_object_begin(&j, "error");
	json_str(&j, "type", str_of(error_type(row)));
	json_str(&j, "message", str_of(text != NULL ? text : row->text));
	json_object_end(&j);
	if (request_id != NULL)
		json_str(&j, "request_id", str_of(request_id));
	json_object_end(&j);
}

static void
write_error(struct buf *out, const struct outcome_row *row, const char *text,
    const char *param, const char *request_id)
{
	(void)param; /* has no member here; our texts begin with it */
	put_error(out, row, text, request_id);
}

static void
write_stream_error(struct buf *out, const struct outcome_row *row, const char *text,
    const char *request_id)
{
	buf_add(out, "event: error\ndata: ");
	put_error(out, row, text, request_id);
	buf_add(out, "\n\n");
}

/* ---- the table ---- */

static const char *const default_headers[] = {"anthropic-version: 2023-06-01", NULL};

const struct dialect dialect_anthropic = {
    .name = "anthropic",
    .limit_headers = {{"anthropic-ratelimit-requests-limit",
			  "anthropic-ratelimit-requests-remaining",
			  "anthropic-ratelimit-requests-reset"},
	{"anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining",
	    "anthropic-ratelimit-tokens-reset"}},
    .resets_at_moment = true,
    .request_paths = request_paths,
    .request_path_count = nitems(request_paths),
    .max_output_required = true,
    .max_output_least = 0, /* 0 warms the prompt cache */
    .caches_marked = true,
    .target = target,
    .auth_header = auth_header,
    .default_headers = default_headers,
    .splice = splice,
    .answer = &anthropic_answer,
    .write_error = write_error,
    .write_stream_error = write_stream_error,
    .read_error = provider_error_read,
};
