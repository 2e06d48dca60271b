/* libs: base */
/* test_scan.c: the scanner: what is JSON,
 * which values are told, the same in any pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/scan.h"

static const struct scan_path paths[] = {
    {"a", 1, true},
    {"b.c", 2, false},
    {"b", 3, false},
    {"list", 4, true},
    {"list[]", 5, false},
    {"list[].x[].y", 6, true},
    {"deep[][][][]", 7, false},
    {"a-rather-long-key-of-sixty-three-bytes-which-is-the-longest-one", 8, true},
    {"\xC3\xA4", 9, false},
};

struct heard {
	struct buf text; /* one line for each call */
	int refuse_id;
};

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct heard *h = arg;

	buf_printf(&h->text, "%d:%d:%zu-%zu:%u.%u.%u.%u\n", v->id, (int)v->kind,
	    v->start, v->end, v->index[0], v->index[1], v->index[2], v->index[3]);
	return v->id != h->refuse_id;
}

/* Scans `text` in pieces of `step` bytes (0: two pieces, cut at `cut`). */
static enum scan_error
scan_in(struct str text, size_t step, size_t cut, struct heard *h)
{
	struct scan_paths *p = scan_paths_new(paths, nitems(paths));
	struct scan *s = scan_new(p, 20, on_value, h);
	enum scan_error e;
	size_t at = 0;
	bool ok = true;

	buf_clear(&h->text);
	while (ok && at < text.len) {
		size_t n = step != 0 ? step : at == 0 && cut != 0 ? cut : text.len - at;
		char *piece;

		if (n > text.len - at)
			n = text.len - at;
		/* A copy of its own: whoever reads beyond it is found out. */
		piece = xmemdup(text.p + at, n);
		ok = scan_feed(s, piece, n);
		xfree(piece);
		at += n;
	}
	(void)!scan_end(s);
	e = scan_error(s);
	if (e != SCAN_ok)
		buf_printf(&h->text, "error at %zu\n", scan_error_at(s));
	scan_free(s);
	scan_paths_free(p);
	return e;
}

static void
heard_init(struct heard *h)
{
	*h = (struct heard){.refuse_id = -1};
	buf_init(&h->text, 1 << 20);
}

static void
test_values(void **state)
{
	struct heard h;

	(void)state;
	heard_init(&h);
	assert_int_equal(
	    scan_in(
		STR("{\"z\":[1],\"a\":\"x\", \"b\": {\"c\" : -1.5e3 }, \"list\":[ null,"
		    "{\"x\":[{\"y\":true},{\"y\":false}]}],\"deep\":[[[[7]],[[8,9]]]]"
		    "}"),
		0, 0, &h),
	    SCAN_ok);
	assert_string_equal(h.text.p, "1:2:13-16:0.0.0.0\n"
				      "3:0:23-0:0.0.0.0\n"
				      "2:3:30-36:0.0.0.0\n"
				      "3:0:23-38:0.0.0.0\n"
				      "4:1:47-0:0.0.0.0\n"
				      "5:6:49-53:0.0.0.0\n"
				      "5:0:54-0:1.0.0.0\n"
				      "6:4:65-69:1.0.0.0\n"
				      "6:5:76-81:1.1.0.0\n"
				      "5:0:54-84:1.0.0.0\n"
				      "4:1:47-85:0.0.0.0\n"
				      "7:3:97-98:0.0.0.0\n"
				      "7:3:103-104:0.1.0.0\n"
				      "7:3:105-106:0.1.0.1\n");
	buf_fini(&h.text);
}

