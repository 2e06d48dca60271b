/* openai_answer.c: chat completions as OpenAI and those who copy it answer. Their usage
 * differs in what is a part of what; see docs/money.md and the rows below. */
#include "answer.h"

/* Indexes of tap.count. */
enum count {
	COUNT_prompt,
	COUNT_completion,
	COUNT_total,
	COUNT_cached, /* of the prompt; DeepSeek: its hits */
	COUNT_missed, /* DeepSeek: of the prompt, not cached */
	COUNT_written,
	COUNT_audio_in,
	COUNT_audio_out,
	COUNT_reasoning,
	COUNT_searches, /* of the web, each with a fee */
};

enum path {
	PATH_id = ANSWER_OWN,
	PATH_tier,
	PATH_error,
	PATH_choice,
	PATH_finish,
	PATH_text,
	PATH_count, /* and behind it those of the counts */
};

enum flag {
	FLAG_usage = 1,
	FLAG_choice = 2,
	FLAG_text = 4,
	FLAG_bad = 8, /* a count is none */
};

#define ROW(path, id)           \
	{                       \
		path, id, false \
	}
#define COUNT(path, count) ROW(path, PATH_count + COUNT_##count)
#define USAGE(at)                                                               \
	ROW(at, ANSWER_usage), COUNT(at ".prompt_tokens", prompt),              \
	    COUNT(at ".completion_tokens", completion),                         \
	    COUNT(at ".total_tokens", total),                                   \
	    COUNT(at ".prompt_tokens_details.cached_tokens", cached),           \
	    COUNT(at ".prompt_tokens_details.cache_write_tokens", written),     \
	    COUNT(at ".prompt_tokens_details.audio_tokens", audio_in),          \
	    COUNT(at ".completion_tokens_details.reasoning_tokens", reasoning), \
	    COUNT(at ".completion_tokens_details.audio_tokens", audio_out),     \
	    COUNT(at ".cached_tokens", cached),                                 \
	    COUNT(at ".prompt_cache_hit_tokens", cached),                       \
	    COUNT(at ".prompt_cache_miss_tokens", missed),                      \
	    COUNT(at ".cache_read_input_tokens", cached),                       \
	    COUNT(at ".cache_creation_input_tokens", written),                  \
	    COUNT(at ".reasoning_tokens", reasoning),                           \
	    COUNT(at ".server_tool_use.web_search_requests", searches),         \
	    COUNT(at ".num_sources_used", searches)
#define TEXTS(at)                                                                     \
	ROW(at ".content", PATH_text), ROW(at ".content[].text", PATH_text),          \
	    ROW(at ".content[].thinking[].text", PATH_text),                          \
	    ROW(at ".reasoning_content", PATH_text), ROW(at ".reasoning", PATH_text), \
	    ROW(at ".refusal", PATH_text), ROW(at ".audio.transcript", PATH_text),    \
	    ROW(at ".function_call.name", PATH_text),                                 \
	    ROW(at ".function_call.arguments", PATH_text),                            \
	    ROW(at ".tool_calls[].function.name", PATH_text),                         \
	    ROW(at ".tool_calls[].function.arguments", PATH_text),                    \
	    ROW(at ".tool_calls[].custom.name", PATH_text),                           \
	    ROW(at ".tool_calls[].custom.input", PATH_text)

static const struct scan_path paths[] = {
    ROW("choices[]", PATH_choice), TEXTS("choices[].delta"), TEXTS("choices[].message"),
    ROW("choices[].finish_reason", PATH_finish), ROW("id", PATH_id),
    ROW("model", ANSWER_model), ROW("service_tier", PATH_tier),
    ROW("obfuscation", ANSWER_padding), ROW("error", PATH_error),
    ROW("error.message", PATH_error), USAGE("usage"),
    USAGE("x_groq.usage"),    /* Groq, before and beside `usage` */
    USAGE("choices[].usage"), /* Moonshot's streams */
};

/* ---- usage ---- */

/* The prompt in disjoint parts. Image tokens stay among the others: no price book has
 * an own price for them in chat. */
static void
split_prompt(const int64_t *c, struct usage *u)
{
	int64_t missed = c[COUNT_missed], audio = usage_known(c[COUNT_audio_in]);
	int64_t cache = usage_known(c[COUNT_cached]) + usage_known(c[COUNT_written]);
	int64_t prompt =
	    c[COUNT_prompt] < 0 && missed >= 0 ? missed + cache : c[COUNT_prompt];
	int64_t rest = prompt - cache - audio;

	if (prompt < 0)
		return;
	u->tokens[TOKEN_cache_read] = c[COUNT_cached];
	u->tokens[TOKEN_cache_write_5m] = c[COUNT_written];
	u->tokens[TOKEN_audio_input] = c[COUNT_audio_in];
	if (cache > prompt || audio > prompt) {
		/* They are counted beside the prompt, not within. */
		u->inconsistent = true;
		rest = prompt;
	} else if (rest < 0) {
		/* Audio that came from the cache: booked as audio, the dearer. */
		u->inconsistent |= usage_known(c[COUNT_cached]) + rest < 0;
		u->tokens[TOKEN_cache_read] =
		    usage_known(usage_known(c[COUNT_cached]) + rest);
		rest = 0;
	}
	if (missed >= 0 && missed != prompt - cache) {
		u->inconsistent = true;
		rest = missed > rest ? missed : rest;
	}
	u->tokens[TOKEN_input_uncached] = rest;
}

