/* control.c: what a test says to the simulator, on any port, below /__sim/. */

#include "base/json.h"
#include "base/mem.h"
#include "peek.h"
#include "sim.h"

static void
reply_ok(struct conn *c)
{
	reply_json(c, 200, STR("{\"ok\":true}"));
}

static void
reply_wrong(struct conn *c, const char *why)
{
	struct buf out;
	struct json j;

	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_str(&j, "error", str_of(why));
	json_object_end(&j);
	reply_json(c, 400, buf_str(&out));
	buf_fini(&out);
}

/* ---- POST /__sim/script ---- */

static void
drop_idle(struct sim *s, int64_t port)
{
	struct conn *c = TAILQ_FIRST(&s->conns);

	while (c != NULL) {
		struct conn *next = TAILQ_NEXT(c, link);

		if (c->phase == CONN_head && c->in.len == 0 &&
		    (port < 0 || c->port->index == port))
			conn_close(c, RECORD_completed);
		c = next;
	}
}

static bool
set_port_state(struct sim *s, int64_t port, struct str state)
{
	static const char *const states[] = {"open", "closed", "deaf", "rst"};

	for (unsigned i = 0; i < nitems(states); i++) {
		if (!str_is(state, states[i]) || port < 0 || port >= s->ports)
			continue;
		port_set(&s->port[port], (enum port_state)i);
		if (i != PORT_open)
			drop_idle(s, port); /* it is down for those, too */
		return true;
	}
	return false;
}

static void
add_rule(struct conn *c, struct str body, int64_t port)
{
	struct str words = peek_text(peek_member(body, "do"));
	struct rule *r = xcalloc(1, sizeof(*r));
	char why[200];

	behave_init(&r->b);
	r->left = peek_int(peek_member(body, "times"), 1);
	if (r->left == 0)
		r->left = -1;
	if (!behave_parse(words, &r->b, why)) {
		xfree(r);
		reply_wrong(c, why);
		return;
	}
	r->b.port = port >= 0 ? port : r->b.port;
	r->b.times = -1;
	if (peek_member(body, "model").len > 0)
		str_copy(r->b.model, sizeof(r->b.model),
		    peek_text(peek_member(body, "model")));
	STAILQ_INSERT_TAIL(&c->sim->script, r, link);
	reply_ok(c);
}

static void
take_script(struct conn *c, struct str body)
{
	int64_t port = peek_int(peek_member(body, "port"), -1);
	struct str state = peek_text(peek_member(body, "listen"));

	if (!peek_whole(body)) {
		reply_wrong(c, "expected {\"port\": 0, \"model\": \"…\", \"times\": 1, "
			       "\"do\": \"status=500 …\"} or {\"port\": 0, \"listen\": "
			       "\"closed\"}");
	} else if (str_is(state, "drop")) {
		drop_idle(c->sim, port);
		reply_ok(c);
	} else if (state.len == 0) {
		add_rule(c, body, port);
	} else if (set_port_state(c->sim, port, state)) {
		reply_ok(c);
	} else {
		reply_wrong(
		    c, "listen: open, closed, deaf or rst, of one port; or drop");
	}
}

/* ---- the others ---- */

static void
release(struct sim *s)
{
	struct conn *c = TAILQ_FIRST(&s->conns);

	while (c != NULL) {
		struct conn *next = TAILQ_NEXT(c, link);

		if (c->answer.gated) {
			c->answer.gated = false;
			c->answer.b.gate = -1;
			s->gated--;
			answer_go_on(c);
		}
		c = next;
	}
}

void
control_reset(struct sim *s)
{
	struct str key;
	void *value;
	size_t at = 0;

	while (!STAILQ_EMPTY(&s->script)) {
		struct rule *r = STAILQ_FIRST(&s->script);

		STAILQ_REMOVE_HEAD(&s->script, link);
		xfree(r);
	}
	while (map_next(s->times, &at, &key, &value))
		xfree(value);
	map_free(s->times);
	s->times = map_new();
	records_clear(s->records);
	release(s);
	for (unsigned i = 0; i < s->ports; i++) {
		struct port *p = &s->port[i];

		port_set(p, PORT_open);
		cache_clear(p->cache);
		p->max_inflight = p->inflight;
		p->connections = p->requests = p->completed = p->aborted = p->broken =
		    p->handshakes = p->resumed = 0;
	}
}

static void
write_port(const struct port *p, struct json *j)
{
	json_object_begin(j, NULL);
	json_int(j, "index", p->index);
	json_int(j, "tcp_port", p->number);
	json_str(j, "dialect", str_of(p->voice == NULL ? "control" : p->voice->name));
	json_bool(j, "tls", p->tls);
	json_int(j, "connections", p->connections);
	json_int(j, "open", p->open);
	json_int(j, "requests", p->requests);
	json_int(j, "inflight", p->inflight);
	json_int(j, "max_inflight", p->max_inflight);
	json_int(j, "completed", p->completed);
	json_int(j, "aborted", p->aborted);
	json_int(j, "broken", p->broken);
	json_int(j, "handshakes", p->handshakes);
	json_int(j, "resumed", p->resumed);
	json_object_end(j);
}

static void
reply_stats(struct conn *c)
{
	struct sim *s = c->sim;
	struct buf out;
	struct json j;

	buf_init(&out, 65536);
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_int(&j, "requests", (int64_t)records_count(s->records));
	json_int(&j, "gated", s->gated);
	json_int(&j, "now_ms", (loop_now(s->loop) - s->start_ns) / NS_PER_MS);
	json_int(&j, "start_wall_ms", s->start_wall_ms);
	json_array_begin(&j, "ports");
	for (unsigned i = 0; i < s->ports; i++)
		write_port(&s->port[i], &j);
	json_array_end(&j);
	json_object_end(&j);
	reply_json(c, 200, buf_str(&out));
	buf_fini(&out);
}

static int64_t
query_int(struct str query, const char *name, int64_t fallback)
{
	struct str word, key;
	uint64_t n;

	while (str_split(&query, '&', &word)) {
		if (str_split(&word, '=', &key) && str_is(key, name) &&
		    str_to_u64(word, &n) && n < INT64_MAX)
			return (int64_t)n;
	}
	return fallback;
}

static void
reply_log(struct conn *c, struct str query)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	records_write(c->sim->records, (uint64_t)query_int(query, "since", 0),
	    query_int(query, "port", -1), &out);
	reply_json(c, 200, buf_str(&out));
	buf_fini(&out);
}

bool
control_take(struct conn *c, struct str body)
{
	struct str query = c->head.target, path = {0};
	bool post = str_is(c->head.method, "POST");

	(void)str_split(&query, '?', &path);
	if (!str_starts(path, STR("/__sim/")))
		return false;
	path = str_skip(path, 7);
	if (post && str_is(path, "script")) {
		take_script(c, body);
	} else if (post && str_is(path, "release")) {
		release(c->sim);
		reply_ok(c);
	} else if (post && str_is(path, "reset")) {
		control_reset(c->sim);
		reply_ok(c);
	} else if (!post && str_is(path, "stats")) {
		reply_stats(c);
	} else if (!post && str_is(path, "log")) {
		reply_log(c, query);
	} else {
		reply_wrong(c, "POST script, release or reset; GET log or stats");
	}
	return true;
}
