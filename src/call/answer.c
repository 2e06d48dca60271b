/* answer.c: what comes back: a head that is checked line by line, a
 * body that goes through the tap at the client's pace. Called by
 * libcurl; notes, and never calls it back. */

#include "core/worker.h"
#include "fault.h"
#include "transfer.h"

#define HEAD_BYTES_MAX 65536U
#define HEAD_LINES_MAX 100U
#define INTERIM_MAX    32U
/* A stream that has opened but brought no content is kept from the client so long: an
 * error that comes first can then still be answered by somebody else. */
#define OPENING_NS NS_PER_S
/* A provider that has said its last word but keeps the answer open. */
#define LINGER_NS (250 * NS_PER_MS)

static size_t
refuse(struct attempt *a, const char *why)
{
	judge_fault(a, OUT_bad_answer, why);
	return 0; /* ends the transfer */
}

/* ---- the head ---- */

enum direction { DIRECTION_request, DIRECTION_answer };
enum handling { HANDLING_pass, HANDLING_ours, HANDLING_drop };

static const struct {
	struct str name;
	enum direction direction;
	const char *dialects;
	enum handling what;
} headers[] = {
#define HEADER(name, direction, dialects, what) \
	{{name, sizeof(name) - 1}, DIRECTION_##direction, #dialects, HANDLING_##what},
#include "core/header.def"
};

static bool
passes(const struct attempt *a, struct str name, const char **ret_name)
{
	for (size_t i = 0; i < nitems(headers); i++) {
		if (headers[i].direction != DIRECTION_answer ||
		    headers[i].what != HANDLING_pass ||
		    !str_case_eq(name, headers[i].name))
			continue;
		*ret_name = headers[i].name.p;
		return str_is(str_of(headers[i].dialects), "any") ||
		       str_is(str_of(headers[i].dialects), a->provider->dialect->name);
	}
	return false;
}

static bool
printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
			return false;
	}
	return s.len <= 256;
}

static void
note_retry_after(struct attempt *a, struct str name, struct str value)
{
	struct env *env = a->request->worker->env;
	uint64_t ms;

	if (str_case_eq(name, STR("retry-after-ms")) && str_to_u64(value, &ms))
		a->retry_after_ms =
		    ms < RETRY_AFTER_MAX_MS ? (int64_t)ms : RETRY_AFTER_MAX_MS;
	else if (str_case_eq(name, STR("retry-after")) && a->retry_after_ms < 0)
		a->retry_after_ms =
		    fault_retry_after_ms(value, env->wall_ns(env) / NS_PER_S);
}

static void
note_header(struct attempt *a, struct str name, struct str value)
{
	const char *known;

	note_retry_after(a, name, value);
	if (str_case_eq(name, STR("content-type")) && printable(value))
		str_copy(a->content_type, sizeof(a->content_type), value);
	if (str_case_eq(name, STR("content-encoding")) && value.len > 0 &&
	    !str_case_eq(value, STR("identity")))
		a->io->encoded = true;
	if (a->passes < nitems(a->pass) && printable(value) &&
	    passes(a, name, &known)) {
		a->pass[a->passes].name = known;
		a->pass[a->passes++].value = arena_str(a->request->mem, value);
	}
}

/* "HTTP/1.1 200 OK": a new head begins; libcurl has checked its form. */
static void
begin_head(struct attempt *a, struct str line)
{
	struct str version;
	uint64_t status = 0;

	(void)str_split(&line, ' ', &version);
	line = str_trim(line);
	if (line.len > 3)
		line.len = 3;
	(void)str_to_u64(line, &status);
	a->http_status = (int)status;
	a->content_type[0] = '\0';
	a->passes = 0;
	a->io->encoded = false;
	a->io->lines = 0;
}

static bool
type_is(const struct attempt *a, struct str want)
{
	struct str rest = str_of(a->content_type), type = {0};

	(void)str_split(&rest, ';', &type);
	return str_case_eq(str_trim(type), want);
}

