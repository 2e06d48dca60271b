/* limit.c: requests, tokens and requests in flight of keys and teams: taken all or
 * none, given back once, shared fairly. */
#include "limit.h"

#define MINUTE_NS (60 * NS_PER_S)
/* Nobody knows when something in flight will end. */
#define INFLIGHT_WAIT_MS 1000
/* So many keys are looked at, those that asked last; with more at once that all want
 * more than there is, the parts are not exact. */
#define KEYS_LOOKED_AT 256U

/* ---- what is used ---- */

static int64_t
used_locked(struct limit *l, enum limit_kind k, int64_t now_ns)
{
	if (k == LIMIT_inflight)
		return l->inflight;
	window_turn(&l->window[k], now_ns);
	return l->window[k].sum;
}

static int64_t
wait_ms_locked(const struct limit *l, enum limit_kind k, int64_t n, int64_t now_ns)
{
	if (k == LIMIT_inflight)
		return INFLIGHT_WAIT_MS;
	return window_wait_ms(&l->window[k], n, now_ns);
}

/* ---- keys of a team ---- */

static void
demand_turn(struct demand *d, int64_t now_ns)
{
	int64_t minute = now_ns / MINUTE_NS;

	if (d->minute == minute)
		return;
	d->before = d->minute + 1 == minute ? d->now : 0;
	d->now = 0;
	d->minute = minute;
}

static int64_t
demand_of(struct limit *l, enum limit_kind k, int64_t now_ns)
{
	struct demand *d = &l->demand[k];

	demand_turn(d, now_ns);
	return d->now > d->before ? d->now : d->before;
}

static void
leave_team_locked(struct limit *key, struct limit *team)
{
	TAILQ_REMOVE(&team->active, key, active_link);
	team->actives--;
	key->team = NULL;
}

/* The key asks: it is one of those that share the team's limits. */
static void
ask_locked(struct limit *key, struct limit *team, int64_t now_ns)
{
	struct limit *first;

	if (key->team != NULL && key->team != team)
		leave_team_locked(key, key->team); /* a reload has moved it */
	if (key->team == NULL)
		team->actives++;
	else
		TAILQ_REMOVE(&team->active, key, active_link);
	key->team = team;
	key->asked_ns = now_ns;
	TAILQ_INSERT_TAIL(&team->active, key, active_link);
	while ((first = TAILQ_FIRST(&team->active))->asked_ns + MINUTE_NS < now_ns) {
		if (first->inflight == 0) {
			leave_team_locked(first, team);
			continue;
		}
		first->asked_ns = now_ns;
		TAILQ_REMOVE(&team->active, first, active_link);
		TAILQ_INSERT_TAIL(&team->active, first, active_link);
	}
}

static int64_t
part_of(const struct limit *team, int64_t most)
{
	int64_t part = most / (team->actives > 0 ? team->actives : 1);

	return part > 0 ? part : 1;
}

/* What one asks for at one moment. */
struct ask {
	const struct limit_who *who;
	int64_t now_ns, n;
	enum limit_kind kind;
	struct limit_refusal *why;
};

/* The key's and the team's, whether there is room or not. */
static void
demand_locked(const struct ask *q)
{
	for (size_t of = 0; of < LIMIT_OFS; of++) {
		struct limit *l = q->who->of[of];
		struct demand *d;

		if (l == NULL)
			continue;
		d = &l->demand[q->kind];
		demand_turn(d, q->now_ns);
		if (q->kind != LIMIT_inflight)
			d->now += q->n;
		else if (d->now < l->inflight + q->n)
			d->now = l->inflight + q->n;
	}
}

/* How much a key asks for of its part, as far as it could have it. */
static int64_t
claim_locked(struct limit *key, enum limit_kind k, int64_t part, int64_t now_ns)
{
	int64_t claim = demand_of(key, k, now_ns), own = key->own[k];

	if (own > 0 && own < claim)
		claim = own;
	return claim < part ? claim : part;
}

/* Is so much of `room` kept for keys that ask for more than they have had, and have had
 * less than their part, that this one, which has had its own, has to wait? */
