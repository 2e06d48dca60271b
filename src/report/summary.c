/* summary.c: facts go through scope and filters into groups. Whole hours come from
 * roll-ups; the parts of hours at both ends, and what roll-ups do not know (users,
 * sessions, tags below depth `rollup`), from rows. */
#include "summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/hash.h"
#include "base/mem.h"
#include "config/snapshot.h"
#include "core/request.h"
#include "dates.h"

/* Groups beyond so many are one: what a client invents must not fill memory. */
#define GROUPS_MAX 20000U
/* For so many attempts the rows are read, too: some tenths of a second. */
#define ROWS_ATTEMPTS 100000
#define KEY_BYTES     (ASK_GROUPS * (ASK_NAME + 1))

/* ---- values ---- */

/* What a fact has to say on a dimension; `scratch` holds what has to be made. */
static struct str
value_of(const struct fact *f, const struct ask_dim *by, char scratch[static 40])
{
	switch (by->dim) {
	case DIM_model:
		return f->model;
	case DIM_tier:
		return str_of(tier_name(f->tier));
	case DIM_provider:
		return f->provider;
	case DIM_key:
		return f->key;
	case DIM_team:
		return f->team;
	case DIM_route:
		return f->route;
	case DIM_class:
		return f->class_name;
	case DIM_user:
		return f->user;
	case DIM_session:
		snprintf(scratch, 40, "%016" PRIx64, f->session);
		return str_of(scratch);
	case DIM_hour:
		date_format_s(f->at_ms - f->at_ms % HOUR_MS, scratch);
		return str_of(scratch);
	case DIM_day:
		date_format_s(f->at_ms, scratch);
		return str_make(scratch, 10);
	default:
		return facts_tag(f->tags, str_of(by->tag));
	}
}

static bool
wanted(const struct summary *s, const struct fact *f)
{
	char scratch[40];

	if (!scope_sees(s->scope, f->key, f->team))
		return false;
	for (unsigned i = 0; i < s->ask->filters; i++) {
		if (!str_is(value_of(f, &s->ask->filter[i].by, scratch),
			s->ask->filter[i].value))
			return false;
	}
	return true;
}

/* ---- groups ---- */

static struct group *
group_new(const struct summary *s, const struct fact *f)
{
	struct group *g = xcalloc(1, sizeof(*g));
	char scratch[40];

	for (unsigned i = 0; i < s->ask->groups; i++) {
		struct str v = value_of(f, &s->ask->group[i], scratch);

		g->value[i] = xmemdup(v.p == NULL ? "" : v.p, v.len);
	}
	g->tier = f->tier;
	str_copy(g->provider, sizeof(g->provider), f->provider);
	return g;
}

static void
group_free(struct group *g)
{
	if (g == NULL)
		return;
	for (unsigned i = 0; i < ASK_GROUPS; i++)
		xfree(g->value[i]);
	xfree(g);
}

static struct str
key_of(const struct summary *s, const struct fact *f, char ret[static KEY_BYTES])
{
	char scratch[40];
	size_t n = 0;

	for (unsigned i = 0; i < s->ask->groups; i++) {
		n += str_copy(
		    ret + n, ASK_NAME, value_of(f, &s->ask->group[i], scratch));
		ret[n++] = '\x1f';
	}
	return str_make(ret, n);
}

static struct group *
rest_of(struct summary *s)
{
	if (s->rest == NULL)
		s->rest = xcalloc(1, sizeof(*s->rest));
	return s->rest;
}

static struct group *
group_for(struct summary *s, const struct fact *f)
{
	char bytes[KEY_BYTES];
	struct str key = key_of(s, f, bytes);
	struct group *g = map_get(s->by_key, key);

	if (g != NULL)
		return g;
	if (s->groups == GROUPS_MAX)
		return rest_of(s);
	if (s->groups == s->room) {
		s->room = s->room == 0 ? 64 : 2 * s->room;
		s->group = xrealloc(s->group, s->room * sizeof(struct group *));
	}
	g = group_new(s, f);
	s->group[s->groups++] = g;
	map_put(s->by_key, key, g);
	return g;
}

static void
add_hist(struct hist *into, struct str packed, int64_t value)
{
	if (packed.len > 0)
		(void)hist_merge_packed(into, packed);
	if (value >= 0)
		hist_add(into, value);
}

/* One line more for each name that is not there and that there is room for. */
static void
add_served(char served[static GROUP_SERVED], struct str names)
{
	struct str name, line;

	while (str_split(&names, '\n', &name)) {
		struct str rest = str_of(served);
		size_t used = rest.len;
		bool there = name.len == 0;

		while (!there && str_split(&rest, '\n', &line))
			there = str_eq(line, name);
		if (there || used + name.len + 2 > GROUP_SERVED)
			continue;
		if (used > 0)
			served[used++] = '\n';
		str_copy(served + used, GROUP_SERVED - used, name);
	}
}

