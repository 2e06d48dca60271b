/* openai.c: chat completions as OpenAI speaks them,
 * and everybody who is compatible with it. */
#include "answer.h"
#include "field.h"
#include "provider_error.h"
#include "splicer.h"

#define BOUND_openai(path, kind)         MANY(path, bound_##kind),
#define BOUND_anthropic(path, kind)      /* not ours */
#define BOUND(dialect, path, kind, what) BOUND_##dialect(path, kind)

static const struct scan_path request_paths[] = {
    ONCE("model", model),
    ONCE("stream", stream),
    ONCE("stream_options", stream_options),
    ONCE("stream_options.include_usage", include_usage),
    ONCE("max_tokens", max_tokens),
    ONCE("max_completion_tokens", max_completion),
    ONCE("n", n),
    ONCE("best_of", best_of), /* of vLLM; it is billed */
    ONCE("service_tier", service_tier),
    ONCE("tools", tools),
    MANY("tools[]", tool),
    MANY("tools[].type", tool_type),
    MANY("tools[].max_uses", tool_uses),
    ONCE("web_search_options", search_options),
    ONCE("search_parameters", fetches), /* xAI */
    ONCE("plugins", fetches),           /* OpenRouter */
    ONCE("functions", tools),           /* what tools were called before */
    MANY("functions[]", tool),

    ONCE("prompt_cache_retention", cache_retention),
    MANY("tools[].cache_control", cache_mark), /* marks as OpenRouter takes them */
    MANY("tools[].cache_control.ttl", cache_ttl),
    MANY("messages[].content[].cache_control", cache_mark),
    MANY("messages[].content[].cache_control.ttl", cache_ttl),

    ONCE("messages", messages),
    MANY("messages[]", message),
    ONCE("messages[].role", role),
    ONCE("messages[].content", text),
    MANY("messages[].content[]", block),
    MANY("messages[].content[].type", block_type),
    MANY("messages[].content[].text", text),
    MANY("messages[].content[].refusal", text),
    MANY("messages[].content[].image_url", url), /* some take a bare string */
    MANY("messages[].content[].image_url.url", url),
    MANY("messages[].content[].input_audio.data", opaque),
    MANY("messages[].content[].file.file_data", opaque),
    MANY("messages[].name", counted),
    MANY("messages[].refusal", counted),
    MANY("messages[].tool_calls", counted),
    MANY("messages[].function_call", counted),
    MANY("messages[].reasoning", counted),
    MANY("messages[].reasoning_content", counted),
    MANY("messages[].reasoning_details", counted),
    MANY("prediction", counted),

    ONCE("response_format", form), /* the schema is put before the model */
    ONCE("response_format.type", format_type),
    ONCE("reasoning_effort", effort),
    ONCE("reasoning.effort", effort), /* OpenRouter */
    ONCE("thinking.type", effort),    /* DeepSeek, GLM */
    MANY("modalities[]", modality),
    ONCE("audio", audio),

    ONCE("user", user),
    ONCE("safety_identifier", user),
    ONCE("prompt_cache_key", prompt_cache_key),
    ONCE("metadata.user_id", user_id),
#include "bound.def"
};

static const char *
target(enum endpoint ep)
{
	return ep == EP_generate ? "/chat/completions" : NULL;
}

static const char *
azure_target(enum endpoint ep)
{
	/* Its v1 API; the deployment is named by the body's `model`. */
	return ep == EP_generate ? "/openai/v1/chat/completions" : NULL;
}

static void
auth_header(struct str key, struct buf *ret)
{
	buf_printf(ret, "Authorization: Bearer %.*s", (int)key.len, key.p);
}

static void
azure_auth_header(struct str key, struct buf *ret)
{
	buf_printf(ret, "api-key: %.*s", (int)key.len, key.p);
}

/* ---- the forwarded body ---- */

