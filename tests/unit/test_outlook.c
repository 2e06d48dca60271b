/* libs: base config core parse auth budget call meter route */
/* test_outlook.c: what answers teach of how long answers are, what is kept of it, and
 * what a plan makes of it. */
#include "meter.h"

#include "route/work.h"

#include "meter/db.h"
#include "meter/schema.h"

static int
set_up(void **state)
{
	struct process *p = process_new(state, 1);

	assert_true(process_start(p, 8, 1));
	return 0;
}

static void
book_attempt(struct process *p, const struct slot_attempt *a)
{
	struct slot_request r = some_request(p->env);
	struct slot *s = slot_open(p->slots, 0, &r);

	assert_non_null(s);
	slot_attempt_open(s, a);
	slot_attempt_close(s, 0, a, STR(""));
	slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
	fake_env_advance(p->fake, NS_PER_S);
	assert_true(ledger_turn(p->ledger));
}

static void
book(struct process *p, const char *model, int64_t tokens, enum answer_length length)
{
	struct slot_attempt a = some_attempt(p->env);

	str_copy(a.model, sizeof(a.model), str_of(model));
	a = answered(&a, 120, tokens);
	a.length = (uint8_t)length;
	a.warm_idle_ms = -1;
	book_attempt(p, &a);
}

static struct outlook_mean
length(struct process *p, const char *model)
{
	const struct outlook *o = outlook_take(p->outlook);
	const struct outlook_model *m = outlook_model(o, model);
	struct outlook_mean l = {-1, -1};

	if (m != NULL)
		l = m->length[CLASS_code];
	outlook_release(o);
	return l;
}

/* Between 200 and 600 tokens; and of another model. */
static void
test_mean(void **state)
{
	struct process *p = *state;
	struct outlook_mean l, again;

	assert_true(length(p, "luna").mean < 0);
	for (int i = 0; i < 500; i++) {
		book(p, "luna", 200 + i * 7919 % 401, LENGTH_whole);
		book(p, "sol", 50, LENGTH_whole);
	}
	l = length(p, "luna");
	assert_in_range((int)l.mean, 380, 420);
	assert_in_range((int)l.samples, 250, 500);
	assert_in_range((int)length(p, "sol").mean, 50, 50);
	/* rows are for good: some for finding out, none for noise */
	assert_in_range(
	    ask("ledger.db",
		"SELECT COUNT(*) FROM outlook_cell WHERE cell='length code luna'"),
	    10, 100);
	assert_int_equal(
	    ask("ledger.db",
		"SELECT COUNT(*) FROM outlook_cell WHERE cell='length code sol'"),
	    9);
	process_stop(p);
	assert_true(process_start(p, 8, 1));
	again = length(p, "luna");
	assert_true(again.mean == l.mean && again.samples == l.samples);
	/* It goes on from there. */
	for (int i = 0; i < 500; i++)
		book(p, "luna", 900, LENGTH_whole);
	assert_in_range((int)length(p, "luna").mean, 600, 750);
}

static void
test_what_says_nothing(void **state)
{
	struct process *p = *state;

	book(p, "luna", 300, LENGTH_unknown);
	assert_true(length(p, "luna").mean < 0);
	book(p, "luna", 300, LENGTH_whole);
	book(p, "luna", 200, LENGTH_least); /* it may have become 300 */
	assert_in_range((int)length(p, "luna").mean, 300, 300);
	book(p, "luna", 500, LENGTH_least);
	assert_in_range((int)length(p, "luna").mean, 400, 400);
}

