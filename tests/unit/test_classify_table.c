/* libs: base core classify */
/* test_classify_table.c: runs the lines of
 * tests/table/classify.tbl, which says how to read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/request.h"

#define TABLE "tests/table/classify.tbl"
#define TURNS 8

struct range {
	double from, to;
};

struct line {
	unsigned number;
	struct str classes, text;
	struct range complexity, confidence;
};

static struct range
read_range(struct str s)
{
	char text[64], *dots;
	struct range r;

	str_copy(text, sizeof(text), str_trim(s));
	r.from = strtod(text, &dots);
	assert_int_equal(dots[0], '.');
	r.to = strtod(dots + 2, NULL);
	return r;
}

static bool
within(struct range r, float v)
{
	return (double)v >= r.from - 1e-6 && (double)v <= r.to + 1e-6;
}

static bool
one_of(struct str classes, enum task_class c)
{
	struct str word;

	while (str_split(&classes, ',', &word)) {
		if (str_is(str_trim(word), "*") ||
		    str_is(str_trim(word), class_name(c)))
			return true;
	}
	return false;
}

/* "loop: text": takes the word off. */
static struct str
surroundings(struct str text, struct task *t)
{
	static const struct str words[] = {{"tools: ", 7}, {"loop: ", 6},
	    {"schema: ", 8}, {"effort: ", 8}, {"few: ", 5}};
	size_t i = 0;

	while (i < nitems(words) && !str_starts(text, words[i]))
		i++;
	if (i == nitems(words))
		return text;
	if (i <= 1)
		t->tools = 3;
	t->open_tool_call = i == 1;
	if (i == 2)
		t->needs = 1U << CAP_json_schema;
	t->effort = i == 3 ? STR("high") : str_make("", 0);
	if (i == 4)
		t->max_output = 16;
	return str_skip(text, words[i].len);
}

static struct verdict
judge(struct str text)
{
	struct prompt_piece pieces[TURNS];
	struct task t = {.max_output = -1};
	struct prompt p = {.pieces = pieces};
	struct verdict v;

	text = surroundings(text, &t);
	while (p.count < TURNS) {
		const char *cut = memmem(text.p, text.len, " >> ", 4);
		size_t len = cut == NULL ? text.len : (size_t)(cut - text.p);

		pieces[p.count] = (struct prompt_piece){.raw = str_make(text.p, len),
		    .role = p.count % 2 == 0 ? ROLE_user : ROLE_assistant,
		    .message = p.count};
		p.last_user = p.count - p.count % 2;
		p.count++;
		t.messages = p.count;
		t.turns = (p.count + 1) / 2;
		if (cut == NULL)
			break;
		text = str_skip(text, len + 4);
	}
	classify(classifier_builtin(), &t, &p, &v);
	return v;
}

static bool
run_line(const struct line *l)
{
	struct verdict v = judge(l->text);
	float sum = 0;

	for (size_t c = 0; c < CLASS_COUNT; c++)
		sum += v.class_p[c];
	assert_float_equal(sum, 1, 1e-4);
	if (one_of(l->classes, v.class) && within(l->complexity, v.complexity) &&
	    within(l->confidence, v.confidence))
		return true;
	print_error("%s:%u: %.*s\n  got %s %.3f, complexity %.3f, confidence %.3f (%s, "
		    "%s)\n",
	    TABLE, l->number, (int)l->text.len, l->text.p, class_name(v.class),
	    (double)v.class_p[v.class], (double)v.complexity, (double)v.confidence,
	    v.reasons[0] != NULL ? v.reasons[0] : "-",
	    v.reasons[1] != NULL ? v.reasons[1] : "-");
	return false;
}

static void
test_table(void **state)
{
	struct buf text;
	struct str rest, s;
	struct line l = {0};
	unsigned lines = 0, failed = 0;

	(void)state;
	buf_init(&text, 1 << 20);
	assert_true(env_system()->read_file(env_system(), TABLE, 1 << 19, &text));
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &s)) {
		struct str range;

		l.number++;
		if (s.len == 0 || s.p[0] == '#')
			continue;
		(void)str_split(&s, '|', &l.classes);
		(void)str_split(&s, '|', &range);
		l.complexity = read_range(range);
		(void)str_split(&s, '|', &range);
		l.confidence = read_range(range);
		l.text = str_trim(s);
		lines++;
		failed += !run_line(&l);
	}
	print_message("%u lines, %u failed\n", lines, failed);
	assert_int_equal(failed, 0);
	assert_true(lines >= 50);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
