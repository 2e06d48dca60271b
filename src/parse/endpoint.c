/* endpoint.c: the data plane's table of paths. */
#include "core/dialect.h"
#include "base/util.h"

/* A path that ends in '/' is a prefix: an id follows. */
static const struct {
	const char *method, *path;
	const struct dialect *dialect; /* for the form of errors */
	enum endpoint endpoint;
	bool dry;
} table[] = {
    {"POST", "/chat/completions", &dialect_openai, EP_generate, false},
    {"POST", "/messages", &dialect_anthropic, EP_generate, false},
    {"POST", "/messages/count_tokens", &dialect_anthropic, EP_count_tokens, false},
    {"POST", "/route", &dialect_openai, EP_generate, true},
    {"POST", "/route/chat/completions", &dialect_openai, EP_generate, true},
    {"POST", "/route/messages", &dialect_anthropic, EP_generate, true},
    {"GET", "/models", &dialect_openai, EP_models, false},
    {"GET", "/models/", &dialect_openai, EP_model, false},
    {"GET", "/requests/", &dialect_openai, EP_request, false},
    {"GET", "/costs/summary", &dialect_openai, EP_costs_summary, false},
    {"GET", "/costs/gate", &dialect_openai, EP_costs_gate, false},
    {"POST", "/ci/token", &dialect_openai, EP_ci_token, false},
};

/* What needs no escape, and escapes where they are allowed. */
static bool
clean(struct str s, bool escapes)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || c == '\\' || c == '?' || c == '#' ||
		    (c == '%' && !escapes))
			return false;
	}
	return true;
}

/* No escapes, no empty or dot segments: there is one way to write a path of ours. */
static bool
plain(struct str path)
{
	struct str rest = path, part;

	if (path.len == 0 || path.p[0] != '/' || !clean(path, false))
		return false;
	rest = str_skip(rest, 1);
	while (str_split(&rest, '/', &part)) {
		if (part.len == 0 || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

/* Cuts "/t/TAGS" off. False: they are not even a part of a path. */
static bool
take_tags(struct str *path, struct str *ret_tags)
{
	struct str rest;
	size_t n;

	if (!str_starts(*path, STR("/t/")))
		return true;
	rest = str_skip(*path, 3);
	for (n = 0; n < rest.len && rest.p[n] != '/';)
		n++;
	if (n == 0 || n == rest.len || !clean(str_make(rest.p, n), true))
		return false;
	*ret_tags = str_make(rest.p, n);
	*path = str_skip(rest, n);
	return true;
}

static bool
path_fits(struct str path, struct str row, struct str *ret_tail)
{
	if (row.p[row.len - 1] != '/')
		return str_eq(path, row);
	if (!str_starts(path, row) || path.len == row.len)
		return false;
	*ret_tail = str_skip(path, row.len);
	return true;
}

bool
endpoint_match(struct str method, struct str path, struct endpoint_found *ret)
{
	*ret = (struct endpoint_found){
	    .dialect = &dialect_openai,
	    .tail = STR(""),
	    .path_tags = STR(""),
	    .outcome = OUT_not_found,
	};
	if (!take_tags(&path, &ret->path_tags) || !plain(path))
		return false;
	if (str_starts(path, STR("/v1/")))
		path = str_skip(path, 3);
	if (str_starts(path, STR("/messages")))
		ret->dialect = &dialect_anthropic;
	for (size_t i = 0; i < nitems(table); i++) {
		if (!path_fits(path, str_of(table[i].path), &ret->tail))
			continue;
		ret->dialect = table[i].dialect;
		ret->outcome = OUT_bad_method;
		if (!str_is(method, table[i].method))
			continue;
		ret->endpoint = table[i].endpoint;
		ret->dry = table[i].dry;
		ret->outcome = OUT_served;
		return true;
	}
	return false;
}
