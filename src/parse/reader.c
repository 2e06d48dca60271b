/* reader.c: a client's body as it arrives: what is asked for, and where it stands. */
#include "reader.h"

#include "base/hash.h"
#include "base/mem.h"

/* Of a long text its begin, its end and its length tell prefixes apart. */
#define HASH_EDGE 1024U

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

static const struct {
	read_fn *read;
	unsigned kinds;
	const char *want;
} fields[] = {
#define FIELD(name, group, kinds, want) {read_##group, kinds, want},
#include "field.def"
};

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct reader *r = arg;
	enum field f = (enum field)v->id;

	if ((fields[f].kinds & 1U << v->kind) != 0 && fields[f].read(r, f, v))
		return true;
	r->refused = f;
	return false;
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

/* ---- faults ---- */

static enum outcome
fault(struct body_fault *ret, enum outcome o, const char *param, const char *text)
{
	*ret = (struct body_fault){.param = param, .text = text};
	return o;
}

/* The scan has stopped: at a field that has a name, or just somewhere. */
static enum outcome
scan_fault(struct reader *r, struct body_fault *ret)
{
	enum scan_error e = scan_error(r->scan);
	bool json = e == SCAN_refused || e == SCAN_duplicate || e == SCAN_depth ||
		    e == SCAN_number_range;
	enum outcome o = json ? OUT_bad_request : OUT_bad_json;
	char where[128];
	const char *param;

	scan_where(r->scan, where, sizeof(where));
	if (e == SCAN_syntax || e == SCAN_truncated || where[0] == '\0')
		return fault(ret, o, NULL,
		    arena_printf(r->mem, "the body%s: %s at byte %zu",
			json ? "" : " is not valid JSON", scan_error_text(e),
			scan_error_at(r->scan)));
	param = arena_str(r->mem, str_of(where));
	if (e == SCAN_refused)
		return fault(ret, o, param,
		    arena_printf(
			r->mem, "%s: expected %s", where, fields[r->refused].want));
	return fault(ret, o, param,
	    arena_printf(r->mem, "%s: %s, at byte %zu of the body", where,
		scan_error_text(e), scan_error_at(r->scan)));
}

static enum outcome
check(struct reader *r, struct body_fault *ret)
{
	const struct task *t = &r->task;
	bool generates = r->endpoint == EP_generate;

	if (!scan_end(r->scan))
		return scan_fault(r, ret);
	if (t->model.len == 0)
		return fault(ret, OUT_bad_request, "model",
		    "model: missing; name a model, an alias or a route");
	if (!r->messages_seen || t->messages == 0)
		return fault(ret, OUT_bad_request, "messages",
		    "messages: missing; at least one is wanted");
	if (r->dialect->max_output_required && generates && t->max_output < 0)
		return fault(ret, OUT_bad_request, "max_tokens",
		    "max_tokens: missing; this API wants the most that may be "
		    "generated");
	return OUT_served;
}

/* ---- the end ---- */

static uint64_t
mix(uint64_t h, struct str s)
{
	uint64_t key[2] = {h, s.len};

	if (s.len <= 2 * HASH_EDGE)
		return hash_sip(key, s);
	key[0] = hash_sip(key, str_make(s.p, HASH_EDGE));
	return hash_sip(key, str_skip(s, s.len - HASH_EDGE));
}

/* Texts only: cache marks move through the same conversation. */
static void
hash_prefix(struct reader *r, struct str body, const struct prompt *p)
{
	uint64_t first = 0, all = mix(0, str_make(body.p + r->tools_at.start,
					     r->tools_at.end - r->tools_at.start));

	for (uint32_t i = 0; i < p->count; i++) {
		const struct prompt_piece *piece = &p->pieces[i];
		bool system = piece->role == ROLE_system;

		if (!system && piece->message == r->first_user)
			first = mix(first, piece->raw);
		if (piece->message == r->first_user ||
		    (system && piece->message <= r->first_user))
			all = mix(all, piece->raw);
	}
	r->task.prefix_hash = all;
	r->task.first_turn_hash = first;
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
    struct prompt *ret_prompt, struct body_fault *ret_fault)
{
	enum outcome o = check(r, ret_fault);

	if (o != OUT_served)
		return o;
	piece_list_finish(&r->pieces, body, r->mem, ret_prompt);
	ret_prompt->last_user = r->last_user == UINT32_MAX ? 0 : r->last_user;
	r->task.object_start =
	    (size_t)((const char *)memchr(body.p, '{', body.len) - body.p) + 1;
	hash_prefix(r, body, ret_prompt);
	r->task.needs = needs_of(r);
	r->task.body_bytes = body.len;
	*ret_task = r->task;
	return OUT_served;
}
