/* request.c: what a request is for, and who says how it is answered: the marker in its
 * last user message, else the script, else what is usual. */
#include <stdio.h>

#include "base/mem.h"
#include "sim.h"

static bool
path_is(const struct conn *c, const char *end)
{
	struct str path = {0}, target = c->record->head.target, tail = str_of(end);

	(void)str_split(&target, '?', &path);
	return path.len >= tail.len &&
	       str_eq(str_skip(path, path.len - tail.len), tail);
}

static bool
fits(const struct behaviour *b, const struct conn *c, struct str model)
{
	return (b->port < 0 || b->port == c->port->index) &&
	       (b->model[0] == '\0' || str_is(model, b->model));
}

/* True for the first `b->times` requests that say the same. */
static bool
still_counts(struct sim *s, const struct behaviour *b, struct str text)
{
	char *asked;

	if (b->times < 0)
		return true;
	asked = map_get(s->times, text);
	if (asked == NULL) {
		asked = xcalloc(1, 8);
		(void)map_put(s->times, text, asked);
	}
	if (*(int64_t *)(void *)asked >= b->times)
		return false;
	++*(int64_t *)(void *)asked;
	return true;
}

static void
take_from_script(struct conn *c, struct str model, struct behaviour *b)
{
	struct rule *r;

	STAILQ_FOREACH (r, &c->sim->script, link) {
		if (r->left == 0 || !fits(&r->b, c, model))
			continue;
		if (r->left > 0)
			r->left--;
		behave_merge(b, &r->b);
		return;
	}
}

static void
choose_behaviour(struct conn *c, const struct ask *a, struct behaviour *b)
{
	struct behaviour said;
	struct str words;
	char why[200];

	*b = c->sim->usual;
	take_from_script(c, a->model, b);
	behave_init(&said);
	if (behave_marker(a->last_user, &words) && behave_parse(words, &said, why) &&
	    fits(&said, c, a->model) && still_counts(c->sim, &said, a->last_user))
		behave_merge(b, &said);
}

/* ---- what else there is ---- */

static void
reply_models(struct conn *c)
{
	reply_json(c, 200,
	    STR("{\"object\":\"list\",\"data\":["
		"{\"id\":\"gpt-5.6-sol\",\"object\":\"model\",\"created\":1783555200,"
		"\"owned_by\":\"simulated\"},"
		"{\"id\":\"gpt-5.6-luna\",\"object\":\"model\",\"created\":1783555200,"
		"\"owned_by\":\"simulated\"},"
		"{\"id\":\"qwen3-32b\",\"object\":\"model\",\"created\":1783555200,"
		"\"owned_by\":\"simulated\"}]}"));
}

static void
reply_count(struct conn *c, const struct ask *a)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"input_tokens\":%lld}", (long long)a->tokens);
	reply_json(c, 200, str_of(text));
}

static bool
key_fits(struct conn *c)
{
	const struct http_head *h = &c->record->head;
	struct str bearer = http_header(h, "authorization");

	if (c->sim->key == NULL || str_is(http_header(h, "x-api-key"), c->sim->key))
		return true;
	return str_starts(bearer, STR("Bearer ")) &&
	       str_is(str_skip(bearer, 7), c->sim->key);
}

/* ---- the request ---- */

static void
generate(struct conn *c, struct ask *a)
{
	struct behaviour b;

	choose_behaviour(c, a, &b);
	c->record->stream = a->stream;
	str_copy(c->record->model, sizeof(c->record->model), a->model);
	str_copy(c->record->fault, sizeof(c->record->fault),
	    str_of(behave_fault_name(b.fault)));
	if (a->foreign_signature)
		answer_error(c, 400, "",
		    STR("messages: Invalid `signature` in `thinking` block"));
	else if (path_is(c, "/count_tokens") && b.status < 400)
		reply_count(c, a);
	else
		answer_begin(c, a, &b);
}

static void
answer_request(struct conn *c, struct str body)
{
	bool anthropic = c->port->voice == &voice_anthropic;
	const char *why;
	struct ask a;

	if (path_is(c, "/models") && str_is(c->record->head.method, "GET")) {
		reply_models(c);
		return;
	}
	if (anthropic ? !path_is(c, "/v1/messages") && !path_is(c, "/count_tokens")
		      : !path_is(c, "/chat/completions")) {
		answer_error(c, 404, "", STR("Unknown request URL"));
		return;
	}
	if (!key_fits(c)) {
		answer_error(c, 401, "", STR(""));
		return;
	}
	if (ask_read(body, &a, &why))
		generate(c, &a);
	else
		answer_error(c, 400, "", str_of(why));
	ask_fini(&a);
}

void
request_take(struct conn *c, struct str body)
{
	struct sim *s = c->sim;
	struct port *p = c->port;
	struct record *r;

	c->close_after = c->head.close;
	if (control_take(c, body))
		return;
	r = record_get(s->records, &c->head, body);
	c->record = r;
	r->port = p->index;
	r->tcp_port = p->number;
	r->conn = c->number;
	r->on_conn = c->served;
	r->at_ms = (loop_now(s->loop) - s->start_ns) / NS_PER_MS;
	p->requests++;
	r->inflight = ++p->inflight;
	if (p->inflight > p->max_inflight)
		p->max_inflight = p->inflight;
	if (p->voice == NULL)
		reply_json(
		    c, 404, STR("{\"error\":\"this port is for /__sim/ only\"}"));
	else
		answer_request(c, body);
}
