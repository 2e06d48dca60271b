/* limit_scene.h: a team, some keys of it, and what they ask for. */
#ifndef LIMIT_SCENE_H
#define LIMIT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fake_env.h"

#include "base/mem.h"
#include "budget/limit.h"

#define KEYS 4
#define S    NS_PER_S

/* A team and some keys of it, as a snapshot has them. */
struct scene {
	struct limits_shared *l;
	struct team team[2];
	struct key_entry key[KEYS];
	struct snapshot snap;
	struct limit_who who[KEYS];
	struct limit_room room[LIMIT_KINDS];
	struct limit_refusal why;
	int64_t now;
};

static inline void
bind(struct scene *s)
{
	s->snap = (struct snapshot){
	    .teams = s->team, .team_count = 2, .keys = s->key, .key_count = KEYS};
	limits_bind(s->l, &s->snap);
	for (size_t i = 0; i < KEYS; i++) {
		struct principal p = {.key = &s->key[i], .team = s->key[i].team};

		(void)limit_who_make(&p, &s->who[i]);
	}
}

static const struct terms unlimited = {
    .rpm = -1, .tpm = -1, .max_inflight = -1, .runaway_then = -1};

static inline int
set_up(void **state)
{
	static const char *const names[KEYS] = {"a", "b", "c", "d"};
	struct scene *s = xcalloc(1, sizeof(*s));

	s->l = limits_new();
	s->now = 1000 * S;
	s->team[0] = (struct team){.name = "t", .terms = unlimited};
	s->team[1] = (struct team){.name = "u", .terms = unlimited};
	for (size_t i = 0; i < KEYS; i++)
		s->key[i] = (struct key_entry){
		    .name = names[i], .team = &s->team[0], .terms = unlimited};
	*state = s;
	return 0;
}

static inline int
tear_down(void **state)
{
	struct scene *s = *state;

	limits_free(s->l);
	limits_free(NULL);
	xfree(s);
	return 0;
}

static inline bool
enter(struct scene *s, size_t key, struct limit_taken *t)
{
	*t = (struct limit_taken){0};
	return limit_enter(s->l, &s->who[key], s->now, t, s->room, &s->why);
}

static inline void
leave(struct scene *s, size_t key, struct limit_taken *t, bool counts)
{
	limit_leave(s->l, &s->who[key], s->now, t, counts);
}

/* One that is over at once. */
static inline bool
once(struct scene *s, size_t key)
{
	struct limit_taken t;

	if (!enter(s, key, &t))
		return false;
	leave(s, key, &t, true);
	return true;
}

static inline unsigned
many(struct scene *s, size_t key, unsigned n)
{
	unsigned got = 0;

	while (n-- > 0)
		got += once(s, key);
	return got;
}

static inline bool
hold(struct scene *s, size_t key, int64_t n, struct limit_taken *t)
{
	*t = (struct limit_taken){.n = n};
	return limit_hold(s->l, &s->who[key], s->now, t, s->room, &s->why);
}

static inline void
settle(struct scene *s, size_t key, struct limit_taken *t, int64_t used)
{
	const struct limit_settled is = {used, s->now};

	limit_settle(s->l, &s->who[key], t, &is, s->room);
}

static inline int64_t
used(struct scene *s, struct limit *l, enum limit_kind k)
{
	int64_t all[LIMIT_KINDS];

	limit_use(s->l, l, s->now, all);
	return all[k];
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