/* A row is a text and what must come of it. */
static const struct {
	const char *text;
	enum scan_error want;
} rows[] = {
    {"{}", SCAN_ok},
    {" \t\r\n{ } \n", SCAN_ok},
    {"", SCAN_truncated},
    {" ", SCAN_truncated},
    {"{", SCAN_truncated},
    {"{\"k\"", SCAN_truncated},
    {"{\"k\":tru", SCAN_truncated},
    {"[]", SCAN_syntax},
    {"1", SCAN_syntax},
    {"\"s\"", SCAN_syntax},
    {"{}x", SCAN_syntax},
    {"{}{}", SCAN_syntax},
    {"\xEF\xBB\xBF{}", SCAN_utf8},
    {"\xFF\xFE{", SCAN_utf8},
    {"{\"k\":1,}", SCAN_syntax},
    {"{,}", SCAN_syntax},
    {"{\"k\":[1,]}", SCAN_syntax},
    {"{\"k\":[,1]}", SCAN_syntax},
    {"{\"k\":[1 2]}", SCAN_syntax},
    {"{\"k\" 1}", SCAN_syntax},
    {"{\"k\":[1}", SCAN_syntax},
    {"{\"k\":[}]", SCAN_syntax},
    {"{'k':1}", SCAN_syntax},
    {"{k:1}", SCAN_syntax},
    {"{\"k\":NaN}", SCAN_syntax},
    {"{\"k\":Infinity}", SCAN_syntax},
    {"{\"k\":nul}", SCAN_syntax},
    {"{\"k\":nullx}", SCAN_syntax},
    {"{\"k\":/**/1}", SCAN_syntax},
    {"{\"k\":01}", SCAN_syntax},
    {"{\"k\":-}", SCAN_syntax},
    {"{\"k\":+1}", SCAN_syntax},
    {"{\"k\":.5}", SCAN_syntax},
    {"{\"k\":1.}", SCAN_syntax},
    {"{\"k\":1.e1}", SCAN_syntax},
    {"{\"k\":1e}", SCAN_syntax},
    {"{\"k\":1e+}", SCAN_syntax},
    {"{\"k\":1-1}", SCAN_syntax},
    {"{\"k\":0x10}", SCAN_syntax},
    {"{\"k\":[-0,0.0,0e0,-1.25E-3,1e+2]}", SCAN_ok},
    {"{\"k\":1e999}", SCAN_number_range},
    {"{\"k\":-1e309}", SCAN_number_range},
    {"{\"k\":1e308}", SCAN_ok},
    {"{\"k\":0.0001e312}", SCAN_ok},
    {"{\"k\":0.0001e313}", SCAN_number_range},
    {"{\"k\":1000e306}", SCAN_number_range},
    {"{\"k\":0e999}", SCAN_ok},
    {"{\"k\":1e99999999999999999999999}", SCAN_number_range},
    {"{\"k\":1e-99999999999999999999999}", SCAN_ok},
    {"{\"k\":123456789012345678901234567890123456789012345678901234567890}", SCAN_ok},
    {"{\"k\":\"\t\"}", SCAN_syntax},
    {"{\"k\":\"0123456789abcdef\x1f\"}", SCAN_syntax},
    {"{\"k\":\"\x7f\"}", SCAN_ok},
    {"{\"k\":\"\\x\"}", SCAN_syntax},
    {"{\"k\":\"\\u12g4\"}", SCAN_syntax},
    {"{\"k\":\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", SCAN_ok},
    {"{\"k\":\"\\ud83d\\ude00\"}", SCAN_ok},
    {"{\"k\":\"\\ud83d\"}", SCAN_utf8},
    {"{\"k\":\"\\ud83dx\"}", SCAN_utf8},
    {"{\"k\":\"\\ud83d\\n\"}", SCAN_utf8},
    {"{\"k\":\"\\ud83d\\ud83d\"}", SCAN_utf8},
    {"{\"k\":\"\\ude00\"}", SCAN_utf8},
    {"{\"k\":\"\\ude00\\ud83d\"}", SCAN_utf8},
    {"{\"k\":\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\"}", SCAN_ok},
    {"{\"k\":\"\x80\"}", SCAN_utf8},
    {"{\"k\":\"\xC0\xAF\"}", SCAN_utf8},
    {"{\"k\":\"\xC3\"}", SCAN_utf8},
    {"{\"k\":\"\xE0\x80\x80\"}", SCAN_utf8},
    {"{\"k\":\"\xED\xA0\x80\"}", SCAN_utf8},
    {"{\"k\":\"\xF0\x80\x80\x80\"}", SCAN_utf8},
    {"{\"k\":\"\xF4\x90\x80\x80\"}", SCAN_utf8},
    {"{\"k\":\"\xF5\x80\x80\x80\"}", SCAN_utf8},
    {"{\"k\xC3\":1}", SCAN_utf8},
    {"{\"\xC3\xA4\":1}", SCAN_ok},
    {"{\"a\":1,\"a\":2}", SCAN_duplicate},
    {"{\"a\":1,\"\\u0061\":2}", SCAN_duplicate},
    {"{\"\\u0061\":1,\"\\u0061\":2}", SCAN_duplicate},
    {"{\"\\u00e4\":1,\"a\":2,\"b\":{\"a\":3,\"a\":4}}", SCAN_ok},
    {"{\"z\":1,\"z\":2,\"b\":1,\"b\":2}", SCAN_ok},
    {"{\"list\":[{\"x\":[{\"y\":1},{\"y\":1}]}]}", SCAN_ok},
    {"{\"list\":[{\"x\":[{\"y\":1,\"y\":1}]}]}", SCAN_duplicate},
    {"{\"a-rather-long-key-of-sixty-three-bytes-which-is-the-longest-one\":1,"
     "\"a-rather-long-key-of-sixty-three-bytes-which-is-the-longest-one\":1}",
	SCAN_duplicate},
    {"{\"a-rather-long-key-of-sixty-three-bytes-which-is-the-longest-one\":1,"
     "\"a-rather-long-key-of-sixty-three-bytes-which-is-the-longest-one!\":1}",
	SCAN_ok},
    {"{\"k\":[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]}", SCAN_ok},
    {"{\"k\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}", SCAN_depth},
};

