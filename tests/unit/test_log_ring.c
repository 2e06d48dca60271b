/* libs: base report */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/env.h"
#include "log.h"

/* ---- one thread ---- */

static void
in_order_with_a_newline(void **state)
{
	struct log_ring *l = log_ring_new();
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_false(log_ring_take(l, &b));
	assert_true(log_ring_put(l, STR("{\"a\":1}")));
	assert_true(log_ring_put(l, STR(""))); /* the log is off: nothing */
	assert_true(log_ring_put(l, STR("{\"b\":2}")));
	assert_true(log_ring_take(l, &b));
	assert_string_equal(b.p, "{\"a\":1}\n");
	assert_true(log_ring_take(l, &b));
	assert_string_equal(b.p, "{\"a\":1}\n{\"b\":2}\n");
	assert_false(log_ring_take(l, &b));
	buf_fini(&b);
	log_ring_free(l);
}

static void
full_drops_and_goes_on(void **state)
{
	static char line[1000];
	struct log_ring *l = log_ring_new();
	unsigned kept = 0, back = 0;
	struct buf b;

	(void)state;
	memset(line, 'x', sizeof(line));
	buf_init(&b, 4096);
	while (log_ring_put(l, str_make(line, sizeof(line))))
		kept++;
	assert_in_range(kept, 200, 300);
	assert_true(log_ring_take(l, &b));
	/* One place is free again, behind the end and before the begin. */
	assert_true(log_ring_put(l, str_make(line, sizeof(line))));
	assert_false(log_ring_put(l, str_make(line, sizeof(line))));
	for (back = 0; log_ring_take(l, &b); back++) {
		assert_int_equal(b.len % (sizeof(line) + 1), 0);
		buf_clear(&b);
	}
	assert_int_equal(back, kept);
	buf_fini(&b);
	log_ring_free(l);
}

/* A line that the reader has no room for is gone, the next one is not. */
static void
too_long_for_the_reader(void **state)
{
	static char line[5000];
	struct log_ring *l = log_ring_new();
	struct buf b;

	(void)state;
	memset(line, 'x', sizeof(line));
	buf_init(&b, 4096);
	assert_true(log_ring_put(l, str_make(line, sizeof(line))));
	assert_true(log_ring_put(l, STR("next")));
	assert_true(log_ring_take(l, &b));
	assert_int_equal(b.len, 0);
	assert_true(log_ring_take(l, &b));
	assert_string_equal(b.p, "next\n");
	buf_fini(&b);
	log_ring_free(l);
}

/* ---- waking the reader ---- */

static void
count_wakes(void *receiver, struct message *m)
{
	unsigned *wakes = receiver;

	log_ring_noticed(m);
	assert_in_range(++*wakes, 1, 10); /* one that is posted twice never ends */
}

/* The reader may look before its mail says so: by a timer that another ring has set. */
static void
looked_at_before_the_message(void **state)
{
	struct log_ring *l = log_ring_new();
	struct mailbox *box = mailbox_new();
	unsigned wakes = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	log_ring_attach(l, box, count_wakes);
	assert_true(log_ring_put(l, STR("a")));
	log_ring_quiet(l);
	assert_true(log_ring_take(l, &b));
	assert_true(log_ring_put(l, STR("b")));
	mailbox_drain(box, &wakes);
	assert_int_equal(wakes, 1);
	log_ring_quiet(l);
	assert_true(log_ring_take(l, &b));
	assert_true(log_ring_put(l, STR("c")));
	mailbox_drain(box, &wakes);
	assert_int_equal(wakes, 2);
	buf_fini(&b);
	mailbox_free(box);
	log_ring_free(l);
}

/* ---- two threads ---- */

#define LINES 200000U
#define LAST  "200000 200000"

struct reader {
	struct log_ring *ring;
	struct mailbox *box;
	unsigned next, taken;
	bool wrong;
};

static void
on_lines(void *receiver, struct message *m)
{
	struct reader *r = receiver;
	unsigned number;
	struct buf b;

	log_ring_noticed(m);
	buf_init(&b, 4096);
	log_ring_quiet(r->ring);
	while (log_ring_take(r->ring, &b)) {
		if (sscanf(b.p, "%u %u", &number, &number) != 2 || number < r->next ||
		    b.p[b.len - 1] != '\n')
			r->wrong = true;
		r->next = number + 1;
		r->taken++;
		buf_clear(&b);
	}
	buf_fini(&b);
}

/* Gives the number of lines that were dropped. */
static void *
write_all(void *arg)
{
	struct reader *r = arg;
	char line[64];
	uintptr_t dropped = 0;

	for (unsigned i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "%u %u", i, i);

		if (!log_ring_put(r->ring, str_make(line, (size_t)n)))
			dropped++;
	}
	while (!log_ring_put(r->ring, STR(LAST)))
		sched_yield();
	return (void *)dropped;
}

