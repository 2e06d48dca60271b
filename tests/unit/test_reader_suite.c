/* libs: base config core parse */
/* test_reader_suite.c: JSONTestSuite, naughty
 * strings and broken UTF-8 inside of bodies. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/env.h"
#include "read_body.h"

#define SUITES   "../shared/suites/"
#define FILE_MAX ((size_t)1 << 20)

/* A file of a suite; the test is left out where the suites are not. */
static struct buf
file_text(const char *path)
{
	struct env *env = env_system();
	struct buf text;

	buf_init(&text, FILE_MAX);
	if (!env->read_file(env, path, FILE_MAX - 1, &text)) {
		buf_fini(&text);
		skip();
	}
	return text;
}

static void
put(struct buf *b, const char *before, struct str text, const char *after)
{
	buf_add(b, before);
	assert_true(buf_append_str(b, text));
	buf_add(b, after);
}

/* Served whole and in single bytes, with the same result; gives what was read. */
static void
read_both(struct body_read *b, const struct parse_shared *shared, struct str body)
{
	struct buf whole, parts;
	struct body_read single;

	buf_init(&whole, FILE_MAX);
	buf_init(&parts, FILE_MAX);
	body_read(b, shared, &dialect_openai, body, 0, 0);
	body_read(&single, shared, &dialect_openai, body, 1, 0);
	print_read(&whole, b);
	print_read(&parts, &single);
	assert_string_equal(whole.p, parts.p);
	body_read_end(&single);
	buf_fini(&whole);
	buf_fini(&parts);
}

/* ---- naughty strings ---- */

/* As content, name, user and key: all of it is data. `raw` is JSON with its quotes. */
static void
check_as_text(const struct parse_shared *shared, struct str raw)
{
	struct str inside = str_make(raw.p + 1, raw.len - 2);
	struct body_read b;
	struct buf body;

	buf_init(&body, FILE_MAX);
	put(&body, "{\"model\":\"m\",\"user\":", raw, ",\"messages\":[{\"name\":");
	put(&body, "", raw, ",\"role\":\"user\",\"content\":");
	put(&body, "", raw, "}],\"x\":{");
	put(&body, "", raw, ":0}}");
	read_both(&b, shared, buf_str(&body));
	assert_int_equal(b.outcome, OUT_served);
	assert_int_equal(b.prompt.count, inside.len > 0);
	if (inside.len > 0)
		assert_true(str_eq(b.prompt.pieces[0].raw, inside));
	body_read_end(&b);
	buf_fini(&body);
}

/* As the model: a name, or refused; as the provider's name it comes out whole. */
static void
check_as_model(const struct parse_shared *shared, struct str raw)
{
	struct splice splices[SPLICES_MAX];
	struct shape_wish wish = {.max_output = -1};
	struct body_read b, again;
	struct pieces pieces;
	struct buf body;
	char forwarded[8192];

	buf_init(&body, FILE_MAX);
	put(&body,
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"model\":", raw,
	    "}");
	read_both(&b, shared, buf_str(&body));
	if (b.outcome != OUT_served) {
		assert_string_equal(b.fault.param, "model");
		goto out;
	}
	wish.model = b.task.model;
	b.task.model = STR("");
	pieces_make(str_make(b.bytes, body.len), splices,
	    dialect_openai.splice(&b.task, &wish, b.mem, splices), &pieces);
	assert_true(pieces.bytes < sizeof(forwarded));
	(void)pieces_read(&pieces, 0, forwarded, sizeof(forwarded));
	body_read(
	    &again, shared, &dialect_openai, str_make(forwarded, pieces.bytes), 0, 0);
	assert_int_equal(again.outcome, OUT_served);
	assert_true(str_eq(again.task.model, wish.model));
	body_read_end(&again);
out:
	body_read_end(&b);
	buf_fini(&body);
}

struct naughty {
	const struct parse_shared *shared;
	const char *text;
	unsigned count;
};

