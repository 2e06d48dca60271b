/* libs: base config core parse */
/* test_splice.c: the forwarded body:
 * the client's own bytes with single spans replaced. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/env.h"
#include "read_body.h"

#define CASES     "/tests/golden/splice/*.case"
#define BODY_MARK "\n--- body\n"
#define WANT_MARK "\n--- forwarded\n"

/* A file: "DIALECT model=… max=… field=… tier=… usage", the body, what is forwarded. */
struct golden {
	const struct dialect *dialect;
	struct shape_wish wish;
	struct str body, want;
	char field[64];
};

static void
read_wish_word(struct golden *g, struct str word)
{
	struct str name, value = word;
	uint64_t n;

	if (str_is(word, "usage")) {
		g->wish.ask_usage = true;
		return;
	}
	assert_true(str_split(&value, '=', &name));
	if (str_is(name, "model")) {
		g->wish.model = value;
	} else if (str_is(name, "tier")) {
		g->wish.service_tier = value;
	} else if (str_is(name, "max")) {
		assert_true(str_to_u64(value, &n));
		g->wish.max_output = (int64_t)n;
	} else {
		assert_true(str_is(name, "field"));
		str_copy(g->field, sizeof(g->field), value);
		g->wish.max_field = g->field;
	}
}

static struct str
between(struct str file, const char *from, const char *to)
{
	const char *a = memmem(file.p, file.len, from, strlen(from)), *b;

	assert_non_null(a);
	a += strlen(from);
	b = to == NULL ? file.p + file.len - 1
		       : memmem(a, (size_t)(file.p + file.len - a), to, strlen(to));
	assert_non_null(b);
	return str_make(a, (size_t)(b - a));
}

static void
parse_case(struct str file, struct golden *g)
{
	struct str rest = file, line, word;

	*g = (struct golden){.wish = {.max_output = -1}};
	assert_true(str_split(&rest, '\n', &line));
	assert_true(str_split(&line, ' ', &word));
	g->dialect = dialect_find(word);
	assert_non_null(g->dialect);
	while (str_split(&line, ' ', &word))
		read_wish_word(g, word);
	g->body = between(file, BODY_MARK, WANT_MARK);
	g->want = between(file, WANT_MARK, NULL);
}

/* The joined pieces, read in steps of `cap` bytes. */
static struct buf
join(const struct pieces *p, size_t cap)
{
	struct buf out;
	char part[4096];
	size_t n, at = 0;

	buf_init(&out, 1 << 20);
	while ((n = pieces_read(p, at, part, cap)) > 0) {
		assert_true(buf_append(&out, part, n));
		at += n;
	}
	assert_int_equal(at, p->bytes);
	return out;
}

/* What is not spliced is the client's own memory, not a copy of it. */
static void
check_own_bytes(
    const struct pieces *p, struct str body, const struct splice *splices, size_t count)
{
	size_t own = 0, cut = 0;

	for (unsigned i = 0; i < p->count; i++) {
		const char *at = p->piece[i].p;

		own += at >= body.p && at <= body.p + body.len ? p->piece[i].len : 0;
	}
	for (size_t i = 0; i < count; i++)
		cut += splices[i].end - splices[i].start;
	assert_int_equal(own, body.len - cut);
}

/* The forwarded body says what was wished; asked again, nothing is left to splice. */
static void
check_again(const struct parse_shared *shared, const struct golden *g, struct str body)
{
	struct splice splices[SPLICES_MAX];
	struct body_read b;

	body_read(&b, shared, g->dialect, body, 0, 0);
	assert_int_equal(b.outcome, OUT_served);
	assert_true(str_eq(b.task.model, g->wish.model));
	assert_int_equal(g->dialect->splice(&b.task, &g->wish, b.mem, splices), 0);
	body_read_end(&b);
}

static void
check_case(const struct parse_shared *shared, const char *path, struct str file)
{
	struct splice splices[SPLICES_MAX];
	struct pieces pieces;
	struct golden g;
	struct body_read b;
	size_t count;
	struct str body;

	parse_case(file, &g);
	body_read(&b, shared, g.dialect, g.body, 0, 0);
	if (b.outcome != OUT_served)
		fail_msg("%s: %s", path, b.fault.text);
	body = str_make(b.bytes, g.body.len);
	count = g.dialect->splice(&b.task, &g.wish, b.mem, splices);
	pieces_make(body, splices, count, &pieces);
	check_own_bytes(&pieces, body, splices, count);
	for (size_t cap = 1; cap <= 4096; cap = cap * 3 + 1) {
		struct buf out = join(&pieces, cap);

		if (!str_eq(buf_str(&out), g.want))
			fail_msg("%s\n  is   %s\n  not  %.*s", path, out.p,
			    (int)g.want.len, g.want.p);
		buf_fini(&out);
	}
	check_again(shared, &g, g.want);
	body_read_end(&b);
}

