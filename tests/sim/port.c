/* port.c: listening sockets, and how they fail on demand. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim.h"

#define BACKLOG     4096
#define ACCEPT_ONCE 64

static void
reset_now(int fd)
{
	struct linger l = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

static void
on_ready(struct watch *w, uint32_t events)
{
	struct port *p = container_of(w, struct port, watch);
	int one = 1;

	(void)events;
	for (int i = 0; i < ACCEPT_ONCE; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		p->connections++;
		if (p->state == PORT_rst) {
			reset_now(fd);
			continue;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		conn_new(p, fd);
	}
}

static bool
make_socket(struct port *p, int backlog)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(p->number)};
	socklen_t len = sizeof(at);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, backlog) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		close(fd);
		return false;
	}
	p->number = ntohs(at.sin_port);
	p->watch.fd = fd;
	return true;
}

bool
port_open(struct port *p)
{
	int fd;

	p->watch.on_ready = on_ready;
	p->watch.fd = p->filler[0] = p->filler[1] = -1;
	if (!make_socket(p, BACKLOG))
		return false;
	fd = p->watch.fd;
	p->watch.fd = -1;
	return loop_watch(p->sim->loop, &p->watch, fd, EPOLLIN);
}

void
port_close(struct port *p)
{
	int fd = p->watch.fd;

	for (unsigned i = 0; i < 2; i++) {
		if (p->filler[i] >= 0)
			close(p->filler[i]);
		p->filler[i] = -1;
	}
	if (fd < 0)
		return;
	if (p->state != PORT_deaf)
		loop_unwatch(p->sim->loop, &p->watch);
	p->watch.fd = -1;
	close(fd);
}

/* A queue for one connection that is never taken, and filled: the kernel then drops
 * what else wants to connect. */
static void
go_deaf(struct port *p)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(p->number)};

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!make_socket(p, 0))
		return;
	for (unsigned i = 0; i < 2; i++) {
		p->filler[i] =
		    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(p->filler[i], (struct sockaddr *)&at, sizeof(at));
	}
}

void
port_set(struct port *p, enum port_state state)
{
	if (p->state == state)
		return;
	if (p->state == PORT_closed || p->state == PORT_deaf || state == PORT_closed ||
	    state == PORT_deaf) {
		port_close(p);
		if (state == PORT_deaf)
			go_deaf(p);
		else if (state != PORT_closed)
			(void)!port_open(p);
	}
	p->state = state;
}