static void
test_rows(void **state)
{
	struct heard h;

	(void)state;
	heard_init(&h);
	for (size_t i = 0; i < nitems(rows); i++) {
		enum scan_error e = scan_in(str_of(rows[i].text), 0, 0, &h);

		if (e != rows[i].want)
			fail_msg("%s: %s, not %s", rows[i].text, scan_error_text(e),
			    scan_error_text(rows[i].want));
	}
	buf_fini(&h.text);
}

/* Cut anywhere, and byte by byte, a text gives the same calls and the same error. */
static void
test_pieces(void **state)
{
	struct heard whole, cut;

	(void)state;
	heard_init(&whole);
	heard_init(&cut);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct str text = str_of(rows[i].text);

		scan_in(text, 0, 0, &whole);
		assert_int_equal(scan_in(text, 1, 0, &cut), rows[i].want);
		assert_true(str_eq(buf_str(&cut.text), buf_str(&whole.text)));
		for (size_t at = 1; at < text.len; at++) {
			assert_int_equal(scan_in(text, 0, at, &cut), rows[i].want);
			assert_true(str_eq(buf_str(&cut.text), buf_str(&whole.text)));
		}
	}
	buf_fini(&whole.text);
	buf_fini(&cut.text);
}

/* Keys far longer than any that is wanted, whole and in pieces. */
static void
test_long_key(void **state)
{
	struct heard h;
	struct buf text;

	(void)state;
	heard_init(&h);
	buf_init(&text, 1 << 16);
	buf_add(&text, "{\"");
	for (int i = 0; i < 2000; i++)
		buf_add(&text, "\\u0061");
	buf_add(&text, "\":1,\"a\":2}");
	for (size_t step = 0; step < 700; step += 99) {
		assert_int_equal(scan_in(buf_str(&text), step, 0, &h), SCAN_ok);
		assert_string_equal(h.text.p, "1:3:12010-12011:0.0.0.0\n");
	}
	buf_fini(&h.text);
	buf_fini(&text);
}

