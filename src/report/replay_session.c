/* replay_session.c: the last turns of each session that has left the ledger's way. A
 * session may hold several conversations (sub-agents, titles); which of them a turn
 * goes on with is told by when that one was last answered. */
#include "replay_session.h"

#include <stdlib.h>

#include "base/mem.h"

#define TURNS 4U
/* Between the note of an answer and the end of its request, at most; the clock's own
 * steps included. */
#define NEAR_MS 1000

struct turn {
	int64_t end_ms; /* 0: free */
	struct replay_turn t;
};

struct entry {
	uint64_t id; /* 0: free */
	unsigned next;
	struct turn turn[TURNS];
};

struct replay_sessions {
	struct entry *entry;
	size_t room, used; /* room: a power of two */
};

struct replay_sessions *
replay_sessions_new(void)
{
	struct replay_sessions *s = xcalloc(1, sizeof(*s));

	s->room = 1024;
	s->entry = xcalloc(s->room, sizeof(*s->entry));
	return s;
}

void
replay_sessions_free(struct replay_sessions *s)
{
	if (s == NULL)
		return;
	xfree(s->entry);
	xfree(s);
}

/* The session's place, or the free one where it would be. Ids are hashes already. */
static struct entry *
place(const struct replay_sessions *s, uint64_t id)
{
	size_t i = (size_t)id & (s->room - 1);

	while (s->entry[i].id != 0 && s->entry[i].id != id)
		i = (i + 1) & (s->room - 1);
	return &s->entry[i];
}

static void
grow(struct replay_sessions *s)
{
	struct replay_sessions old = *s;

	s->room *= 2;
	s->entry = xcalloc(s->room, sizeof(*s->entry));
	for (size_t i = 0; i < old.room; i++) {
		if (old.entry[i].id != 0)
			*place(s, old.entry[i].id) = old.entry[i];
	}
	xfree(old.entry);
}

/* The turn that ended nearest to `at_ms`; NULL: none did. */
static const struct turn *
nearest(const struct entry *e, int64_t at_ms)
{
	const struct turn *best = NULL;
	int64_t least = NEAR_MS + 1;

	for (unsigned i = 0; i < TURNS; i++) {
		const struct turn *t = &e->turn[i];
		int64_t off = llabs(t->end_ms - at_ms);

		if (t->end_ms == 0 || off >= least)
			continue;
		best = t;
		least = off;
	}
	return best;
}

bool
replay_session_look(const struct replay_sessions *s, uint64_t id, int64_t start_ms,
    struct session_view *view)
{
	const struct entry *e = place(s, id);
	const struct turn *t;

	if (!view->known || e->id != id || id == 0)
		return false;
	t = nearest(e, start_ms - view->idle_ms);
	if (t == NULL || t->t.model == NULL)
		return false;
	view->model = t->t.model;
	view->provider = t->t.provider;
	view->cached_tokens = t->t.cached_tokens;
	return true;
}

void
replay_session_note(struct replay_sessions *s, uint64_t id, int64_t end_ms,
    const struct replay_turn *turn)
{
	struct entry *e = place(s, id);

	if (id == 0 || (e->id == 0 && turn->model == NULL))
		return;
	if (e->id == 0 && 2 * (s->used + 1) > s->room) {
		grow(s);
		e = place(s, id);
	}
	s->used += e->id == 0;
	e->id = id;
	e->turn[e->next] = (struct turn){.end_ms = end_ms, .t = *turn};
	e->next = (e->next + 1) % TURNS;
}
