/* limit.h: how much a key and its team may ask for: requests and tokens in any minute,
 * requests at once. */
#ifndef STAGE_LIMIT_H
#define STAGE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/json.h"
#include "base/money.h"
#include "config/snapshot.h"

enum limit_of { LIMIT_key, LIMIT_team, LIMIT_OFS };
enum limit_kind { LIMIT_requests, LIMIT_tokens, LIMIT_inflight, LIMIT_KINDS };
const char *limit_of_name(enum limit_of of);       /* "key" */
const char *limit_kind_name(enum limit_kind kind); /* "requests" */

/* What was used under all names. One lock, short sections; any thread may call. Kept by
 * name across reloads: a secret that replaces another one goes on where that was. Times
 * are monotonic, so that a step of the wall clock changes nothing. */
struct limits_shared;
struct limit; /* of one name; lives as long as all */

struct limits_shared *limits_new(void);
void limits_free(struct limits_shared *l); /* takes NULL */
/* Sets `limit` of the teams and keys that need one, before `s` is published. */
void limits_bind(struct limits_shared *l, struct snapshot *s);

/* Whose request it is and how much each may, by the request's own snapshot. `of` NULL,
 * `most` <= 0: no limit. */
struct limit_who {
	struct limit *of[LIMIT_OFS];
	int64_t most[LIMIT_OFS][LIMIT_KINDS];
	struct pusd runaway; /* of the key, in any minute; 0: no limit */
	enum runaway_then then;
};
struct principal;
/* False: nothing is limited. */
bool limit_who_make(const struct principal *p, struct limit_who *ret);

/* What a limit leaves; of key and team that which leaves less. `most` 0: there is none.
 */
struct limit_room {
	int64_t most, left;
	int64_t reset_ms; /* until all of it is there again */
};

struct limit_refusal {
	enum limit_of of;
	enum limit_kind kind;
	int64_t most, wait_ms;
	unsigned sharing; /* not 0: there is room, for others of so many keys */
};

/* What is left, without taking any. */
void limit_look(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_room room[static LIMIT_KINDS]);

/* What a request, or an attempt, has taken. Zeroed: nothing. */
struct limit_taken {
	int64_t n, second;
	bool inside; /* counts as in flight */
};

/* A request comes: one of requests and one in flight, of key and team, or nothing.
 * `room` [LIMIT_KINDS] is filled in any case, `ret_why` on false.
 *
 * In any 60 s at most `most` requests are let in, in all and by a key: what was let in
 * counts for 60 to 61 s. Nobody of a team starves: of its limit each key that asked in
 * the last minute has a part, the limit ÷ those keys, as far as it asks for so much;
 * only what is left of that is for keys that have had theirs. Who is alone may use all.
 */
bool limit_enter(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_taken *ret, struct limit_room *room, struct limit_refusal *ret_why);
/* It is over; again, this changes nothing. `counts` false: it reached no model and does
 * not count. */
void limit_leave(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_taken *t, bool counts);

/* The same of tokens: `t->n` of them, not more than either limit, which count in the
 * minute in which they are taken. */
bool limit_hold(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_taken *t, struct limit_room *room, struct limit_refusal *ret_why);
/* `used` of what was taken counts; what was used above it counts from now on. Zeroes
 * `t`; again, it changes nothing. */
struct limit_settled {
	int64_t used, now_ns;
};
void limit_settle(struct limits_shared *l, const struct limit_who *who,
    struct limit_taken *t, const struct limit_settled *s, struct limit_room *room);

/* ---- runaway: a key that spends too fast ----
 *
 * What counts is what its attempts have cost in the last 60 to 61 s, and what those
 * under way are expected to cost: an estimate. Their worst case would stop every key
 * that has a few long answers open. */

/* Both clocks. */
struct limit_moment {
	int64_t mono_ns, wall_ms;
};

struct runaway_refusal {
	bool paused; /* until runaway_resume(); else until it has spent less */
	struct pusd spent, most;
	int64_t wait_ms;  /* throttled */
	int64_t since_ms; /* paused: wall clock */
};

/* What is paused is kept in the file at `path`, which is made when it is not there, and
 * is paused from now on; limits_bind() again then. False: errno. */
bool limits_remember(struct limits_shared *l, struct env *env, const char *path);

/* May the key go on spending? It is paused here, if that is what its terms say. */
bool runaway_admit(struct limits_shared *l, const struct limit_who *who,
    const struct limit_moment *at, struct runaway_refusal *ret_why);
/* An attempt is about to be sent; is over. Once each. */
void runaway_begin(const struct limit_who *who, struct pusd expected);
struct runaway_bill {
	struct pusd expected, amount;
	struct limit_moment at;
};
void runaway_end(struct limits_shared *l, const struct limit_who *who,
    const struct runaway_bill *bill);
/* False: no key of that name is paused. What it has spent is forgotten. */
bool runaway_resume(struct limits_shared *l, const char *key);

/* A key has begun to be too fast: to be told once. */
struct runaway_news {
	char key[40];
	enum runaway_then then;
	struct pusd spent, most;
};
bool runaway_news(struct limits_shared *l, struct runaway_news *ret);

struct runaway_counts {
	uint64_t trips[2], stopped[2]; /* by enum runaway_then: of keys, of requests */
	unsigned paused;               /* keys, now */
};
void runaway_counts(struct limits_shared *l, struct runaway_counts *ret);
/* "paused": who, since when, how much; at most 256. */
void runaway_json(struct limits_shared *l, struct json *j);

/* ---- for people ---- */

/* What is used right now. */
void limit_use(struct limits_shared *l, struct limit *of, int64_t now_ns,
    int64_t ret[static LIMIT_KINDS]);
/* Refusals since the start. */
uint64_t limits_refused(
    struct limits_shared *l, enum limit_of of, enum limit_kind kind);

/* Of a request: written by the row `limit`, hold and settle. */
struct limit_state {
	bool limited;
	bool known;          /* `room` is */
	const char *reached; /* which refused it, "team tpm"; NULL: none */
	struct limit_who who;
	struct limit_taken taken;
	struct limit_room room[LIMIT_KINDS];
};

#endif
