/* libs: base core call */
/* test_check.c: runs the answers of tests/table/check.tbl, which says how to read them;
 * and what is too long, too deep or takes too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/env.h"
#include "check.h"

#define TABLE "tests/table/check.tbl"

static struct check_input
input_of(struct str format, struct str body)
{
	struct check_input in = {.body = body};

	in.may_be_cut = str_is(format, "cut-ok");
	if (!str_is(format, "-") && !in.may_be_cut)
		in.format = format;
	return in;
}

static void
test_table(void **state)
{
	struct str rest, line, name, want, format;
	unsigned number = 0, cases = 0, failed = 0;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	assert_true(env_system()->read_file(env_system(), TABLE, 1 << 19, &text));
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		struct check_input in;
		const char *got;

		number++;
		if (line.len == 0 || line.p[0] == '#')
			continue;
		assert_true(str_split(&line, '|', &name));
		assert_true(str_split(&line, '|', &want));
		assert_true(str_split(&line, '|', &format));
		in = input_of(str_trim(format), str_trim(line));
		got = flaw_name(check_answer(&in));
		cases++;
		if (str_is(str_trim(want), got))
			continue;
		failed++;
		print_error("%s:%u: %.*s: wanted %.*s, got %s\n", TABLE, number,
		    (int)name.len, name.p, (int)want.len, want.p, got);
	}
	assert_int_equal(failed, 0);
	assert_true(cases >= 100);
	buf_fini(&text);
}

static enum flaw
check(struct buf *body, const char *format)
{
	struct check_input in = {.body = buf_str(body), .format = str_of(format)};

	return check_answer(&in);
}

static void
test_too_long(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, CHECK_BYTES_MAX + 100);
	buf_add(&b, "{\"choices\":[{\"message\":{\"content\":\"");
	while (b.len < CHECK_BYTES_MAX - 5)
		buf_add(&b, " ");
	buf_add(&b, "\"}}]}");
	assert_int_equal(b.len, CHECK_BYTES_MAX);
	assert_int_equal(check(&b, ""), FLAW_empty);
	buf_add(&b, " ");
	assert_int_equal(check(&b, ""), FLAW_unjudged);
	buf_fini(&b);
}

/* {"a":{"a":... as deep as `depth`, a number within. */
static void
nest(struct buf *b, unsigned depth, const char *key, const char *inside)
{
	for (unsigned i = 0; i < depth; i++)
		buf_printf(b, "{%s\"a\":", key);
	buf_add(b, inside);
	for (unsigned i = 0; i < depth; i++)
		buf_add(b, key[0] != '\0' ? "}}" : "}");
}

/* A schema is looked at so deep; what lies deeper passes. */
static void
test_deep_schema(void **state)
{
	(void)state;
	for (unsigned depth = 20; depth <= 600; depth += 20) {
		struct buf value, schema, body;

		buf_init(&value, 65536);
		buf_init(&schema, 65536);
		buf_init(&body, 65536);
		buf_add(&schema, "{\"type\":\"json_schema\",\"schema\":");
		nest(&schema, depth, "\"properties\":{", "{\"type\":\"string\"}");
		buf_add(&schema, "}");
		nest(&value, depth, "", "1");
		buf_add(&body, "{\"content\":[{\"type\":\"text\",\"text\":\"");
		for (size_t i = 0; i < value.len; i++)
			buf_printf(
			    &body, value.p[i] == '"' ? "\\\"" : "%c", value.p[i]);
		buf_add(&body, "\"}]}");
		assert_int_equal(
		    check(&body, schema.p), depth <= 31 ? FLAW_schema : FLAW_none);
		buf_fini(&value);
		buf_fini(&schema);
		buf_fini(&body);
	}
}

/* A list of many values against a list of as many that none of them is: all pairs would
 * take a minute. */
static void
test_long_work(void **state)
{
	struct buf body, schema;
	int64_t start = env_system()->mono_ns(env_system());

	(void)state;
	buf_init(&body, CHECK_BYTES_MAX);
	buf_init(&schema, CHECK_FORMAT_MAX);
	buf_add(
	    &schema, "{\"type\":\"json_schema\",\"schema\":{\"items\":{\"enum\":[1");
	while (schema.len < CHECK_FORMAT_MAX - 10)
		buf_add(&schema, ",1");
	buf_add(&schema, "]}}}");
	buf_add(&body, "{\"content\":[{\"type\":\"text\",\"text\":\"[2");
	while (body.len < CHECK_BYTES_MAX - 20)
		buf_add(&body, ",2");
	buf_add(&body, "]\"}]}");
	/* The first element is compared to all of them. */
	assert_int_equal(check(&body, schema.p), FLAW_schema);
	buf_clear(&schema);
	buf_add(
	    &schema, "{\"type\":\"json_schema\",\"schema\":{\"items\":{\"enum\":[1");
	while (schema.len < CHECK_FORMAT_MAX - 10)
		buf_add(&schema, ",1");
	buf_add(&schema, ",2]}}}");
	assert_int_equal(check(&body, schema.p), FLAW_none);
	assert_true(env_system()->mono_ns(env_system()) - start < 10 * NS_PER_S);
	buf_fini(&body);
	buf_fini(&schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_deep_schema),
	    cmocka_unit_test(test_long_work),
	};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
