/* splicer.c: replace values in a client's body;
 * put members that are missing at its start. */
#include "splicer.h"

#include <assert.h>
#include <inttypes.h>

/* Names of models and tiers come from the policy; the longest is far below this. */
#define STRING_MAX 16384U

void
splicer_init(struct splicer *s, const struct task *t, struct arena *mem,
    struct splice ret[static SPLICES_MAX])
{
	*s = (struct splicer){.task = t, .mem = mem, .list = ret, .members = STR("")};
}

static void
add(struct splicer *s, size_t start, size_t end, struct str text)
{
	assert(s->count < SPLICES_MAX);
	s->list[s->count++] = (struct splice){.start = start, .end = end, .text = text};
}

void
splicer_replace(struct splicer *s, struct span at, struct str value)
{
	add(s, at.start, at.end, value);
}

void
splicer_insert(struct splicer *s, size_t at, struct str text)
{
	add(s, at, at, text);
}

void
splicer_set(struct splicer *s, struct span at, const char *name, struct str value)
{
	if (at.end != 0)
		splicer_replace(s, at, value);
	else /* The comma fits: a body without members is refused long before. */
		s->members = str_of(arena_printf(s->mem, "%.*s\"%s\":%.*s,",
		    (int)s->members.len, s->members.p, name, (int)value.len, value.p));
}

static struct str
json_string(const struct splicer *s, struct str text)
{
	struct json j;
	struct buf b;
	struct str ret;

	buf_init(&b, STRING_MAX);
	json_init(&j, &b);
	json_str(&j, NULL, text);
	assert(!j.full);
	ret = str_of(arena_str(s->mem, buf_str(&b)));
	buf_fini(&b);
	return ret;
}

void
splicer_set_model(struct splicer *s, struct str model)
{
	if (s->task->model_at.end == 0 || !str_eq(s->task->model, model))
		splicer_set(s, s->task->model_at, "model", json_string(s, model));
}

void
splicer_set_service_tier(struct splicer *s, struct str tier)
{
	if (tier.len > 0 && !str_eq(s->task->service_tier, tier))
		splicer_set(
		    s, s->task->service_tier_at, "service_tier", json_string(s, tier));
}

size_t
splicer_done(struct splicer *s)
{
	if (s->members.len > 0)
		splicer_insert(s, s->task->object_start, s->members);
	for (size_t i = 1; i < s->count; i++) {
		struct splice this = s->list[i];
		size_t to = i;

		for (; to > 0 && s->list[to - 1].start > this.start; to--)
			s->list[to] = s->list[to - 1];
		s->list[to] = this;
	}
	return s->count;
}

struct str
splicer_int(const struct splicer *s, int64_t v)
{
	return str_of(arena_printf(s->mem, "%" PRId64, v));
}
