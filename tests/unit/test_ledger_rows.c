/* libs: base core config budget meter */
/* test_ledger_rows.c: what stands in the rows, and what they share. */
#include "meter.h"

static int
set_up(void **state)
{
	(void)process_new(state, 1);
	return 0;
}

static void
test_names_are_kept_once(void **state)
{
	struct process *p = *state;
	int64_t names;

	assert_true(process_start(p, 8, 1));
	book_one(p, 0);
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	names = ask(JANUARY, "SELECT COUNT(*) FROM name");
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	process_stop(p);
	assert_true(process_start(p, 8, 1)); /* nothing in memory now */
	book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM name"), names);
	assert_int_equal(
	    ask(JANUARY, "SELECT COUNT(*) FROM request r JOIN name n ON n.id=r.team"
			 " WHERE n.text='web'"),
	    4);
	/* Of the first request of each process alone, of the others together. */
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM tag"), 6);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM tag WHERE request=1"), 2);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request r WHERE r.tagset IN"
				      "(SELECT -request FROM tag WHERE value="
				      "(SELECT id FROM name WHERE text='4711'))"),
	    2);
	/* Only what was declared for it stands in the roll-ups. */
	assert_int_equal(
	    ask("ledger.db", "SELECT COUNT(*) FROM rollup WHERE tags='app=shop\n'"), 1);
}

/* What comes again is kept once: all tags together, and the words of a raw usage. */
static void
test_what_comes_again_is_a_name(void **state)
{
	struct process *p = *state;

	assert_true(process_start(p, 8, 1));
	for (int i = 0; i < 3; i++)
		book_one(p, 0);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(
	    ask(JANUARY, "SELECT LENGTH(tags) FROM request WHERE seq=1"), 21);
	assert_int_equal(ask(JANUARY, "SELECT SUM(LENGTH(tags)) FROM request"), 21);
	assert_int_equal(
	    ask(JANUARY, "SELECT COUNT(*) FROM request r JOIN name n ON n.id=r.tagset"
			 " WHERE n.text='app=shop'||char(10)||'commit=4711'||char(10)"),
	    2);
	assert_int_equal(
	    ask(JANUARY, "SELECT raw_usage='{\"prompt_tokens\":120}' FROM attempt"
			 " WHERE request=1"),
	    1);
	assert_int_equal(
	    ask(JANUARY, "SELECT COUNT(*) FROM attempt a JOIN name n ON n.id=a.shape"
			 " WHERE n.text='{\"prompt_tokens\":'||char(1)||'}' AND"
			 " a.raw_usage=x'78'"),
	    2);
}

/* Who said a tag is not lost where others have said the same. */
static void
test_tags_that_somebody_else_said(void **state)
{
	struct process *p = *state;
	struct slot_attempt a = some_attempt(p->env);

	assert_true(process_start(p, 8, 1));
	for (unsigned i = 0; i < 6; i++) {
		struct slot_request r = some_request(p->env);
		struct slot *s;

		r.tag_source[1] = (uint8_t)(i % 2 + 1);
		s = slot_open(p->slots, 0, &r);
		slot_attempt_open(s, &a);
		slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
	}
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(
	    ask(JANUARY, "SELECT COUNT(*) FROM request WHERE tagset>0"), 3);
	for (int source = 1; source <= 2; source++) {
		char sql[200];

		snprintf(sql, sizeof(sql),
		    "SELECT COUNT(*) FROM request r JOIN tag t ON t.request IN"
		    "(r.seq,-r.tagset) WHERE t.source=%d",
		    source);
		assert_int_equal(ask(JANUARY, sql), 3);
	}
}

static void
test_what_is_no_number(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s;

	assert_true(process_start(p, 8, 1));
	r.complexity = r.confidence = r.baseline_success = __builtin_nanf("");
	s = slot_open(p->slots, 0, &r);
	slot_attempt_open(s, &a);
	slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
	assert_true(ledger_turn(p->ledger));
	assert_int_equal(ask(JANUARY, "SELECT complexity=0 FROM request"), 1);
}

#define with_ledger(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(test_names_are_kept_once),
	    with_ledger(test_what_comes_again_is_a_name),
	    with_ledger(test_tags_that_somebody_else_said),
	    with_ledger(test_what_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