/* Whether its request's row is still there to be looked at. */
static bool
has_row(struct summary *s, const struct fact *f)
{
	int month = date_month(f->at_ms);

	if (!f->rolled)
		return true;
	if (s->month.number != month) {
		s->month.number = month;
		s->month.there = books_month(s->books, month) != NULL;
	}
	return s->month.there;
}

/* Roll-ups of older releases do not tell of theirs. */
static void
add_session(struct summary *s, const struct fact *f)
{
	if (f->sums.requests == 0)
		return;
	if (f->rolled)
		s->sketched &=
		    f->sessions.len > 0 && sketch_merge_packed(&s->sketch, f->sessions);
	else if (f->session != 0)
		sketch_add(&s->sketch, hash_stable(str_make((const char *)&f->session,
					   sizeof(f->session))));
}

static void
on_fact(void *arg, const struct fact *f)
{
	struct summary *s = arg;
	struct sums u = f->sums;
	struct group *g;

	if (!wanted(s, f))
		return;
	if (s->yardstick != NULL)
		yardstick_apply(s->yardstick, f, &u);
	g = group_for(s, f);
	g->mixed_tier |= g->tier != f->tier;
	g->mixed_provider |= !str_is(f->provider, g->provider);
	add_served(g->served, f->served);
	sums_add(&g->sums, &u);
	sums_add(&s->total, &u);
	add_session(s, f);
	kinds_add(&s->kinds, f);
	tagged_add(&s->tagged, f);
	s->with_rows += has_row(s, f) ? u.requests : 0;
	add_hist(&s->tokens, f->tokens_hist, f->tokens);
	add_hist(&s->ttft, f->ttft_hist, f->ttft_ms);
	add_hist(&s->total_time, f->total_hist, f->total_ms);
}

/* ---- order ---- */

static int
by_value(const struct group *a, const struct group *b)
{
	for (unsigned i = 0; i < ASK_GROUPS && a->value[i] != NULL; i++) {
		int c = strcmp(a->value[i], b->value[i]);

		if (c != 0)
			return c;
	}
	return 0;
}

static int
compare_values(const void *a, const void *b)
{
	return by_value(*(struct group *const *)a, *(struct group *const *)b);
}

/* The dearest first. */
static int
compare_costs(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a,
			   *y = *(struct group *const *)b;

	if (x->sums.paid.v != y->sums.paid.v)
		return x->sums.paid.v > y->sums.paid.v ? -1 : 1;
	return by_value(x, y);
}

static void
sort(struct summary *s)
{
	bool timeline = s->ask->groups > 0 && (s->ask->group[0].dim == DIM_hour ||
						  s->ask->group[0].dim == DIM_day);

	if (s->groups > 1)
		qsort(s->group, s->groups, sizeof(struct group *),
		    timeline ? compare_values : compare_costs);
	while (s->groups > s->ask->limit) {
		struct group *g = s->group[--s->groups];

		sums_add(&rest_of(s)->sums, &g->sums);
		s->rest_groups++;
		group_free(g);
	}
}

/* ---- the parts of the time ---- */

static bool
needs_rows(const struct ask_dim *by, const struct snapshot *snap)
{
	const struct tag_name *t;

	if (by->dim != DIM_tag)
		return by->dim == DIM_user || by->dim == DIM_session;
	t = snap == NULL ? NULL : snapshot_tag(snap, str_of(by->tag));
	return t == NULL || t->depth != TAG_rollup;
}

static bool
ask_needs_rows(const struct ask *a, const struct snapshot *snap)
{
	for (unsigned i = 0; i < a->groups; i++) {
		if (needs_rows(&a->group[i], snap))
			return true;
	}
	for (unsigned i = 0; i < a->filters; i++) {
		if (needs_rows(&a->filter[i].by, snap))
			return true;
	}
	return false;
}

/* A tag that has an index and no roll-ups leads to its requests, however many others
 * there are. */
static struct facts_want
want_rows(const struct summary *s, int64_t from_ms, int64_t to_ms)
{
	struct facts_want want = {.from_ms = from_ms, .to_ms = to_ms};

	for (unsigned i = 0; i < s->ask->filters; i++) {
		if (s->ask->filter[i].by.dim != DIM_tag ||
		    s->ask->filter[i].value[0] == '\0' ||
		    !needs_rows(&s->ask->filter[i].by, s->snap))
			continue;
		want.tag = s->ask->filter[i].by.tag;
		want.value = s->ask->filter[i].value;
	}
	return want;
}

static bool
rows(struct summary *s, struct books *b, int64_t from_ms, int64_t to_ms)
{
	struct facts_want want;

	if (from_ms >= to_ms)
		return true;
	s->used_rows = true;
	want = want_rows(s, from_ms, to_ms);
	want.decisions = s->yardstick != NULL;
	return facts_from_rows(b, &want, on_fact, s);
}

/* ---- what only rows tell ---- */

struct rows_pass {
	struct summary *summary;
	struct kinds kinds;
	struct map *sessions;
	wide sum;
};

