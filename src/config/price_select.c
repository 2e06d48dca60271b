/* price_select.c: cuts rows out of a price book by its lines, which is a hundred times
 * less work and memory than to read all of them as YAML.
 *
 * A row begins with a line "  - {id: ID, provider: NAME, model: NAME", the next line
 * has `match: [NAME, …]`; whatever else belongs to it is indented further. */
#include "price_select.h"

#include <string.h>

#define ROW_BEGIN "  - {id: "
#define ROW_MORE  "     "

static bool
contains(struct str text, struct str part)
{
	return memmem(text.p, text.len, part.p, part.len) != NULL;
}

size_t
price_match(struct str rule, struct str name)
{
	bool head = rule.len > 0 && rule.p[0] == '*', tail;

	if (str_eq(rule, name))
		return name.len + 1;
	rule = str_skip(rule, head ? 1 : 0);
	tail = rule.len > 0 && rule.p[rule.len - 1] == '*';
	rule.len -= tail ? 1 : 0;
	if (rule.len == 0 || rule.len > name.len || (!head && !tail))
		return 0;
	if (head && tail)
		return contains(name, rule) ? rule.len : 0;
	if (tail)
		return str_starts(name, rule) ? rule.len : 0;
	return str_eq(str_skip(name, name.len - rule.len), rule) ? rule.len : 0;
}

struct head {
	struct str id, provider, model, match;
};

/* "NAME" or NAME. */
static struct str
bare(struct str s)
{
	s = str_trim(s);
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		s = str_make(s.p + 1, s.len - 2);
	return s;
}

/* What stands between `key` and the next `end`; empty: there is no such key. */
static struct str
value_of(struct str text, const char *key, char end)
{
	const char *at = memmem(text.p, text.len, key, strlen(key));
	struct str value = {0}, rest;

	if (at == NULL)
		return value;
	rest = str_skip(text, (size_t)(at - text.p) + strlen(key));
	(void)str_split(&rest, end, &value);
	return bare(value);
}

static struct head
head_of(struct str row)
{
	return (struct head){.id = value_of(row, "{id: ", ','),
	    .provider = value_of(row, ", provider: ", ','),
	    .model = value_of(row, ", model: ", ','),
	    .match = value_of(row, " match: [", ']')};
}

static bool
has_name(struct str match, struct str name)
{
	struct str rule;

	while (match.len > 0 && str_split(&match, ',', &rule)) {
		if (price_match(bare(rule), name) > 0)
			return true;
	}
	return false;
}

static bool
wanted(const struct head *h, const struct price_wish *w)
{
	struct str rest = w->model, vendor;

	if (w->id.len > 0)
		return str_eq(h->id, w->id);
	if (str_eq(h->provider, w->provider))
		return str_eq(h->model, w->model) || has_name(h->match, w->name);
	return str_eq(h->model, w->model) && str_split(&rest, '/', &vendor) &&
	       str_eq(h->provider, vendor);
}

/* Takes the row that `*rest` begins with off it. */
static struct str
take_row(struct str *rest)
{
	struct str from = *rest, line;

	(void)str_split(rest, '\n', &line);
	while (str_starts(*rest, STR(ROW_MORE)))
		(void)str_split(rest, '\n', &line);
	return str_make(from.p, from.len - rest->len);
}

/* All that stands before the first row; `*rest` is left at that. */
static struct str
take_top(struct str *rest)
{
	struct str from = *rest, line;

	while (!str_starts(*rest, STR(ROW_BEGIN)) && str_split(rest, '\n', &line))
		continue;
	return str_make(from.p, from.len - rest->len);
}

bool
price_select(
    struct str yaml, const struct price_wish *wish, unsigned wishes, struct buf *ret)
{
	struct str rest = yaml, row;
	bool any = false;

	if (!buf_append_str(ret, take_top(&rest)) || rest.len == 0)
		return false;
	while (rest.len > 0) {
		struct head h;
		bool keep = false;

		if (!str_starts(rest, STR(ROW_BEGIN)))
			return false;
		row = take_row(&rest);
		h = head_of(row);
		for (unsigned i = 0; i < wishes && !keep; i++)
			keep = wanted(&h, &wish[i]);
		if (keep && !buf_append_str(ret, row))
			return false;
		any |= keep;
	}
	if (!any)
		buf_add(ret, "  []\n");
	return true;
}
