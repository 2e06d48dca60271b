/* reader.c: a client's body as it arrives: what is asked for, and where it stands. */
#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "field.h"
#include "reader.h"

#define MODEL_MAX      256U
#define NAME_MAX_BYTES 512U
#define N_MAX          128
#define OUTPUT_MAX     (INT64_C(1) << 53)
/* Of a long text its begin and length tell prefixes apart. */
#define HASH_MAX 65536U

/* ---- what is shared by all threads ---- */

static const struct dialect *const readable[] = {&dialect_openai, &dialect_anthropic};

struct parse_shared {
	struct scan_paths *request[nitems(readable)];
};

struct parse_shared *
parse_shared_new(void)
{
	struct parse_shared *p = xcalloc(1, sizeof(*p));

	for (size_t i = 0; i < nitems(readable); i++)
		p->request[i] = scan_paths_new(
		    readable[i]->request_paths, readable[i]->request_path_count);
	return p;
}

void
parse_shared_free(struct parse_shared *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < nitems(readable); i++)
		scan_paths_free(p->request[i]);
	xfree(p);
}

static const struct scan_paths *
paths_of(const struct parse_shared *p, const struct dialect *d)
{
	size_t i = 0;

	while (i + 1 < nitems(readable) && !dialect_same(readable[i], d))
		i++;
	return p->request[i];
}

/* ---- the rows of field.def ---- */

#define S   (1U << SCAN_string)
#define N   (1U << SCAN_number)
#define B   (1U << SCAN_true | 1U << SCAN_false)
#define O   (1U << SCAN_object)
#define A   (1U << SCAN_array)
#define Z   (1U << SCAN_null)
#define ANY (S | N | B | O | A | Z)

static const struct field_row {
	const char *param, *text;
	unsigned kinds;
} fields[] = {
#define FIELD(name, param, kinds, text) {param, text, kinds},
#include "field.def"
};

struct reader {
	const struct dialect *dialect;
	enum endpoint endpoint;
	struct arena *mem;
	struct scan *scan;
	const char *body; /* everything so far, while it is being fed */
	struct task task;
	struct span tools_at;
	bool messages_seen, json_schema, audio;
	const char *fault_param, *fault_text;

	/* the message under way */
	enum prompt_role role;
	bool tool_result;
	uint32_t first_piece;
	uint32_t first_user, last_user; /* messages; UINT32_MAX: none yet */
	struct piece_list pieces;
};

static bool
blame(struct reader *r, enum field f)
{
	r->fault_param = fields[f].param;
	r->fault_text = fields[f].text;
	return false;
}

/* ---- values ---- */

static struct span
span_of(const struct scan_value *v)
{
	return (struct span){.start = v->start, .end = v->end};
}

/* The bytes of a value that is complete, a string's without quotes. */
static struct str
raw_of(const struct reader *r, const struct scan_value *v)
{
	size_t quote = v->kind == SCAN_string;

	return str_make(r->body + v->start + quote, v->end - v->start - 2 * quote);
}

/* A short string, its escapes resolved, in the arena; empty when it is longer than
 * `max`. */
static struct str
name_of(const struct reader *r, const struct scan_value *v, size_t max)
{
	struct str raw = raw_of(r, v);
	char *text;
	size_t len;

	if (v->kind != SCAN_string || raw.len > 6 * max)
		return str_make("", 0);
	text = arena_alloc(r->mem, raw.len + 1);
	len = scan_unescape(raw, text);
	return str_make(text, len > max ? 0 : len);
}

static bool
whole_number(const struct reader *r, const struct scan_value *v, int64_t least,
    int64_t most, int64_t *ret)
{
	return scan_int(raw_of(r, v), ret) && *ret >= least && *ret <= most;
}

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

static bool
read_max(struct reader *r, const struct scan_value *v, struct span *ret_at)
{
	int64_t max;

	*ret_at = span_of(v);
	if (v->kind == SCAN_null)
		return true;
	if (!whole_number(r, v, r->dialect->max_output_least, OUTPUT_MAX, &max))
		return false;
	if (max > r->task.max_output)
		r->task.max_output = max;
	return true;
}

