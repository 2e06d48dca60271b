/* libs: base */
/* bench_load.c: a client that costs little: N kept connections that ask the same again
 * and again, or at a fixed rate, or open N streams at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"

#define RECV_BYTES 65536
#define GIVE_UP_S  120

static const struct option known[] = {{"port", 1, NULL, 'p'}, {"path", 1, NULL, 'P'},
    {"body", 1, NULL, 'b'}, {"connections", 1, NULL, 'c'}, {"requests", 1, NULL, 'n'},
    {"rate", 1, NULL, 'r'}, {"ramp", 1, NULL, 'm'}, {"header", 1, NULL, 'H'}, {0}};
static const char usage[] =
    "usage: bench_load --port N --body FILE [options]\n"
    "  --path PATH          default /v1/chat/completions\n"
    "  --connections N      default 8\n"
    "  --requests N         in all, default 1000\n"
    "  --rate N             requests a second; default: as fast as answers come\n"
    "  --ramp N             connections opened a second, default: all at once\n"
    "  --header 'NAME: V'   further request header, e.g. the key\n"
    "prints one line of JSON; exit 0 when every answer was a whole 200\n";

struct load {
	struct env *env;
	struct loop *loop;
	struct sockaddr_in to;
	struct buf request;
	unsigned connections, opened;
	uint64_t requests, begun, ended, failed, events, bytes;
	int64_t rate, ramp, start_ns;
	int64_t *latency_ns, *first_ns;
	struct conn *idle; /* connections without a request, for --rate */
	bool starved;      /* a request was due and no connection was free */
	char scratch[RECV_BYTES];
};

/* Where the reader of an answer stands. */
enum part {
	PART_head,
	PART_length,
	PART_chunk_size,
	PART_chunk,
	PART_chunk_end,
	PART_done
};

struct conn {
	struct watch watch;
	struct load *load;
	struct conn *next_idle;
	size_t sent;
	int64_t due_ns, first_ns;
	enum part part;
	uint64_t left; /* of the body or chunk */
	bool last_chunk, good, newline, busy;
	char line[8192]; /* of the head, or of a chunk's size */
	size_t line_len;
};

static int64_t
now(const struct load *l)
{
	return l->env->mono_ns(l->env);
}

static bool open_conn(struct load *l, struct conn *c);

/* ---- reading an answer ---- */

static void
read_head(struct conn *c)
{
	const char *length = strcasestr(c->line, "\r\ncontent-length:");

	c->good = strncmp(c->line, "HTTP/1.1 200", 12) == 0;
	c->part = PART_chunk_size;
	c->last_chunk = false;
	if (length != NULL) {
		c->left = strtoull(length + 17, NULL, 10);
		c->part = c->left > 0 ? PART_length : PART_done;
	}
}

static void
count_events(struct conn *c, const char *p, size_t n)
{
	c->load->bytes += n;
	for (size_t i = 0; i < n; i++) {
		c->load->events += c->newline && p[i] == '\n';
		c->newline = p[i] == '\n';
	}
}

/* One byte of a line; true at its end (an empty line for the head). */
static bool
take_line(struct conn *c, char byte, const char *end)
{
	size_t len = strlen(end);

	if (c->line_len + 1 >= sizeof(c->line))
		return true;
	c->line[c->line_len++] = byte;
	c->line[c->line_len] = '\0';
	return c->line_len >= len && memcmp(c->line + c->line_len - len, end, len) == 0;
}

static void
end_line(struct conn *c)
{
	if (c->part == PART_head) {
		read_head(c);
	} else if (c->part == PART_chunk_size) {
		c->left = strtoull(c->line, NULL, 16);
		c->last_chunk = c->left == 0;
		c->part = c->last_chunk ? PART_chunk_end : PART_chunk;
	} else {
		c->part = c->last_chunk ? PART_done : PART_chunk_size;
	}
	c->line_len = 0;
}

static void
feed(struct conn *c, const char *p, size_t n)
{
	while (n > 0 && c->part != PART_done) {
		size_t step = 1;

		if (c->part == PART_length || c->part == PART_chunk) {
			step = n < c->left ? n : c->left;
			count_events(c, p, step);
			c->left -= step;
			if (c->left == 0)
				c->part =
				    c->part == PART_length ? PART_done : PART_chunk_end;
		} else if (take_line(
			       c, *p, c->part == PART_head ? "\r\n\r\n" : "\r\n")) {
			end_line(c);
		}
		p += step;
		n -= step;
	}
}

