/* guard.c: libmicrohttpd frames requests loosely; what two readers could read in two
 * ways is refused here, before anything believes it. */
#include "guard.h"

#include "base/util.h"

static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* Fields that may stand only once: whoever reads the other one is deceived. */
static const char *const once[] = {"content-length", "transfer-encoding", "host",
    "content-type", "content-encoding", "expect", "authorization", "x-api-key",
    "x-frugald-tags", "x-frugald-session", "x-frugald-data", "x-frugald-max-cost-usd",
    "x-frugald-min-quality", "x-frugald-explain"};

struct str
head_find(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->fields; i++) {
		if (str_case_eq(h->field[i].name, name))
			return h->field[i].value;
	}
	return str_make(NULL, 0);
}

unsigned
head_count(const struct http_head *h, struct str name)
{
	unsigned n = 0;

	for (size_t i = 0; i < h->fields; i++)
		n += str_case_eq(h->field[i].name, name);
	return n;
}

static bool
is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool
guard_is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_token_char(s.p[i]))
			return false;
	}
	return s.len > 0;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return true;
	}
	return false;
}

static bool
has_any(struct str s, const char *set)
{
	for (size_t i = 0; i < s.len; i++) {
		if (strchr(set, s.p[i]) != NULL)
			return true;
	}
	return false;
}

/* libmicrohttpd appends a folded line to the field's name. */
static bool
longer_than(struct str name, struct str known)
{
	return name.len > known.len && str_case_eq(str_make(name.p, known.len), known);
}

static const char *
check_fields(const struct http_head *h)
{
	for (size_t i = 0; i < h->fields; i++) {
		const struct http_field *f = &h->field[i];

		if (!guard_is_token(f->name))
			return "a header's name has characters that no name may have";
		if (has_control(f->value))
			return "a header's value has control characters";
		if (longer_than(f->name, STR("transfer-encoding")) ||
		    longer_than(f->name, STR("content-length")))
			return "a header that says where the body ends is folded";
	}
	for (size_t i = 0; i < nitems(once); i++) {
		if (head_count(h, str_of(once[i])) > 1)
			return "a header that may stand only once came twice";
	}
	return NULL;
}

static const char *
check_line(const struct http_head *h)
{
	bool known = false;

	for (size_t i = 0; i < nitems(methods); i++)
		known |= str_is(h->method, methods[i]);
	if (!known)
		return "the method is not one of HTTP's";
	if (!str_is(h->version, "HTTP/1.1") && !str_is(h->version, "HTTP/1.0"))
		return "only HTTP/1.1 and HTTP/1.0 are spoken here";
	if (h->target.len == 0 || h->target.p[0] != '/')
		return "the request's target must begin with '/'";
	if (has_control(h->target) || has_any(h->target, " \t#"))
		return "the request's target has characters that must be escaped";
	return NULL;
}

static const char *
check_host(const struct http_head *h)
{
	unsigned hosts = head_count(h, STR("host"));

	if (hosts != 1 && str_is(h->version, "HTTP/1.1"))
		return "HTTP/1.1 wants one Host header";
	if (hosts > 0 && has_any(head_find(h, STR("host")), "/?#@, \t"))
		return "the Host header is not a host";
	return NULL;
}

static const char *
check_body(const struct http_head *h, struct framing *ret)
{
	struct str length = head_find(h, STR("content-length"));
	struct str coding = head_find(h, STR("transfer-encoding"));
	uint64_t n;

	if (coding.p != NULL) {
		ret->body = true;
		ret->content_length = -1;
		if (length.p != NULL)
			return "both Content-Length and Transfer-Encoding";
		if (!str_case_eq(coding, STR("chunked")))
			return "the only Transfer-Encoding is chunked";
		if (!str_is(h->version, "HTTP/1.1"))
			return "HTTP/1.0 has no Transfer-Encoding";
		return NULL;
	}
	if (length.p == NULL)
		return NULL;
	if (!str_to_u64(length, &n) || n > INT64_MAX) {
		ret->body = true;
		ret->content_length = -1;
		return "Content-Length is not a length";
	}
	ret->body = n > 0;
	ret->content_length = (int64_t)n;
	return NULL;
}

const char *
guard_check(const struct http_head *h, struct framing *ret)
{
	const char *body, *why;

	*ret = (struct framing){
	    .expect_continue =
		str_case_eq(head_find(h, STR("expect")), STR("100-continue")),
	};
	body = check_body(h, ret);
	why = check_line(h);
	if (why == NULL)
		why = check_fields(h);
	if (why == NULL)
		why = check_host(h);
	return why != NULL ? why : body;
}
