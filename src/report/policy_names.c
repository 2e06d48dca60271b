/* policy_names.c: reads names of models and of their providers from a printed policy,
 * without what it needs to run: its secrets and files may be gone by now. */
#include "policy_names.h"

/* Blanks at the begin of a line. */
static size_t
indent(struct str line)
{
	size_t n = 0;

	while (n < line.len && line.p[n] == ' ')
		n++;
	return n;
}

static struct str
unquote(struct str s)
{
	s = str_trim(s);
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		return str_make(s.p + 1, s.len - 2);
	return s;
}

/* "{provider: rack, as: x}" or "rack" */
static struct str
provider_of(struct str item)
{
	struct str part, rest = str_trim(item);

	if (rest.len < 2 || rest.p[0] != '{')
		return unquote(rest);
	rest = str_make(rest.p + 1, rest.len - 2);
	while (str_split(&rest, ',', &part)) {
		part = str_trim(part);
		if (str_starts(part, STR("provider:")))
			return unquote(str_skip(part, 9));
	}
	return str_make("", 0);
}

/* Up to the next comma that stands in no braces. */
static bool
next_item(struct str *list, struct str *ret)
{
	size_t i = 0;
	int depth = 0;

	if (list->len == 0)
		return false;
	for (; i < list->len && (depth > 0 || list->p[i] != ','); i++)
		depth += (list->p[i] == '{') - (list->p[i] == '}');
	*ret = str_make(list->p, i);
	*list = str_skip(*list, i + 1);
	return true;
}

static void
read_at(struct policy_names *n, struct str value)
{
	struct str list = str_trim(value), item;

	if (n->models == 0 || list.len < 2 || list.p[0] != '[')
		return;
	list = str_make(list.p + 1, list.len - 2);
	while (next_item(&list, &item) && n->model[n->models - 1].ats < POLICY_ATS)
		n->model[n->models - 1].at[n->model[n->models - 1].ats++] =
		    provider_of(item);
}

static void
read_line(struct policy_names *n, struct str line)
{
	size_t in = indent(line);
	struct str text = str_trim(line);

	if (in == 4 && str_starts(text, STR("at:"))) {
		read_at(n, str_skip(text, 3));
	} else if (in == 2 && text.len > 1 && n->models < POLICY_MODELS) {
		struct str name = text;

		if (text.p[text.len - 1] == ':')
			name = str_make(text.p, text.len - 1);
		n->model[n->models++].name = unquote(name);
	}
}

void
policy_names_parse(struct str canonical, struct policy_names *ret)
{
	struct str line;
	bool inside = false;

	*ret = (struct policy_names){0};
	while (str_split(&canonical, '\n', &line)) {
		if (line.len > 0 && line.p[0] != ' ')
			inside = str_is(line, "models:");
		else if (inside)
			read_line(ret, line);
	}
}

const struct policy_names *
policy_names_load(struct books *b, struct str hash, struct arena *mem)
{
	sqlite3 *db = books_sums(b);
	struct policy_names *names = NULL;
	sqlite3_stmt *q;
	bool row;

	if (db == NULL)
		return NULL;
	q = books_prepare(
	    b, db, "SELECT text FROM kept WHERE kind='policy' AND hash=?1");
	if (q == NULL)
		return NULL;
	sqlite3_bind_text(q, 1, hash.p, (int)hash.len, SQLITE_TRANSIENT);
	if (books_step(b, q, &row) && row) {
		const char *text = arena_str(mem, books_text(q, 0));

		names = arena_alloc(mem, sizeof(*names));
		policy_names_parse(str_of(text), names);
	}
	sqlite3_finalize(q);
	return names;
}