static void
read_stream_options(struct reader *r, const struct scan_value *v)
{
	struct str inside;

	if (v->end == 0)
		return;
	r->task.stream_options_at = span_of(v);
	inside = str_make(r->body + v->start + 1, v->end - v->start - 2);
	r->task.stream_options_bare = v->kind == SCAN_null || str_trim(inside).len == 0;
}

static void
read_tools(struct reader *r, const struct scan_value *v)
{
	if (v->end == 0 || v->kind != SCAN_array)
		return;
	r->tools_at = span_of(v);
	r->task.text_bytes += v->end - v->start;
}

/* What the request as a whole says. */
static bool
on_setting(struct reader *r, enum field f, const struct scan_value *v)
{
	struct task *t = &r->task;
	bool ok = true;

	switch (f) {
	case FIELD_model:
		ok = read_model(r, v);
		break;
	case FIELD_stream:
		t->stream = v->kind == SCAN_true;
		t->stream_at = span_of(v);
		break;
	case FIELD_stream_options:
		read_stream_options(r, v);
		break;
	case FIELD_include_usage:
		t->usage_wanted = v->kind == SCAN_true;
		t->include_usage_at = span_of(v);
		break;
	case FIELD_max_tokens:
		ok = read_max(r, v, &t->max_tokens_at);
		break;
	case FIELD_max_completion:
		ok = read_max(r, v, &t->max_completion_at);
		break;
	case FIELD_n:
		ok = v->kind == SCAN_null || whole_number(r, v, 1, N_MAX, &t->n);
		break;
	case FIELD_service_tier:
		t->service_tier = name_of(r, v, NAME_MAX_BYTES);
		t->service_tier_at = span_of(v);
		break;
	case FIELD_tools:
		read_tools(r, v);
		break;
	default:
		t->tools += v->end == 0;
		break;
	}
	return ok || blame(r, f);
}

/* ---- messages ---- */

static enum prompt_role
role_of(struct str word)
{
	if (str_is(word, "system") || str_is(word, "developer"))
		return ROLE_system;
	if (str_is(word, "assistant"))
		return ROLE_assistant;
	if (str_is(word, "tool") || str_is(word, "function"))
		return ROLE_tool;
	return ROLE_user;
}

static void
begin_message(struct reader *r)
{
	r->role = ROLE_user;
	r->tool_result = false;
	r->first_piece = r->pieces.total;
}

/* The role may stand behind the content, so that only now it is known. */
static void
end_message(struct reader *r, uint32_t index)
{
	struct task *t = &r->task;

	piece_list_set_role(&r->pieces, r->first_piece, r->role);
	t->messages = index + 1;
	t->open_tool_call = r->role == ROLE_tool || r->tool_result;
	if (r->role != ROLE_user || r->tool_result)
		return;
	t->turns++;
	r->last_user = index;
	if (r->first_user == UINT32_MAX)
		r->first_user = index;
}

static void
read_block_type(struct reader *r, const struct scan_value *v)
{
	static const struct {
		const char *word;
		enum { IMAGE, AUDIO, FILE_PART, RESULT } what;
	} types[] = {
	    {"image_url", IMAGE},
	    {"image", IMAGE},
	    {"input_audio", AUDIO},
	    {"file", FILE_PART},
	    {"document", FILE_PART},
	    {"container_upload", FILE_PART},
	    {"tool_result", RESULT},
	};
	struct str word = raw_of(r, v);

	for (size_t i = 0; i < nitems(types); i++) {
		if (v->kind != SCAN_string || !str_is(word, types[i].word))
			continue;
		r->task.images += types[i].what == IMAGE;
		r->task.audios += types[i].what == AUDIO;
		r->task.files += types[i].what == FILE_PART;
		r->tool_result |= types[i].what == RESULT;
	}
}

static void
read_text(struct reader *r, enum field f, const struct scan_value *v)
{
	struct piece p = {
	    .start = v->start + 1, .end = v->end - 1, .message = v->index[0]};

	if (v->kind != SCAN_string)
		return;
	r->task.text_bytes += scan_text_bytes(raw_of(r, v));
	p.fixed = f != FIELD_text;
	p.role = f == FIELD_system_text ? ROLE_system : ROLE_tool;
	if (p.end > p.start)
		piece_list_add(&r->pieces, &p, r->mem);
}

