/* frame.c: what a decision was made from, in few bytes and back, so that it can be made
 * again. One walk writes and reads, so that the two cannot differ. */
#include "work.h"

#include <math.h>

#define FORM 2U

/* No size, count or time of a request is as large. */
#define MOST       ((uint64_t)1 << 48)
#define MOST_COUNT UINT32_MAX
/* Choices of an answer: so that no sum over them can overflow. */
#define MOST_CHOICES ((uint64_t)1 << 20)
/* A name of ours, or a client's word for a tier of service. */
#define TEXT_BYTES 24U

/* Everything that an input points to. */
struct frame {
	struct route_input in;
	struct task task;
	struct verdict verdict;
	struct principal who;
	struct key_entry key;
	struct session_view session;
	struct tag tags[nitems(((struct request *)0)->tags)];
	struct packed_candidate option[CANDIDATES_MAX];
	unsigned options;
};

struct codec {
	uint8_t *at, *end;
	bool writing, ok;
	const struct snapshot *snap;
	struct arena *mem;
};

static uint8_t *
take(struct codec *c, size_t bytes)
{
	uint8_t *at = c->at;

	c->ok = c->ok && (size_t)(c->end - c->at) >= bytes;
	if (!c->ok)
		return NULL;
	c->at += bytes;
	return at;
}

static void
code_raw(struct codec *c, void *value, size_t bytes)
{
	uint8_t *at = take(c, bytes);

	if (at != NULL)
		memcpy(c->writing ? at : value, c->writing ? value : at, bytes);
}

/* Writes `v`, or gives what was written in its place; seven bits a byte. */
static uint64_t
code(struct codec *c, uint64_t v, uint64_t most)
{
	uint64_t read = 0;
	unsigned shift = 0;
	uint8_t *at;

	c->ok = c->ok && (!c->writing || v <= most);
	do {
		at = take(c, 1);
		if (at == NULL || shift > 56)
			break;
		if (c->writing)
			*at = (uint8_t)((v & 0x7F) | (v > 0x7F ? 0x80 : 0));
		read |= (uint64_t)(*at & 0x7F) << shift;
		v >>= 7;
		shift += 7;
	} while ((*at & 0x80) != 0);
	c->ok = c->ok && at != NULL && (*at & 0x80) == 0 && read <= most;
	return c->ok ? read : 0;
}

/* An index below `count`, or none. */
static int
code_index(struct codec *c, int i, unsigned count)
{
	return (int)code(c, (uint64_t)((int64_t)i + 1), count) - 1;
}

static void
code_float(struct codec *c, float *v)
{
	code_raw(c, v, sizeof(*v));
	c->ok = c->ok && isfinite(*v);
}

static void
code_double(struct codec *c, double *v)
{
	code_raw(c, v, sizeof(*v));
	c->ok = c->ok && isfinite(*v);
}

static void
code_text(struct codec *c, struct str *s)
{
	size_t len = (size_t)code(c, s->len, TEXT_BYTES);
	uint8_t *at = take(c, len);

	if (at == NULL)
		return;
	if (c->writing && len > 0)
		memcpy(at, s->p, len);
	if (!c->writing)
		*s = str_make(arena_str(c->mem, str_make((char *)at, len)), len);
}

/* ---- the walk ---- */

static const struct dialect *
code_dialect(struct codec *c, const struct dialect *d)
{
	struct str name = str_of(d != NULL ? d->name : "");

	code_text(c, &name);
	d = dialect_find(name);
	c->ok = c->ok && d != NULL;
	return d;
}

/* One number, of which older rows have the lowest bit alone. */
static void
code_more(struct codec *c, struct task *t)
{
	uint64_t more = (uint64_t)t->open_tool_call | (uint64_t)t->fetches << 1 |
			(uint64_t)(t->format_at.end > 0) << 2 |
			(uint64_t)t->searches << 3;

	more = code(c, more, (uint64_t)UINT32_MAX << 3 | 7);
	t->open_tool_call = (more & 1) != 0;
	t->fetches = (more >> 1 & 1) != 0;
	t->format_at.end = more >> 2 & 1; /* where it stood does not matter */
	t->searches = (uint32_t)(more >> 3);
}

