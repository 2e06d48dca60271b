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
};

/* No escapes, no empty or dot segments: there is one way to write a path of ours. */
static bool
plain(struct str path)
{
	struct str rest = path, part;

	if (path.len == 0 || path.p[0] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c <= ' ' || c >= 0x7f || c == '%' || c == '\\' || c == '?' ||
		    c == '#')
			return false;
	}
	rest = str_skip(rest, 1);
	while (str_split(&rest, '/', &part)) {
		if (part.len == 0 || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

/* Cuts "/t/TAGS" off. */
static void
take_tags(struct str *path, struct str *ret_tags)
{
	struct str rest;

	if (!str_starts(*path, STR("/t/")))
		return;
	rest = str_skip(*path, 3);
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.p[i] != '/')
			continue;
		*ret_tags = str_make(rest.p, i);
		*path = str_skip(rest, i);
		return;
	}
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
	if (!plain(path))
		return false;
	take_tags(&path, &ret->path_tags);
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
