/* head.c: the row `edge` of steps.def: the head is guarded and copied, the path means
 * something, what is too large or unknown is refused before its body is read. */
#include <sys/socket.h>

#include "base/mem.h"
#include "front.h"
#include "peer.h"

/* ---- as libmicrohttpd read it ---- */

struct reading {
	struct http_field *field;
	size_t count, most;
};

static enum MHD_Result
on_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct reading *in = cls;

	(void)kind;
	if (in->count == in->most)
		return MHD_NO;
	in->field[in->count++] = (struct http_field){.name = str_of(name),
	    .value = str_trim(str_of(value == NULL ? "" : value))};
	return MHD_YES;
}

static void
read_head(struct request *r, struct edge_conn *c, struct http_head *ret)
{
	int most = MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, NULL, NULL);
	struct reading in = {.most = most > 0 ? (size_t)most : 0};

	in.field = arena_alloc(r->mem, (in.most + 1) * sizeof(*in.field));
	(void)MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, on_field, &in);
	*ret = (struct http_head){
	    .method = str_of(r->in.method),
	    .version = str_of(c->version),
	    .target = str_of(arena_str(r->mem, str_of(c->target))),
	    .field = in.field,
	    .fields = in.count,
	};
	xfree(c->target);
	c->target = NULL;
}

/* ---- into the ingress ---- */

static const struct {
	const char *name;
	enum header_id id;
} ours[] = {
    {"authorization", HDR_authorization},
    {"x-api-key", HDR_x_api_key},
    {"x-frugald-tags", HDR_x_frugald_tags},
    {"x-frugald-session", HDR_x_frugald_session},
    {"x-frugald-data", HDR_x_frugald_data},
    {"x-frugald-max-cost-usd", HDR_x_frugald_max_cost_usd},
    {"x-frugald-min-quality", HDR_x_frugald_min_quality},
    {"x-frugald-deadline", HDR_x_frugald_deadline},
    {"x-frugald-explain", HDR_x_frugald_explain},
    {"x-session-id", HDR_x_session_id},
    {"x-claude-code-session-id", HDR_x_claude_code_session_id},
    {"session_id", HDR_session_id},
};

enum direction { DIRECTION_request, DIRECTION_answer };
enum handling { HANDLING_pass, HANDLING_ours, HANDLING_drop };

static const struct {
	const char *name;
	enum direction direction;
	const char *dialect;
	enum handling what;
} rows[] = {
#define HEADER(name, direction, dialects, what) \
	{name, DIRECTION_##direction, #dialects, HANDLING_##what},
#include "core/header.def"
};

static void
copy_ours(struct request *r, const struct http_head *h)
{
	for (size_t i = 0; i < nitems(ours); i++) {
		struct str v = head_find(h, str_of(ours[i].name));

		if (v.p != NULL)
			r->in.header[ours[i].id] = arena_str(r->mem, v);
	}
}

static bool
passes(struct str name, const char *dialect)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		if (rows[i].direction == DIRECTION_request &&
		    rows[i].what == HANDLING_pass &&
		    str_case_eq(name, str_of(rows[i].name)))
			return strcmp(rows[i].dialect, "any") == 0 ||
			       strcmp(rows[i].dialect, dialect) == 0;
	}
	return false;
}

static void
copy_passing(struct request *r, const struct http_head *h)
{
	const char **line = arena_alloc(r->mem, (h->fields + 1) * sizeof(*line));
	size_t n = 0;

	r->in.pass = line;
	for (size_t i = 0; i < h->fields; i++) {
		const struct http_field *f = &h->field[i];

		if (passes(f->name, r->in.dialect->name))
			line[n++] = arena_printf(r->mem, "%.*s: %.*s", (int)f->name.len,
			    f->name.p, (int)f->value.len, f->value.p);
	}
}

/* All lists of the name are one list. */
static struct str
forwarded(struct request *r, const struct http_head *h)
{
	struct str list = str_make("", 0);

	for (size_t i = 0; i < h->fields; i++) {
		const struct http_field *f = &h->field[i];

		if (str_case_eq(f->name, STR("x-forwarded-for")))
			list = str_of(arena_printf(r->mem, "%.*s,%.*s", (int)list.len,
			    list.p, (int)f->value.len, f->value.p));
	}
	return list;
}

