/* provider_error.c: what a provider's error
 * answer says, and what kind of fault it is. */
#include "provider_error.h"

#include "base/mem.h"

#define MESSAGE_MAX 1024U
/* A body that is no JSON may be a line of some proxy, or a whole page. */
#define LINE_BYTES_MAX 256U

/* What a provider says; empty where it does not. */
enum { SAID_message, SAID_code, SAID_type, SAID_status, SAID_outer_type, SAID_COUNT };

struct said {
	const char *body;
	char text[SAID_COUNT][MESSAGE_MAX + 1];
};

/* ---- reading ---- */

static const struct scan_path paths[] = {
    {"error", SAID_message, false}, /* Ollama: a bare text */
    {"error.message", SAID_message, false},
    {"error.code", SAID_code, false},
    {"error.type", SAID_type, false},
    {"error.status", SAID_status, false}, /* Google */
    {"message", SAID_message, false},     /* vLLM and others: without "error" */
    {"Message", SAID_message, false},     /* AWS */
    {"code", SAID_code, false},
    {"type", SAID_outer_type, false}, /* Anthropic: just "error" */
    {"detail", SAID_message, false},  /* FastAPI: a text, or a list */
    {"detail[].msg", SAID_message, false},
};

/* Cut, but not in the middle of a character. */
static void
copy(char dst[static MESSAGE_MAX + 1], struct str src)
{
	size_t at = 0, n;

	while (at < src.len && (n = str_utf8(str_skip(src, at))) > 0 &&
	       at + n <= MESSAGE_MAX)
		at += n;
	str_copy(dst, MESSAGE_MAX + 1, str_make(src.p, at));
}

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct said *said = arg;
	char *text;
	struct str raw;
	size_t len;

	if (v->kind != SCAN_string || said->text[v->id][0] != '\0')
		return true;
	raw = str_make(said->body + v->start + 1, v->end - v->start - 2);
	text = xcalloc(1, raw.len + 1);
	len = scan_unescape(raw, text);
	copy(said->text[v->id], str_make(text, len));
	xfree(text);
	return true;
}

/* As far as it is JSON: error answers may be cut, or stand in an array (Google). */
static void
read_json(struct str body, struct said *ret)
{
	struct scan_paths *p = scan_paths_new(paths, nitems(paths));
	struct scan *s = scan_new(p, SCAN_DEPTH_MAX, on_value, ret);

	ret->body = body.p;
	(void)!scan_feed(s, body.p, body.len);
	scan_free(s);
	scan_paths_free(p);
}

static void
read_body(struct str body, struct said *ret)
{
	*ret = (struct said){0};
	body = str_trim(body);
	if (str_starts(body, STR("[")))
		body = str_trim(str_skip(body, 1));
	if (str_starts(body, STR("{")))
		read_json(body, ret);
	else if (body.len <= LINE_BYTES_MAX && memchr(body.p, '<', body.len) == NULL)
		copy(ret->text[SAID_message], body);
}

/* ---- judging ---- */

struct meaning {
	const char *word;
	enum outcome outcome;
};

/* The words of codes and types. */
static const struct meaning words[] = {
    {"context_length_exceeded", OUT_context_length},
    {"exceed_context_size_error", OUT_context_length}, /* llama.cpp */
    {"request_too_large", OUT_context_length},
    {"string_above_max_length", OUT_context_length},
    {"insufficient_quota", OUT_provider_quota},
    {"billing_error", OUT_provider_quota},
    {"billing_hard_limit_reached", OUT_provider_quota},
    {"billing_not_active", OUT_provider_quota},
    {"invalid_api_key", OUT_provider_key},
    {"authentication_error", OUT_provider_key},
    {"permission_error", OUT_provider_key},
    {"account_deactivated", OUT_provider_key},
    {"API_KEY_INVALID", OUT_provider_key},
    {"rate_limit_exceeded", OUT_provider_rate},
    {"rate_limit_error", OUT_provider_rate},
    {"RESOURCE_EXHAUSTED", OUT_provider_rate},
    {"overloaded_error", OUT_provider_rate},
    {"slow_down", OUT_provider_rate},
    {"model_not_found", OUT_provider_error},
    {"DeploymentNotFound", OUT_provider_error},
    {"content_filter", OUT_provider_refused},
    {"content_policy_violation", OUT_provider_refused},
};

/* Parts of messages, in small letters, where codes say nothing. */
static const struct meaning phrases[] = {
    {"maximum context length", OUT_context_length}, /* OpenAI, vLLM, OpenRouter */
    {"prompt is too long", OUT_context_length},     /* Anthropic */
    {"exceed context limit", OUT_context_length},   /* Anthropic, with max_tokens */
    {"context window", OUT_context_length},
    {"available context size", OUT_context_length}, /* llama.cpp */
    {"input token count", OUT_context_length},      /* Gemini */
    {"too many tokens", OUT_context_length},
    {"credit balance is too low", OUT_provider_quota}, /* Anthropic, as a 400 */
    {"api usage limits", OUT_provider_quota},
    {"insufficient balance", OUT_provider_quota},
    {"exceeded your current quota", OUT_provider_quota},
    {"api key not valid", OUT_provider_key}, /* Gemini, as a 400 */
    {"organization has been disabled", OUT_provider_key},
};

static enum outcome
by_status(int status)
{
	switch (status) {
	case 401:
	case 403:
	case 407:
		return OUT_provider_key;
	case 402:
		return OUT_provider_quota;
	case 413:
		return OUT_context_length;
	case 429:
	case 529: /* Anthropic: overloaded */
		return OUT_provider_rate;
	case 400:
	case 422:
	case 451:
		return OUT_provider_refused;
	default:
		/* A path or model that is not there, a time-out, a redirect, 5xx:
		 * somebody else may do better. */
		return OUT_provider_error;
	}
}

/* Codes first, since they are made for programs; but only where the fault is the
 * request's or ours, for behind a 5xx may stand the error of somebody behind it. */
static enum outcome
judge(int status, const struct said *said)
{
	bool theirs = status >= 500 && status != 529;

	for (size_t i = 0; i < nitems(words); i++) {
		for (size_t k = SAID_code; k < SAID_COUNT; k++) {
			bool same = str_is(str_of(said->text[k]), words[i].word);

			if (same && (!theirs || words[i].outcome == OUT_provider_rate))
				return words[i].outcome;
		}
	}
	for (size_t i = 0; !theirs && i < nitems(phrases); i++) {
		if (strcasestr(said->text[SAID_message], phrases[i].word) != NULL)
			return phrases[i].outcome;
	}
	return by_status(status);
}

enum outcome
provider_error_read(int http_status, struct str body, struct buf *ret_message)
{
	struct said said;

	read_body(body, &said);
	buf_add(ret_message, said.text[SAID_message]);
	return judge(http_status, &said);
}
