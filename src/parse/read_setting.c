/* read_setting.c: what a body says besides its messages. Whatever takes memory here may
 * stand only once in a body. */
#include "reader.h"

#define MODEL_MAX      256U
#define NAME_BYTES_MAX 512U
#define WORD_MAX       32U
#define N_MAX          128
#define OUTPUT_MAX     ((INT64_C(1) << 53) - 1)

static struct span
span_of(const struct scan_value *v)
{
	return (struct span){.start = v->start, .end = v->end};
}

/* A string, its escapes resolved, in the arena; empty when it is longer than `max`. */
static struct str
name_of(const struct reader *r, const struct scan_value *v, size_t max)
{
	struct str raw;
	char *text;
	size_t len;

	if (v->kind != SCAN_string)
		return str_make("", 0);
	raw = reader_raw(r, v);
	if (raw.len > 6 * max)
		return str_make("", 0);
	text = arena_alloc(r->mem, raw.len + 1);
	len = scan_unescape(raw, text);
	return str_make(text, len > max ? 0 : len);
}

/* Is it this word of the API? */
static bool
says(const struct reader *r, const struct scan_value *v, const char *word)
{
	char text[6 * WORD_MAX + 1];
	struct str raw;

	if (v->kind != SCAN_string)
		return false;
	raw = reader_raw(r, v);
	if (raw.len > 6 * WORD_MAX)
		return false;
	return str_is(str_make(text, scan_unescape(raw, text)), word);
}

/* ---- the request as a whole ---- */

static bool
read_model(struct reader *r, const struct scan_value *v)
{
	struct str name = name_of(r, v, MODEL_MAX);

	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	}
	r->task.model = name;
	r->task.model_at = span_of(v);
	return name.len > 0;
}

/* null is the same as no number at all. */
static bool
read_whole(const struct reader *r, const struct scan_value *v, int64_t least,
    int64_t most, int64_t *ret)
{
	int64_t n;

	if (v->kind == SCAN_null)
		return true;
	if (!scan_int(reader_raw(r, v), &n) || n < least || n > most)
		return false;
	*ret = n;
	return true;
}

/* Where two are named the greater one counts, for the bill. */
static bool
read_max(struct reader *r, const struct scan_value *v, struct span *ret_at)
{
	int64_t max = -1;

	*ret_at = span_of(v);
	if (!read_whole(r, v, r->dialect->max_output_least, OUTPUT_MAX, &max))
		return false;
	if (max > r->task.max_output)
		r->task.max_output = max;
	return true;
}

static bool
read_stream_options(struct reader *r, const struct scan_value *v)
{
	struct str inside;

	if (v->end == 0)
		return true;
	r->task.stream_options_at = span_of(v);
	inside = str_make(r->body + v->start + 1, v->end - v->start - 2);
	r->task.stream_options_bare = v->kind == SCAN_null || str_trim(inside).len == 0;
	return true;
}

static bool
read_tools(struct reader *r, const struct scan_value *v)
{
	if (v->end == 0 || v->kind != SCAN_array)
		return true;
	r->tools_at = span_of(v);
	r->task.text_bytes += v->end - v->start;
	return true;
}

/* "web_search", "web_search_20250305", "web_search_preview", … What only the client
 * runs brings in nothing before it is asked again. */
static void
read_tool_type(struct reader *r, struct str type)
{
	static const char *const clients[] = {"function", "custom", "bash_",
	    "text_editor_", "computer_", "memory_", "tool_search_"};
	bool known = type.len == 0 || str_starts(type, STR("web_search"));

	r->tool_searches = known && type.len > 0;
	for (size_t i = 0; i < nitems(clients) && !known; i++)
		known = str_starts(type, str_of(clients[i]));
	r->task.fetches |= !known;
}

static bool
read_tool(struct reader *r, enum field f, const struct scan_value *v)
{
	struct task *t = &r->task;

	if (f == FIELD_tool_type) {
		read_tool_type(r, name_of(r, v, NAME_BYTES_MAX));
	} else if (f == FIELD_tool_uses) {
		if (!read_whole(r, v, 1, UINT16_MAX, &r->tool_uses))
			r->tool_uses = 0;
	} else if (v->end == 0) {
		t->tools++;
		r->tool_searches = false;
		r->tool_uses = 0;
	} else if (r->tool_searches && t->searches < UINT16_MAX) {
		t->searches +=
		    r->tool_uses > 0 ? (uint32_t)r->tool_uses : SEARCHES_EACH;
	}
	return true;
}

static bool
read_service_tier(struct reader *r, const struct scan_value *v)
{
	r->task.service_tier = name_of(r, v, NAME_BYTES_MAX);
	r->task.service_tier_at = span_of(v);
	return v->kind == SCAN_null || v->end - v->start == 2 ||
	       r->task.service_tier.len > 0;
}