static void
code_task(struct codec *c, struct task *t)
{
	t->dialect = code_dialect(c, t->dialect);
	t->endpoint = (enum endpoint)code(c, t->endpoint, EP_count_tokens);
	t->text_bytes = (size_t)code(c, t->text_bytes, MOST);
	t->opaque_bytes = (size_t)code(c, t->opaque_bytes, MOST);
	t->body_bytes = (size_t)code(c, t->body_bytes, MOST);
	t->max_output = (int64_t)code(c, (uint64_t)(t->max_output + 1), MOST) - 1;
	t->n = (int64_t)code(c, (uint64_t)t->n, MOST_CHOICES);
	t->best_of = (int64_t)code(c, (uint64_t)t->best_of, MOST_CHOICES);
	t->needs = (uint32_t)code(c, t->needs, UINT32_MAX);
	t->tools = (uint32_t)code(c, t->tools, MOST_COUNT);
	t->messages = (uint32_t)code(c, t->messages, MOST_COUNT);
	t->images = (uint32_t)code(c, t->images, MOST_COUNT);
	t->audios = (uint32_t)code(c, t->audios, MOST_COUNT);
	t->files = (uint32_t)code(c, t->files, MOST_COUNT);
	code_more(c, t);
	t->bound = (enum bound_kind)code(c, t->bound, BOUND_state);
	t->cache_mark = (enum cache_mark)code(c, t->cache_mark, CACHE_hour);
	code_text(c, &t->service_tier);
}

static const struct data_class *
code_class(struct codec *c, const struct data_class *d)
{
	int i =
	    code_index(c, d != NULL ? (int)d->index : -1, c->snap->data_class_count);

	return i < 0 ? NULL : &c->snap->data_classes[i];
}

/* But for the tags that it requires: a request that did not have them was refused and
 * has no row. */
static void
code_terms(struct codec *c, struct terms *t)
{
	t->may_use_all = code(c, t->may_use_all, 1) != 0;
	if (!t->may_use_all) {
		code_raw(c, &t->may_use_models, sizeof(t->may_use_models));
		code_raw(c, &t->may_use_routes, sizeof(t->may_use_routes));
	}
	/* One more, so that the usual "all" is 0. */
	t->may_use_providers =
	    (uint32_t)code(c, (uint32_t)(t->may_use_providers + 1), UINT32_MAX) - 1;
	t->services = (uint32_t)code(c, (uint32_t)(t->services + 1), UINT32_MAX) - 1;
	t->max_per_request.v =
	    (int64_t)code(c, (uint64_t)t->max_per_request.v, INT64_MAX);
	t->max_output = (int64_t)code(c, (uint64_t)(t->max_output + 1), MOST) - 1;
	if (code(c, t->frontier_at_most >= 0, 1) != 0)
		code_double(c, &t->frontier_at_most);
	else
		t->frontier_at_most = -1;
}

/* The key's own terms: the keys file is people's and not kept. */
static void
code_key(struct codec *c, const struct key_entry **key, struct key_entry *place)
{
	bool has = code(c, *key != NULL, 1) != 0;

	if (c->writing && *key != NULL)
		*place = **key;
	*key = has ? place : NULL;
	if (!has)
		return;
	place->data = code_class(c, place->data);
	code_terms(c, &place->terms);
}

static void
code_session(struct codec *c, struct session_view *s)
{
	int model = s->model != NULL ? (int)s->model->index : -1;
	int provider = s->provider != NULL ? (int)s->provider->index : -1;

	s->known = code(c, s->known, 1) != 0;
	if (!s->known)
		return;
	model = code_index(c, model, c->snap->model_count);
	provider = code_index(c, provider, c->snap->provider_count);
	s->model = model < 0 ? NULL : &c->snap->models[model];
	s->provider = provider < 0 ? NULL : &c->snap->providers[provider];
	s->idle_ms = (int64_t)code(c, (uint64_t)s->idle_ms, MOST);
	s->cached_tokens = (int64_t)code(c, (uint64_t)s->cached_tokens, MOST);
	code_float(c, &s->complexity);
	s->class = code_index(c, s->class, CLASS_COUNT);
	s->hour = code(c, s->hour, 1) != 0;
	s->turns = (uint16_t)code(c, s->turns, UINT16_MAX); /* only to be told */
}

/* Nothing but the class is known of a request that was not classified, or that goes on
 * with its session's task. */
static void
code_odds(struct codec *c, struct verdict *v)
{
	struct odds o;
	bool told = odds_of(v, &o);

	told = code(c, told, 1) != 0;
	if (told)
		code_raw(c, &o, sizeof(o));
	if (told && !c->writing)
		odds_tell(&o, v);
}

