/* wire.c: a head's own bytes, before libmicrohttpd has cut them into pieces. */
#include "wire.h"

#include "guard.h"

/* Without its CRLF; false: there is none. Only CRLF ends a line, but the end of the
 * head is also seen where others would see it. */
static bool
take_line(struct str *rest, struct str *ret)
{
	const char *end = memchr(rest->p, '\n', rest->len);

	if (end == NULL)
		return false;
	*ret = str_make(rest->p, (size_t)(end - rest->p));
	*rest = str_skip(*rest, ret->len + 1);
	return true;
}

static bool
is_blank(struct str line)
{
	return line.len == 0 || str_is(line, "\r");
}

/* The lines from the request's to the blank one; empty: not whole. */
static struct str
cut_head(struct str bytes)
{
	struct str rest = bytes, line;

	/* One may stand before a request, RFC 9112 2.2. */
	while (rest.len >= 2 && rest.p[0] == '\r' && rest.p[1] == '\n')
		rest = bytes = str_skip(rest, 2);
	while (take_line(&rest, &line)) {
		if (is_blank(line))
			return str_make(bytes.p, bytes.len - rest.len);
	}
	return str_make(bytes.p, 0);
}

static const char *
check_bytes(struct str head)
{
	for (size_t i = 0; i < head.len; i++) {
		bool after_cr = i > 0 && head.p[i - 1] == '\r';

		if (head.p[i] == '\0')
			return "the head has a NUL";
		if ((head.p[i] == '\n') != after_cr)
			return "a line of the head does not end in CR LF";
	}
	return NULL;
}

static const char *
check_first(struct str line, struct str *ret_target)
{
	struct str method, target;

	if (!str_split(&line, ' ', &method) || !str_split(&line, ' ', &target) ||
	    method.len == 0 || target.len == 0 || line.len == 0)
		return "the first line must be METHOD TARGET VERSION";
	*ret_target = target;
	return memchr(line.p, ' ', line.len) == NULL
		   ? NULL
		   : "the first line has more than two spaces";
}

static const char *
check_field(struct str line)
{
	struct str name, value = line;
	uint64_t n;

	if (line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		return "a header is folded";
	if (memchr(line.p, ':', line.len) == NULL || !str_split(&value, ':', &name) ||
	    !guard_is_token(name))
		return "a header has no name, or a colon is missing";
	if (str_case_eq(name, STR("content-length")) &&
	    !str_to_u64(str_trim(value), &n))
		return "Content-Length is not a length";
	return NULL;
}

const char *
wire_check(struct str bytes, struct str *ret_target)
{
	struct str head = cut_head(bytes), line;
	const char *why = check_bytes(head);
	bool first = true;

	*ret_target = str_make("", 0);
	while (why == NULL && take_line(&head, &line)) {
		line.len -= line.len > 0; /* its CR */
		if (line.len == 0)
			break;
		why = first ? check_first(line, ret_target) : check_field(line);
		first = false;
	}
	return why;
}
