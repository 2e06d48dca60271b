/* libs: base core parse relay */
/* test_tap_recorded.c: what providers really answered is read as the table says, whole
 * and in pieces, and every byte comes out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/env.h"
#include "tap_run.h"

#define TABLE FRUGALD_SOURCE_DIR "/tests/data/answers/recorded.tsv"
#define SUITE FRUGALD_SOURCE_DIR "/../shared/suites/vercel-ai-fixtures/packages/"
#define OWN   FRUGALD_SOURCE_DIR "/tests/data/answers/own"

enum column {
	COL_dialect,
	COL_form,
	COL_usage,
	COL_finish,
	COL_model,
	COL_uncached,
	COL_cache_read,
	COL_write_5m,
	COL_write_1h,
	COL_audio_in,
	COL_output,
	COL_audio_out,
	COL_reasoning,
	COL_inconsistent,
	COL_file,
	COL_COUNT,
};

struct row {
	struct str col[COL_COUNT];
	bool openai, stream, alone;
};

static bool
read_file(const char *path, struct buf *ret)
{
	struct env *env = env_system();

	buf_init(ret, 1U << 24);
	return env->read_file(env, path, 1U << 24, ret);
}

static void
assert_text(struct row *row, enum column c, const char *got)
{
	if (str_is(row->col[c], got))
		return;
	fail_msg("%.*s: %s instead of %.*s", (int)row->col[COL_file].len,
	    row->col[COL_file].p, got, (int)row->col[c].len, row->col[c].p);
}

static void
assert_count(struct row *row, enum column c, int64_t got)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, got);
	assert_text(row, c, text);
}

static void
check_usage(struct row *row, const struct tap *t)
{
	const int64_t *tokens = t->usage.tokens;

	assert_count(row, COL_uncached, tokens[TOKEN_input_uncached]);
	assert_count(row, COL_cache_read, tokens[TOKEN_cache_read]);
	assert_count(row, COL_write_5m, tokens[TOKEN_cache_write_5m]);
	assert_count(row, COL_write_1h, tokens[TOKEN_cache_write_1h]);
	assert_count(row, COL_audio_in, tokens[TOKEN_audio_input]);
	assert_count(row, COL_output, tokens[TOKEN_output]);
	assert_count(row, COL_audio_out, tokens[TOKEN_audio_output]);
	assert_count(row, COL_reasoning, t->usage.reasoning);
	assert_count(row, COL_inconsistent, t->usage.inconsistent);
	assert_text(row, COL_finish, t->finish);
	assert_text(row, COL_model, t->model);
	assert_true(t->usage_seen);
	assert_true(t->finished);
	assert_false(t->failed);
	assert_false(t->broken);
	assert_int_equal(t->terminal, t->stream);
	assert_true(t->raw_usage.len > 0 || row->col[COL_inconsistent].p[0] == '1');
}

/* All that went in has come out, or waits for the end; but for usage that the client
 * did not ask for. */
static void
check_bytes(struct row *row, struct run *r, struct str wire)
{
	struct str last = tap_terminal(&r->tap, NULL);
	size_t all = r->out.len + last.len;

	if (row->stream && row->alone && !r->tap.usage_wanted) {
		assert_true(all < wire.len);
		return;
	}
	assert_int_equal(all, wire.len);
	assert_memory_equal(r->out.p, wire.p, r->out.len);
	assert_memory_equal(last.p, wire.p + r->out.len, last.len);
}

/* What is counted by comparing with the event before is what is counted by reading: a
 * comment between two events keeps them from being compared. */
static void
check_counts(struct run *whole, struct str wire)
{
	struct run r;
	size_t from = 0;

	run_begin(
	    &r, whole->dialect.answer, whole->tap.stream, whole->tap.usage_wanted);
	for (size_t i = 1; i < wire.len; i++) {
		if (wire.p[i] != '\n' || wire.p[i - 1] != '\n')
			continue;
		run_piece(&r, wire.p + from, i + 1 - from);
		run_piece(&r, ":\n\n", 3);
		from = i + 1;
	}
	assert_true(tap_end(&r.tap, run_out, &r.out));
	run_same_knowledge(&whole->tap, &r.tap);
	run_end(&r);
}

static void
check_wire(struct row *row, struct str wire, bool usage_wanted)
{
	const struct answer_reader *a =
	    row->openai ? &openai_answer : &anthropic_answer;
	struct run whole;

	run_begin(&whole, a, row->stream, usage_wanted);
	run_text(&whole, wire, 0, wire.len);
	check_usage(row, &whole.tap);
	check_bytes(row, &whole, wire);
	run_end(&whole);

	run_begin(&whole, a, row->stream, usage_wanted);
	run_text(&whole, wire, 0, wire.len);
	(void)tap_terminal(&whole.tap, "0.000123000000");
	if (row->stream)
		check_counts(&whole, wire);
	run_in_pieces(&whole, wire);
	run_end(&whole);
}

/* One line is the data of one event; what comes behind an end is another answer. */
static void
make_stream(struct row *row, struct str lines, struct buf *ret)
{
	struct str line, rest, type;

	while (str_split(&lines, '\n', &line)) {
		if (line.len == 0)
			continue;
		if (str_starts(line, STR("{\"type\":\""))) {
			rest = str_skip(line, strlen("{\"type\":\""));
			(void)str_split(&rest, '"', &type);
			buf_printf(ret, "event: %.*s\n", (int)type.len, type.p);
		}
		buf_printf(ret, "data: %.*s\n\n", (int)line.len, line.p);
		if (str_starts(line, STR("{\"type\":\"message_stop\"")))
			return;
	}
	if (row->openai)
		buf_add(ret, "data: [DONE]\n\n");
}

static bool
read_row(struct str line, struct row *ret)
{
	if (line.len == 0 || line.p[0] == '#')
		return false;
	for (size_t i = 0; i < COL_COUNT; i++)
		assert_true(str_split(&line, ' ', &ret->col[i]));
	ret->openai = str_is(ret->col[COL_dialect], "openai");
	ret->stream = str_is(ret->col[COL_form], "stream");
	ret->alone = str_is(ret->col[COL_usage], "alone");
	return true;
}

static void
check_row(struct row *row, const char *folder)
{
	char path[512];
	struct buf file, wire;

	snprintf(path, sizeof(path), "%s%.*s", folder, (int)row->col[COL_file].len,
	    row->col[COL_file].p);
	assert_true(read_file(path, &file));
	buf_init(&wire, 1U << 24);
	if (row->stream)
		make_stream(row, buf_str(&file), &wire);
	else
		assert_true(buf_append_str(&wire, buf_str(&file)));
	check_wire(row, buf_str(&wire), false);
	if (row->stream && row->openai)
		check_wire(row, buf_str(&wire), true);
	buf_fini(&wire);
	buf_fini(&file);
}

static void
check_table(const char *table, const char *folder)
{
	struct buf text;
	struct str rest, line;
	struct row row;

	assert_true(read_file(table, &text));
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (read_row(line, &row))
			check_row(&row, folder);
	}
	buf_fini(&text);
}

static void
test_recorded(void **state)
{
	struct buf licence;

	(void)state;
	if (!read_file(SUITE "../LICENSE", &licence))
		skip();
	buf_fini(&licence);
	check_table(TABLE, SUITE);
}

/* Shapes that nobody has recorded. */
static void
test_own(void **state)
{
	(void)state;
	check_table(OWN ".tsv", OWN "/");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_recorded),
	    cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