/* Text that the model reads and the classifier does not, or content that is no text. */
static void
read_bytes(struct reader *r, enum field f, const struct scan_value *v)
{
	size_t bytes = v->end == 0 ? 0 : v->end - v->start;

	if (f == FIELD_counted)
		r->task.text_bytes += bytes;
	else if (f == FIELD_opaque || str_starts(raw_of(r, v), STR("data:")))
		r->task.opaque_bytes += bytes;
}

static bool
on_message(struct reader *r, enum field f, const struct scan_value *v)
{
	switch (f) {
	case FIELD_messages:
		r->messages_seen = true;
		break;
	case FIELD_message:
		if (v->end == 0)
			begin_message(r);
		else
			end_message(r, v->index[0]);
		break;
	case FIELD_role:
		r->role = role_of(raw_of(r, v));
		break;
	case FIELD_block_type:
		read_block_type(r, v);
		break;
	case FIELD_counted:
	case FIELD_opaque:
		read_bytes(r, f, v);
		break;
	case FIELD_url:
		if (v->kind == SCAN_string)
			read_bytes(r, f, v);
		break;
	default:
		read_text(r, f, v);
		break;
	}
	return true;
}

/* ---- the rest ---- */

static bool
on_wish(struct reader *r, enum field f, const struct scan_value *v)
{
	struct str word;

	if (f == FIELD_format || f == FIELD_audio) {
		r->json_schema |= f == FIELD_format && v->kind == SCAN_object;
		r->audio |= f == FIELD_audio && v->kind == SCAN_object;
		return true;
	}
	word = name_of(r, v, NAME_MAX_BYTES);
	r->json_schema |= f == FIELD_format_type && str_is(word, "json_schema");
	r->audio |= f == FIELD_modality && str_is(word, "audio");
	if (f == FIELD_effort && word.len > 0)
		r->task.effort = word;
	return true;
}

/* Claude Code's user_…_account_…_session_UUID. */
static struct str
session_of(struct str user)
{
	static const char mark[] = "_session_";
	const char *at;

	if (user.len == 0)
		return user;
	at = memmem(user.p, user.len, mark, sizeof(mark) - 1);
	if (at == NULL)
		return str_make("", 0);
	return str_skip(user, (size_t)(at - user.p) + sizeof(mark) - 1);
}

static bool
on_person(struct reader *r, enum field f, const struct scan_value *v)
{
	struct str name = name_of(r, v, NAME_MAX_BYTES);

	if (name.len == 0)
		return true;
	if (f == FIELD_prompt_cache_key) {
		r->task.prompt_cache_key = name;
		return true;
	}
	r->task.user = name;
	if (f == FIELD_user_id)
		r->task.session_hint = session_of(name);
	return true;
}

/* Where a history is bound to a model and to a provider, the model counts. */
static bool
on_bound(struct reader *r, enum field f, const struct scan_value *v)
{
	enum bound_kind kind =
	    (enum bound_kind)(BOUND_signature + (f - FIELD_bound_signature));
	bool there =
	    v->kind == SCAN_object || (v->kind == SCAN_string && v->end - v->start > 2);

	if (there && (r->task.bound == BOUND_none || kind < r->task.bound))
		r->task.bound = kind;
	return true;
}

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct reader *r = arg;
	enum field f = (enum field)v->id;

	if ((fields[f].kinds & 1U << v->kind) == 0)
		return blame(r, f);
	if (f < FIELD_messages)
		return on_setting(r, f, v);
	if (f < FIELD_format_type)
		return on_message(r, f, v);
	if (f < FIELD_user)
		return on_wish(r, f, v);
	if (f < FIELD_bound_signature)
		return on_person(r, f, v);
	return on_bound(r, f, v);
}

/* ---- begin and feed ---- */

struct reader *
reader_new(const struct parse_shared *shared, const struct dialect *d, enum endpoint ep,
    struct arena *mem)
{
	struct reader *r = arena_alloc(mem, sizeof(*r));

