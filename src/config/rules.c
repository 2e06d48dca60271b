/* rules.c: when a rule holds, and to what it narrows a route. */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "config/zone.h"
#include "value.h"

#define ZONE_BYTES_MAX 65536U

static const char *const day_names[] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct rule_draft {
	const struct node *when, *use, *avoid;
	const char *service_tier;
};

static const struct row rule_rows[] = {
    {"when", KIND_any, LANDS(struct rule_draft, when), .shape = "{class: maths}"},
    {"use", KIND_names, LANDS(struct rule_draft, use)},
    {"avoid", KIND_names, LANDS(struct rule_draft, avoid)},
    {"service_tier", KIND_text, LANDS(struct rule_draft, service_tier)}, {0}};

struct when_draft {
	const struct node *class;
	double above, below;
	const char *hours, *team;
};

static const struct row when_rows[] = {
    {"class", KIND_any, LANDS(struct when_draft, class)},
    {"complexity_above", KIND_number, LANDS(struct when_draft, above), .min = 0,
	.max = 1},
    {"complexity_below", KIND_number, LANDS(struct when_draft, below), .min = 0,
	.max = 1},
    {"hours", KIND_text, LANDS(struct when_draft, hours)},
    {"team", KIND_text, LANDS(struct when_draft, team)}, {0}};

static void
read_class(struct build *b, const struct node *n, struct rule *ret)
{
	static const char *const known[] = {
#define CLASS(name, help) #name,
#include "core/class.def"
	    NULL};
	enum task_class c;
	const char *near;

	if (!node_is_text(&b->r, n))
		return;
	if (class_parse(n->text, &c)) {
		ret->classes |= 1U << c;
		return;
	}
	near = diag_nearest(n->text.p, known);
	if (near != NULL)
		diag_error(b->r.d, n->at, "unknown task class '%s'; did you mean '%s'?",
		    n->text.p, near);
	else
		diag_error(b->r.d, n->at,
		    "unknown task class '%s'; docs/config.md lists the known ones",
		    n->text.p);
}

static void
read_classes(struct build *b, const struct node *n, struct rule *ret)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_list) {
		read_class(b, n, ret);
		return;
	}
	for (const struct node *c = n->first; c != NULL; c = c->next)
		read_class(b, c, ret);
}

static int
day_index(struct str s)
{
	for (int i = 0; i < 7; i++) {
		if (str_is(s, day_names[i]))
			return i;
	}
	return -1;
}

/* "Mon-Fri", "Sat", "Mon,Wed,Fri" */
static bool
read_days(struct str s, uint8_t *ret)
{
	struct str part;
	unsigned set = 0;

	while (str_split(&s, ',', &part)) {
		struct str rest = part, first;
		bool range = memchr(part.p, '-', part.len) != NULL;
		int from, to;

		(void)str_split(&rest, '-', &first);
		from = day_index(first);
		to = range ? day_index(rest) : from;
		if (from < 0 || to < 0)
			return false;
		for (int i = from;; i = (i + 1) % 7) {
			set |= 1U << i;
			if (i == to)
				break;
		}
	}
	*ret = (uint8_t)set;
	return set != 0;
}

/* "8", "08" or "08:30" */
static bool
read_minute(struct str s, int16_t *ret)
{
	struct str rest = s, hour;
	int64_t h, m = 0;

	if (!str_split(&rest, ':', &hour) || !value_int(hour, &h) || h > 24)
		return false;
	if (hour.len < s.len && (rest.len != 2 || !value_int(rest, &m) || m > 59))
		return false;
	if (h * 60 + m > 24 * 60)
		return false;
	*ret = (int16_t)(h * 60 + m);
	return true;
}

static bool
zone_name_ok(struct str zone)
{
	for (size_t i = 0; i < zone.len; i++) {
		char c = zone.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && (i == 0 || strchr("0123456789+-_/", c) == NULL))
			return false;
	}
	return zone.len > 0 && zone.len < 64;
}