/* ---- a request ---- */

static void
fail(struct conn *c)
{
	struct load *l = c->load;

	l->failed += c->busy;
	l->ended += c->busy;
	c->busy = false;
	loop_unwatch(l->loop, &c->watch);
	if (c->watch.fd >= 0)
		close(c->watch.fd);
	c->watch.fd = -1;
}

static void
send_rest(struct conn *c)
{
	struct load *l = c->load;

	while (c->sent < l->request.len) {
		ssize_t n = send(c->watch.fd, l->request.p + c->sent,
		    l->request.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			fail(c);
			return;
		}
		c->sent += (size_t)n;
	}
}

static void
begin(struct conn *c, int64_t due_ns)
{
	c->load->begun++;
	c->due_ns = due_ns;
	c->first_ns = 0;
	c->sent = 0;
	c->part = PART_head;
	c->line_len = 0;
	c->busy = true;
	send_rest(c);
}

static void
finish(struct conn *c)
{
	struct load *l = c->load;
	int64_t end = now(l);

	l->failed += !c->good;
	l->latency_ns[l->ended] = end - c->due_ns;
	l->first_ns[l->ended++] = c->first_ns - c->due_ns;
	c->busy = false;
	if (l->rate > 0) {
		c->next_idle = l->idle;
		l->idle = c;
	} else if (l->begun < l->requests) {
		begin(c, end);
	}
}

static void
on_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, watch);
	struct load *l = c->load;

	if ((events & EPOLLOUT) != 0 && c->busy && c->sent < l->request.len)
		send_rest(c);
	while (c->watch.fd >= 0) {
		ssize_t n =
		    recv(c->watch.fd, l->scratch, sizeof(l->scratch), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			fail(c);
			return;
		}
		if (c->first_ns == 0)
			c->first_ns = now(l);
		feed(c, l->scratch, (size_t)n);
		if (c->busy && c->part == PART_done)
			finish(c);
	}
}

static bool
open_conn(struct load *l, struct conn *c)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	c->load = l;
	c->watch.on_ready = on_ready;
	c->watch.fd = -1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&l->to, sizeof(l->to)) != 0) {
		fprintf(stderr, "bench_load: connect: %s\n", strerror(errno));
		return false;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!loop_watch(l->loop, &c->watch, fd, EPOLLIN | EPOLLOUT | EPOLLET))
		return false;
	/* From here on nothing waits. */
	return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) == 0;
}

/* ---- the run ---- */

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
quantile_us(const int64_t *sorted, uint64_t n, double q)
{
	return n == 0 ? 0 : (double)sorted[(uint64_t)(q * (double)(n - 1))] / 1e3;
}

static void
print(struct load *l)
{
	double s = (double)(now(l) - l->start_ns) / 1e9;
	uint64_t n = l->ended;
	struct buf out;
	struct json j;

	qsort(l->latency_ns, n, sizeof(*l->latency_ns), by_value);
	qsort(l->first_ns, n, sizeof(*l->first_ns), by_value);
	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	json_int(&j, "requests", (int64_t)n);
	json_int(&j, "failed", (int64_t)l->failed);
	json_int(&j, "events", (int64_t)l->events);
	json_int(&j, "bytes", (int64_t)l->bytes);
	json_num(&j, "seconds", s, 6);
	json_num(&j, "requests_per_s", (double)n / s, 6);
	json_num(&j, "p50_us", quantile_us(l->latency_ns, n, .5), 6);
	json_num(&j, "p99_us", quantile_us(l->latency_ns, n, .99), 6);
	json_num(&j, "max_us", quantile_us(l->latency_ns, n, 1), 6);
	json_num(&j, "first_p50_us", quantile_us(l->first_ns, n, .5), 6);
	json_num(&j, "first_p99_us", quantile_us(l->first_ns, n, .99), 6);
	json_object_end(&j);
	puts(out.p);
	buf_fini(&out);
}

/* Requests that are due by the clock go out on whatever connection is
 * free. That our own clock ticks in milliseconds does not count as
 * waiting; that no connection was free does. */
static void
begin_due(struct load *l)
{
	while (l->begun < l->requests) {
		int64_t due = l->start_ns + (int64_t)l->begun * NS_PER_S / l->rate;
		struct conn *c = l->idle;

		if (due > now(l)) {
			l->starved = false;
			return;
		}
		if (c == NULL) {
			l->starved = true;
			return;
		}
		l->idle = c->next_idle;
		begin(c, l->starved ? due : now(l));
	}
}