static bool
kept_for_others_locked(const struct ask *q, int64_t room)
{
	struct limit *key = q->who->of[LIMIT_key], *team = q->who->of[LIMIT_team],
		     *other;
	int64_t most = q->who->most[LIMIT_team][q->kind], part = part_of(team, most);
	unsigned looked = 0;

	if (used_locked(key, q->kind, q->now_ns) + q->n <= part)
		return false;
	if (demand_of(team, q->kind, q->now_ns) <= most)
		return false; /* there is enough for everybody */
	TAILQ_FOREACH_REVERSE(other, &team->active, limit_list, active_link)
	{
		int64_t left;

		if (++looked > KEYS_LOOKED_AT)
			break;
		left = claim_locked(other, q->kind, part, q->now_ns) -
		       used_locked(other, q->kind, q->now_ns);
		if (other != key && left > 0)
			room -= left;
		if (room < q->n)
			return true;
	}
	return false;
}

/* ---- taking ---- */

static bool
refuse(const struct ask *q, enum limit_of of, int64_t wait_ms, unsigned sharing)
{
	*q->why = (struct limit_refusal){.of = of,
	    .kind = q->kind,
	    .most = q->who->most[of][q->kind],
	    .wait_ms = wait_ms > 0 ? wait_ms : 1,
	    .sharing = sharing};
	return false;
}

static bool
fits_locked(const struct ask *q, enum limit_of of)
{
	struct limit *l = q->who->of[of], *key = q->who->of[LIMIT_key];
	int64_t most = q->who->most[of][q->kind], room, wait_ms, part;
	bool shared = of == LIMIT_team && key != NULL;

	if (l == NULL || most <= 0)
		return true;
	room = most - used_locked(l, q->kind, q->now_ns);
	if (q->n > room) {
		wait_ms = wait_ms_locked(l, q->kind, q->n - room, q->now_ns);
		return refuse(q, of, wait_ms, 0);
	}
	if (!shared || !kept_for_others_locked(q, room))
		return true;
	part = part_of(l, most);
	return refuse(q, of,
	    wait_ms_locked(key, q->kind,
		used_locked(key, q->kind, q->now_ns) + q->n - part, q->now_ns),
	    l->actives);
}

static bool
both_fit_locked(struct limits_shared *l, const struct ask *q)
{
	if (fits_locked(q, LIMIT_key) && fits_locked(q, LIMIT_team))
		return true;
	l->refused[q->why->of][q->why->kind]++;
	return false;
}

/* Gives the second in which it counts. */
static int64_t
take_locked(const struct ask *q)
{
	int64_t second = 0;

	for (size_t of = 0; of < LIMIT_OFS; of++) {
		struct limit *l = q->who->of[of];

		if (l == NULL)
			continue;
		if (q->kind == LIMIT_inflight) {
			l->inflight += q->n;
			continue;
		}
		window_turn(&l->window[q->kind], q->now_ns);
		second = window_add(&l->window[q->kind], q->n);
	}
	return second;
}

static void
room_locked(const struct limit_who *who, enum limit_kind k, int64_t now_ns,
    struct limit_room *ret)
{
	*ret = (struct limit_room){0};
	for (size_t of = 0; of < LIMIT_OFS; of++) {
		int64_t most = who->most[of][k], left, reset_ms = 0;
		struct limit *l = who->of[of];

		if (l == NULL || most <= 0)
			continue;
		left = most - used_locked(l, k, now_ns);
		left = left > 0 ? left : 0;
		if (ret->most > 0 &&
		    (left > ret->left || (left == ret->left && most >= ret->most)))
			continue;
		if (k != LIMIT_inflight && l->window[k].sum > 0)
			reset_ms = (l->window[k].last + WINDOW_SECONDS + 1) * 1000 -
				   now_ns / NS_PER_MS;
		*ret = (struct limit_room){most, left, reset_ms > 0 ? reset_ms : 0};
	}
}

void
limit_look(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_room room[static LIMIT_KINDS])
{
	now_ns = limits_lock(l, now_ns);
	for (size_t k = 0; k < LIMIT_KINDS; k++)
		room_locked(who, (enum limit_kind)k, now_ns, &room[k]);
	pthread_mutex_unlock(&l->lock);
}

static void
ask_team_locked(const struct limit_who *who, int64_t now_ns)
{
	struct limit *key = who->of[LIMIT_key];

	if (key == NULL || who->of[LIMIT_team] == NULL)
		return;
	memcpy(key->own, who->most[LIMIT_key], sizeof(key->own));
	ask_locked(key, who->of[LIMIT_team], now_ns);
}