/* Whatever was put and not dropped comes out once, whole and in order; the reader is
 * never left asleep over a line. */
static void
two_threads(void **state)
{
	struct reader r = {.ring = log_ring_new(), .box = mailbox_new()};
	struct pollfd mail = {.fd = mailbox_fd(r.box), .events = POLLIN};
	pthread_t thread;
	void *dropped;

	(void)state;
	log_ring_attach(r.ring, r.box, on_lines);
	assert_int_equal(pthread_create(&thread, NULL, write_all, &r), 0);
	while (r.next <= LINES) {
		if (poll(&mail, 1, 20000) != 1)
			fail_msg("the reader sleeps, %u lines were taken", r.taken);
		mailbox_drain(r.box, &r);
	}
	pthread_join(thread, &dropped);
	assert_false(r.wrong);
	assert_int_equal(r.taken - 1 + (unsigned)(uintptr_t)dropped, LINES);
	mailbox_free(r.box);
	log_ring_free(r.ring);
}

/* ---- the file ---- */

static void
read_back(const char *path, const char *want)
{
	struct env *env = env_system();
	struct buf b;

	buf_init(&b, 4096);
	assert_true(env->read_file(env, path, 4000, &b));
	buf_add(&b, "");
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

static int64_t
later(struct env *env)
{
	return env_system()->mono_ns(env) + 2 * NS_PER_S;
}

static void
follows_rotation(void **state)
{
	char dir[] = "/tmp/frugald-log-XXXXXX", path[64], old[64];
	struct env env = *env_system();
	struct log_writer w;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(old, sizeof(old), "%s/log.1", dir);
	log_writer_init(&w, &env);
	log_writer_use(&w, path);
	log_writer_put(&w, STR("one\n"));
	assert_int_equal(env.file_mode(&env, path), 0600);
	assert_int_equal(rename(path, old), 0);
	env.mono_ns = later; /* a second is over: it looks again */
	log_writer_put(&w, STR("two\n"));
	read_back(old, "one\n");
	read_back(path, "two\n");
	/* SIGHUP: the same path again, at its end. */
	log_writer_use(&w, path);
	log_writer_put(&w, STR("three\n"));
	read_back(path, "two\nthree\n");
	log_writer_fini(&w);
	assert_int_equal(remove(path) | remove(old) | remove(dir), 0);
}

static void
where_nothing_can_be_written(void **state)
{
	struct log_writer w;

	(void)state;
	log_writer_init(&w, env_system());
	log_writer_use(&w, "/nowhere/at/all");
	log_writer_put(&w, STR("one\n"));
	assert_int_equal(w.dropped, 1);
	log_writer_put(&w, STR("two\nthree\n"));
	assert_int_equal(w.dropped, 3);
	log_writer_use(&w, "none");
	log_writer_put(&w, STR("four\n"));
	assert_int_equal(w.dropped, 3);
	log_writer_fini(&w);
}

/* Nobody reads the pipe: one line waits a second, those behind it do not; when
 * somebody reads again, lines are whole again. */
static void
a_pipe_that_nobody_reads(void **state)
{
	static char line[3000];
	struct env *env = env_system();
	char path[32], got[4096];
	struct log_writer w;
	int pipes[2];
	int64_t start;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(pipe(pipes), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", pipes[1]);
	log_writer_init(&w, env);
	log_writer_use(&w, path);
	for (int i = 0; i < 100 && w.dropped == 0; i++)
		log_writer_put(&w, str_make(line, sizeof(line)));
	assert_int_equal(w.dropped, 1);
	start = env->mono_ns(env);
	for (int i = 0; i < 100; i++)
		log_writer_put(&w, str_make(line, sizeof(line)));
	assert_int_equal(w.dropped, 101);
	assert_true(env->mono_ns(env) - start < NS_PER_S / 2);
	for (int i = 0; i < 2; i++)
		assert_true(read(pipes[0], got, sizeof(got)) > 0);
	log_writer_put(&w, str_make(line, sizeof(line)));
	assert_int_equal(w.dropped, 101);
	log_writer_fini(&w);
	assert_int_equal(close(pipes[0]) | close(pipes[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(in_order_with_a_newline),
	    cmocka_unit_test(full_drops_and_goes_on),
	    cmocka_unit_test(too_long_for_the_reader),
	    cmocka_unit_test(looked_at_before_the_message),
	    cmocka_unit_test(two_threads),
	    cmocka_unit_test(follows_rotation),
	    cmocka_unit_test(where_nothing_can_be_written),
	    cmocka_unit_test(a_pipe_that_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
