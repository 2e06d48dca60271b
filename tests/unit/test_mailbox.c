/* libs: base */
/* test_mailbox.c: nothing lost, nothing doubled, each sender's order kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "base/mailbox.h"
#include "base/mem.h"
#include "base/util.h"

#define SENDERS 4
#define EACH    20000

struct numbered {
	struct message message;
	unsigned sender, number;
};

struct receiver {
	unsigned next[SENDERS];
	unsigned count, out_of_order;
};

struct sender {
	struct mailbox *mailbox;
	unsigned index;
};

static void
deliver(void *receiver, struct message *m)
{
	struct numbered *n = container_of(m, struct numbered, message);
	struct receiver *r = receiver;

	if (n->number != r->next[n->sender]++)
		r->out_of_order++;
	r->count++;
	xfree(n);
}

static void
post(struct mailbox *m, unsigned sender, unsigned number)
{
	struct numbered *n = xcalloc(1, sizeof(*n));

	n->message.deliver = deliver;
	n->sender = sender;
	n->number = number;
	mailbox_post(m, &n->message);
}

static bool
readable(const struct mailbox *m, int wait_ms)
{
	struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};

	return poll(&p, 1, wait_ms) == 1;
}

static void
test_wakes_once_and_in_order(void **state)
{
	struct mailbox *m = mailbox_new();
	struct receiver r = {0};

	(void)state;
	assert_non_null(m);
	assert_false(readable(m, 0));
	mailbox_drain(m, &r);
	for (unsigned i = 0; i < 5; i++)
		post(m, 0, i);
	assert_true(readable(m, 0));
	mailbox_drain(m, &r);
	assert_int_equal(r.count, 5);
	assert_int_equal(r.out_of_order, 0);
	assert_false(readable(m, 0));
	post(m, 0, 5);
	assert_true(readable(m, 0));
	mailbox_drain(m, &r);
	assert_int_equal(r.count, 6);
	mailbox_free(m);
	mailbox_free(NULL);
}

struct echo {
	struct message message;
	struct mailbox *mailbox;
	unsigned left;
};

static void
deliver_again(void *receiver, struct message *m)
{
	struct echo *e = container_of(m, struct echo, message);

	(void)receiver;
	if (e->left-- > 0)
		mailbox_post(e->mailbox, m);
}

static void
test_posting_while_delivering(void **state)
{
	struct mailbox *m = mailbox_new();
	struct echo e = {.message.deliver = deliver_again, .mailbox = m, .left = 3};

	(void)state;
	mailbox_post(m, &e.message);
	for (int turn = 0; turn < 4; turn++) {
		assert_true(readable(m, 0));
		mailbox_drain(m, NULL);
	}
	assert_false(readable(m, 0));
	mailbox_free(m);
}

static void *
send_all(void *arg)
{
	const struct sender *s = arg;

	for (unsigned i = 0; i < EACH; i++)
		post(s->mailbox, s->index, i);
	return NULL;
}

static void
test_many_senders(void **state)
{
	struct mailbox *m = mailbox_new();
	struct receiver r = {0};
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];

	(void)state;
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.mailbox = m, .index = i};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	/* Only ever drained when woken: a lost wake would end in the time-out. */
	while (r.count < SENDERS * EACH) {
		assert_true(readable(m, 20000));
		mailbox_drain(m, &r);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	mailbox_drain(m, &r);
	assert_int_equal(r.count, SENDERS * EACH);
	assert_int_equal(r.out_of_order, 0);
	mailbox_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wakes_once_and_in_order),
	    cmocka_unit_test(test_posting_while_delivering),
	    cmocka_unit_test(test_many_senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