/* Of a cascade both answers count; of a failed attempt nothing does. */
static void
test_every_answer_counts(void **state)
{
	struct process *p = *state;
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s = slot_open(p->slots, 0, &r);
	static const struct {
		const char *model;
		int64_t tokens;
		enum outcome outcome;
	} attempts[] = {{"luna", 700, OUT_cut}, {"luna", 100, OUT_escalated},
	    {"sol", 900, OUT_served}};

	for (unsigned i = 0; i < 3; i++) {
		struct slot_attempt done = answered(&a, 120, attempts[i].tokens);

		str_copy(done.model, sizeof(done.model), str_of(attempts[i].model));
		done.outcome = (uint16_t)attempts[i].outcome;
		done.basis = done.outcome == OUT_cut ? BASIS_partial : BASIS_reported;
		done.length = LENGTH_whole;
		done.warm_idle_ms = -1;
		slot_attempt_open(s, &done);
		slot_attempt_close(s, (int)i, &done, STR(""));
	}
	slot_close(p->slots, s, OUT_served, env_wall_ms(p->env));
	fake_env_advance(p->fake, NS_PER_S);
	assert_true(ledger_turn(p->ledger));
	assert_int_equal((int)length(p, "luna").mean, 100);
	assert_int_equal((int)length(p, "sol").mean, 900);
}

/* ---- warmth ---- */

static void
book_warm(struct process *p, int32_t idle_s, int32_t tokens, int64_t read)
{
	struct slot_attempt a = some_attempt(p->env);

	a = answered(&a, 120, 40);
	a.warm_idle_ms = idle_s * 1000;
	a.warm_tokens = tokens;
	a.tokens[TOKEN_cache_read] = read;
	book_attempt(p, &a);
}

/* In percent. */
static int
warmth_of_kind(struct process *p, enum warm_kind kind, int64_t idle_s)
{
	const struct outlook *o = outlook_take(p->outlook);
	double there =
	    outlook_warmth(outlook_provider(o, "openai"), kind, idle_s * 1000);

	outlook_release(o);
	return (int)(there * 100 + 0.5);
}

static int
warmth(struct process *p, int64_t idle_s)
{
	return warmth_of_kind(p, WARM_minutes, idle_s);
}

static void
test_warmth(void **state)
{
	struct process *p = *state;

	assert_int_equal(warmth(p, 60), 95);
	assert_int_equal(warmth(p, 400), 30);
	assert_int_equal(warmth(p, 4 * 3600 + 1), 0);
	/* This one keeps caches for half an hour, as a rule. */
	for (int i = 0; i < 200; i++) {
		book_warm(p, 200, 5000, 4500);
		book_warm(p, 270, 5000, 4500);
		book_warm(p, 400, 5000, 4500);
		book_warm(p, 900, 5000, i % 4 == 0 ? 0 : 4500);
		book_warm(p, 3000, 5000, -1);
	}
	assert_in_range(warmth(p, 400), 90, 96);
	assert_in_range(warmth(p, 900), 60, 75);
	/* never warmer after a longer rest; of this one nothing was seen */
	assert_true(warmth(p, 900) <= warmth(p, 500));
	assert_in_range(warmth(p, 3000), 0, 5);
	for (int i = 0; i < 200; i++)
		book_warm(p, 20, 5000, 0);
	assert_int_equal(warmth(p, 20), warmth(p, 270));
	assert_in_range(warmth(p, 20), 60, 90);
	assert_null(outlook_provider(NULL, "openai"));
	assert_int_equal((int)(outlook_warmth(NULL, WARM_minutes, 20000) * 100), 95);
}

static void
book_hour(struct process *p, int32_t idle_s, int64_t read)
{
	struct slot_attempt a = some_attempt(p->env);

	a = answered(&a, 120, 40);
	a.warm_kind = WARM_hour;
	a.warm_idle_ms = idle_s * 1000;
	a.warm_tokens = 5000;
	a.tokens[TOKEN_cache_read] = read;
	book_attempt(p, &a);
}

/* Caches of an hour are another matter than those of minutes, and stay so over a
 * restart. */
static void
test_caches_of_an_hour(void **state)
{
	struct process *p = *state;

	assert_int_equal(warmth_of_kind(p, WARM_hour, 3000), 95);
	assert_int_equal(warmth_of_kind(p, WARM_hour, 3601), 5);
	for (int i = 0; i < 100; i++) {
		book_warm(p, 900, 5000, 0);
		book_hour(p, 900, i % 2 == 0 ? 4500 : 0);
	}
	assert_in_range(warmth(p, 900), 0, 2);
	assert_in_range(warmth_of_kind(p, WARM_hour, 900), 50, 60);
	assert_in_range(warmth_of_kind(p, WARM_hour, 2000), 50, 60);
	assert_int_equal(warmth_of_kind(p, WARM_hour, 60), 95);
	process_stop(p);
	assert_true(process_start(p, 8, 1));
	assert_in_range(warmth(p, 900), 0, 2);
	assert_in_range(warmth_of_kind(p, WARM_hour, 900), 50, 60);
}

