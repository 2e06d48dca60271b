/* libs: base core parse relay */
/* test_tap_framing.c: the events of a stream are those of the HTML standard, in any
 * pieces; the web platform's own tests of it are read where they are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/mem.h"
#include "sse.h"

#define SUITE FRUGALD_SOURCE_DIR "/../shared/suites/sse/wpt_eventsource_format.jsonl"

/* What a stream's events are, one a line:
 * name, data (line feeds as "\n", NUL as "\0"). */
struct seen {
	struct sse sse;
	struct buf data, all;
};

static void
write_event(struct buf *to, struct str name, struct str data)
{
	assert_true(buf_append_str(to, name));
	buf_add(to, "|");
	for (size_t i = 0; i < data.len; i++) {
		if (data.p[i] == '\n' || data.p[i] == '\0')
			buf_add(to, data.p[i] == '\n' ? "\\n" : "\\0");
		else
			assert_true(buf_append(to, data.p + i, 1));
	}
	buf_add(to, "\n");
}

static void
feed(struct seen *s, const char *bytes, size_t len)
{
	char *copy = xmemdup(bytes, len);
	const char *p = copy, *end = copy + len;
	enum sse_token token;
	struct str part;

	while ((token = sse_next(&s->sse, &p, end, &part)) != SSE_none) {
		if (token == SSE_data)
			assert_true(buf_append_str(&s->data, part));
		if (token != SSE_end)
			continue;
		if (s->sse.lines > 0)
			write_event(&s->all, str_make(s->sse.name, s->sse.name_len),
			    buf_str(&s->data));
		buf_clear(&s->data);
		sse_begin(&s->sse);
	}
	assert_ptr_equal(p, end);
	xfree(copy);
}

static void
check_pieces(struct str wire, struct str want, size_t first, size_t size)
{
	struct seen s = {0};
	size_t n = first < wire.len ? first : wire.len;

	buf_init(&s.data, 100000);
	buf_init(&s.all, 100000);
	feed(&s, wire.p, n);
	for (size_t at = n; at < wire.len; at += n) {
		n = wire.len - at < size ? wire.len - at : size;
		feed(&s, wire.p + at, n);
	}
	assert_int_equal(s.all.len, want.len);
	assert_memory_equal(buf_str(&s.all).p, want.p, want.len);
	buf_fini(&s.data);
	buf_fini(&s.all);
}

static void
check(struct str wire, struct str want)
{
	for (size_t first = 0; first <= wire.len; first++)
		check_pieces(wire, want, first, wire.len);
	for (size_t size = 1; size < 4; size++)
		check_pieces(wire, want, 0, size);
}

#define CASE(wire, want) check(STR(wire), STR(want))

static void
test_line_ends(void **state)
{
	(void)state;
	CASE("data: a\n\n", "|a\n");
	CASE("data: a\r\rdata: b\r\r", "|a\n|b\n");
	CASE("data: a\r\n\r\ndata: b\r\n\r\n", "|a\n|b\n");
	CASE("data: a\r\n\rdata: b\n\r\n", "|a\n|b\n");
	CASE("data: a\n\r\n\r\n\n\ndata: b\r\n\n", "|a\n|b\n");
	CASE("data: not whole\n", "");
	CASE("data: not whole", "");
	CASE("", "");
}

static void
test_fields(void **state)
{
	(void)state;
	CASE("data:a\n\n", "|a\n");
	CASE("data:  a \n\n", "| a \n");
	CASE("data\n\n", "|\n");
	CASE("data:\n\n", "|\n");
	CASE("data: \n\n", "|\n");
	CASE("data: a\ndata: b\ndata:\ndata\ndata: c\n\n", "|a\\nb\\n\\n\\nc\n");
	CASE("event: ping\ndata: a\n\ndata: b\n\n", "ping|a\n|b\n");
	CASE("event: one\nevent:two\ndata: a\n\n", "two|a\n");
	CASE("event: one\nevent\ndata: a\n\n", "|a\n");
	CASE("event: nothing\n\ndata: b\n\n", "|b\n");
	CASE("event: abcdefghijklmnopqrstuvwxyz\ndata: a\n\n",
	    "abcdefghijklmnopqrstuvwx|a\n");
	CASE("id: 7\nretry: 10\nDATA: no\ndatas: no\ndat: no\n data: no\ndata: a\n\n",
	    "|a\n");
}

static void
test_comments(void **state)
{
	(void)state;
	CASE(": ping\n\n", "");
	CASE(":\n\n:\n\ndata: a\n: in between\ndata: b\n\n", "|a\\nb\n");
	CASE(":data: no\n\n", "");
}

static void
test_byte_order_mark(void **state)
{
	(void)state;
	CASE("\xEF\xBB\xBF"
	     "data: a\n\n",
	    "|a\n");
	CASE("\xEF\xBB\xBF\n\ndata: a\n\n", "|a\n");
	CASE("\xEF\xBB"
	     "data: no\ndata: a\n\n",
	    "|a\n");
	CASE("data: a\n\n\xEF\xBB\xBF"
	     "data: no\n\n",
	    "|a\n");
}

/* ---- the web platform's tests ---- */

static size_t
base64(const char *text, char *dst)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (; *text != '\0' && *text != '='; text++) {
		const char *at = strchr(digits, *text);

		assert_non_null(at);
		bits = bits << 6 | (unsigned)(at - digits);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		dst[n++] = (char)(bits >> have & 0xff);
	}
	return n;
}

static void
check_row(const char *line, size_t len)
{
	static char wire[8192];
	json_t *row = json_loadb(line, len, JSON_ALLOW_NUL, NULL), *event;
	struct buf want;
	size_t i, bytes;

	assert_non_null(row);
	buf_init(&want, 100000);
	bytes = base64(json_string_value(json_object_get(row, "wire_b64")), wire);
	json_array_foreach(json_object_get(row, "events"), i, event)
	{
		json_t *data = json_object_get(event, "data");

		write_event(&want,
		    str_of(json_string_value(json_object_get(event, "event"))),
		    str_make(json_string_value(data), json_string_length(data)));
	}
	check(str_make(wire, bytes), buf_str(&want));
	buf_fini(&want);
	json_decref(row);
}

static void
test_web_platform(void **state)
{
	struct env *env = env_system();
	struct buf text;
	struct str rest, line;
	unsigned rows = 0;

	(void)state;
	buf_init(&text, 1U << 20);
	if (!env->read_file(env, SUITE, 1U << 20, &text))
		skip();
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (line.len == 0)
			continue;
		check_row(line.p, line.len);
		rows++;
	}
	assert_int_equal(rows, 14);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_line_ends),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_comments),
	    cmocka_unit_test(test_byte_order_mark),
	    cmocka_unit_test(test_web_platform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
