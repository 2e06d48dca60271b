/* recover.c: at start, what dead processes have left in their slots is booked, once. */
#include <errno.h>
#include <stdio.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/str.h"
#include "slots_file.h"
#include "stage/meter.h"

struct file_head {
	char magic[16];
	uint32_t layout, count, slot_bytes;
};

static const char magic[16] = "frugald slots\n";

void
slots_file_init(void *map, unsigned count)
{
	struct file_head *h = map;

	h->layout = SLOTS_LAYOUT;
	h->count = count;
	h->slot_bytes = SLOT_BYTES;
	memcpy(h->magic, magic, sizeof(magic));
}

unsigned
slots_file_count(const void *map, size_t bytes)
{
	const struct file_head *h = map;

	if (bytes < SLOT_BYTES || memcmp(h->magic, magic, sizeof(magic)) != 0 ||
	    h->layout != SLOTS_LAYOUT || h->slot_bytes != SLOT_BYTES)
		return 0;
	return bytes / SLOT_BYTES - 1 < h->count ? 0 : h->count;
}

/* An attempt that nobody settled: sent or not, answered or not, is all we know. */
static void
settle_crashed(struct slot_attempt *a)
{
	if (a->closed)
		return;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a->tokens[k] = -1;
	a->reasoning = -1;
	a->outcome = OUT_crashed;
	settle_by_basis(a,
	    !a->sent	    ? BASIS_none
		: a->first_byte ? BASIS_partial
				: BASIS_unknown);
	a->closed = 1;
}

/* Does the slot hold a request that may have cost something? */
static bool
worth_booking(const struct slot *s)
{
	uint32_t state = atomic_load(&s->state);

	if (state != SLOT_open && state != SLOT_closed)
		return false;
	if (s->attempts == 0 || s->attempts > SLOT_ATTEMPTS)
		return false;
	return s->crc == hash_crc32c(0, &s->request, sizeof(s->request));
}

struct recovery {
	struct env *env;
	const char *dir;
	bool (*book)(void *arg, const struct slot *s);
	void *arg;
	int booked;
	int error;
};

static bool
book_slot(struct recovery *r, const struct slot *found)
{
	struct slot s = *found;

	for (unsigned i = 0; i < s.attempts; i++)
		settle_crashed(&s.attempt[i]);
	if (atomic_load(&found->state) == SLOT_open) {
		s.outcome = OUT_crashed;
		s.end_ms = env_wall_ms(r->env);
	}
	if (s.raw_usage_len > SLOT_RAW_USAGE)
		s.raw_usage_len = 0;
	if (!r->book(r->arg, &s))
		return false;
	r->booked++;
	return true;
}

static bool
book_file(struct recovery *r, struct env_map *map)
{
	unsigned count = slots_file_count(map->p, map->bytes);

	for (uint32_t i = 0; i < count; i++) {
		struct slot *s = slots_file_at(map->p, i);

		if (worth_booking(s) && !book_slot(r, s))
			return false;
	}
	return true;
}

static void
on_name(void *arg, const char *name)
{
	struct recovery *r = arg;
	struct env_map map;
	char path[4096];
	bool booked;

	if (!str_starts(str_of(name), STR(SLOTS_PREFIX)))
		return;
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	if (!r->env->map_open(r->env, path, &map)) {
		if (errno != EWOULDBLOCK) /* a living process keeps its own */
			r->error = errno;
		return;
	}
	booked = book_file(r, &map);
	r->env->map_close(r->env, &map);
	if (!booked)
		r->error = EIO;
	else
		r->env->remove_file(r->env, path);
}

int
slots_recover(struct env *env, const char *state_dir,
    bool (*book)(void *arg, const struct slot *s), void *arg)
{
	struct recovery r = {.env = env, .dir = state_dir, .book = book, .arg = arg};

	if (!env->list_dir(env, state_dir, on_name, &r))
		return -1;
	if (r.error != 0) {
		errno = r.error;
		return -1;
	}
	return r.booked;
}