/* The head is whole: is this an answer to what we asked? NULL: yes. */
static const char *
check_head(const struct attempt *a)
{
	if (a->io->encoded)
		return "it is compressed, which was not asked for";
	if (a->http_status >= 400)
		return NULL;
	if (a->http_status >= 300 || a->http_status < 200)
		return "it is neither an answer nor an error";
	if (a->request->task.stream)
		return type_is(a, STR("text/event-stream")) ? NULL
							    : "it is no event stream";
	return type_is(a, STR("application/json")) || a->content_type[0] == '\0'
		   ? NULL
		   : "it is not JSON";
}

static size_t
end_head(struct attempt *a, size_t n)
{
	const char *why;

	if (a->http_status >= 100 && a->http_status < 200 && a->http_status != 101)
		return ++a->io->interim > INTERIM_MAX
			   ? refuse(a, "too many interim answers")
			   : n;
	a->io->head_done = true;
	why = check_head(a);
	return why == NULL ? n : refuse(a, why);
}

size_t
answer_on_header(char *p, size_t size, size_t n, void *attempt)
{
	struct attempt *a = attempt;
	struct attempt_io *io = a->io;
	struct str line = str_make(p, size * n), name;

	io->answered = true;
	io->head_bytes += line.len;
	if (io->head_bytes > HEAD_BYTES_MAX || io->lines++ > HEAD_LINES_MAX)
		return refuse(a, "its headers are too long");
	if (io->head_done)
		return size * n; /* a trailer */
	if (str_starts(line, STR("HTTP/"))) {
		begin_head(a, str_trim(line));
		return size * n;
	}
	line = str_trim(line);
	if (line.len == 0)
		return end_head(a, size * n);
	if (str_split(&line, ':', &name))
		note_header(a, str_trim(name), str_trim(line));
	return size * n;
}

/* ---- the body ---- */

static void
note_bytes(struct attempt *a)
{
	struct worker *w = a->request->worker;
	int64_t now = loop_now(w->loop);
	bool first = a->last_byte_ns == 0;

	/* The turn may have begun before the request was sent. */
	if (now < a->connected_ns)
		now = a->connected_ns;
	a->last_byte_ns = now;
	if (!first)
		return;
	if (a->http_status < 300) {
		a->first_byte = true;
		a->first_byte_ns = now;
		if (a->request->task.stream)
			a->io->accept_by_ns = now + OPENING_NS;
	}
	deadline_arm(a);
}

static size_t
take_error(struct attempt *a, const char *p, size_t n)
{
	size_t room = a->error_body.max - a->error_body.len;

	if (n > room) {
		(void)!buf_append(&a->error_body, p, room);
		return 0; /* enough to tell what it is about */
	}
	return buf_append(&a->error_body, p, n) ? n : 0;
}

/* What has passed may decide something. */
static void
look(struct attempt *a)
{
	struct attempt_io *io = a->io;
	struct request *r = a->request;
	const struct tap *t = &a->tap;

	if (a->slot_index >= 0 && r->slot != NULL)
		slot_attempt_seen(r->slot, a->slot_index,
		    tap_output_seen(t, a->provider->bytes_per_token_milli / 1000.0));
	if (t->failed) {
		judge_fault(a, OUT_stream_error, "");
		judge_later(a);
	}
	if (t->terminal && io->linger_ns == 0) {
		io->linger_ns = loop_now(r->worker->loop) + LINGER_NS;
		deadline_arm(a);
	}
	if (!a->accepted &&
	    ((t->stream && (t->events > 0 || t->finished)) || r->relay.overflowed))
		judge_later(a);
}

size_t
answer_on_body(char *p, size_t size, size_t n, void *attempt)
{
	struct attempt *a = attempt;
	struct request *r = a->request;
	size_t len = size * n;

	if (a->upstream_done)
		return 0; /* it was given up, and the tap has ended */
	note_bytes(a);
	if (a->http_status >= 300)
		return take_error(a, p, len);
	if (!relay_room(r, len + TAP_EVENT_MAX)) {
		a->paused = true;
		count(r->worker, upstream_pauses);
		if (!a->accepted) {
			a->io->accept_now = true;
			judge_later(a);
		}
		deadline_arm(a);
		return CURL_WRITEFUNC_PAUSE;
	}
	if (!tap_feed(&a->tap, p, len, relay_put, r))
		return refuse(a, "it does not fit");
	look(a);
	return a->io->fault == OUT_unset ? len : 0;
}
