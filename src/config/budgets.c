/* budgets.c: caps on what is spent: of the policy, of teams and of keys. */
#include "build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "value.h"

#define PPM 1000000
/* Above this nothing is a budget but a slip. */
#define USD_MAX 1000000000000ULL

static const char *const pers[] = {"hour", "day", "week", "month", NULL};
static const char *const exhausted[] = {"refuse", "downgrade", "local_only", NULL};
static const char *const holds[] = {"worst_case", "expected", NULL};
static const char *const statuses[] = {"402", "429", NULL};
static const char *const scopes[] = {"daemon", "team", "key", "user", "session", NULL};

struct budget_draft {
	const char *scope, *each, *value, *usd, *zone;
	int per, on_exhausted, hold, status;
	bool fit_output;
	const struct node *warn_at;
};

/* Those of a team or key begin behind the first three. */
#define WHOSE_ROWS 3
static const struct row rows[] = {
    {"scope", KIND_text, LANDS(struct budget_draft, scope)},
    {"each", KIND_text, LANDS(struct budget_draft, each)},
    {"value", KIND_text, LANDS(struct budget_draft, value)},
    {"usd", KIND_text, .flags = ROW_required, LANDS(struct budget_draft, usd),
	.shape = "4000"},
    {"per", KIND_word, LANDS(struct budget_draft, per), .words = pers},
    {"time_zone", KIND_text, LANDS(struct budget_draft, zone)},
    {"warn_at", KIND_names, LANDS(struct budget_draft, warn_at), .shape = "[50%, 80%]"},
    {"on_exhausted", KIND_word, LANDS(struct budget_draft, on_exhausted),
	.words = exhausted, .def = "refuse"},
    {"hold", KIND_word, LANDS(struct budget_draft, hold), .words = holds,
	.def = "worst_case"},
    {"fit_output", KIND_bool, LANDS(struct budget_draft, fit_output), .def = "false"},
    {"refuse_with", KIND_word, LANDS(struct budget_draft, status), .words = statuses,
	.def = "402"},
    {0}};

/* ---- values ---- */

/* A cap may be more than an amount of one row. */
static bool
read_usd(struct str s, struct pusd_sum *ret)
{
	struct str rest = s, whole;
	struct pusd part = {0};
	uint64_t usd;
	char text[32];

	if (!str_split(&rest, '.', &whole) || !str_to_u64(whole, &usd) || usd > USD_MAX)
		return false;
	if (whole.len < s.len) {
		if (rest.len == 0 || rest.len > 12)
			return false;
		snprintf(text, sizeof(text), "0.%.*s", (int)rest.len, rest.p);
		if (!pusd_parse(str_of(text), &part))
			return false;
	}
	ret->v = (wide)usd * PUSD_PER_USD + part.v;
	return true;
}