static bool
on_string(void *arg, const struct scan_value *v)
{
	struct naughty *n = arg;
	struct str raw = str_make(n->text + v->start, v->end - v->start);

	assert_int_equal(v->kind, SCAN_string);
	check_as_text(n->shared, raw);
	check_as_model(n->shared, raw);
	n->count++;
	return true;
}

static void
test_naughty(void **state)
{
	static const struct scan_path path = {"x[]", 0, false};
	struct buf file = file_text(SUITES "blns/blns.json"), list;
	struct scan_paths *p = scan_paths_new(&path, 1);
	struct parse_shared *shared = parse_shared_new();
	struct naughty n = {.shared = shared};
	struct scan *s = scan_new(p, SCAN_DEPTH_MAX, on_string, &n);

	(void)state;
	buf_init(&list, FILE_MAX);
	put(&list, "{\"x\":", buf_str(&file), "}");
	n.text = list.p;
	assert_true(scan_feed(s, list.p, list.len));
	assert_true(scan_end(s));
	assert_true(n.count >= 500);
	scan_free(s);
	scan_paths_free(p);
	parse_shared_free(shared);
	buf_fini(&file);
	buf_fini(&list);
}

/* ---- UTF-8 ---- */

static bool
has_control(struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if ((unsigned char)bytes.p[i] < ' ')
			return true;
	}
	return false;
}

static void
check_bytes(
    const struct parse_shared *shared, struct str id, struct str bytes, bool valid)
{
	struct body_read b;
	struct buf body;

	buf_init(&body, FILE_MAX);
	put(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"",
	    bytes, "\"}]}");
	read_both(&b, shared, buf_str(&body));
	if (b.outcome != (valid ? OUT_served : OUT_bad_json))
		fail_msg("%.*s: %s", (int)id.len, id.p, outcome_name(b.outcome));
	if (!valid && !has_control(bytes))
		assert_string_equal(b.fault.param, "messages[0].content");
	body_read_end(&b);
	buf_fini(&body);
}

static void
test_utf8(void **state)
{
	struct buf file = file_text(SUITES "utf8tests/utf8tests.bin");
	struct parse_shared *shared = parse_shared_new();
	struct str rest, line, id, word;
	unsigned valid = 0, invalid = 0;

	(void)state;
	rest = buf_str(&file);
	while (str_split(&rest, '\n', &line)) {
		bool ok;

		if (!str_split(&line, ':', &id) || !str_split(&line, ':', &word))
			continue;
		ok = str_is(word, "valid");
		check_bytes(shared, id, line, ok && !has_control(line));
		valid += ok;
		invalid += !ok;
	}
	assert_true(valid > 50 && invalid > 50);
	parse_shared_free(shared);
	buf_fini(&file);
}

/* ---- JSON ---- */

/* As a member that nobody reads, and as the content of a message. */
static void
check_member(const struct parse_shared *shared, const char *name, struct str text)
{
	static const char *const before[] = {
	    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],\"x\":",
	    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":",
	};
	static const char *const after[] = {"}", "}]}"};

	for (size_t i = 0; i < nitems(before); i++) {
		struct body_read b;
		struct buf body;

		buf_init(&body, FILE_MAX);
		put(&body, before[i], text, after[i]);
		if (body.len < 4096)
			read_both(&b, shared, buf_str(&body));
		else
			body_read(&b, shared, &dialect_openai, buf_str(&body), 0, 0);
		if ((name[0] == 'y' && b.outcome != OUT_served) ||
		    (name[0] == 'n' && b.outcome == OUT_served))
			fail_msg("%s: %s", name, outcome_name(b.outcome));
		body_read_end(&b);
		buf_fini(&body);
	}
}

static void
test_json(void **state)
{
	struct parse_shared *shared;
	glob_t found;

	(void)state;
	if (glob(SUITES "JSONTestSuite/test_parsing/*.json", 0, NULL, &found) != 0)
		skip();
	shared = parse_shared_new();
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		struct buf file = file_text(path);

		check_member(shared, strrchr(path, '/') + 1, buf_str(&file));
		buf_fini(&file);
	}
	globfree(&found);
	parse_shared_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_naughty),
	    cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
