/* limit.h: how much a key and its team may ask for: requests and tokens in any minute,
 * requests at once. */
#ifndef STAGE_LIMIT_H
#define STAGE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

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

/* What a request, or an attempt, has taken. Zeroed: nothing. */
struct limit_taken {
	int64_t n, second;
	bool inside; /* counts as in flight */
};

/* A request comes: one of requests and one in flight, of key and team, or nothing.
 * `room` [LIMIT_KINDS] is filled in any case, `ret_why` on false.
 *
 * In any 60 s at most `most` requests are let in, in all and by a key: what was let in
 * counts for 60 to 61 s. Nobody of a team starves: room goes first to keys that were
 * refused and have used less than the team's limit ÷ keys that asked in the last
 * minute; who is alone may use all. */
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
	struct limit_who who;
	struct limit_taken taken;
	struct limit_room room[LIMIT_KINDS];
};

#endif