static void
on_row(void *arg, const struct fact *f)
{
	struct rows_pass *p = arg;

	if (!wanted(p->summary, f))
		return;
	kinds_add(&p->kinds, f);
	map_put(
	    p->sessions, str_make((const char *)&f->session, sizeof(f->session)), p);
	p->sum += f->sums.paid.v;
}

/* Only where they are not too many, and never at the cost of the rest of the answer:
 * the time limit is one for both. */
static void
collect_from_rows(struct summary *s, struct books *b)
{
	const struct ask *a = s->ask;
	struct rows_pass p = {.summary = s, .sessions = map_new()};
	struct facts_want want =
	    want_rows(s, a->from_ms, a->to_ms + (a->open_end ? HOUR_MS : 0));

	kinds_init(&p.kinds, b);
	s->rows_known =
	    facts_from_rows(b, &want, on_row, &p) && p.sum == s->total.paid.v;
	s->sessions = (int64_t)map_count(p.sessions);
	if (s->rows_known) {
		struct kinds rough = s->kinds;

		s->kinds = p.kinds;
		p.kinds = rough;
	}
	kinds_fini(&p.kinds);
	map_free(p.sessions);
}

static bool
by_hour(const struct ask *a)
{
	for (unsigned i = 0; i < a->groups; i++) {
		if (a->group[i].dim == DIM_hour)
			return true;
	}
	return false;
}

static bool
collect(struct summary *s, struct books *b, const struct snapshot *snap)
{
	const struct ask *a = s->ask;
	int64_t first = (a->from_ms + HOUR_MS - 1) / HOUR_MS;
	/* Up to now: the hour under way holds nothing that is later. */
	int64_t last = a->to_ms / HOUR_MS + (a->open_end ? 1 : 0);

	if (ask_needs_rows(a, snap) || s->yardstick != NULL || first >= last)
		return rows(s, b, a->from_ms, a->to_ms + (a->open_end ? HOUR_MS : 0));
	s->used_rollups = true;
	return rows(s, b, a->from_ms, first * HOUR_MS) &&
	       (by_hour(a) ? facts_from_rollups : facts_from_days)(
		   b, first, last, on_fact, s) &&
	       (a->open_end || rows(s, b, last * HOUR_MS, a->to_ms));
}

/* Without a daemon: the end of the last request that is in. */
static int64_t
last_row_ms(struct books *b, int64_t to_ms)
{
	sqlite3_stmt *q;
	int64_t last = -1;
	sqlite3 *db = NULL;
	bool row;

	for (int m = date_month(to_ms); db == NULL && m > date_month(to_ms) - 12; m--)
		db = books_month(b, m);
	if (db == NULL)
		return -1;
	q = books_prepare(b, db, "SELECT MAX(end_ms) FROM request");
	if (q == NULL)
		return -1;
	if (books_step(b, q, &row) && row)
		last = books_known(q, 0);
	sqlite3_finalize(q);
	return last;
}

static int64_t
complete_until(struct books *b, const struct ask *a)
{
	struct ledger_status st;
	int64_t now = env_wall_ms(b->env);

	if (b->ledger == NULL)
		return last_row_ms(b, a->to_ms);
	ledger_status_get(b->ledger, &st);
	/* Nothing is on its way: all that has ended is in. */
	return slots_in_use(b->slots) == 0 ? now : st.committed_until_ms;
}

/* False: `b->why`. */
static bool
begin(struct summary *s, struct books *b, const struct snapshot *snap)
{
	const struct model *m = NULL;

	/* Before the facts are read: it must not promise more than they hold. */
	s->complete_until_ms = complete_until(b, s->ask);
	kinds_init(&s->kinds, b);
	tagged_init(&s->tagged, snap);
	if (snap != NULL && s->ask->baseline[0] != '\0')
		m = snapshot_model(snap, str_of(s->ask->baseline));
	if (m == NULL)
		return true;
	s->yardstick = yardstick_new(b, snap, m);
	return s->yardstick != NULL;
}

bool
summary_run(struct summary *s, struct books *b, const struct snapshot *snap,
    const struct ask *ask, const struct scope *scope)
{
	bool ok;

	*s = (struct summary){.ask = ask,
	    .scope = scope,
	    .by_key = map_new(),
	    .snap = snap,
	    .sketched = true,
	    .books = b};
	ok = begin(s, b, snap) && collect(s, b, snap);
	if (ok && s->total.attempts <= ROWS_ATTEMPTS)
		collect_from_rows(s, b);
	sort(s);
	return ok && refusals_read(b, ask, scope, &s->refusals) &&
	       provenance_read(b, ask, scope, &s->provenance);
}

void
summary_fini(struct summary *s)
{
	for (size_t i = 0; i < s->groups; i++)
		group_free(s->group[i]);
	group_free(s->rest);
	xfree(s->group);
	map_free(s->by_key);
	kinds_fini(&s->kinds);
	tagged_fini(&s->tagged);
	yardstick_free(s->yardstick);
	*s = (struct summary){0};
}
