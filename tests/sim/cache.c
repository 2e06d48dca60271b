/* cache.c: a table of hashes with times; what is overwritten was forgotten early, as
 * providers do. */
#include "cache.h"

#include "base/env.h"
#include "base/hash.h"
#include "base/mem.h"

#define ENTRIES      65536U
#define TTL_NS       (300 * NS_PER_S)
#define TTL_LONG_NS  (3600 * NS_PER_S)
#define LEAST_TOKENS 1024
#define STEP_TOKENS  128
#define LOOK_BACK    20U

struct entry {
	uint64_t hash;
	int64_t until_ns;
};

struct cache {
	struct entry entry[ENTRIES];
};

struct cache *
cache_new(void)
{
	return xcalloc(1, sizeof(struct cache));
}

void
cache_free(struct cache *c)
{
	xfree(c);
}

void
cache_clear(struct cache *c)
{
	memset(c, 0, sizeof(*c));
}

/* Every model has a cache of its own. */
static uint64_t
hash_of(const struct ask *a, unsigned piece)
{
	return a->pieces[piece].hash ^ hash_stable(a->model);
}

static bool
knows(const struct cache *c, uint64_t hash, int64_t now_ns)
{
	const struct entry *e = &c->entry[hash % ENTRIES];

	return e->hash == hash && e->until_ns > now_ns;
}

static void
keep(struct cache *c, uint64_t hash, int64_t until_ns)
{
	struct entry *e = &c->entry[hash % ENTRIES];

	if (e->hash != hash || e->until_ns < until_ns)
		*e = (struct entry){.hash = hash, .until_ns = until_ns};
}

struct cached
cache_openai(struct cache *c, const struct ask *a, int64_t now_ns)
{
	struct cached r = {0};

	if (a->tokens < LEAST_TOKENS)
		return r;
	for (unsigned i = 0; i < a->piece_count; i++) {
		uint64_t hash = hash_of(a, i);

		if (knows(c, hash, now_ns))
			r.read = a->pieces[i].tokens / STEP_TOKENS * STEP_TOKENS;
		keep(c, hash, now_ns + TTL_NS);
	}
	if (r.read < LEAST_TOKENS)
		r.read = 0;
	return r;
}

struct cached
cache_anthropic(struct cache *c, const struct ask *a, int64_t now_ns)
{
	struct cached r = {0};
	unsigned last = 0; /* behind the last mark */
	bool any = false;
	int64_t read = 0;

	for (unsigned i = 0; i < a->piece_count; i++) {
		if (a->pieces[i].mark != 0) {
			last = i;
			any = true;
		}
	}
	if (!any || a->pieces[last].tokens < LEAST_TOKENS)
		return r;
	for (unsigned i = last + 1 > LOOK_BACK ? last + 1 - LOOK_BACK : 0; i <= last;
	     i++) {
		if (knows(c, hash_of(a, i), now_ns))
			read = a->pieces[i].tokens;
		keep(c, hash_of(a, i),
		    now_ns + (a->pieces[last].mark == 2 ? TTL_LONG_NS : TTL_NS));
	}
	r.read = read;
	if (a->pieces[last].mark == 2)
		r.write_1h = a->pieces[last].tokens - read;
	else
		r.write_5m = a->pieces[last].tokens - read;
	return r;
}