static int
ascending(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
read_marks(struct build *b, const struct node *list, struct budget *ret)
{
	double share;

	if (list != NULL && list->count > BUDGET_WARN_MAX) {
		diag_error(b->r.d, list->at, "warn_at: at most %d marks; remove some",
		    BUDGET_WARN_MAX);
		return;
	}
	for (const struct node *n = list == NULL ? NULL : list->first; n != NULL;
	     n = n->next) {
		if (!value_percent(n->text, &share) || share <= 0 || share > 1) {
			diag_error(b->r.d, n->at,
			    "warn_at: '%s' does not fit; write percentages of the cap, "
			    "from 1%% to 100%%",
			    n->text.p);
			return;
		}
		ret->warn_ppm[ret->warns++] = (int32_t)lround(share * PPM);
	}
	qsort(ret->warn_ppm, ret->warns, sizeof(ret->warn_ppm[0]), ascending);
}

/* ---- whose it is ---- */

static void
check_team(struct build *b, const struct node *n, const char *team)
{
	if (snapshot_team(b->s, str_of(team)) == NULL)
		refuse_name(b, node_place(n, "value"), "team", team, &b->c->teams,
		    sizeof(struct team_draft));
}

/* A tag that is only stored is not looked for again when the daemon starts. */
static void
read_tag_scope(
    struct build *b, const char *name, struct diag_place at, struct budget *ret)
{
	const struct tag_name *tag;

	ret->scope = SCOPE_tag;
	ret->tag = name;
	check_tag(b, str_of(name), at);
	tag = snapshot_tag(b->s, str_of(name));
	if (tag != NULL && tag->depth == TAG_store)
		diag_error(b->r.d, at,
		    "the tag '%s' is only stored, so that nobody can say what was "
		    "spent for it; declare it `index` or `rollup`",
		    name);
}

static bool
read_scope(struct build *b, const char *text, struct diag_place at, struct budget *ret)
{
	const char *near;

	for (int i = 0; scopes[i] != NULL; i++) {
		if (strcmp(text, scopes[i]) != 0)
			continue;
		ret->scope = (enum budget_scope)i;
		return true;
	}
	if (strncmp(text, "tag.", 4) == 0 && text[4] != '\0') {
		read_tag_scope(b, text + 4, at, ret);
		return true;
	}
	near = diag_nearest(text, scopes);
	diag_error(b->r.d, at, "'%s' is nobody's budget; %s%s%s", text,
	    near != NULL ? "did you mean '"
			 : "write daemon, team, key, user, session or tag.NAME",
	    near != NULL ? near : "", near != NULL ? "'?" : "");
	return false;
}

static void
read_whose(
    struct build *b, const struct node *n, struct budget_draft *d, struct budget *ret)
{
	struct diag_place at = node_place(n, d->each != NULL ? "each" : "scope");

	if ((d->scope == NULL) == (d->each == NULL)) {
		diag_error(b->r.d, n->at,
		    "a budget is of one scope: write `scope: daemon`, `each: user`, or "
		    "`scope: tag.NAME` with a `value`");
		return;
	}
	if (!read_scope(b, d->each != NULL ? d->each : d->scope, at, ret))
		return;
	if (d->each != NULL ? ret->scope == SCOPE_daemon || d->value != NULL
			    : (ret->scope == SCOPE_daemon) != (d->value == NULL) ||
				  ret->scope == SCOPE_session) {
		diag_error(b->r.d, at,
		    "write `scope: daemon` for all together, `each: %s` for an account "
		    "of each, or `scope: %s` and `value` for one alone (not for "
		    "sessions)",
		    ret->scope == SCOPE_daemon ? "user"
		    : d->each != NULL          ? d->each
					       : d->scope,
		    ret->scope == SCOPE_daemon || ret->scope == SCOPE_session ? "user"
		    : d->each != NULL                                         ? d->each
				      : d->scope);
		return;
	}
	ret->value = d->value;
	if (ret->scope == SCOPE_user && ret->value != NULL &&
	    strlen(ret->value) >= BUDGET_VALUE)
		diag_error(b->r.d, node_place(n, "value"),
		    "value: of a user %d bytes are kept, so that nobody would be '%s'; "
		    "write the first %d",
		    BUDGET_VALUE - 1, ret->value, BUDGET_VALUE - 1);
	if (ret->scope == SCOPE_team && ret->value != NULL)
		check_team(b, n, ret->value);
}

/* ---- names ---- */

static const char *
name_of(struct build *b, const struct budget *x)
{
	const char *whose = scopes[x->scope];

	if (x->scope == SCOPE_tag)
		whose = arena_printf(b->r.mem, "tag.%s", x->tag);
	else if (x->tag != NULL)
		whose = arena_printf(b->r.mem, "%s %s*", whose, x->tag);

	return arena_printf(b->r.mem, "%s%s%s%s %s%s%s%s",
	    x->value == NULL && x->scope != SCOPE_daemon ? "each " : "", whose,
	    x->value != NULL ? " " : "", x->value != NULL ? x->value : "",
	    x->per == PER_all ? "in all" : "per ",
	    x->per == PER_all ? "" : pers[x->per - PER_hour],
	    x->zone != NULL ? " " : "", x->zone != NULL ? x->zone : "");
}

static void
read_time(
    struct build *b, const struct node *n, struct budget_draft *d, struct budget *ret)
{
	ret->per = d->per < 0 ? PER_all : (enum budget_per)(PER_hour + d->per);
	if (d->zone == NULL || strcmp(d->zone, "UTC") == 0)
		return;
	if (ret->per == PER_all)
		diag_warning(b->r.d, node_place(n, "time_zone"),
		    "time_zone says nothing without `per`; remove it");
	else if (!zone_read(b, str_of(d->zone), &ret->zone, &ret->clock))
		diag_error(b->r.d, node_place(n, "time_zone"),
		    "time_zone: '%s' is not a time zone of this machine; write one "
		    "such as Europe/Berlin or UTC",
		    d->zone);
}

/* ---- one ---- */

static struct budget *
add(struct build *b, const struct node *n)
{
	if (b->budget_count == b->budget_room) {
		unsigned room = b->budget_room == 0 ? 16 : 2 * b->budget_room;
		struct budget_found *more = arena_alloc(b->r.mem, room * sizeof(*more));

		if (b->budget_count > 0)
			memcpy(more, b->budgets, b->budget_count * sizeof(*more));
		b->budgets = more;
		b->budget_room = room;
	}
	b->budgets[b->budget_count] = (struct budget_found){.at = n->at};
	return &b->budgets[b->budget_count++].budget;
}

/* `whose` NULL: it says so itself. */
static void
read_one(struct build *b, struct node *n, const struct budget *whose)
{
	struct budget_draft d = {0};
	struct budget *x;

	if (n->kind != NODE_map) {
		if (!n->bad)
			diag_error(b->r.d, n->at,
			    "a budget: expected keys with values; write "
			    "{usd: 30, per: day}");
		return;
	}
	row_read(
	    &b->r, whose == NULL ? rows : rows + WHOSE_ROWS, n, " in a budget", &d);
	if (d.usd == NULL)
		return;
	x = add(b, n);
	if (whose != NULL) {
		x->scope = whose->scope;
		x->value = whose->value;
	} else {
		read_whose(b, n, &d, x);
	}
	if (!read_usd(str_of(d.usd), &x->cap))
		diag_error(b->r.d, node_place(n, "usd"),
		    "usd: '%s' does not fit; write an amount such as 4000 or 0.50",
		    d.usd);
	read_time(b, n, &d, x);
	read_marks(b, d.warn_at, x);
	x->on_exhausted = (enum on_exhausted)d.on_exhausted;
	x->hold = (enum hold_kind)d.hold;
	x->fit_output = d.fit_output;
	x->http_status = d.status == 1 ? 429 : 402;
	x->name = name_of(b, x);
	if (strlen(x->name) >= BUDGET_NAME)
		diag_error(b->r.d, n->at,
		    "'%s' is too long for the name of a budget; shorten its value or "
		    "the tag's name",
		    x->name);
}

static void
read_list(struct build *b, const struct node *n, const struct budget *whose)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_list) {
		diag_error(b->r.d, n->at,
		    "budgets: expected a list; write budgets: [{usd: 30, per: day}]");
		return;
	}
	for (struct node *c = n->first; c != NULL; c = c->next)
		read_one(b, c, whose);
}