	r->dialect = d;
	r->endpoint = ep;
	r->mem = mem;
	r->scan = scan_new(paths_of(shared, d), SCAN_DEPTH_MAX, on_value, r);
	r->task = (struct task){.dialect = d, .endpoint = ep, .max_output = -1};
	r->task.n = 1;
	r->task.best_of = 1;
	r->first_user = UINT32_MAX;
	r->last_user = UINT32_MAX;
	return r;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	scan_free(r->scan);
	r->scan = NULL; /* the rest is the arena's */
}

bool
reader_feed(struct reader *r, struct str body, size_t fresh)
{
	bool ok;

	r->body = body.p;
	ok = scan_feed(r->scan, body.p + (body.len - fresh), fresh);
	r->body = NULL;
	return ok;
}

/* ---- the end ---- */

static enum outcome
refuse(struct reader *r, const char *param, const char *text)
{
	r->fault_param = param;
	r->fault_text = text;
	return OUT_bad_request;
}

static enum outcome
check(struct reader *r)
{
	if (!scan_end(r->scan)) {
		if (scan_error(r->scan) == SCAN_refused)
			return OUT_bad_request;
		r->fault_text =
		    arena_printf(r->mem, "the body is not valid JSON: %s at byte %zu",
			scan_error_text(scan_error(r->scan)), scan_error_at(r->scan));
		return OUT_bad_json;
	}
	if (r->task.model.len == 0)
		return refuse(
		    r, "model", "model: missing; name a model, an alias or a route");
	if (!r->messages_seen)
		return refuse(r, "messages", "messages: missing");
	if (r->task.messages == 0)
		return refuse(r, "messages", fields[FIELD_messages].text);
	if (r->dialect->max_output_required && r->endpoint == EP_generate &&
	    r->task.max_output < 0)
		return refuse(r, "max_tokens", "max_tokens: missing");
	return OUT_served;
}

static uint64_t
mix(uint64_t h, struct str s)
{
	uint64_t part[3] = {h, s.len, 0};

	part[2] = hash_stable(str_make(s.p, s.len > HASH_MAX ? HASH_MAX : s.len));
	return hash_stable(str_make((const char *)part, sizeof(part)));
}

/* Texts only: cache marks move through the same conversation. */
static uint64_t
prefix_hash(const struct reader *r, struct str body, const struct prompt *p)
{
	uint64_t h = mix(0,
	    str_make(body.p + r->tools_at.start, r->tools_at.end - r->tools_at.start));

	for (uint32_t i = 0; i < p->count; i++) {
		const struct prompt_piece *piece = &p->pieces[i];
		bool system =
		    piece->role == ROLE_system && piece->message <= r->first_user;

		if (system || piece->message == r->first_user)
			h = mix(h, piece->raw);
	}
	return h;
}

static uint32_t
needs_of(const struct reader *r)
{
	const struct task *t = &r->task;
	bool thinks = t->effort.len > 0 && !str_is(t->effort, "none") &&
		      !str_is(t->effort, "disabled");
	bool need[CAP_COUNT] = {
	    [CAP_tools] = t->tools > 0,
	    [CAP_vision] = t->images > 0,
	    [CAP_json_schema] = r->json_schema,
	    [CAP_audio] = t->audios > 0 || r->audio,
	    [CAP_files] = t->files > 0,
	    [CAP_reasoning] = thinks,
	    [CAP_stream] = t->stream,
	};
	uint32_t needs = 0;

	for (unsigned i = 0; i < CAP_COUNT; i++)
		needs |= (uint32_t)need[i] << i;
	return needs;
}

enum outcome
reader_finish(struct reader *r, struct str body, struct task *ret_task,
    struct prompt *ret_prompt, const char **ret_param, const char **ret_text)
{
	enum outcome o = check(r);

	if (o != OUT_served) {
		*ret_param = r->fault_param;
		*ret_text = r->fault_text;
		return o;
	}
	piece_list_finish(&r->pieces, body, r->mem, ret_prompt);
	ret_prompt->last_user = r->last_user == UINT32_MAX ? 0 : r->last_user;
	r->task.object_start =
	    (size_t)((const char *)memchr(body.p, '{', body.len) - body.p) + 1;
	r->task.prefix_hash = prefix_hash(r, body, ret_prompt);
	r->task.needs = needs_of(r);
	*ret_task = r->task;
	return OUT_served;
}