static void
test_refused(void **state)
{
	struct heard h;

	(void)state;
	heard_init(&h);
	h.refuse_id = 4;
	assert_int_equal(
	    scan_in(STR("{\"a\":1,\"list\":[1]}"), 0, 0, &h), SCAN_refused);
	assert_string_equal(
	    h.text.p, "1:3:5-6:0.0.0.0\n4:1:14-0:0.0.0.0\nerror at 14\n");
	buf_fini(&h.text);
}

static void
test_under_way(void **state)
{
	struct scan_paths *p = scan_paths_new(paths, nitems(paths));
	struct heard h;
	struct scan_value v;
	struct scan *s;

	(void)state;
	heard_init(&h);
	s = scan_new(p, 20, on_value, &h);
	assert_false(scan_under_way(s, &v));
	assert_true(scan_feed(s, "{\"a\":\"12", 8));
	assert_true(scan_under_way(s, &v));
	assert_int_equal(v.id, 1);
	assert_int_equal(v.kind, SCAN_string);
	assert_int_equal(v.start, 5);
	assert_int_equal(v.end, 8);
	assert_true(scan_feed(s, "3\",\"z\":\"", 8));
	assert_false(scan_under_way(s, &v)); /* nobody wants z */
	assert_true(scan_feed(s, "\"}", 2));
	assert_true(scan_end(s));

	scan_reset(s);
	assert_false(scan_feed(s, "]", 1));
	assert_false(scan_feed(s, "{}", 2)); /* for good */
	assert_false(scan_end(s));
	scan_reset(s);
	assert_true(scan_feed(s, "{\"a\":1}", 7));
	assert_true(scan_end(s));
	scan_free(s);
	scan_paths_free(p);
	buf_fini(&h.text);
	scan_free(NULL);
	scan_paths_free(NULL);
}

static void
test_unescape(void **state)
{
	static const struct {
		struct str in, want;
	} text[] = {
	    {{"", 0}, {"", 0}},
	    {{"abc", 3}, {"abc", 3}},
	    {{"\\n\\\"\\\\\\/\\t\\b\\f\\r", 16}, {"\n\"\\/\t\b\f\r", 8}},
	    {{"a\\u0000b", 8}, {"a\0b", 3}},
	    {{"\\u00e4\\u20AC!", 13}, {"\xC3\xA4\xE2\x82\xAC!", 6}},
	    {{"\\ud83d\\ude00", 12}, {"\xF0\x9F\x98\x80", 4}},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < nitems(text); i++) {
		size_t n = scan_unescape(text[i].in, out);

		assert_true(str_eq(str_make(out, n), text[i].want));
		assert_int_equal(out[n], '\0');
	}
}

static void
test_int(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t want;
	} number[] = {
	    {"0", true, 0},
	    {"-0", true, 0},
	    {"12", true, 12},
	    {"-12", true, -12},
	    {"1.0", true, 1},
	    {"1.000000000000000000000000000", true, 1},
	    {"1e3", true, 1000},
	    {"1.5e1", true, 15},
	    {"1500e-2", true, 15},
	    {"10.0", true, 10},
	    {"0.0e5", true, 0},
	    {"0e999999999999999999999", false, 0},
	    {"1.5", false, 0},
	    {"15e-1", false, 0},
	    {"9223372036854775807", true, INT64_MAX},
	    {"9223372036854775808", false, 0},
	    {"-9223372036854775808", true, INT64_MIN},
	    {"-9223372036854775809", false, 0},
	    {"99999999999999999999999", false, 0},
	    {"1e19", false, 0},
	    {"1e18", true, 1000000000000000000},
	    {"1e300", false, 0},
	    {"", false, 0},
	    {"-", false, 0},
	    {"\"1\"", false, 0},
	    {"true", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < nitems(number); i++) {
		int64_t v = 77;

		if (scan_int(str_of(number[i].text), &v) != number[i].ok ||
		    v != (number[i].ok ? number[i].want : 77))
			fail_msg("%s: %lld", number[i].text, (long long)v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_long_key),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_under_way),
	    cmocka_unit_test(test_unescape),
	    cmocka_unit_test(test_int),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
