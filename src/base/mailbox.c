/* mailbox.c: a lock-free list that senders push to and the receiver takes whole. */
#include "base/mailbox.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

struct mailbox {
	_Atomic(struct message *) newest_shared;
	int fd;
};

struct mailbox *
mailbox_new(void)
{
	struct mailbox *m;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	atomic_init(&m->newest_shared, NULL);
	m->fd = fd;
	return m;
}

void
mailbox_free(struct mailbox *m)
{
	if (m == NULL)
		return;
	(void)close(m->fd);
	xfree(m);
}

void
mailbox_post(struct mailbox *m, struct message *message)
{
	struct message *newest =
	    atomic_load_explicit(&m->newest_shared, memory_order_relaxed);

	do {
		message->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(&m->newest_shared, &newest,
	    message, memory_order_release, memory_order_relaxed));
	/* Whoever found it empty wakes the receiver for all who come before it has
	 * looked. The message may be gone by now, so nothing of it is touched here. It
	 * fails only at 2^64 - 2 unread wakes, when the receiver is awake anyway. */
	if (newest == NULL)
		(void)eventfd_write(m->fd, 1);
}

int
mailbox_fd(const struct mailbox *m)
{
	return m->fd;
}

static struct message *
reverse(struct message *newest)
{
	struct message *oldest = NULL;

	while (newest != NULL) {
		struct message *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

void
mailbox_drain(struct mailbox *m, void *receiver)
{
	struct message *message, *next;
	eventfd_t wakes;

	/* First the wake, then the list: the other way round a message posted in
	 * between would lie there unannounced. */
	(void)eventfd_read(m->fd, &wakes);
	message = reverse(
	    atomic_exchange_explicit(&m->newest_shared, NULL, memory_order_acquire));
	for (; message != NULL; message = next) {
		next = message->next;
		message->deliver(receiver, message);
	}
}