static void
test_golden(void **state)
{
	struct parse_shared *shared = parse_shared_new();
	struct env *env = env_system();
	glob_t found;

	(void)state;
	assert_int_equal(glob(FRUGALD_SOURCE_DIR CASES, 0, NULL, &found), 0);
	assert_true(found.gl_pathc > 20);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct buf file;

		buf_init(&file, 1 << 20);
		assert_true(env->read_file(env, found.gl_pathv[i], 1 << 20, &file));
		check_case(shared, found.gl_pathv[i], buf_str(&file));
		buf_fini(&file);
	}
	globfree(&found);
	parse_shared_free(shared);
}

/* A body without a model never comes so far; a task that has none gets one. */
static void
test_model_absent(void **state)
{
	struct arena *mem = arena_new(1 << 16);
	struct task t = {.max_output = -1, .object_start = 1};
	struct shape_wish wish = {.model = STR("x"), .max_output = -1};
	struct splice splices[SPLICES_MAX];

	(void)state;
	assert_int_equal(dialect_openai.splice(&t, &wish, mem, splices), 1);
	assert_int_equal(splices[0].start, 1);
	assert_int_equal(splices[0].end, 1);
	assert_true(str_is(splices[0].text, "\"model\":\"x\","));
	arena_free(mem);
}

/* The provider counts; it would refuse what belongs to a body that generates. */
static void
test_count_tokens(void **state)
{
	struct arena *mem = arena_new(1 << 16);
	struct task t = {.endpoint = EP_count_tokens, .max_output = -1};
	struct shape_wish wish = {.model = STR("x"),
	    .max_output = 5,
	    .ask_usage = true,
	    .service_tier = STR("auto")};
	struct splice splices[SPLICES_MAX];

	(void)state;
	t.model_at = (struct span){9, 12};
	assert_int_equal(dialect_anthropic.splice(&t, &wish, mem, splices), 1);
	assert_int_equal(splices[0].start, 9);
	arena_free(mem);
}

static void
test_pieces_edges(void **state)
{
	struct splice whole = {.start = 0, .end = 3, .text = STR("")};
	struct splice ends[] = {{.start = 0, .end = 0, .text = STR("<")},
	    {.start = 1, .end = 1, .text = STR("-")},
	    {.start = 3, .end = 3, .text = STR(">")}};
	struct pieces p;
	char out[16];

	(void)state;
	pieces_make(STR("abc"), NULL, 0, &p);
	assert_int_equal(pieces_read(&p, 0, out, sizeof(out)), 3);
	assert_int_equal(pieces_read(&p, 3, out, sizeof(out)), 0);
	assert_int_equal(pieces_read(&p, 9, out, sizeof(out)), 0);
	pieces_make(STR("abc"), &whole, 1, &p);
	assert_int_equal(p.bytes, 0);
	pieces_make(STR("abc"), ends, nitems(ends), &p);
	assert_int_equal(pieces_read(&p, 1, out, 4), 4);
	assert_memory_equal(out, "a-bc", 4);
}

static void
test_targets(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	assert_string_equal(dialect_openai.target(EP_generate), "/chat/completions");
	assert_null(dialect_openai.target(EP_count_tokens));
	assert_string_equal(
	    dialect_azure.target(EP_generate), "/openai/v1/chat/completions");
	assert_string_equal(dialect_anthropic.target(EP_generate), "/v1/messages");
	assert_string_equal(
	    dialect_anthropic.target(EP_count_tokens), "/v1/messages/count_tokens");
	dialect_openai.auth_header(STR("k1"), &out);
	buf_add(&out, "|");
	dialect_azure.auth_header(STR("k2"), &out);
	buf_add(&out, "|");
	dialect_anthropic.auth_header(STR("k3"), &out);
	assert_string_equal(
	    out.p, "Authorization: Bearer k1|api-key: k2|x-api-key: k3");
	assert_null(dialect_openai.default_headers[0]);
	assert_string_equal(
	    dialect_anthropic.default_headers[0], "anthropic-version: 2023-06-01");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_model_absent),
	    cmocka_unit_test(test_count_tokens),
	    cmocka_unit_test(test_pieces_edges),
	    cmocka_unit_test(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
