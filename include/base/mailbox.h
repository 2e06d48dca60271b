/* mailbox.h: how threads meet: many senders, one receiver, woken by an eventfd. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdbool.h>

struct message {
	struct message *next;
	/* Runs on the receiver's thread, which then owns and frees the message. */
	void (*deliver)(void *receiver, struct message *m);
};

struct mailbox;

/* NULL when no eventfd can be had. */
struct mailbox *mailbox_new(void);

/* Frees the mailbox; messages still in it are lost, so drain first. Takes NULL. */
void mailbox_free(struct mailbox *m);

/* Any thread. The receiver owns the message from here on. */
void mailbox_post(struct mailbox *m, struct message *message);

/* The receiver's descriptor: readable when there is a message. */
int mailbox_fd(const struct mailbox *m);

/* Receiver only: delivers all, oldest first. */
void mailbox_drain(struct mailbox *m, void *receiver);

#endif