bool
zone_read(struct build *b, struct str zone, const char **ret_name,
    const struct zone **ret_clock)
{
	char path[256];
	struct buf file;
	bool ok;

	if (!zone_name_ok(zone))
		return false;
	*ret_name = arena_str(b->r.mem, zone);
	if (str_is(zone, "UTC"))
		return true;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", (int)zone.len, zone.p);
	buf_init(&file, ZONE_BYTES_MAX + 1);
	ok = b->env->read_file(b->env, path, ZONE_BYTES_MAX, &file);
	if (ok)
		*ret_clock = zone_parse(buf_str(&file), b->r.mem);
	buf_fini(&file);
	return ok && *ret_clock != NULL;
}

/* "Mon-Fri 08-18 Europe/Berlin" */
static void
read_hours(struct build *b, const char *text, struct diag_place at, struct rule *ret)
{
	struct str rest = str_of(text), days, span, from;

	ret->has_hours = true;
	if (!str_split(&rest, ' ', &days) || !str_split(&rest, ' ', &span) ||
	    !read_days(days, &ret->days) || !str_split(&span, '-', &from) ||
	    !read_minute(from, &ret->from_minute) ||
	    !read_minute(span, &ret->to_minute) || ret->from_minute == ret->to_minute) {
		diag_error(b->r.d, at,
		    "hours: '%s' does not fit; write days, hours and time zone, such "
		    "as \"Mon-Fri 08-18 Europe/Berlin\"",
		    text);
		return;
	}
	if (!zone_read(b, rest, &ret->zone, &ret->clock)) {
		diag_error(b->r.d, at,
		    "hours: '%.*s' is not a time zone of this machine; write one such "
		    "as Europe/Berlin or UTC",
		    (int)rest.len, rest.p);
	}
}

/* Takes `tag.NAME` out of a condition map; the fixed keys are the rows'. */
static void
read_tag(struct build *b, const struct node *when, struct rule *ret)
{
	for (const struct node *n = when->first; n != NULL; n = n->next) {
		if (!str_starts(n->key, STR("tag.")) || !node_is_text(&b->r, n))
			continue;
		if (ret->tag_name != NULL)
			diag_error(b->r.d, n->key_at,
			    "a rule looks at one tag; write two rules");
		ret->tag_name = n->key.p + 4;
		ret->tag_value = str_is(n->text, "any") ? NULL : n->text.p;
		check_tag(b, str_of(ret->tag_name), n->key_at);
	}
}

/* The map without its tags, so that the rows can find unknown keys. */
static struct node *
without_tags(struct build *b, const struct node *when)
{
	struct node *copy = arena_alloc(b->r.mem, sizeof(*copy));

	*copy = *when;
	copy->first = copy->last = NULL;
	copy->count = 0;
	for (const struct node *n = when->first; n != NULL; n = n->next) {
		struct node *child;

		if (str_starts(n->key, STR("tag.")))
			continue;
		child = arena_alloc(b->r.mem, sizeof(*child));
		*child = *n;
		child->next = NULL;
		if (copy->last == NULL)
			copy->first = child;
		else
			copy->last->next = child;
		copy->last = child;
	}
	return copy;
}

static void
read_when(struct build *b, const struct node *when, struct rule *ret)
{
	struct when_draft w = {.above = -1, .below = -1};

	if (when != NULL && when->kind != NODE_map) {
		diag_error(b->r.d, when->at,
		    "when: expected conditions; write {class: maths}");
		return;
	}
	if (when != NULL) {
		row_read(&b->r, when_rows, without_tags(b, when), " in when", &w);
		read_tag(b, when, ret);
	}
	read_classes(b, w.class, ret);
	ret->complexity_above = w.above;
	ret->complexity_below = w.below < 0 ? 2 : w.below;
	if (when != NULL && ret->complexity_above >= ret->complexity_below)
		diag_error(b->r.d, when->at,
		    "no complexity is above %g and below %g; swap or widen them",
		    ret->complexity_above, ret->complexity_below);
	if (w.hours != NULL)
		read_hours(b, w.hours, node_place(when, "hours"), ret);
	if (w.team == NULL)
		return;
	ret->team = w.team;
	for (unsigned i = 0; i < b->c->teams.count; i++) {
		if (strcmp(draft_team(b->c, i)->draft.name, w.team) == 0)
			return;
	}
	refuse_name(b, node_place(when, "team"), "team", w.team, &b->c->teams,
	    sizeof(struct team_draft));
}

