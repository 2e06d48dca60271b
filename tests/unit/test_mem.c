/* libs: base */
/* test_mem.c: copies, zeroes and the sizes at the edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void
test_calloc_zeroes(void **state)
{
	unsigned char *p = xcalloc(3, 100);

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	xfree(p);
}

static void
test_nothing_is_still_something(void **state)
{
	void *a = xcalloc(0, 8), *b = xrealloc(NULL, 0);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	xfree(a);
	xfree(b);
	xfree(NULL);
	xfree_secret(NULL, 10);
}

static void
test_copies_end_in_nul(void **state)
{
	char *s = xstrdup("frugal"), *m = xmemdup("a\0b", 3), *none = xmemdup(NULL, 0);

	(void)state;
	assert_string_equal(s, "frugal");
	assert_memory_equal(m, "a\0b", 4);
	assert_string_equal(none, "");
	xfree(s);
	xfree(m);
	xfree_secret(none, 1);
}

/* Pages of constants that were given back are there again when they are looked at. */
static void
test_forgotten_constants(void **state)
{
	static const char many[64 * 1024] = {
	    [0] = 'a', [32 * 1024] = 'b', [65535] = 'c'};

	(void)state;
	mem_forget(many, sizeof(many));
	assert_int_equal(many[0], 'a');
	assert_int_equal(many[32 * 1024], 'b');
	assert_int_equal(many[65535], 'c');
	mem_forget(many, 0);
	mem_forget(many + 100, 200);
	assert_int_equal(many[100], 0);
}

static void
test_realloc_keeps_content(void **state)
{
	char *p = xrealloc(NULL, 4);

	(void)state;
	memcpy(p, "abc", 4);
	p = xrealloc(p, 4000);
	assert_string_equal(p, "abc");
	xfree(p);
}

/* Runs `f` in a child and gives the signal that ended it. */
static int
signal_of(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
die(void)
{
	xabort("test");
}

static void
test_abort_aborts(void **state)
{
	(void)state;
	assert_int_equal(signal_of(die), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calloc_zeroes),
	    cmocka_unit_test(test_nothing_is_still_something),
	    cmocka_unit_test(test_copies_end_in_nul),
	    cmocka_unit_test(test_forgotten_constants),
	    cmocka_unit_test(test_realloc_keeps_content),
	    cmocka_unit_test(test_abort_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
