/* http.c: heads and chunks. */
#include "http.h"

#include "base/mem.h"
#include "base/util.h"

static void
note_header(struct http_head *h, struct http_header *x)
{
	uint64_t n;

	if (str_case_eq(x->name, STR("content-length")) && str_to_u64(x->value, &n))
		h->length = (int64_t)n;
	else if (str_case_eq(x->name, STR("transfer-encoding")))
		h->chunked = str_case_eq(x->value, STR("chunked"));
	else if (str_case_eq(x->name, STR("expect")))
		h->expect = true;
	else if (str_case_eq(x->name, STR("connection")))
		h->close = str_case_eq(x->value, STR("close"));
}

static bool
read_lines(struct http_head *h, struct str rest)
{
	struct str line, version;

	if (!str_split(&rest, '\n', &line))
		return false;
	line = str_trim(line);
	if (!str_split(&line, ' ', &h->method) || !str_split(&line, ' ', &h->target))
		return false;
	version = line;
	h->close = str_is(version, "HTTP/1.0");
	while (str_split(&rest, '\n', &line)) {
		struct http_header *x = &h->header[h->headers];

		line = str_trim(line);
		if (line.len == 0)
			break;
		if (h->headers == HTTP_HEADERS_MAX || !str_split(&line, ':', &x->name))
			return false;
		x->value = str_trim(line);
		h->headers++;
		note_header(h, x);
	}
	return str_starts(version, STR("HTTP/1."));
}

enum http_state
http_head_read(struct str in, struct http_head *ret)
{
	const char *end = memmem(in.p, in.len, "\r\n\r\n", 4);

	if (end == NULL)
		return in.len > HTTP_HEAD_MAX ? HTTP_bad : HTTP_more;
	*ret = (struct http_head){.bytes = (size_t)(end - in.p) + 4};
	ret->text = xmemdup(in.p, ret->bytes);
	if (read_lines(ret, str_make(ret->text, ret->bytes)))
		return HTTP_whole;
	http_head_fini(ret);
	return HTTP_bad;
}

void
http_head_fini(struct http_head *h)
{
	xfree(h->text);
	*h = (struct http_head){0};
}

struct str
http_header(const struct http_head *h, const char *name)
{
	for (unsigned i = 0; i < h->headers; i++) {
		if (str_case_eq(h->header[i].name, str_of(name)))
			return h->header[i].value;
	}
	return str_make("", 0);
}

static bool
read_hex(struct str s, size_t *ret)
{
	size_t n = 0;

	if (s.len == 0 || s.len > 8)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = strchr(digits, s.p[i] | ((s.p[i] >= 'A') ? 0x20 : 0));

		if (s.p[i] == '\0' || d == NULL)
			return false;
		n = n * 16 + (size_t)(d - digits);
	}
	*ret = n;
	return true;
}

enum http_state
http_chunks_read(struct str in, struct buf *ret, size_t *ret_used)
{
	struct str rest = in;

	buf_clear(ret);
	for (;;) {
		const char *eol = memmem(rest.p, rest.len, "\r\n", 2);
		struct str line, size = {0};
		size_t n = 0;

		if (eol == NULL)
			return HTTP_more;
		line = str_make(rest.p, (size_t)(eol - rest.p));
		rest = str_skip(rest, line.len + 2);
		(void)str_split(&line, ';', &size);
		if (!read_hex(str_trim(size), &n))
			return HTTP_bad;
		if (rest.len < n + 2)
			return HTTP_more;
		if (!buf_append(ret, rest.p, n))
			return HTTP_bad;
		rest = str_skip(rest, n + 2);
		if (n == 0) {
			*ret_used = in.len - rest.len;
			return HTTP_whole;
		}
	}
}

const char *
http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} known[] = {{100, "Continue"}, {102, "Processing"}, {103, "Early Hints"},
	    {200, "OK"}, {302, "Found"}, {400, "Bad Request"}, {401, "Unauthorized"},
	    {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"},
	    {408, "Request Timeout"}, {409, "Conflict"},
	    {413, "Request Entity Too Large"}, {429, "Too Many Requests"},
	    {500, "Internal Server Error"}, {502, "Bad Gateway"},
	    {503, "Service Unavailable"}, {529, "Overloaded"}};

	for (size_t i = 0; i < nitems(known); i++) {
		if (known[i].status == status)
			return known[i].reason;
	}
	return "Whatever";
}