bool
limit_enter(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_taken *ret, struct limit_room *room, struct limit_refusal *ret_why)
{
	struct ask one = {who, now_ns, 1, LIMIT_requests, ret_why},
		   inflight = {who, now_ns, 1, LIMIT_inflight, ret_why};
	bool ok;

	one.now_ns = inflight.now_ns = now_ns = limits_lock(l, now_ns);
	ask_team_locked(who, now_ns);
	demand_locked(&one);
	demand_locked(&inflight);
	ok = both_fit_locked(l, &one) && both_fit_locked(l, &inflight);
	if (ok) {
		ret->n = 1;
		ret->second = take_locked(&one);
		(void)take_locked(&inflight);
		ret->inside = true;
	}
	for (size_t k = 0; k < LIMIT_KINDS; k++)
		room_locked(who, (enum limit_kind)k, now_ns, &room[k]);
	pthread_mutex_unlock(&l->lock);
	return ok;
}

/* `n` of what was taken in that second. */
static void
give_back_locked(const struct limit_who *who, enum limit_kind k,
    const struct limit_taken *t, int64_t n, int64_t now_ns)
{
	for (size_t of = 0; of < LIMIT_OFS; of++) {
		struct limit *l = who->of[of];

		if (l == NULL)
			continue;
		window_turn(&l->window[k], now_ns);
		window_give_back(&l->window[k], t->second, n);
	}
}

void
limit_leave(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_taken *t, bool counts)
{
	if (!t->inside)
		return;
	now_ns = limits_lock(l, now_ns);
	for (size_t of = 0; of < LIMIT_OFS; of++) {
		if (who->of[of] != NULL)
			who->of[of]->inflight--;
	}
	if (!counts)
		give_back_locked(who, LIMIT_requests, t, t->n, now_ns);
	pthread_mutex_unlock(&l->lock);
	*t = (struct limit_taken){0};
}

bool
limit_hold(struct limits_shared *l, const struct limit_who *who, int64_t now_ns,
    struct limit_taken *t, struct limit_room *room, struct limit_refusal *ret_why)
{
	struct ask q = {who, now_ns, t->n, LIMIT_tokens, ret_why};
	bool ok;

	q.now_ns = now_ns = limits_lock(l, now_ns);
	ask_team_locked(who, now_ns);
	demand_locked(&q);
	ok = both_fit_locked(l, &q);
	if (ok)
		t->second = take_locked(&q);
	room_locked(who, LIMIT_tokens, now_ns, &room[LIMIT_tokens]);
	pthread_mutex_unlock(&l->lock);
	if (!ok)
		*t = (struct limit_taken){0};
	return ok;
}

void
limit_settle(struct limits_shared *l, const struct limit_who *who,
    struct limit_taken *t, const struct limit_settled *s, struct limit_room *room)
{
	struct ask more = {who, s->now_ns, s->used - t->n, LIMIT_tokens, NULL};

	if (t->n <= 0)
		return;
	more.now_ns = limits_lock(l, s->now_ns);
	if (more.n < 0)
		give_back_locked(who, LIMIT_tokens, t, -more.n, more.now_ns);
	else if (more.n > 0)
		(void)take_locked(&more);
	room_locked(who, LIMIT_tokens, more.now_ns, &room[LIMIT_tokens]);
	pthread_mutex_unlock(&l->lock);
	*t = (struct limit_taken){0};
}

/* ---- for people ---- */

void
limit_use(struct limits_shared *l, struct limit *of, int64_t now_ns,
    int64_t ret[static LIMIT_KINDS])
{
	now_ns = limits_lock(l, now_ns);
	for (size_t k = 0; k < LIMIT_KINDS; k++)
		ret[k] = used_locked(of, (enum limit_kind)k, now_ns);
	pthread_mutex_unlock(&l->lock);
}

uint64_t
limits_refused(struct limits_shared *l, enum limit_of of, enum limit_kind kind)
{
	uint64_t n;

	pthread_mutex_lock(&l->lock);
	n = l->refused[of][kind];
	pthread_mutex_unlock(&l->lock);
	return n;
}
