/* limit.h: what was used of the limits of one key or team. */
#ifndef BUDGET_LIMIT_H
#define BUDGET_LIMIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "core/request.h"

/* Sums over the last minute, a slot for each second. What counts in second s is out
 * when second s + 61 begins, so nothing is forgotten within 60 s. */
#define WINDOW_SECONDS 60
#define WINDOW_SLOTS   64

struct window {
	int64_t at[WINDOW_SLOTS];
	int64_t sum, second; /* the newest */
	int64_t last;        /* in which something was added */
};

void window_turn(struct window *w, int64_t now_ns);
/* In the newest second, which it gives. */
int64_t window_add(struct window *w, int64_t n);
/* Of what was added in that second; nothing when it has passed. */
void window_give_back(struct window *w, int64_t second, int64_t n);
/* Until so much has left it; 0 when `n` <= 0. */
int64_t window_wait_ms(const struct window *w, int64_t n, int64_t now_ns);

/* How much is asked for in a minute: in this one and in the one before. */
struct demand {
	int64_t minute, now, before;
};

TAILQ_HEAD(limit_list, limit);

/* A key that was paused, as the state file has it. */
struct runaway_entry {
	char key[SLOT_NAME]; /* "": none */
	int64_t at_ms, spent_pusd, most_pusd;
};

/* What was not told yet; more than so many are only counted. */
#define RUNAWAY_NEWS 16

struct limit {
	char name[SLOT_NAME];
	/* requests, tokens; of a key also when only its team has a limit */
	struct window window[LIMIT_inflight];
	int64_t inflight;

	/* of a key: what it has spent, and what its attempts under way are expected to
	 * cost; see runaway.c */
	struct window spent;
	_Atomic int64_t running_shared;
	bool too_fast; /* when it was last looked at */
	atomic_bool paused_shared;
	struct runaway_entry pause;

	/* of a key: with which team it asked, and when last */
	struct limit *team;
	int64_t asked_ns;
	TAILQ_ENTRY(limit) active_link;
	/* how much was asked for, also in vain */
	struct demand demand[LIMIT_KINDS];
	int64_t own[LIMIT_KINDS]; /* its own limits, when it last asked */

	/* of a team: its keys that asked in the last minute, the longest ago first */
	struct limit_list active;
	unsigned actives;
};

struct limits_shared {
	pthread_mutex_t lock;
	int64_t now_ns; /* see limits_lock() */
	struct map *by_name[LIMIT_OFS];
	uint64_t refused[LIMIT_OFS][LIMIT_KINDS];

	/* runaway.c */
	struct env *env; /* NULL: nothing is remembered */
	struct env_map map;
	uint64_t trips[2], stopped[2]; /* by enum runaway_then: keys, requests */
	unsigned paused;               /* keys */
	struct runaway_news news[RUNAWAY_NEWS];
	unsigned news_count, news_lost;
};

/* The latest moment that was seen: whoever comes to the lock a little late does not
 * take the others back. */
int64_t limits_lock(struct limits_shared *l, int64_t now_ns);
struct limit *limit_find_locked(
    struct limits_shared *l, enum limit_of of, const char *name);
bool runaway_paused_locked(struct limits_shared *l, const char *key);
/* Closes the state file. */
void runaway_forget(struct limits_shared *l);

/* The key's or the team's name. */
const char *limit_name(const struct request *r, enum limit_of of);
/* The request's `fail_text` and when to come back. */
void limit_say(struct request *r, const struct limit_refusal *why);

#endif
