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

static bool
is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' || c == '-';
}

/* Takes `NAME` or `"NAME"` off the begin, where it means just that in YAML. */
static bool
take_name(struct str *rest, struct str *ret)
{
	bool quoted = rest->len > 0 && rest->p[0] == '"';
	struct str at = str_skip(*rest, quoted ? 1 : 0);
	size_t n = 0;

	while (
	    n < at.len && (quoted ? at.p[n] != '"' && at.p[n] != '\\' && at.p[n] >= ' '
				  : is_bare(at.p[n])))
		n++;
	*ret = str_make(at.p, n);
	*rest = str_skip(at, n);
	if (!quoted)
		return n > 0;
	if (rest->len == 0 || rest->p[0] != '"')
		return false;
	*rest = str_skip(*rest, 1);
	return true;
}

static bool
take_text(struct str *rest, const char *text)
{
	if (!str_starts(*rest, str_of(text)))
		return false;
	*rest = str_skip(*rest, strlen(text));
	return true;
}

/* The names of `match`, which end with ']'; with their quotes. */
static bool
take_match(struct str *rest, struct str *ret)
{
	struct str from = *rest, name;

	do {
		if (!take_name(rest, &name))
			return false;
	} while (take_text(rest, ", "));
	*ret = str_make(from.p, from.len - rest->len);
	return take_text(rest, "]");
}

/* False: it is written otherwise. */
static bool
take_head(struct str row, struct head *ret)
{
	return take_text(&row, ROW_BEGIN) && take_name(&row, &ret->id) &&
	       take_text(&row, ", provider: ") && take_name(&row, &ret->provider) &&
	       take_text(&row, ", model: ") && take_name(&row, &ret->model) &&
	       take_text(&row, ",\n" ROW_MORE "match: [") &&
	       take_match(&row, &ret->match);
}

static bool
has_name(struct str match, struct str name)
{
	struct str rule;

	while (take_name(&match, &rule)) {
		if (price_match(rule, name) > 0)
			return true;
		(void)take_text(&match, ", ");
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

		row = take_row(&rest);
		if (!take_head(row, &h))
			return false;
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
