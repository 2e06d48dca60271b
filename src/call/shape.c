/* shape.c: what goes upstream: URL, headers,
 * and the client's bytes with single spans replaced. */
#include <stdio.h>

#include "core/worker.h"
#include "transfer.h"

/* Up to here a body is joined and leaves with the headers in one write; beyond, pieces
 * are read as the upstream takes them. */
#define JOIN_MAX 16384U

static void
add_line(struct attempt *a, struct curl_slist ***tail, const char *line)
{
	struct curl_slist *node = arena_alloc(a->request->mem, sizeof(*node));

	/* libcurl reads these lines and never writes them. */
	node->data = (char *)line;
	**tail = node;
	*tail = &node->next;
}

static struct str
name_of(const char *line)
{
	struct str rest = str_of(line), name = {0};

	(void)str_split(&rest, ':', &name);
	return str_trim(name);
}

static bool
names_any(const char *const *lines, struct str name)
{
	for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
		if (str_case_eq(name_of(lines[i]), name))
			return true;
	}
	return false;
}

/* The operator's own lines stand over the client's, those over the dialect's. */
static void
add_given(struct attempt *a, struct curl_slist ***tail)
{
	const char *const *own = a->provider->headers;
	const char *const *pass = a->request->in.pass;
	const char *const *usual = a->provider->dialect->default_headers;

	for (size_t i = 0; own != NULL && own[i] != NULL; i++)
		add_line(a, tail, own[i]);
	for (size_t i = 0; pass != NULL && pass[i] != NULL; i++) {
		if (!names_any(own, name_of(pass[i])))
			add_line(a, tail, pass[i]);
	}
	for (size_t i = 0; usual != NULL && usual[i] != NULL; i++) {
		if (!names_any(own, name_of(usual[i])) &&
		    !names_any(pass, name_of(usual[i])))
			add_line(a, tail, usual[i]);
	}
}

static void
add_key(struct attempt *a, struct curl_slist ***tail)
{
	const struct provider *p = a->provider;
	struct buf line;

	if (p->keys == 0)
		return;
	buf_init(&line, 16384);
	p->dialect->auth_header(str_of(p->key[a->io->key].secret), &line);
	add_line(a, tail, arena_str(a->request->mem, buf_str(&line)));
	buf_fini(&line);
}

static void
make_headers(struct attempt *a)
{
	struct request *r = a->request;
	struct curl_slist **tail = &a->io->headers;

	add_line(a, &tail, "Content-Type: application/json");
	/* libcurl would wait a second for leave to send a long body. */
	add_line(a, &tail, "Expect:");
	add_line(a, &tail,
	    arena_join(r->mem, "User-Agent: frugald/", r->worker->shared->version));
	/* So that an audit can match what a provider saw with what was booked. Not
	 * x-request-id: servers on Starlette refuse one that is no UUID. */
	add_line(
	    a, &tail, arena_join(r->mem, "x-client-request-id: ", request_id_text(r)));
	add_line(a, &tail,
	    a->slot_index == 0
		? "x-frugald-attempt: 0"
		: arena_printf(r->mem, "x-frugald-attempt: %d", a->slot_index));
	add_key(a, &tail);
	add_given(a, &tail);
}

static void
make_body(struct attempt *a)
{
	struct request *r = a->request;
	const struct candidate *c = a->candidate;
	const struct model *m = c->model;
	struct splice splices[SPLICES_MAX];
	char *joined;
	struct shape_wish wish = {
	    .model = str_of(m->at[c->at].name),
	    .max_output = a->max_output,
	    .max_field = m->catalogue != NULL ? m->catalogue->max_field : NULL,
	    .ask_usage = r->task.stream && a->provider->stream_usage,
	    .service_tier = str_of(c->service),
	};
	size_t n = a->provider->dialect->splice(&r->task, &wish, r->mem, splices);

	pieces_make(buf_str(&r->in.body), splices, n, &a->body);
	a->body_sent = 0;
	if (a->body.bytes > JOIN_MAX)
		return;
	joined = arena_try(r->mem, a->body.bytes + 1);
	if (joined != NULL)
		(void)pieces_read(&a->body, 0, joined, a->body.bytes);
	a->io->whole = joined;
}

enum next
attempt_shape(struct attempt *a)
{
	struct request *r = a->request;

	a->io->url = arena_join(
	    r->mem, a->provider->url, a->provider->dialect->target(r->task.endpoint));
	make_headers(a);
	make_body(a);
	return NEXT;
}