static void
ask_usage(struct splicer *s)
{
	const struct task *t = s->task;
	struct str wanted = STR("{\"include_usage\":true}");

	if (t->usage_wanted)
		return;
	if (t->include_usage_at.end != 0)
		splicer_replace(s, t->include_usage_at, STR("true"));
	else if (t->stream_options_at.end == 0 || t->stream_options_bare)
		splicer_set(s, t->stream_options_at, "stream_options", wanted);
	else
		splicer_insert(
		    s, t->stream_options_at.start + 1, STR("\"include_usage\":true,"));
}

/* The limit is set where the client named none. Where it named one in a field that this
 * model does not take, it moves: models of one route differ in that. */
static void
set_max(struct splicer *s, const struct shape_wish *wish)
{
	const struct task *t = s->task;
	const char *field = wish->max_field != NULL ? wish->max_field : "max_tokens";
	bool completion = str_is(str_of(field), "max_completion_tokens");
	struct span here = completion ? t->max_completion_at : t->max_tokens_at;
	struct span other = completion ? t->max_tokens_at : t->max_completion_at;

	if (t->max_output < 0) {
		if (wish->max_output >= 0)
			splicer_set(s, here, field, splicer_int(s, wish->max_output));
		return;
	}
	if (wish->max_field == NULL || here.end != 0 || other.end == 0)
		return;
	splicer_replace(s, other, STR("null"));
	splicer_set(s, here, field, splicer_int(s, t->max_output));
}

static size_t
splice(const struct task *t, const struct shape_wish *wish, struct arena *mem,
    struct splice ret[static SPLICES_MAX])
{
	struct splicer s;

	splicer_init(&s, t, mem, ret);
	splicer_set_model(&s, wish->model);
	splicer_set_service_tier(&s, wish->service_tier);
	set_max(&s, wish);
	if (wish->ask_usage && t->stream)
		ask_usage(&s);
	return splicer_done(&s);
}

/* ---- errors ---- */

static void
put_error(
    struct json *j, const struct outcome_row *row, const char *text, const char *param)
{
	json_object_begin(j, NULL);
	json_object_begin(j, "error");
	json_str(j, "message", str_of(text != NULL ? text : row->text));
	json_str(j, "type", str_of(row->type));
	if (param != NULL)
		json_str(j, "param", str_of(param));
	else
		json_put_null(j, "param");
	json_str(j, "code", str_of(row->code));
	json_object_end(j);
	json_object_end(j);
}

static void
write_error(struct buf *out, const struct outcome_row *row, const char *text,
    const char *param, const char *request_id)
{
	struct json j;

	(void)request_id; /* stands in a header */
	json_init(&j, out);
	put_error(&j, row, text, param);
}

/* Clients take an event with `error` for a failure; [DONE] must not follow. */
static void
write_stream_error(struct buf *out, const struct outcome_row *row, const char *text,
    const char *request_id)
{
	struct json j;

	(void)request_id;
	buf_add(out, "data: ");
	json_init(&j, out);
	put_error(&j, row, text, NULL);
	buf_add(out, "\n\n");
}

/* ---- the tables ---- */

static const char *const no_headers[] = {NULL};

/* What both have. */
#define OPENAI_BODIES                                                                \
	.limit_headers = {{"x-ratelimit-limit-requests",                             \
			      "x-ratelimit-remaining-requests",                      \
			      "x-ratelimit-reset-requests"},                         \
	    {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",             \
		"x-ratelimit-reset-tokens"}},                                        \
	.request_paths = request_paths, .request_path_count = nitems(request_paths), \
	.max_output_least = 1, .default_headers = no_headers, .splice = splice,      \
	.answer = &openai_answer, .write_error = write_error,                        \
	.write_stream_error = write_stream_error, .read_error = provider_error_read

const struct dialect dialect_openai = {
    .name = "openai",
    .target = target,
    .auth_header = auth_header,
    OPENAI_BODIES,
};

const struct dialect dialect_azure = {
    .name = "azure",
    .target = azure_target,
    .auth_header = azure_auth_header,
    OPENAI_BODIES,
};
