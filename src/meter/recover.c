/* recover.c: at start, what dead processes have left in their slots is booked, once. */
#include <errno.h>
#include <stdio.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "slots_file.h"
#include "stage/meter.h"

#define UNFINISHED ".tmp" /* of the env: a file that has not got its name yet */

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

static bool
all_zero(const char *p, size_t bytes)
{
	return bytes == 0 || (*p == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

enum slots_file
slots_file_look(const void *map, size_t bytes, uint32_t *ret_count)
{
	const struct file_head *h = map;
	size_t whole = bytes / SLOT_BYTES;

	*ret_count = whole == 0 ? 0 : (uint32_t)(whole - 1);
	if (all_zero(map, bytes))
		return SLOTS_FILE_empty;
	if (whole == 0 || memcmp(h->magic, magic, sizeof(magic)) != 0)
		return SLOTS_FILE_damaged;
	if (h->layout != SLOTS_LAYOUT || h->slot_bytes != SLOT_BYTES) {
		*ret_count = h->layout;
		return SLOTS_FILE_foreign;
	}
	if (*ret_count < h->count)
		return SLOTS_FILE_damaged;
	*ret_count = h->count;
	return SLOTS_FILE_good;
}

/* ---- one slot ---- */

/* The process died in the middle: nobody knows more than the slot. */
static void
settle_crashed(struct slot_attempt *a)
{
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		a->tokens[k] = -1;
	a->reasoning = -1;
	a->outcome = OUT_crashed;
	settle_by_basis(a, !a->sent        ? BASIS_none
			   : a->first_byte ? BASIS_partial
					   : BASIS_unknown);
	a->closed = 1;
}

#define END_TEXT(member) (member)[sizeof(member) - 1] = '\0'

/* No count and no price of a token is as large as this. */
#define NUMBER_MAX 1000000000000LL

/* -1: unknown, for what may be. */
static int64_t
bounded(int64_t v, int64_t least)
{
	return v < least || v > NUMBER_MAX ? least : v;
}

static bool
result_is_sound(const struct slot_attempt *a)
{
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (bounded(a->tokens[k], -1) != a->tokens[k])
			return false;
	}
	return a->basis < BASIS_COUNT && a->outcome < OUT_COUNT && a->list_pusd >= -1 &&
	       a->length <= LENGTH_least && a->amount_pusd >= -1 &&
	       bounded(a->reasoning, -1) == a->reasoning;
}

/* The CRC does not cover what an answer brings; nothing of it may lead us astray. */
static void
mend(struct slot_attempt *a)
{
	END_TEXT(a->model);
	END_TEXT(a->provider);
	END_TEXT(a->region);
	END_TEXT(a->price_id);
	END_TEXT(a->served_model);
	END_TEXT(a->service_tier);
	a->price_input_pusd = bounded(a->price_input_pusd, -1);
	a->price_output_pusd = bounded(a->price_output_pusd, -1);
	a->input_estimate = bounded(a->input_estimate, 0);
	a->expected_output = bounded(a->expected_output, 0);
	a->output_seen = bounded(a->output_seen, 0);
	a->text_bytes = bounded(a->text_bytes, 0);
	a->warm_idle_ms = (int32_t)bounded(a->warm_idle_ms, -1);
	a->warm_tokens = (int32_t)bounded(a->warm_tokens, -1);
	if (a->warm_kind >= WARM_KINDS)
		a->warm_kind = WARM_minutes;
	a->machine_pusd = bounded(a->machine_pusd, 0);
	a->calls = (int32_t)bounded(a->calls, -1);
	if (a->at_most_pusd < -1)
		a->at_most_pusd = -1;
	if (a->contract_ppm < 0)
		a->contract_ppm = 0;
	if (!result_is_sound(a))
		a->closed = 0;
}

enum slot_use { USE_none, USE_book, USE_damaged };

/* Does the slot hold a request that may have cost something? */
static enum slot_use
use_of(const struct slot *s)
{
	uint32_t state = atomic_load(&s->state);

	if (state == SLOT_free)
		return USE_none;
	if ((state != SLOT_open && state != SLOT_closed) ||
	    s->crc != hash_crc32c(0, &s->request, sizeof(s->request)) ||
	    s->attempts > SLOT_ATTEMPTS)
		return USE_damaged;
	return s->attempts == 0 ? USE_none : USE_book;
}

/* ---- all files ---- */

struct dead {
	struct env_map map;
	char *path;
	bool keep; /* for people to look at */
};

struct recovery {
	struct env *env;
	const char *dir;
	struct dead *file;
	size_t files, files_room;
	const struct slot **slot;
	size_t slots, slots_room;
	char *why; /* 256 bytes; "" as long as all is well */
};

/* Settled where it stands, so that a crash in
 * the middle of recovery books the same again. */
static void
take_slot(struct recovery *r, struct slot *s)
{
	for (unsigned i = 0; i < s->attempts; i++) {
		mend(&s->attempt[i]);
		if (!s->attempt[i].closed)
			settle_crashed(&s->attempt[i]);
	}
	if (s->raw_usage_len > SLOT_RAW_USAGE)
		s->raw_usage_len = 0;
	if (s->outcome >= OUT_COUNT)
		s->outcome = OUT_crashed;
	if (atomic_load(&s->state) == SLOT_open) {
		s->outcome = OUT_crashed;
		s->end_ms = env_wall_ms(r->env);
		atomic_store(&s->state, SLOT_closed);
	}
	if (r->slots == r->slots_room) {
		r->slots_room = r->slots_room == 0 ? 256 : r->slots_room * 2;
		r->slot = xrealloc(r->slot, r->slots_room * sizeof(*r->slot));
	}
	r->slot[r->slots++] = s;
}

/* Gives the number of damaged slots. */
static unsigned
take_slots(struct recovery *r, struct env_map *map, uint32_t count)
{
	unsigned damaged = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct slot *s = slots_file_at(map->p, i);
		enum slot_use use = use_of(s);

		if (use == USE_book)
			take_slot(r, s);
		damaged += use == USE_damaged;
	}
	return damaged;
}

