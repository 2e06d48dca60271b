/* anthropic_answer.c: messages as Anthropic and those who copy it answer. Usage comes
 * at message_start and again, counted from the begin, at each message_delta. */
#include "answer.h"

/* Indexes of tap.count. */
enum count {
	COUNT_input, /* without what a cache gave or took */
	COUNT_read,
	COUNT_written,
	COUNT_output, /* thinking included */
	/* the same of all iterations together, which the counts above may leave out */
	COUNT_all_input,
	COUNT_all_read,
	COUNT_all_written,
	COUNT_all_output,

	COUNT_written_5m,
	COUNT_written_1h,
	COUNT_thinking,
	COUNT_searches, /* of the web, each with a fee */
	COUNT_COUNT,
};
_Static_assert(COUNT_COUNT <= TAP_COUNTS, "the tap has room for them");

enum path {
	PATH_type = ANSWER_OWN,
	PATH_id,
	PATH_stand_in, /* a model that took over within the answer */
	PATH_tier,
	PATH_error,
	PATH_stop,
	PATH_text,
	PATH_input, /* of a tool: an object */
	PATH_iterations,
	PATH_placeholder, /* output_tokens before there was any output */
	PATH_count,       /* and behind it those of the counts */
};

enum flag {
	FLAG_usage = 1,
	FLAG_text = 2,
	FLAG_stop = 4,
	FLAG_error = 8,
	FLAG_start = 16,
};

#define ROW(path, id)           \
	{                       \
		path, id, false \
	}
#define COUNT(path, count) ROW(path, PATH_count + COUNT_##count)
#define USAGE(at)                                                              \
	ROW(at, ANSWER_usage), ROW(at ".service_tier", PATH_tier),             \
	    COUNT(at ".input_tokens", input),                                  \
	    COUNT(at ".cache_read_input_tokens", read),                        \
	    COUNT(at ".cache_creation_input_tokens", written),                 \
	    COUNT(at ".cache_creation.ephemeral_5m_input_tokens", written_5m), \
	    COUNT(at ".cache_creation.ephemeral_1h_input_tokens", written_1h), \
	    COUNT(at ".output_tokens_details.thinking_tokens", thinking),      \
	    COUNT(at ".server_tool_use.web_search_requests", searches)

static const struct scan_path paths[] = {
    ROW("type", PATH_type),
    ROW("delta.text", PATH_text),
    ROW("delta.thinking", PATH_text),
    ROW("delta.partial_json", PATH_text),
    ROW("delta.content", PATH_text), /* compaction */
    ROW("delta.stop_reason", PATH_stop),
    ROW("content_block.text", PATH_text),
    ROW("content_block.name", PATH_text),
    ROW("message.id", PATH_id),
    ROW("message.model", ANSWER_model),
    ROW("content_block.to.model", PATH_stand_in),
    ROW("message.stop_reason", PATH_stop),
    USAGE("message.usage"),
    ROW("message.usage.output_tokens", PATH_placeholder),
    ROW("error", PATH_error),
    ROW("error.message", PATH_error),
    /* a body, but for the usage also message_delta */
    ROW("id", PATH_id),
    ROW("model", ANSWER_model),
    ROW("content[].text", PATH_text),
    ROW("content[].thinking", PATH_text),
    ROW("content[].name", PATH_text),
    ROW("content[].input", PATH_input),
    ROW("stop_reason", PATH_stop),
    USAGE("usage"),
    COUNT("usage.output_tokens", output),
    ROW("usage.iterations", PATH_iterations),
    COUNT("usage.iterations[].input_tokens", all_input),
    COUNT("usage.iterations[].cache_read_input_tokens", all_read),
    COUNT("usage.iterations[].cache_creation_input_tokens", all_written),
    COUNT("usage.iterations[].output_tokens", all_output),
};

/* ---- usage ---- */

/* The greater of a count and of that of all iterations: compaction and advisors are
 * billed, but only told there. */
static int64_t
greater(const int64_t *c, enum count one, struct usage *u)
{
	int64_t all = c[one - COUNT_input + COUNT_all_input];

	if (all <= c[one])
		return c[one];
	u->inconsistent |= all > usage_known(c[one]);
	return all;
}

/* What was written to the cache, by its lifetime; where that is not told it is the
 * default, or the dearer if that was in use. */
static void
split_written(const int64_t *c, struct usage *u)
{
	int64_t short_lived = c[COUNT_written_5m], long_lived = c[COUNT_written_1h];
	int64_t all = greater(c, COUNT_written, u);
	int64_t rest =
	    usage_known(all) - usage_known(short_lived) - usage_known(long_lived);

	if (short_lived < 0 && long_lived < 0) {
		u->inconsistent |= all > 0;
		short_lived = all;
	} else if (long_lived > 0 && rest > 0) {
		u->inconsistent = true;
		long_lived += rest;
	} else if (rest > 0) {
		short_lived = usage_known(short_lived) + rest;
	}
	u->inconsistent |= all >= 0 && rest < 0;
	u->tokens[TOKEN_cache_write_5m] = short_lived;
	u->tokens[TOKEN_cache_write_1h] = long_lived;
}

