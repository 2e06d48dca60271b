/* libs: base edge */
/* test_edge_wire.c: what is lost in reading a head is seen in its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "wire.h"

#define LINE "POST /v1/messages?x HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static const struct str good[] = {
    STR(""),
    STR("P"),
    STR(LINE),
    STR(LINE HOST),
    STR(LINE HOST "\r\n"),
    STR("\r\n\r\n" LINE HOST "\r\n"),
    STR(LINE HOST "Content-Length: 5\r\n\r\n{\n\n}\0"),
    STR(LINE HOST "content-length:5 \r\n\r\n"),
    STR(LINE HOST "X-Empty:\r\nX: a: b\t\xC3\xA4\r\n\r\n"),
    /* Not whole: nothing is said yet. */
    STR(LINE HOST "Content-Length: +5\r\n"),
    STR(LINE HOST " folded\r\n"),
};

static const struct str bad[] = {
    STR(LINE HOST "Content-Length: 5\0, 6\r\n\r\n"),
    STR("POST /v1/messages\0/x HTTP/1.1\r\n" HOST "\r\n"),
    STR("POST /v1/messages HTTP/1.1\n" HOST "\r\n"),
    STR(LINE "Host: a\n\r\n"),
    STR(LINE HOST "\n"),
    STR(LINE HOST "X: a\rContent-Length: 5\r\n\r\n"),
    STR(LINE HOST "X: a\r\n b\r\n\r\n"),
    STR(LINE HOST "X: a\r\n\tb\r\n\r\n"),
    STR(LINE " " HOST "\r\n"),
    STR(LINE HOST "no colon\r\n\r\n"),
    STR(LINE HOST ": no name\r\n\r\n"),
    STR(LINE HOST "X : a\r\n\r\n"),
    STR(LINE HOST "Content-Length: +5\r\n\r\n"),
    STR(LINE HOST "Content-Length: -5\r\n\r\n"),
    STR(LINE HOST "Content-Length: 5, 5\r\n\r\n"),
    STR(LINE HOST "Content-Length:\r\n\r\n"),
    STR(LINE HOST "Content-Length: 99999999999999999999999\r\n\r\n"),
    STR("POST  /v1/messages HTTP/1.1\r\n\r\n"),
    STR("POST /v1/messages  HTTP/1.1\r\n\r\n"),
    STR("POST /v1/messages x HTTP/1.1\r\n\r\n"),
    STR("POST /v1/messages HTTP/1.1 \r\n\r\n"),
    STR(" POST /v1/messages HTTP/1.1\r\n\r\n"),
    STR("POST /v1/messages\r\n\r\n"),
    STR("POST\r\n\r\n"),
    STR("\x16\x03\x01\n\n"),
};

static void
test_good(void **state)
{
	struct str target;

	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		const char *why = wire_check(good[i], &target);

		if (why != NULL)
			fail_msg("good head %zu is refused: %s", i, why);
	}
}

static void
test_bad(void **state)
{
	struct str target;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		if (wire_check(bad[i], &target) == NULL)
			fail_msg("bad head %zu is let through", i);
	}
}

static void
test_target(void **state)
{
	struct str target;

	(void)state;
	assert_non_null(wire_check(STR(LINE HOST "X Y: z\r\n\r\n"), &target));
	assert_true(str_is(target, "/v1/messages?x"));
	assert_non_null(wire_check(STR("POST\n\n"), &target));
	assert_int_equal(target.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