bool
read_setting(struct reader *r, enum field f, const struct scan_value *v)
{
	struct task *t = &r->task;

	switch (f) {
	case FIELD_model:
		return read_model(r, v);
	case FIELD_stream:
		t->stream = v->kind == SCAN_true;
		t->stream_at = span_of(v);
		return true;
	case FIELD_stream_options:
		return read_stream_options(r, v);
	case FIELD_include_usage:
		t->usage_wanted = v->kind == SCAN_true;
		t->include_usage_at = span_of(v);
		return true;
	case FIELD_max_tokens:
		return read_max(r, v, &t->max_tokens_at);
	case FIELD_max_completion:
		return read_max(r, v, &t->max_completion_at);
	case FIELD_n:
		return read_whole(r, v, 1, N_MAX, &t->n);
	case FIELD_best_of:
		return read_whole(r, v, 1, N_MAX, &t->best_of);
	case FIELD_service_tier:
		return read_service_tier(r, v);
	case FIELD_tools:
		return read_tools(r, v);
	case FIELD_search_options:
		t->searches += v->kind == SCAN_object && v->end > 0 ? SEARCHES_EACH : 0;
		return true;
	case FIELD_fetches: /* {} and [] ask for nothing */
		t->fetches |= v->end > v->start + 2 && v->kind != SCAN_null;
		return true;
	default:
		return read_tool(r, f, v);
	}
}

/* ---- the prompt cache ---- */

/* Marks may differ: what is written turn by turn has the shortest time, and counts. */
static void
take_mark(struct task *t, enum cache_mark m)
{
	if (t->cache_mark == CACHE_unmarked || m < t->cache_mark)
		t->cache_mark = m;
}

bool
read_cache(struct reader *r, enum field f, const struct scan_value *v)
{
	bool begins = v->end == 0;

	if (f == FIELD_cache_retention) {
		if (says(r, v, "24h"))
			take_mark(&r->task, CACHE_hour);
	} else if (f == FIELD_cache_ttl) {
		if (says(r, v, "1h"))
			r->mark = CACHE_hour;
	} else if (v->kind == SCAN_object && begins) {
		r->mark = CACHE_minutes;
	} else if (v->kind == SCAN_object) {
		take_mark(&r->task, r->mark);
	}
	return true;
}

/* ---- the answer that is wanted ---- */

bool
read_wish(struct reader *r, enum field f, const struct scan_value *v)
{
	struct str word;

	switch (f) {
	case FIELD_format_type:
		r->json_schema |= says(r, v, "json_schema");
		return true;
	case FIELD_form:
		r->task.text_bytes += v->end > 0 ? v->end - v->start : 0;
		r->task.format_at = span_of(v);
		return true;
	case FIELD_format:
		r->json_schema |= v->kind == SCAN_object;
		r->task.format_at = span_of(v);
		return true;
	case FIELD_modality:
		r->audio |= says(r, v, "audio");
		return true;
	case FIELD_audio:
		r->audio |= v->kind == SCAN_object;
		return true;
	default:
		word = name_of(r, v, NAME_BYTES_MAX);
		if (word.len > 0)
			r->task.effort = word;
		return true;
	}
}

/* ---- who asks ---- */

/* The text between `mark` and the next '"'; empty when it is not there. */
static struct str
member_of(struct str json, const char *mark)
{
	const char *at = memmem(json.p, json.len, mark, strlen(mark));
	struct str rest, value = {0};

	if (at == NULL)
		return str_make("", 0);
	rest = str_skip(json, (size_t)(at - json.p) + strlen(mark));
	(void)str_split(&rest, '"', &value);
	return value;
}

/* Claude Code says person and conversation in one: first as "user_…_account_…" with
 * "_session_UUID" behind it, since version 2.1.78 as the text of an object. */
static void
read_user_id(struct task *t, struct str id)
{
	static const char mark[] = "_session_";
	const char *at = memmem(id.p, id.len, mark, sizeof(mark) - 1);

	t->user = id;
	if (str_starts(id, STR("{"))) {
		t->session_hint = member_of(id, "\"session_id\":\"");
		t->user = member_of(id, "\"account_uuid\":\"");
		if (t->user.len == 0)
			t->user = member_of(id, "\"device_id\":\"");
	} else if (at != NULL) {
		t->user.len = (size_t)(at - id.p);
		t->session_hint = str_skip(id, t->user.len + sizeof(mark) - 1);
	}
}

bool
read_person(struct reader *r, enum field f, const struct scan_value *v)
{
	struct str name = name_of(r, v, NAME_BYTES_MAX);

	if (name.len == 0)
		return true;
	if (f == FIELD_prompt_cache_key)
		r->task.prompt_cache_key = name;
	else if (f == FIELD_user_id)
		read_user_id(&r->task, name);
	else
		r->task.user = name;
	return true;
}

/* ---- what only one can read ---- */

/* Where a history is bound to a model and to a provider, the model counts. */
bool
read_bound(struct reader *r, enum field f, const struct scan_value *v)
{
	enum bound_kind kind =
	    (enum bound_kind)(BOUND_signature + (f - FIELD_bound_signature));
	bool there =
	    v->kind == SCAN_object || (v->kind == SCAN_string && v->end - v->start > 2);

	if (there && (r->task.bound == BOUND_none || kind < r->task.bound))
		r->task.bound = kind;
	return true;
}
