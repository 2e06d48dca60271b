/* record.c: a list with a ceiling. A record that fell off it while its connection is
 * still busy lives until that lets go. */
#include "record.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

#define BODY_KEPT ((size_t)4 << 20)

struct records {
	TAILQ_HEAD(, record) list;
	uint64_t keep, count, listed;
};

struct records *
records_new(uint64_t count)
{
	struct records *r = xcalloc(1, sizeof(*r));

	TAILQ_INIT(&r->list);
	r->keep = count;
	return r;
}

static void
drop(struct record *r)
{
	http_head_fini(&r->head);
	xfree(r->body);
	xfree(r);
}

static void
unlist(struct records *r, struct record *x)
{
	TAILQ_REMOVE(&r->list, x, link);
	r->listed--;
	x->owned = false;
	if (x->end != RECORD_open)
		drop(x);
}

void
records_clear(struct records *r)
{
	while (!TAILQ_EMPTY(&r->list))
		unlist(r, TAILQ_FIRST(&r->list));
}

void
records_free(struct records *r)
{
	records_clear(r);
	xfree(r);
}

uint64_t
records_count(const struct records *r)
{
	return r->count;
}

struct record *
record_get(struct records *r, struct http_head *head, struct str body)
{
	struct record *x = xcalloc(1, sizeof(*x));

	x->number = ++r->count;
	x->body_bytes = (int64_t)body.len;
	x->head = *head;
	*head = (struct http_head){0};
	if (r->keep == 0)
		return x;
	if (body.len <= BODY_KEPT)
		x->body = xmemdup(body.p, body.len);
	x->owned = true;
	TAILQ_INSERT_TAIL(&r->list, x, link);
	r->listed++;
	if (r->listed > r->keep)
		unlist(r, TAILQ_FIRST(&r->list));
	return x;
}

void
record_put(struct record *r)
{
	if (!r->owned)
		drop(r);
}

static void
write_headers(const struct record *r, struct json *j)
{
	json_array_begin(j, "headers");
	for (unsigned i = 0; i < r->head.headers; i++) {
		json_array_begin(j, NULL);
		json_str(j, NULL, r->head.header[i].name);
		json_str(j, NULL, r->head.header[i].value);
		json_array_end(j);
	}
	json_array_end(j);
}

static void
write_numbers(const struct record *r, struct json *j)
{
	json_int(j, "n", (int64_t)r->number);
	json_int(j, "port", r->port);
	json_int(j, "tcp_port", r->tcp_port);
	json_int(j, "conn", (int64_t)r->conn);
	json_int(j, "on_conn", r->on_conn);
	json_int(j, "at_ms", r->at_ms);
	json_int(j, "end_ms", r->end_ms);
	json_int(j, "inflight", r->inflight);
	json_int(j, "status", r->status);
	json_int(j, "events", r->events);
	json_int(j, "bytes", r->bytes);
	json_int(j, "prompt_tokens", r->prompt);
	json_int(j, "output_tokens", r->output);
	json_int(j, "cached_tokens", r->cached);
	json_int(j, "body_bytes", r->body_bytes);
	json_bool(j, "stream", r->stream);
}

static void
write_one(const struct record *r, struct buf *out)
{
	static const char *const ends[] = {"open", "completed", "aborted", "broken"};
	struct str body =
	    str_make(r->body, r->body == NULL ? 0 : (size_t)r->body_bytes);
	struct sha256 sum = hash_sha256(body);
	char hex[65];
	struct json j;

	hash_sha256_hex(&sum, hex);
	json_init(&j, out);
	json_object_begin(&j, NULL);
	write_numbers(r, &j);
	json_str(&j, "end", str_of(ends[r->end]));
	json_str(&j, "fault", str_of(r->fault));
	json_str(&j, "method", r->head.method);
	json_str(&j, "path", r->head.target);
	json_str(&j, "model", str_of(r->model));
	write_headers(r, &j);
	json_str(&j, "sha256", str_of(hex));
	json_str(&j, "body", body);
	json_object_end(&j);
	buf_add(out, "\n");
}

void
records_write(const struct records *r, uint64_t since, int64_t port, struct buf *out)
{
	const struct record *x;

	TAILQ_FOREACH (x, &r->list, link) {
		if (x->number > since && (port < 0 || port == x->port))
			write_one(x, out);
	}
}