static bool
open_due(struct load *l, struct conn *conns)
{
	int64_t due = l->connections;

	if (l->ramp > 0)
		due = 1 + l->ramp * (now(l) - l->start_ns) / NS_PER_S;
	while (l->opened < l->connections && l->opened < due) {
		struct conn *c = &conns[l->opened++];

		if (!open_conn(l, c))
			return false;
		if (l->rate > 0) {
			c->next_idle = l->idle;
			l->idle = c;
		} else if (l->begun < l->requests) {
			begin(c, now(l));
		}
	}
	return true;
}

static int
run(struct load *l)
{
	struct conn *conns = xcalloc(l->connections, sizeof(*conns));
	int64_t step = l->rate > 0 ? NS_PER_S / l->rate / 4 : NS_PER_MS;

	l->start_ns = now(l);
	while (l->ended < l->requests) {
		if (!open_due(l, conns))
			return 1;
		if (l->rate > 0)
			begin_due(l);
		loop_turn(l->loop,
		    l->rate > 0 || l->opened < l->connections ? step : NS_PER_S);
		if (now(l) - l->start_ns > GIVE_UP_S * NS_PER_S) {
			fprintf(stderr,
			    "bench_load: gave up after %d s, %llu of %llu answered\n",
			    GIVE_UP_S, (unsigned long long)l->ended,
			    (unsigned long long)l->requests);
			break;
		}
		if (l->rate == 0 && l->failed > 0 && l->begun == l->ended &&
		    l->opened == l->connections)
			break; /* every connection is dead */
	}
	print(l);
	for (unsigned i = 0; i < l->opened; i++) {
		conns[i].busy = false;
		fail(&conns[i]);
	}
	xfree(conns);
	return l->failed == 0 && l->ended == l->requests ? 0 : 1;
}

/* ---- options ---- */

struct options {
	const char *path, *body;
	struct buf headers;
	uint16_t port;
};

static int
read_option(int c, struct load *l, struct options *o)
{
	switch (c) {
	case 'p':
		o->port = (uint16_t)strtoul(optarg, NULL, 10);
		break;
	case 'P':
		o->path = optarg;
		break;
	case 'b':
		o->body = optarg;
		break;
	case 'c':
		l->connections = (unsigned)strtoul(optarg, NULL, 10);
		break;
	case 'n':
		l->requests = strtoull(optarg, NULL, 10);
		break;
	case 'r':
		l->rate = strtoll(optarg, NULL, 10);
		break;
	case 'm':
		l->ramp = strtoll(optarg, NULL, 10);
		break;
	case 'H':
		buf_printf(&o->headers, "%s\r\n", optarg);
		break;
	default:
		return 2;
	}
	return 0;
}

static bool
make_request(struct load *l, struct options *o)
{
	struct buf body;
	bool ok;

	buf_init(&body, (size_t)64 << 20);
	buf_init(&l->request, (size_t)65 << 20);
	ok = l->env->read_file(l->env, o->body, (size_t)64 << 20, &body);
	if (!ok)
		fprintf(stderr, "bench_load: %s: %s\n", o->body, strerror(errno));
	buf_printf(&l->request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", o->path);
	buf_printf(&l->request, "Content-Type: application/json\r\n");
	buf_printf(&l->request, "%sContent-Length: %zu\r\n\r\n",
	    o->headers.len > 0 ? o->headers.p : "", body.len);
	if (ok)
		buf_add(&l->request, body.p);
	buf_fini(&body);
	return ok;
}

static void
raise_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

int
main(int argc, char **argv)
{
	static struct load l;
	struct options o = {.path = "/v1/chat/completions"};
	int c, code = 0;

	l.env = env_system();
	l.connections = 8;
	l.requests = 1000;
	buf_init(&o.headers, 8192);
	while (code == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		code = read_option(c, &l, &o);
	if (code != 0 || o.port == 0 || o.body == NULL || l.connections == 0) {
		fputs(usage, stderr);
		return 2;
	}
	raise_limit();
	l.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(o.port)};
	l.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!make_request(&l, &o))
		return 2;
	l.loop = loop_new(l.env);
	l.latency_ns = xcalloc(2 * l.requests, sizeof(*l.latency_ns));
	l.first_ns = l.latency_ns + l.requests;
	code = run(&l);
	loop_free(l.loop);
	xfree(l.latency_ns);
	buf_fini(&l.request);
	buf_fini(&o.headers);
	return code;
}
