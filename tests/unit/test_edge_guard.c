/* libs: base edge */
/* test_edge_guard.c: heads that two readers could read in two ways are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "guard.h"

#define FIELDS_MAX 8

struct head {
	const char *method, *target, *version;
	const char *field[FIELDS_MAX][2];
};

static const char *
check(const struct head *h, struct framing *ret)
{
	struct http_field field[FIELDS_MAX];
	struct http_head in = {
	    .method = str_of(h->method == NULL ? "POST" : h->method),
	    .version = str_of(h->version == NULL ? "HTTP/1.1" : h->version),
	    .target = str_of(h->target == NULL ? "/v1/messages" : h->target),
	    .field = field,
	};

	while (in.fields < FIELDS_MAX && h->field[in.fields][0] != NULL) {
		field[in.fields].name = str_of(h->field[in.fields][0]);
		field[in.fields].value = str_of(h->field[in.fields][1]);
		in.fields++;
	}
	return guard_check(&in, ret);
}

#define HOST                             \
	{                                \
		"Host", "127.0.0.1:4600" \
	}

static const struct head good[] = {
    {.field = {HOST}},
    {.field = {{"hOST", "[::1]:4600"}, {"Content-Length", "5"}}},
    {.field = {HOST, {"Transfer-Encoding", "Chunked"}}},
    {.method = "GET", .target = "/v1/models?x=%2f", .field = {HOST}},
    {.version = "HTTP/1.0"},
    {.version = "HTTP/1.0", .field = {HOST, {"Content-Length", "0"}}},
    {.field = {HOST, {"X-Name", "a\tb \xC3\xA4"}, {"X-Name", "again"}}},
    {.field = {HOST, {"anthropic-beta", "a"}, {"anthropic-beta", "b"}}},
};

static const struct head bad[] = {
    /* where does the body end? */
    {.field = {HOST, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}},
    {.field = {HOST, {"Content-Length", "5"}, {"content-length", "5"}}},
    {.field = {HOST, {"Content-Length", "5, 5"}}},
    {.field = {HOST, {"Content-Length", "+5"}}},
    {.field = {HOST, {"Content-Length", "-5"}}},
    {.field = {HOST, {"Content-Length", ""}}},
    {.field = {HOST, {"Content-Length", "0x5"}}},
    {.field = {HOST, {"Content-Length", "18446744073709551615"}}},
    {.field = {HOST, {"Content-Length", "9223372036854775808"}}},
    {.field = {HOST, {"Transfer-Encoding", "gzip, chunked"}}},
    {.field = {HOST, {"Transfer-Encoding", "chunked, chunked"}}},
    {.field = {HOST, {"Transfer-Encoding", "identity"}}},
    {.field = {HOST, {"Transfer-Encoding", ""}}},
    {.field = {HOST, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "x"}}},
    {.field = {HOST, {"Transfer-Encodingchunked", ""}}},
    {.field = {HOST, {"Content-Length5", "5"}}},
    {.version = "HTTP/1.0", .field = {HOST, {"Transfer-Encoding", "chunked"}}},
    /* fields */
    {.field = {HOST, {"Transfer-Encoding ", "chunked"}}},
    {.field = {HOST, {"X Y", "z"}}},
    {.field = {HOST, {"", "z"}}},
    {.field = {HOST, {"X:Y", "z"}}},
    {.field = {HOST, {"X", "a\rContent-Length: 5"}}},
    {.field = {HOST, {"X", "a\x01"}}},
    {.field = {HOST, {"X", "a\x7F"}}},
    {.field = {HOST, {"Authorization", "Bearer a"}, {"authorization", "Bearer b"}}},
    {.field = {HOST, {"x-frugald-data", "a"}, {"X-Frugald-Data", "b"}}},
    /* Host */
    {.field = {{"X", "y"}}},
    {.field = {HOST, HOST}},
    {.version = "HTTP/1.0", .field = {HOST, HOST}},
    {.field = {{"Host", "a/v1/models?"}}},
    {.field = {{"Host", "user@a"}}},
    {.field = {{"Host", "a b"}}},
    /* the first line */
    {.version = "HTTP/1.2", .field = {HOST}},
    {.version = "http/1.1", .field = {HOST}},
    {.version = "HTTP/2.0", .field = {HOST}},
    {.version = "", .field = {HOST}},
    {.method = "post", .field = {HOST}},
    {.method = "CONNECT", .field = {HOST}},
    {.method = "TRACE", .field = {HOST}},
    {.method = "P()ST", .field = {HOST}},
    {.target = "http://other/v1/models", .field = {HOST}},
    {.target = "*", .field = {HOST}},
    {.target = "", .field = {HOST}},
    {.target = "/v1/models HTTP/1.1", .field = {HOST}},
    {.target = "/v1/models#x", .field = {HOST}},
    {.target = "/v1/\tmodels", .field = {HOST}},
};

static void
test_good(void **state)
{
	struct framing f;

	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		const char *why = check(&good[i], &f);

		if (why != NULL)
			fail_msg("good head %zu is refused: %s", i, why);
	}
}

static void
test_bad(void **state)
{
	struct framing f;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		if (check(&bad[i], &f) == NULL)
			fail_msg("bad head %zu is let through", i);
	}
}

static void
expect_framing(const struct head *h, bool body, int64_t length, bool waits)
{
	struct framing f;

	(void)check(h, &f);
	assert_int_equal(f.body, body);
	assert_int_equal(f.content_length, length);
	assert_int_equal(f.expect_continue, waits);
}

static void
test_framing(void **state)
{
	(void)state;
	expect_framing(&(struct head){.field = {HOST}}, false, 0, false);
	expect_framing(
	    &(struct head){.field = {HOST, {"Content-Length", "0"}}}, false, 0, false);
	expect_framing(
	    &(struct head){.field = {HOST, {"Content-Length", "1099511627776"},
			       {"Expect", "100-Continue"}}},
	    true, 1099511627776, true);
	expect_framing(
	    &(struct head){.field = {HOST, {"Transfer-Encoding", "chunked"}}}, true, -1,
	    false);
	/* Also of what is refused: libmicrohttpd waits for a body there. */
	expect_framing(&(struct head){.field = {HOST, {"Transfer-Encoding", "gzip"},
					  {"Content-Length", "0"}}},
	    true, -1, false);
}

static void
test_find(void **state)
{
	static const struct http_field field[] = {
	    {STR("A"), STR("1")}, {STR("b"), STR("2")}, {STR("B"), STR("3")}};
	const struct http_head h = {.field = field, .fields = nitems(field)};

	(void)state;
	assert_true(str_is(head_find(&h, STR("B")), "2"));
	assert_null(head_find(&h, STR("C")).p);
	assert_int_equal(head_count(&h, STR("b")), 2);
	assert_int_equal(head_count(&h, STR("c")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_framing),
	    cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