static void
set_peer(struct request *r, const struct http_head *h)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    r->in.conn->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char direct[sizeof(r->in.peer)];
	struct str client;

	peer_format(info->client_addr, direct, sizeof(direct));
	client = str_of(direct);
	if (r->snap->behind_proxy)
		client = peer_client(client, forwarded(r, h), r->snap->trusted_proxies);
	str_copy(r->in.peer, sizeof(r->in.peer), client);
}

static bool
find_endpoint(struct request *r, const struct http_head *h, enum outcome *ret)
{
	struct endpoint_found found;
	/* libmicrohttpd leaves the body of the answer out by itself. */
	struct str method = str_is(h->method, "HEAD") ? STR("GET") : h->method;
	struct str rest = h->target;
	bool ok;

	r->in.path = str_make("", 0);
	(void)str_split(&rest, '?', &r->in.path);
	r->in.query = rest.p == NULL ? str_make("", 0) : rest;
	ok = endpoint_match(method, r->in.path, &found);
	r->in.dialect = found.dialect;
	r->in.endpoint = found.endpoint;
	r->in.dry = found.dry;
	r->in.tail = found.tail;
	r->in.path_tags = found.path_tags;
	*ret = found.outcome;
	return ok;
}

/* ---- the row ---- */

/* Left for the answer's head. Were there less, libmicrohttpd would close the connection
 * where the answer, paid for, should begin. */
#define ANSWER_HEAD_BYTES 3072U
/* libmicrohttpd's, of each field, cookie and query argument. */
#define FIELD_BYTES 64U

static bool
leaves_room(struct edge_conn *c, const struct http_head *h)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	int parts = MHD_get_connection_values(c->mhd,
	    MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);
	size_t used = info == NULL ? 0 : info->header_size;

	used += parts > 0 ? (size_t)parts * FIELD_BYTES : 0;
	used += head_find(h, STR("cookie")).len; /* a copy */
	return used + ANSWER_HEAD_BYTES <= CONNECTION_BYTES;
}

static bool
is_json(struct str type)
{
	struct str media = type;

	(void)str_split(&type, ';', &media);
	media = str_trim(media);
	return str_case_eq(media, STR("application/json"));
}

static enum next
check_body(struct request *r, const struct http_head *h)
{
	struct str encoding = head_find(h, STR("content-encoding"));
	struct str type = head_find(h, STR("content-type"));
	int64_t most = r->snap->limits.body_bytes;

	if (encoding.len > 0 && !str_case_eq(encoding, STR("identity")))
		return request_fail(r, OUT_bad_encoding);
	if (str_is(h->method, "POST") && type.len > 0 && !is_json(type))
		return request_fail_text(r, OUT_bad_encoding, NULL,
		    "the body must be JSON: Content-Type: application/json");
	if (r->in.content_length > most)
		return request_fail_text(r, OUT_too_large, NULL,
		    "the body has %lld bytes; at most %lld are taken here",
		    (long long)r->in.content_length, (long long)most);
	return NEXT;
}

enum next
edge_step(struct request *r)
{
	struct edge_conn *c = r->in.conn;
	struct http_head h;
	const char *why;
	enum outcome o;
	bool found;

	read_head(r, c, &h);
	why = guard_check(&h, &c->framing);
	r->in.content_length = c->framing.content_length;
	found = find_endpoint(r, &h, &o);
	set_peer(r, &h);
	if (why != NULL) {
		c->close = true;
		count(r->worker, requests_guarded);
		return request_fail_text(r, OUT_bad_framing, NULL, "%s", why);
	}
	if (!leaves_room(c, &h))
		return request_fail(r, OUT_large_head);
	copy_ours(r, &h);
	copy_passing(r, &h);
	if (r->worker->draining)
		return request_fail(r, OUT_draining);
	if (!found && o == OUT_not_found)
		return request_fail_text(r, o, NULL,
		    "there is nothing at this path; requests go to "
		    "/v1/chat/completions or /v1/messages");
	if (!found)
		return request_fail(r, o);
	if (!descriptors_left(c->front->edge->shared))
		return request_fail(r, OUT_overloaded);
	return check_body(r, &h);
}