static void
test_warmth_is_kept(void **state)
{
	struct process *p = *state;

	for (int i = 0; i < 64; i++) {
		book_warm(p, 30, 1000, 0); /* too small a prefix to tell */
		book_warm(p, -1, -1, 0);   /* not the session's place */
	}
	assert_int_equal(warmth(p, 30), 95);
	for (int i = 0; i < 64; i++)
		book_warm(p, 30, 1024, 511);
	assert_in_range(warmth(p, 30), 20, 25);
	/* if not after half a minute, then not later */
	assert_int_equal(warmth(p, 200), warmth(p, 30));
	assert_int_equal(warmth(p, 10), 95);
	process_stop(p);
	assert_true(process_start(p, 8, 1));
	assert_in_range(warmth(p, 30), 20, 25);
}

/* The first release wrote the whole outlook each time. */
static void
test_a_file_of_the_first_release(void **state)
{
	const struct schema first = {"ledger", schema_ledger.step, 1};
	struct process *p = *state;
	const struct outlook *o;
	struct db db;

	process_stop(p);
	assert_true(p->env->remove_file(p->env, STATE "/ledger.db"));
	assert_true(db_open(&db, STATE "/ledger.db"));
	assert_true(db_migrate(&db, "main", &first));
	assert_true(db_exec(&db, "INSERT INTO outlook VALUES(1,0,'openai',4100),"
				 "(2,0,'openai',3900),(2,0,'rack',3500)"));
	db_close(&db);
	assert_true(process_start(p, 8, 1));
	o = outlook_take(p->outlook);
	assert_int_equal(o->number, 2);
	assert_int_equal(o->providers, 2);
	assert_string_equal(o->provider[0].name, "openai");
	assert_int_equal(o->provider[0].bytes_per_token_milli, 3900);
	assert_int_equal(o->provider[1].bytes_per_token_milli, 3500);
	outlook_release(o);
}

/* ---- what a plan makes of it ---- */

static struct outlook seen;

static double
expect(const struct model *m, enum task_class c)
{
	return output_length(&seen, m, c);
}

static void
test_expected_length(void **state)
{
	struct model m = {.name = "luna"};
	struct outlook_mean *l = seen.model[0].length;

	(void)state;
	for (size_t c = 0; c < CLASS_COUNT; c++)
		m.output_tokens[c] = 400;
	assert_float_equal(output_length(NULL, &m, CLASS_chat), 400, 0);
	assert_float_equal(expect(&m, CLASS_chat), 400, 0);
	seen.models = 1;
	str_copy(seen.model[0].name, SLOT_NAME, STR("luna"));
	assert_float_equal(expect(&m, CLASS_chat), 400, 1e-9);
	/* one answer is an anecdote, many are the truth */
	l[CLASS_code] = (struct outlook_mean){800, 1};
	assert_in_range((int)expect(&m, CLASS_code), 410, 430);
	l[CLASS_code].samples = 2000;
	assert_in_range((int)expect(&m, CLASS_code), 797, 800);
	/* who is wordy here is it there, too, as long as nothing else is known */
	assert_in_range((int)expect(&m, CLASS_chat), 780, 800);
	l[CLASS_chat] = (struct outlook_mean){100, 2000};
	assert_in_range((int)expect(&m, CLASS_chat), 100, 110);
	seen = (struct outlook){0};
}

#define with_process(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_process(test_mean),
	    with_process(test_what_says_nothing),
	    with_process(test_every_answer_counts),
	    with_process(test_warmth),
	    with_process(test_caches_of_an_hour),
	    with_process(test_warmth_is_kept),
	    with_process(test_a_file_of_the_first_release),
	    cmocka_unit_test(test_expected_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