static bool
always_holds(const struct rule *r)
{
	return r->classes == 0 && r->complexity_above < 0 && r->complexity_below > 1 &&
	       r->tag_name == NULL && !r->has_hours && r->team == NULL;
}

/* A rule can only narrow: what it uses must be a candidate. */
static void
check_use(struct build *b, const struct node *use, const struct route *route)
{
	for (const struct node *n = use == NULL ? NULL : use->first; n != NULL;
	     n = n->next) {
		const struct model *m = snapshot_model(b->s, n->text);
		unsigned i = 0;

		while (i < route->candidates && route->candidate[i] != m)
			i++;
		if (m != NULL && i == route->candidates)
			diag_error(b->r.d, n->at,
			    "use: '%s' is not a candidate of route '%s' (a rule only "
			    "narrows); add it to the candidates",
			    m->name, route->name);
	}
}

static void
check_leaves(struct build *b, const struct node *n, const struct route *route,
    const struct rule *r)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < route->candidates; i++)
		all |= UINT64_C(1) << route->candidate[i]->index;
	if (all == 0 || (r->use & ~all) != 0)
		return; /* has its own finding */
	if (((r->use == 0 ? all : r->use) & ~r->avoid) == 0)
		diag_error(b->r.d, n->at,
		    "this rule leaves no candidate; name fewer in `avoid`");
}

static void
read_rule(struct build *b, struct node *n, const struct route *route, struct rule *ret)
{
	struct rule_draft d = {0};
	struct buf text;

	if (n->kind != NODE_map) {
		diag_error(b->r.d, n->at, "rules: expected {when: {…}, use: […]}");
		return;
	}
	row_read(&b->r, rule_rows, n, " in a rule", &d);
	ret->at = n->at;
	ret->at.file = b->s->path;
	read_when(b, d.when, ret);
	ret->use = model_set(b, d.use);
	ret->avoid = model_set(b, d.avoid);
	ret->service_tier = d.service_tier;
	check_use(b, d.use, route);
	if (d.use == NULL && d.avoid == NULL && d.service_tier == NULL)
		diag_error(b->r.d, n->at,
		    "a rule that does nothing; add use, avoid or service_tier");
	check_leaves(b, n, route, ret);
	buf_init(&text, TREE_BYTES_MAX);
	node_print(n, &text);
	ret->text = arena_str(b->r.mem, buf_str(&text));
	buf_fini(&text);
}

void
build_rules(struct build *b, struct route_draft *d, struct route *route)
{
	const struct rule *caught_by = NULL;
	struct rule *rules;

	if (d->rules == NULL)
		return;
	if (d->rules->kind != NODE_list) {
		diag_error(b->r.d, d->rules->at,
		    "rules: expected a list; begin each rule with '- '");
		return;
	}
	rules = arena_alloc(b->r.mem, (d->rules->count + 1) * sizeof(*rules));
	for (struct node *n = d->rules->first; n != NULL; n = n->next) {
		struct rule *rule = &rules[route->rule_count++];

		read_rule(b, n, route, rule);
		if (caught_by != NULL)
			diag_warning(b->r.d, n->at,
			    "never reached: the rule in line %u always matches; move "
			    "it to the end",
			    caught_by->at.line);
		else if (n->kind == NODE_map && always_holds(rule))
			caught_by = rule;
	}
	route->rules = rules;
}