static void
take_usage(struct tap *t)
{
	const int64_t *c = t->count;
	struct usage *u = &t->usage;

	u->tokens[TOKEN_input_uncached] = greater(c, COUNT_input, u);
	u->tokens[TOKEN_cache_read] = greater(c, COUNT_read, u);
	u->tokens[TOKEN_output] = greater(c, COUNT_output, u);
	split_written(c, u);
	u->reasoning = c[COUNT_thinking];
	u->calls = c[COUNT_searches];
	if (u->reasoning > u->tokens[TOKEN_output]) {
		u->inconsistent = true;
		u->tokens[TOKEN_output] = u->reasoning;
	}
}

static bool
complete(const struct usage *u)
{
	return u->tokens[TOKEN_input_uncached] >= 0 && u->tokens[TOKEN_output] >= 0;
}

static void
on_usage(struct tap *t, enum scan_kind kind, struct str text)
{
	if (kind != SCAN_object || text.len == 0)
		return;
	t->event_flags |= FLAG_usage;
	take_usage(t);
	if (!t->stream)
		t->usage_seen = complete(&t->usage);
}

/* Counts run from the begin of the answer, so none becomes less; but the output of
 * message_start is a placeholder. */
static void
on_count(struct tap *t, int i, enum scan_kind kind, struct str text)
{
	int64_t *c = &t->count[i], n;

	if (!answer_count(kind, text, &n, &t->usage.inconsistent))
		return;
	if (i >= COUNT_all_input && i <= COUNT_all_output) {
		*c = usage_known(*c) + n;
		return;
	}
	if (n >= *c || (i == COUNT_output && !t->usage_seen))
		*c = n;
	else
		t->usage.inconsistent = true;
}

static void
on_placeholder(struct tap *t, enum scan_kind kind, struct str text)
{
	bool bad = false;

	if (!t->usage_seen)
		(void)answer_count(kind, text, &t->count[COUNT_output], &bad);
}

static void
on_iterations(struct tap *t, struct str text)
{
	if (text.len > 0)
		return;
	for (int i = COUNT_all_input; i <= COUNT_all_output; i++)
		t->count[i] = -1;
}

/* ---- the rest ---- */

static void
on_type(struct tap *t, enum scan_kind kind, struct str text)
{
	if (kind != SCAN_string || text.p == NULL)
		return;
	if (str_eq(text, STR("message_stop")))
		t->event_flags |= FLAG_stop;
	else if (str_eq(text, STR("error")))
		t->event_flags |= FLAG_error;
	else if (str_eq(text, STR("message_start")))
		t->event_flags |= FLAG_start;
}

static void
on_text(struct tap *t, enum scan_kind kind, struct str text)
{
	if (kind != SCAN_string || text.len == 0)
		return;
	answer_text(t, text);
	t->event_flags |= FLAG_text;
}

static void
on_value(struct tap *t, int id, enum scan_kind kind, struct str text)
{
	switch (id) {
	case ANSWER_usage:
		on_usage(t, kind, text);
		break;
	case PATH_type:
		on_type(t, kind, text);
		break;
	case PATH_text:
		on_text(t, kind, text);
		break;
	case PATH_input:
		t->output_bytes += (int64_t)text.len;
		break;
	case PATH_stop:
		answer_copy(t->finish, sizeof(t->finish), kind, text);
		t->finished |= kind == SCAN_string;
		break;
	case PATH_id:
		answer_copy(t->response_id, sizeof(t->response_id), kind, text);
		break;
	case ANSWER_model:
	case PATH_stand_in:
		answer_copy(t->model, sizeof(t->model), kind, text);
		break;
	case PATH_tier:
		answer_copy(t->service_tier, sizeof(t->service_tier), kind, text);
		break;
	case PATH_error:
		answer_error(t, kind, text);
		break;
	case PATH_iterations:
		on_iterations(t, text);
		break;
	case PATH_placeholder:
		on_placeholder(t, kind, text);
		break;
	default:
		on_count(t, id - PATH_count, kind, text);
	}
}

static void
on_event(struct tap *t)
{
	uint32_t f = t->event_flags;

	if ((f & FLAG_error) || str_is(t->event_name, "error"))
		t->failed = true;
	if (f & FLAG_stop)
		t->fate = EVENT_terminal;
	else if ((f & FLAG_usage) && !(f & FLAG_start) && t->usage_wanted)
		t->fate = EVENT_withhold;
	else if (str_is(str_trim(t->event_data), "[DONE]"))
		t->fate = EVENT_swallow; /* OpenAI's word, from a copy of both */
	if (f & FLAG_text)
		t->events++;
	if ((f & FLAG_usage) && !(f & FLAG_start))
		t->usage_seen = complete(&t->usage);
}

const struct answer_reader anthropic_answer = {
    .paths = paths,
    .path_count = nitems(paths),
    .usage_in_parts = true,
    .on_value = on_value,
    .on_event = on_event,
};
