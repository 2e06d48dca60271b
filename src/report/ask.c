/* ask.c: the parameters of GET /v1/costs/summary. */
#include "ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dates.h"

#define LIMIT_DEFAULT 1000U
#define LIMIT_MAX     10000U
/* Longer spans are asked for in parts. */
#define SPAN_MAX_MS (3660 * DAY_MS)

static const char *const dim_names[DIM_COUNT] = {
    [DIM_model] = "model",
    [DIM_tier] = "tier",
    [DIM_provider] = "provider",
    [DIM_key] = "key",
    [DIM_team] = "team",
    [DIM_route] = "route",
    [DIM_class] = "class",
    [DIM_user] = "user",
    [DIM_session] = "session",
    [DIM_hour] = "hour",
    [DIM_day] = "day",
    [DIM_tag] = "tag.NAME",
};

static const char known[] = "known are from, to, since, group_by, limit, baseline, and "
			    "the filters model, tier, provider,"
			    " key, team, route, class, user, session, tag.NAME";

const char *
dim_name(enum dim d)
{
	return dim_names[d];
}

/* ---- the query string ---- */

static bool
unescape(struct str s, char ret[static ASK_NAME])
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++, n++) {
		char c = s.p[i] == '+' ? ' ' : s.p[i];

		if (c == '%') {
			if (i + 2 >= s.len || str_hex_digit(s.p[i + 1]) < 0 ||
			    str_hex_digit(s.p[i + 2]) < 0)
				return false;
			c = (char)(str_hex_digit(s.p[i + 1]) << 4 |
				   str_hex_digit(s.p[i + 2]));
			i += 2;
		}
		if (n + 1 >= ASK_NAME || (unsigned char)c < ' ')
			return false;
		ret[n] = c;
	}
	ret[n] = '\0';
	return true;
}

bool
ask_next(struct str *query, char ret_name[static ASK_NAME],
    char ret_value[static ASK_NAME], bool *ret_bad)
{
	struct str part, name;

	*ret_bad = false;
	do {
		if (!str_split(query, '&', &part))
			return false;
	} while (part.len == 0);
	if (!str_split(&part, '=', &name))
		name = part;
	ret_name[0] = '\0';
	ret_value[0] = '\0';
	*ret_bad = !unescape(name, ret_name) || !unescape(part, ret_value);
	return true;
}

/* ---- words ---- */

