/* http.h: a request's head and a chunked body, as a lenient server reads them. */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define HTTP_HEAD_MAX    65536U
#define HTTP_HEADERS_MAX 64U

struct http_header {
	struct str name, value;
};

/* Slices of `text`, which belongs to the head; http_head_fini(). */
struct http_head {
	char *text;
	size_t bytes;
	struct str method, target;
	struct http_header header[HTTP_HEADERS_MAX];
	unsigned headers;
	int64_t length; /* of the body; 0 when none is said */
	bool chunked, expect, close;
};

enum http_state { HTTP_more, HTTP_whole, HTTP_bad };

enum http_state http_head_read(struct str in, struct http_head *ret);
void http_head_fini(struct http_head *h); /* takes a zeroed one */
struct str http_header(const struct http_head *h, const char *name);

/* The body of a chunked message, all of it or nothing; `ret_used` bytes of `in`. */
enum http_state http_chunks_read(struct str in, struct buf *ret, size_t *ret_used);

const char *http_reason(int status);

#endif
