/* recover.c: at start, what dead processes have left in their slots is booked, once. */
#include <errno.h>
#include <stdio.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/mem.h"
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
	settle_by_basis(a, !a->sent        ? BASIS_none
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

#define FILES_MAX 64

struct recovery {
	struct env *env;
	const char *dir;
	struct env_map map[FILES_MAX];
	char *path[FILES_MAX];
	unsigned files;
	const struct slot **slot;
	size_t slots, room;
	int error;
};

/* Settled where it stands, so that a crash in the middle of recovery books the same
 * again. */
static void
take_slot(struct recovery *r, struct slot *s)
{
	for (unsigned i = 0; i < s->attempts; i++)
		settle_crashed(&s->attempt[i]);
	if (s->raw_usage_len > SLOT_RAW_USAGE)
		s->raw_usage_len = 0;
	if (atomic_load(&s->state) == SLOT_open) {
		s->outcome = OUT_crashed;
		s->end_ms = env_wall_ms(r->env);
		atomic_store(&s->state, SLOT_closed);
	}
	if (r->slots == r->room) {
		r->room = r->room == 0 ? 256 : r->room * 2;
		r->slot = xrealloc(r->slot, r->room * sizeof(*r->slot));
	}
	r->slot[r->slots++] = s;
}

static void
on_name(void *arg, const char *name)
{
	struct recovery *r = arg;
	struct env_map *map = &r->map[r->files];
	char path[4096];
	unsigned count;

	if (!str_starts(str_of(name), STR(SLOTS_PREFIX)) || r->files == FILES_MAX)
		return;
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	if (!r->env->map_open(r->env, path, map)) {
		if (errno != EWOULDBLOCK) /* a living process keeps its own */
			r->error = errno;
		return;
	}
	r->path[r->files++] = xstrdup(path);
	count = slots_file_count(map->p, map->bytes);
	for (uint32_t i = 0; i < count; i++) {
		struct slot *s = slots_file_at(map->p, i);

		if (worth_booking(s))
			take_slot(r, s);
	}
}

static void
close_files(struct recovery *r, bool remove)
{
	for (unsigned i = 0; i < r->files; i++) {
		r->env->map_close(r->env, &r->map[i]);
		if (remove)
			r->env->remove_file(r->env, r->path[i]);
		xfree(r->path[i]);
	}
}

int
slots_recover(struct env *env, const char *state_dir,
    bool (*book)(void *arg, const struct slot *const *slot, unsigned count), void *arg)
{
	struct recovery *r = xcalloc(1, sizeof(*r));
	bool booked;
	int n = -1;

	r->env = env;
	r->dir = state_dir;
	if (!env->list_dir(env, state_dir, on_name, r))
		r->error = errno;
	booked =
	    r->error == 0 && (r->slots == 0 || book(arg, r->slot, (unsigned)r->slots));
	close_files(r, booked);
	if (booked)
		n = (int)r->slots;
	else
		errno = r->error != 0 ? r->error : EIO;
	xfree(r->slot);
	xfree(r);
	return n;
}