static void
take_file(struct recovery *r, struct dead *d)
{
	uint32_t count;
	enum slots_file kind = slots_file_look(d->map.p, d->map.bytes, &count);
	size_t before = r->slots;
	unsigned damaged;

	if (kind == SLOTS_FILE_empty)
		return;
	if (kind == SLOTS_FILE_foreign) {
		snprintf(r->why, 256,
		    "%.140s has slots of layout %u, this frugald knows %u: start the "
		    "frugald that wrote it once more, so that it books them",
		    d->path, count, SLOTS_LAYOUT);
		return;
	}
	damaged = take_slots(r, &d->map, count);
	d->keep = kind == SLOTS_FILE_damaged || damaged > 0;
	if (d->keep)
		log_error("%s is damaged: %zu requests could be read and are booked, "
			  "%u could not; the file stays, remove it when you have seen "
			  "it",
		    d->path, r->slots - before, damaged);
}

/* Its maker died before it was whole, so nothing was ever in it. */
static void
remove_unfinished(struct env *env, const char *path)
{
	void *lock = env->lock_file(env, path);

	if (lock == NULL)
		return;
	env->remove_file(env, path);
	env->unlock_file(env, lock);
}

static void
open_file(struct recovery *r, const char *path)
{
	struct dead *d;

	if (r->files == r->files_room) {
		r->files_room = r->files_room == 0 ? 8 : r->files_room * 2;
		r->file = xrealloc(r->file, r->files_room * sizeof(*r->file));
	}
	d = &r->file[r->files];
	*d = (struct dead){0};
	if (r->env->map_open(r->env, path, &d->map)) {
		d->path = xstrdup(path);
		r->files++;
		return;
	}
	/* A living process keeps its own; one that ends meanwhile removes it. */
	if (errno != EWOULDBLOCK && errno != ENOENT)
		snprintf(r->why, 256,
		    "%.140s cannot be read: %s; mend that, nothing "
		    "is lost meanwhile",
		    path, strerror(errno));
}

static void
on_name(void *arg, const char *name)
{
	struct recovery *r = arg;
	struct str s = str_of(name), end = STR(UNFINISHED);
	char path[4096];

	if (!str_starts(s, STR(SLOTS_PREFIX)))
		return;
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	if (s.len > end.len && str_eq(str_skip(s, s.len - end.len), end))
		remove_unfinished(r->env, path);
	else if (r->env->file_size(r->env, path) == 0)
		log_warn("%s is empty, so nothing was in it", path);
	else
		open_file(r, path);
}

static void
close_files(struct recovery *r, bool booked)
{
	for (size_t i = 0; i < r->files; i++) {
		struct dead *d = &r->file[i];

		/* Removed while the lock is held: nobody else can have taken it. */
		if (booked && !d->keep && !r->env->remove_file(r->env, d->path))
			log_warn("%s is booked but cannot be removed: %s", d->path,
			    strerror(errno));
		r->env->map_close(r->env, &d->map);
		xfree(d->path);
	}
	xfree(r->file);
}

int
slots_recover(struct env *env, const char *state_dir,
    bool (*book)(void *arg, const struct slot *const *slot, unsigned count), void *arg,
    char ret_why[static 256])
{
	struct recovery r = {.env = env, .dir = state_dir, .why = ret_why};
	bool booked = false;

	ret_why[0] = '\0';
	if (!env->list_dir(env, state_dir, on_name, &r))
		snprintf(ret_why, 256, "the folder %.140s cannot be read: %s",
		    state_dir, strerror(errno));
	for (size_t i = 0; i < r.files; i++)
		take_file(&r, &r.file[i]);
	if (ret_why[0] == '\0') {
		booked = r.slots == 0 || book(arg, r.slot, (unsigned)r.slots);
		if (!booked)
			snprintf(ret_why, 256,
			    "requests that were in flight when frugald died cannot be "
			    "booked; they stay in %.120s until they can",
			    state_dir);
	}
	close_files(&r, booked);
	xfree(r.slot);
	return booked ? (int)r.slots : -1;
}
