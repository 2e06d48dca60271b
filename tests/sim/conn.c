/* conn.c: bytes in, bytes out, with or without TLS. */
#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sim.h"

#define READS_ONCE 16
/* A peer that sends more than we read while an answer is under way. */
#define AHEAD_MAX 65536U

static void read_requests(struct conn *c);

bool
conn_gone(const struct conn *c)
{
	return c->watch.fd < 0;
}

size_t
conn_waiting(const struct conn *c)
{
	return c->out.len - c->out_sent;
}

/* ---- the end ---- */

static void
end_record(struct conn *c, enum record_end end)
{
	struct record *r = c->record;
	struct port *p = c->port;

	if (r == NULL)
		return;
	p->inflight--;
	p->completed += end == RECORD_completed;
	p->aborted += end == RECORD_aborted;
	p->broken += end == RECORD_broken;
	r->end = end;
	r->end_ms = (loop_now(c->sim->loop) - c->sim->start_ns) / NS_PER_MS;
	r->events = c->answer.sent;
	record_put(r);
	c->record = NULL;
}

static void
end_answer(struct conn *c)
{
	loop_timer_stop(c->sim->loop, &c->timer);
	if (c->answer.gated)
		c->sim->gated--;
	answer_fini(&c->answer);
	http_head_fini(&c->head);
}

void
conn_close(struct conn *c, enum record_end end)
{
	int fd = c->watch.fd;

	if (fd < 0)
		return;
	end_record(c, end);
	end_answer(c);
	loop_unwatch(c->sim->loop, &c->watch);
	c->watch.fd = -1;
	if (c->ssl != NULL && end != RECORD_broken && c->handshaken)
		(void)SSL_shutdown(c->ssl);
	close(fd);
	c->port->open--;
	TAILQ_REMOVE(&c->sim->conns, c, link);
	TAILQ_INSERT_TAIL(&c->sim->dead, c, link);
}

void
conn_reset(struct conn *c)
{
	struct linger l = {.l_onoff = 1};

	if (conn_gone(c))
		return;
	(void)setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	conn_close(c, RECORD_broken);
}

void
conn_bury(struct sim *s)
{
	while (!TAILQ_EMPTY(&s->dead)) {
		struct conn *c = TAILQ_FIRST(&s->dead);

		TAILQ_REMOVE(&s->dead, c, link);
		SSL_free(c->ssl);
		buf_fini(&c->in);
		buf_fini(&c->out);
		buf_fini(&c->body);
		xfree(c);
	}
}

/* ---- out ---- */