/* All that the model wrote. xAI's completion_tokens are without reasoning, Google's,
 * too, but for Google's nothing says so: then the total tells. */
static int64_t
written(const int64_t *c, struct usage *u)
{
	int64_t completion = c[COUNT_completion], reasoning = c[COUNT_reasoning];
	int64_t rest = -1, out = completion;

	if (c[COUNT_total] >= 0 && c[COUNT_prompt] >= 0)
		rest = c[COUNT_total] - c[COUNT_prompt];
	if (rest > completion) {
		out = rest;
		u->inconsistent |=
		    completion >= 0 && completion + usage_known(reasoning) != rest;
	} else if (c[COUNT_total] >= 0 && rest < completion) {
		u->inconsistent = true;
	}
	if (reasoning > out) {
		u->inconsistent = true;
		out = usage_known(completion) + reasoning;
	}
	return out;
}

static void
split_output(const int64_t *c, struct usage *u)
{
	int64_t out = written(c, u), audio = c[COUNT_audio_out];

	u->inconsistent |= audio > out;
	u->tokens[TOKEN_audio_output] = audio;
	u->tokens[TOKEN_output] = audio > out ? out : out - usage_known(audio);
	u->reasoning = c[COUNT_reasoning];
}

static bool
complete(const struct usage *u)
{
	return u->tokens[TOKEN_input_uncached] >= 0 && u->tokens[TOKEN_output] >= 0;
}

static int64_t
sum(const struct usage *u)
{
	return usage_input(u) + usage_known(u->tokens[TOKEN_output]) +
	       usage_known(u->tokens[TOKEN_audio_output]);
}

/* A usage object is over. In a stream each one tells all from the begin: the last
 * counts, unless it tells less. */
static void
take_usage(struct tap *t)
{
	struct usage u;

	usage_unknown(&u);
	u.inconsistent = (t->event_flags & FLAG_bad) != 0;
	split_prompt(t->count, &u);
	split_output(t->count, &u);
	u.calls = t->count[COUNT_searches];
	u.inconsistent |= !complete(&u);
	if (sum(&u) < sum(&t->usage))
		t->usage.inconsistent = true;
	else
		t->usage = u;
	if (!t->stream)
		t->usage_seen = complete(&t->usage);
}

static void
on_usage(struct tap *t, enum scan_kind kind, struct str text)
{
	if (kind != SCAN_object)
		return;
	t->event_flags |= FLAG_usage;
	if (text.len > 0) {
		take_usage(t);
		return;
	}
	t->event_flags &= ~(uint32_t)FLAG_bad;
	for (size_t i = 0; i < nitems(t->count); i++)
		t->count[i] = -1;
}

static void
on_count(struct tap *t, int i, enum scan_kind kind, struct str text)
{
	int64_t n;
	bool bad = false;

	if (answer_count(kind, text, &n, &bad) && n > t->count[i])
		t->count[i] = n;
	if (bad)
		t->event_flags |= FLAG_bad;
}

/* ---- the rest ---- */

static void
on_value(struct tap *t, int id, enum scan_kind kind, struct str text)
{
	switch (id) {
	case ANSWER_usage:
		on_usage(t, kind, text);
		break;
	case ANSWER_padding:
		break;
	case PATH_choice:
		t->event_flags |= FLAG_choice;
		break;
	case PATH_text:
		if (kind != SCAN_string || text.len == 0)
			break;
		answer_text(t, text);
		t->event_flags |= FLAG_text;
		break;
	case PATH_finish:
		answer_copy(t->finish, sizeof(t->finish), kind, text);
		t->finished |= kind == SCAN_string && text.len > 0;
		break;
	case PATH_id:
		if (t->response_id[0] == '\0')
			answer_copy(t->response_id, sizeof(t->response_id), kind, text);
		break;
	case ANSWER_model:
		if (t->model[0] == '\0')
			answer_copy(t->model, sizeof(t->model), kind, text);
		break;
	case PATH_tier:
		answer_copy(t->service_tier, sizeof(t->service_tier), kind, text);
		break;
	case PATH_error:
		answer_error(t, kind, text);
		break;
	default:
		on_count(t, id - PATH_count, kind, text);
	}
}

/* Usage stands in a chunk of its own, without choices, or (DeepSeek, Groq, Mistral,
 * Perplexity, …) in the last chunk, or in all of them. */
static enum event_fate
fate_of_usage(const struct tap *t)
{
	bool alone = (t->event_flags & FLAG_choice) == 0;

	if (alone && !t->usage_wanted)
		return EVENT_swallow;
	return t->usage_wanted && (alone || t->finished) ? EVENT_withhold : EVENT_pass;
}

static void
on_event(struct tap *t)
{
	if (str_is(str_trim(t->event_data), "[DONE]"))
		t->fate = EVENT_terminal;
	else if (t->event_flags & FLAG_usage)
		t->fate = fate_of_usage(t);
	if (t->event_flags & FLAG_text)
		t->events++;
	/* What is told before the end is not all. */
	if (t->finished || t->fate == EVENT_terminal)
		t->usage_seen |= complete(&t->usage);
}

const struct answer_reader openai_answer = {
    .paths = paths,
    .path_count = nitems(paths),
    .on_value = on_value,
    .on_event = on_event,
};