static bool bad(struct ask_finding *f, const char *param, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static bool
bad(struct ask_finding *f, const char *param, const char *fmt, ...)
{
	va_list ap;

	snprintf(f->param, sizeof(f->param), "%s", param);
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return false;
}

static bool
find_dim(const char *word, struct ask_dim *ret)
{
	if (strncmp(word, "tag.", 4) == 0 && word[4] != '\0') {
		ret->dim = DIM_tag;
		snprintf(ret->tag, sizeof(ret->tag), "%s", word + 4);
		return true;
	}
	for (int d = 0; d < DIM_tag; d++) {
		if (strcmp(word, dim_names[d]) != 0)
			continue;
		ret->dim = (enum dim)d;
		ret->tag[0] = '\0';
		return true;
	}
	return false;
}

static bool
set_groups(struct ask *a, const char *value, struct ask_finding *f)
{
	struct str rest = str_of(value), part;
	char word[ASK_NAME] = "";

	a->groups = 0;
	while (str_split(&rest, ',', &part)) {
		str_copy(word, sizeof(word), str_trim(part));
		if (a->groups == ASK_GROUPS)
			return bad(f, "group_by", "group_by takes at most %d words",
			    ASK_GROUPS);
		if (!find_dim(word, &a->group[a->groups++]))
			return bad(f, "group_by",
			    "nothing can be grouped by \"%.40s\"; known are model, "
			    "tier, provider, key, team, route, class, user, session, "
			    "hour, day and tag.NAME",
			    word);
	}
	return true;
}

static bool
set_date(const char *name, const char *value, int64_t *ret, struct ask_finding *f)
{
	if (date_parse(str_of(value), ret))
		return true;
	return bad(f, name,
	    "%s: \"%.40s\" is no UTC date; write 2026-11-01 or 2026-11-01T13:00:00Z",
	    name, value);
}

static bool
set_since(struct ask *a, const char *value, int64_t now_ms, struct ask_finding *f)
{
	int64_t span;

	if (!date_parse_span(str_of(value), &span))
		return bad(f, "since",
		    "since: \"%.40s\" is no span of time; write 30m, 24h, 7d or 2w",
		    value);
	a->from_ms = now_ms - span;
	return true;
}

static bool
set_limit(struct ask *a, const char *value, struct ask_finding *f)
{
	uint64_t n;

	if (!str_to_u64(str_of(value), &n) || n < 1 || n > LIMIT_MAX)
		return bad(f, "limit", "limit: \"%.40s\" is no number from 1 to %u",
		    value, LIMIT_MAX);
	a->limit = (unsigned)n;
	return true;
}

static bool
set_filter(struct ask *a, const char *name, const char *value, struct ask_finding *f)
{
	struct ask_dim by;

	if (!find_dim(name, &by) || by.dim == DIM_hour || by.dim == DIM_day)
		return bad(f, name, "unknown parameter \"%.40s\"; %s", name, known);
	if (a->filters == ASK_FILTERS)
		return bad(f, name, "at most %d filters", ASK_FILTERS);
	a->filter[a->filters].by = by;
	snprintf(a->filter[a->filters++].value, ASK_NAME, "%s", value);
	return true;
}

static bool
set(struct ask *a, const char *name, const char *value, int64_t now_ms,
    struct ask_finding *f)
{
	if (strcmp(name, "from") == 0)
		return set_date(name, value, &a->from_ms, f);
	if (strcmp(name, "to") == 0) {
		a->open_end = false;
		return set_date(name, value, &a->to_ms, f);
	}
	if (strcmp(name, "since") == 0)
		return set_since(a, value, now_ms, f);
	if (strcmp(name, "group_by") == 0)
		return set_groups(a, value, f);
	if (strcmp(name, "limit") == 0)
		return set_limit(a, value, f);
	if (strcmp(name, "baseline") == 0) {
		snprintf(a->baseline, sizeof(a->baseline), "%s", value);
		return true;
	}
	return set_filter(a, name, value, f);
}

bool
ask_parse(
    struct str query, int64_t now_ms, struct ask *ret, struct ask_finding *ret_finding)
{
	char name[ASK_NAME] = "", value[ASK_NAME] = "";
	bool damaged, from = false, since = false;

	*ret = (struct ask){.from_ms = date_month_start_ms(date_month(now_ms)),
	    .to_ms = now_ms,
	    .open_end = true,
	    .group = {{.dim = DIM_model}},
	    .groups = 1,
	    .limit = LIMIT_DEFAULT};
	while (ask_next(&query, name, value, &damaged)) {
		if (damaged)
			return bad(ret_finding, name,
			    "a parameter is longer than %d bytes or not "
			    "percent-encoded as it should be",
			    ASK_NAME - 1);
		if (!set(ret, name, value, now_ms, ret_finding))
			return false;
		from |= strcmp(name, "from") == 0;
		since |= strcmp(name, "since") == 0;
	}
	if (from && since)
		return bad(
		    ret_finding, "since", "from and since cannot be said together");
	if (ret->from_ms >= ret->to_ms)
		return bad(
		    ret_finding, "from", "from lies at or behind to; exchange them");
	if (ret->to_ms - ret->from_ms > SPAN_MAX_MS)
		return bad(ret_finding, "from", "more than ten years; ask for less");
	return true;
}

bool
scope_sees(const struct scope *s, struct str key, struct str team)
{
	if (s->all || str_is(key, s->key))
		return true;
	return s->team != NULL && s->team[0] != '\0' && str_is(team, s->team);
}