void
budget_of_ci(struct build *b, const char *prefix, struct pusd cap, struct diag_place at)
{
	struct budget *x = add(b, b->root);

	b->budgets[b->budget_count - 1].at = at;
	x->scope = SCOPE_key;
	x->tag = prefix;
	x->per = PER_month; /* accounts of jobs that are long over must go */
	x->cap.v = cap.v;
	x->http_status = 402;
	x->name = name_of(b, x);
}

void
budgets_of(struct build *b, enum budget_scope scope, const char *name,
    const struct terms_draft *d)
{
	const struct budget whose = {.scope = scope, .value = name};

	if (d->budget != NULL)
		read_one(b, d->budget, &whose);
	read_list(b, d->budgets, &whose);
}

/* ---- all ---- */

static int
compare_texts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* As budget_order() says; then by name. */
static int
by_order(const void *a, const void *b)
{
	const struct budget_found *x = a, *y = b;
	int order = budget_order(&x->budget, y->budget.scope, str_of(y->budget.tag),
	    y->budget.value == NULL ? str_make(NULL, 0) : str_of(y->budget.value));

	if (order == 0)
		order = compare_texts(x->budget.name, y->budget.name);
	return order;
}

static bool
same(const struct budget *a, const struct budget *b)
{
	return a->cap.v == b->cap.v && a->on_exhausted == b->on_exhausted &&
	       a->hold == b->hold && a->http_status == b->http_status &&
	       a->fit_output == b->fit_output && a->warns == b->warns &&
	       memcmp(a->warn_ppm, b->warn_ppm, sizeof(a->warn_ppm)) == 0;
}