/* Bytes gone; 0: wait; -1: broken. */
static ssize_t
write_some(struct conn *c, const char *p, size_t n)
{
	ssize_t done;
	size_t tls_done = 0;

	if (c->answer.b.split > 0)
		n = 1;
	if (c->ssl == NULL) {
		done = send(c->watch.fd, p, n, MSG_NOSIGNAL);
		if (done >= 0)
			return done;
		return errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	if (SSL_write_ex(c->ssl, p, n, &tls_done) == 1)
		return (ssize_t)tls_done;
	done = SSL_get_error(c->ssl, 0);
	return done == SSL_ERROR_WANT_WRITE || done == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void
want_write(struct conn *c, bool want)
{
	if (c->wants_write == want || conn_gone(c))
		return;
	c->wants_write = want;
	if (!loop_rewatch(
		c->sim->loop, &c->watch, EPOLLIN | EPOLLRDHUP | (want ? EPOLLOUT : 0U)))
		conn_close(c, RECORD_broken);
}

static void
flush(struct conn *c)
{
	while (conn_waiting(c) > 0) {
		ssize_t n = write_some(c, c->out.p + c->out_sent, conn_waiting(c));

		if (n < 0) {
			conn_close(c, RECORD_aborted);
			return;
		}
		if (n == 0)
			break;
		c->out_sent += (size_t)n;
		if (c->record != NULL)
			c->record->bytes += n;
		if (c->answer.b.split > 0)
			break;
	}
	want_write(c, conn_waiting(c) > 0);
	if (conn_waiting(c) > 0)
		return;
	buf_clear(&c->out);
	c->out_sent = 0;
}

void
conn_send(struct conn *c, struct str bytes)
{
	ssize_t n = 0;

	if (conn_gone(c))
		return;
	if (conn_waiting(c) == 0 && c->answer.b.split <= 0) {
		n = write_some(c, bytes.p, bytes.len);
		if (n < 0) {
			conn_close(c, RECORD_aborted);
			return;
		}
		if (c->record != NULL)
			c->record->bytes += n;
	}
	bytes = str_skip(bytes, (size_t)n);
	if (bytes.len == 0)
		return;
	if (!buf_append_str(&c->out, bytes)) {
		conn_close(c, RECORD_broken);
		return;
	}
	want_write(c, true);
}

static void
forget_out(struct conn *c)
{
	buf_fini(&c->out);
	buf_init(&c->out, OUT_MAX);
}

void
conn_done(struct conn *c)
{
	if (conn_gone(c))
		return;
	end_record(c, RECORD_completed);
	if (c->close_after) {
		conn_close(c, RECORD_completed);
		return;
	}
	end_answer(c);
	if (c->out.cap > OUT_ENOUGH)
		forget_out(c);
	c->phase = CONN_head;
	/* Else it is an answer at once, and its request has yet to be put away. */
	if (!c->reading)
		read_requests(c);
}

/* ---- in ---- */

static bool
body_whole(struct conn *c, struct str *ret_body, size_t *ret_used)
{
	struct str rest = str_skip(buf_str(&c->in), c->head.bytes);

	if (c->head.chunked) {
		enum http_state s = http_chunks_read(rest, &c->body, ret_used);

		if (s == HTTP_bad)
			conn_close(c, RECORD_broken);
		*ret_body = buf_str(&c->body);
		*ret_used += c->head.bytes;
		return s == HTTP_whole;
	}
	*ret_used = c->head.bytes + (size_t)c->head.length;
	*ret_body = str_make(rest.p, (size_t)c->head.length);
	return rest.len >= (size_t)c->head.length;
}

static void
consume(struct conn *c, size_t n)
{
	size_t left = c->in.len - n;

	if (left > 0)
		memmove(c->in.p, c->in.p + n, left);
	c->in.len = left;
	if (left == 0 && c->in.cap > OUT_ENOUGH) {
		buf_fini(&c->in);
		buf_init(&c->in, BODY_MAX + HTTP_HEAD_MAX);
	}
}

static void
read_all(struct conn *c)
{
	while (!conn_gone(c) && c->phase != CONN_answer && c->in.len > 0) {
		struct str body = {0};
		size_t used = 0;
		enum http_state s;

		if (c->phase == CONN_head) {
			s = http_head_read(buf_str(&c->in), &c->head);
			if (s == HTTP_bad)
				conn_close(c, RECORD_broken);
			if (s != HTTP_whole)
				return;
			c->phase = CONN_body;
			if (c->head.expect)
				conn_send(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
		}
		if (!body_whole(c, &body, &used) || conn_gone(c))
			return;
		c->phase = CONN_answer;
		c->served++;
		request_take(c, body);
		if (!conn_gone(c))
			consume(c, used);
	}
}

static void
read_requests(struct conn *c)
{
	c->reading = true;
	read_all(c);
	c->reading = false;
}

/* Bytes come; 0: wait; -1: the peer is gone. */
static ssize_t
read_some(struct conn *c)
{
	ssize_t n;
	size_t got = 0;

	if (c->ssl == NULL) {
		n = recv(c->watch.fd, c->sim->scratch, sizeof(c->sim->scratch), 0);
		if (n > 0)
			return n;
		return n < 0 && errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	if (SSL_read_ex(c->ssl, c->sim->scratch, sizeof(c->sim->scratch), &got) == 1)
		return (ssize_t)got;
	n = SSL_get_error(c->ssl, 0);
	return n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void
fill(struct conn *c)
{
	/* What OpenSSL has read already, epoll does not tell. */
	for (int i = 0; c->ssl != NULL || i < READS_ONCE; i++) {
		ssize_t n = read_some(c);

		if (n < 0) {
			conn_close(c, RECORD_aborted);
			return;
		}
		if (n == 0)
			break;
		if (!buf_append(&c->in, c->sim->scratch, (size_t)n) ||
		    (c->phase == CONN_answer && c->in.len > AHEAD_MAX)) {
			conn_close(c, RECORD_broken);
			return;
		}
		if (c->ssl == NULL && (size_t)n < sizeof(c->sim->scratch))
			break;
	}
	read_requests(c);
}

static void
handshake(struct conn *c)
{
	int n, e;

	ERR_clear_error();
	n = SSL_accept(c->ssl);
	if (n == 1) {
		c->handshaken = true;
		c->port->handshakes++;
		c->port->resumed += SSL_session_reused(c->ssl);
		return;
	}
	e = SSL_get_error(c->ssl, n);
	if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		conn_close(c, RECORD_aborted);
}

static void
on_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, watch);

	if (c->ssl != NULL && !c->handshaken)
		handshake(c);
	if (conn_gone(c) || (c->ssl != NULL && !c->handshaken))
		return;
	if ((events & EPOLLOUT) != 0) {
		flush(c);
		if (!conn_gone(c) && conn_waiting(c) < OUT_ENOUGH &&
		    c->phase == CONN_answer)
			answer_go_on(c);
	}
	if (!conn_gone(c) && (events & ~(uint32_t)EPOLLOUT) != 0)
		fill(c);
}

static void
on_due(struct timer *t)
{
	answer_go_on(container_of(t, struct conn, timer));
}

void
conn_new(struct port *p, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->sim = p->sim;
	c->port = p;
	c->number = ++p->sim->next_conn;
	c->watch.on_ready = on_ready;
	c->watch.fd = -1;
	c->timer.on_due = on_due;
	buf_init(&c->in, BODY_MAX + HTTP_HEAD_MAX);
	buf_init(&c->out, OUT_MAX);
	buf_init(&c->body, BODY_MAX);
	TAILQ_INSERT_TAIL(&p->sim->conns, c, link);
	p->open++;
	if (p->tls) {
		c->ssl = SSL_new(p->sim->tls);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1)
			xabort("no TLS connection");
	}
	if (!loop_watch(p->sim->loop, &c->watch, fd, EPOLLIN | EPOLLRDHUP))
		xabort("epoll refuses a connection");
}