static void
code_input(struct codec *c, struct frame *f)
{
	f->in.data = code_class(c, f->in.data);
	f->in.bypass_mode = (enum route_mode)code(c, f->in.bypass_mode, MODE_COUNT);
	code_double(c, &f->in.min_quality);
	code_double(c, &f->in.max_cost_usd);
	f->verdict.follows = code(c, f->verdict.follows, 1) != 0;
	code_odds(c, &f->verdict);
	code_task(c, &f->task);
	code_key(c, &f->who.key, &f->key);
	code_session(c, &f->session);
	f->in.deadline_ms = (int64_t)code(c, (uint64_t)f->in.deadline_ms, MOST);
}

/* ---- the row ---- */

size_t
decision_pack(const struct route_input *in, uint8_t ret[static DECISION_BYTES])
{
	struct codec c = {.at = ret,
	    .end = ret + DECISION_BYTES,
	    .writing = true,
	    .ok = true,
	    .snap = in->snap};
	struct frame f = {.in = *in,
	    .task = *in->task,
	    .verdict = *in->verdict,
	    .who = *in->who,
	    .session = *in->session};

	/* The row's column would cut it. */
	if (in->task->model.len >= sizeof(((struct slot_request *)0)->asked))
		return 0;
	(void)code(&c, FORM, FORM);
	code_input(&c, &f);
	return c.ok ? (size_t)(c.at - ret) : 0;
}

static struct signal
packed_signal(void *arg, const struct candidate *c)
{
	const struct frame *f = arg;

	for (unsigned i = 0; i < f->options; i++) {
		const struct packed_candidate *o = &f->option[i];

		if (o->model == c->model->index && o->at == c->at &&
		    o->by_rule == (c->service != NULL))
			return (struct signal){.up = o->up,
			    .ttft_ms = o->ttft_ms,
			    .wait_ms = o->wait_ms,
			    .wait_high_ms = o->wait_high_ms};
	}
	return SIGNAL_UNKNOWN;
}

static void
read_tags(struct frame *f, struct str tags)
{
	struct str line;

	while (f->in.tag_count < nitems(f->tags) && str_split(&tags, '\n', &line)) {
		struct tag *t = &f->tags[f->in.tag_count];

		if (!str_split(&line, '=', &t->name) || t->name.len == 0)
			continue;
		t->value = line;
		f->in.tag_count++;
	}
}

static bool
read_columns(struct frame *f, const struct decision_row *row, struct arena *mem)
{
	f->task.model = str_make(arena_str(mem, row->asked), row->asked.len);
	f->verdict.complexity = row->complexity;
	f->verdict.confidence = row->confidence;
	f->who.key_name = arena_str(mem, row->key);
	f->who.team_name = arena_str(mem, row->team);
	if (row->team.len > 0)
		f->who.team = snapshot_team(f->in.snap, row->team);
	f->in.wall_s = f->in.hours_s = row->start_ms / 1000;
	f->in.draw = row->session;
	read_tags(f, str_make(arena_str(mem, row->tags), row->tags.len));
	f->options = plan_unpack(row->plan, f->option, CANDIDATES_MAX);
	return class_parse(row->class_name, &f->verdict.class) &&
	       (row->team.len == 0 || f->who.team != NULL);
}

struct route_input *
decision_unpack(
    const struct decision_row *row, const struct snapshot *s, struct arena *mem)
{
	struct frame *f = arena_alloc(mem, sizeof(*f));
	uint8_t bytes[DECISION_BYTES];
	struct codec c = {.at = bytes, .ok = true, .snap = s, .mem = mem};

	if (row->decision.len == 0 || row->decision.len > sizeof(bytes))
		return NULL;
	memcpy(bytes, row->decision.p, row->decision.len);
	c.end = bytes + row->decision.len;
	f->session = (struct session_view){.complexity = -1, .class = -1};
	f->in = (struct route_input){.snap = s,
	    .task = &f->task,
	    .verdict = &f->verdict,
	    .who = &f->who,
	    .session = &f->session,
	    .tags = f->tags,
	    .signal = packed_signal,
	    .signal_arg = f};
	if (code(&c, 0, FORM) != FORM)
		return NULL;
	code_input(&c, f);
	return c.ok && read_columns(f, row, mem) ? &f->in : NULL;
}