/* While a key is rotated there are two of its name, with the same budgets. */
static unsigned
take_once(struct build *b, struct budget *ret)
{
	unsigned count = 0;

	for (unsigned i = 0; i < b->budget_count; i++) {
		const struct budget *x = &b->budgets[i].budget;

		if (count == 0 || compare_texts(ret[count - 1].name, x->name) != 0) {
			ret[count] = *x;
			ret[count].index = count;
			count++;
		} else if (x->scope != SCOPE_key || !same(x, &ret[count - 1])) {
			diag_error(b->r.d, b->budgets[i].at,
			    "there are two budgets '%s'; remove one", x->name);
		}
	}
	return count;
}

/* So many may come together on one request, of whichever team, key, … it is. */
static unsigned
longest_path(const struct budget *all, unsigned count)
{
	unsigned path = 0, run = 0, longest = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct budget *x = &all[i], *last = i == 0 ? NULL : &all[i - 1];
		bool same_kind = last != NULL && x->value != NULL &&
				 last->value != NULL && x->scope == last->scope &&
				 compare_texts(x->tag, last->tag) == 0;

		if (x->value == NULL) {
			path++;
			continue;
		}
		if (!same_kind) {
			path += longest;
			longest = run = 0;
		} else if (strcmp(x->value, last->value) != 0) {
			run = 0;
		}
		run++;
		if (run > longest)
			longest = run;
	}
	return path + longest;
}

static void
check_local(struct build *b, const struct budget_found *f)
{
	unsigned i = 0;

	while (i < b->s->provider_count && !b->s->providers[i].local)
		i++;
	if (f->budget.on_exhausted == EXHAUSTED_local_only && i == b->s->provider_count)
		diag_warning(b->r.d, f->at,
		    "budget '%s': local_only, and no provider is local: all would be "
		    "refused; say `on_exhausted: refuse`, or mark a provider `local: "
		    "true`",
		    f->budget.name);
}

void
build_budgets(struct build *b)
{
	struct budget *all;
	unsigned count;

	read_list(b, b->c->budgets, NULL);
	if (b->budget_count == 0)
		return;
	if (b->budget_count > BUDGETS_MAX) {
		diag_error(b->r.d, b->budgets[0].at,
		    "%u budgets, at most %d fit; one with `each` stands for many",
		    b->budget_count, BUDGETS_MAX);
		return;
	}
	if (diag_errors(b->r.d) > 0)
		return;
	for (unsigned i = 0; i < b->budget_count; i++)
		check_local(b, &b->budgets[i]);
	qsort(b->budgets, b->budget_count, sizeof(b->budgets[0]), by_order);
	all = arena_alloc(b->r.mem, b->budget_count * sizeof(*all));
	count = take_once(b, all);
	if (longest_path(all, count) > BUDGETS_ON_PATH)
		diag_error(b->r.d, node_place(b->root, "budgets"),
		    "a request could be under %u budgets at once, at most %d may; "
		    "remove some",
		    longest_path(all, count), BUDGETS_ON_PATH);
	b->s->budgets = all;
	b->s->budget_count = count;
}
