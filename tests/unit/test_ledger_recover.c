/* libs: base core config budget meter */
/* test_ledger_recover.c: what dead processes have left is booked once, by its basis;
 * files that are damaged, unfinished, foreign or in use. */
#include "meter.h"

static int
set_up(void **state)
{
	struct process *p = process_new(state, 3);

	assert_true(process_start(p, 4, 1));
	return 0;
}

static void
kill_9(struct process *p)
{
	fake_env_crash(p->fake);
	process_stop(p);
}

/* Starts, and stops again so that only the books are left. */
static void
start_and_stop(struct process *p)
{
	if (!process_start(p, 4, 1))
		fail_msg("%s", p->why);
	process_stop(p);
}

static struct slot *
open_one(struct process *p)
{
	struct slot_request r = some_request(p->env);
	struct slot_attempt a = some_attempt(p->env);
	struct slot *s = slot_open(p->slots, 0, &r);

	assert_non_null(s);
	assert_int_equal(slot_attempt_open(s, &a), 0);
	return s;
}

/* ---- by its basis ---- */

static void
expect(enum basis basis, int64_t output, int64_t amount)
{
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), 1);
	assert_int_equal(ask(JANUARY, "SELECT outcome FROM request"), OUT_crashed);
	assert_int_equal(ask(JANUARY, "SELECT outcome FROM attempt"), OUT_crashed);
	assert_int_equal(ask(JANUARY, "SELECT basis FROM attempt"), basis);
	assert_int_equal(ask(JANUARY, "SELECT output FROM attempt"), output);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM attempt"), amount);
	assert_int_equal(ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"), amount);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 1);
}

static void
test_not_sent(void **state)
{
	struct process *p = *state;
	char path[128];

	open_one(p);
	kill_9(p);
	start_and_stop(p);
	expect(BASIS_none, -1, 0);
	assert_string_equal(process_slot_file(p, path), "");
}

static void
test_sent(void **state)
{
	struct process *p = *state;

	slot_attempt_sent(open_one(p), 0);
	kill_9(p);
	start_and_stop(p);
	/* 100 × 2,000 + 50 × 8,000, 10 % off */
	expect(BASIS_unknown, 50, 540000);
}

static void
test_first_byte(void **state)
{
	struct process *p = *state;
	struct slot *s = open_one(p);

	slot_attempt_sent(s, 0);
	slot_attempt_seen(s, 0, 7);
	kill_9(p);
	start_and_stop(p);
	expect(BASIS_partial, 7, 230400);
}

static void
test_counting_tokens_is_free(void **state)
{
	struct process *p = *state;
	struct slot *s = open_one(p);

	s->attempt[0].unbilled = 1;
	slot_attempt_sent(s, 0);
	kill_9(p);
	start_and_stop(p);
	expect(BASIS_none, -1, 0);
}

static void
test_unpriced_is_not_free(void **state)
{
	struct process *p = *state;
	struct slot *s = open_one(p);

	s->attempt[0].price_output_pusd = -1;
	slot_attempt_sent(s, 0);
	kill_9(p);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd IS NULL FROM attempt"), 1);
	assert_int_equal(ask("ledger.db", "SELECT SUM(unpriced) FROM rollup"), 1);
}

static void
test_closed_is_what_was_settled(void **state)
{
	struct process *p = *state;

	book_one(p, 0);
	kill_9(p);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT outcome FROM request"), OUT_served);
	assert_int_equal(ask(JANUARY, "SELECT basis FROM attempt"), BASIS_reported);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM attempt"), 504000);
}

/* The first attempt failed and was settled, the second was under way. */
static void
test_each_attempt_for_itself(void **state)
{
	struct process *p = *state;
	struct slot *s = open_one(p);
	struct slot_attempt a = some_attempt(p->env), failed = s->attempt[0];

	slot_attempt_sent(s, 0);
	failed.sent = 1;
	failed.outcome = OUT_no_answer;
	settle_by_basis(&failed, BASIS_unknown);
	slot_attempt_close(s, 0, &failed, STR(""));
	slot_attempt_open(s, &a);
	slot_attempt_sent(s, 1);
	slot_attempt_seen(s, 1, 3);
	kill_9(p);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), 2);
	assert_int_equal(
	    ask(JANUARY, "SELECT outcome FROM attempt WHERE n=0"), OUT_no_answer);
	assert_int_equal(
	    ask(JANUARY, "SELECT outcome FROM attempt WHERE n=1"), OUT_crashed);
	assert_int_equal(
	    ask(JANUARY, "SELECT basis FROM attempt WHERE n=1"), BASIS_partial);
	assert_int_equal(ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"),
	    540000 + 201600); /* 100 × 2,000 + 3 × 8,000, 10 % off */
}

/* ---- once ---- */

/* The rows were committed, the file was not removed: it comes again. */
static void
test_booked_and_still_there(void **state)
{
	struct process *p = *state;
	struct str before;
	char path[128], copy[128];
	size_t len;

	book_one(p, 0);
	slot_attempt_sent(open_one(p), 0);
	kill_9(p);
	str_copy(copy, sizeof(copy), str_of(process_slot_file(p, path)));
	before.p = fake_env_bytes(p->fake, copy, &len);
	before = str_make(xmemdup(before.p, len), len);
	start_and_stop(p);
	for (int i = 0; i < 2; i++) {
		/* As the open one was left: settled in the file, hence the same end. */
		fake_env_put(p->fake, copy, before, 0600);
		start_and_stop(p);
		assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 2);
		assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), 2);
		assert_int_equal(
		    ask("ledger.db", "SELECT SUM(attempts) FROM rollup"), 2);
		assert_int_equal(ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"),
		    504000 + 540000);
	}
	xfree((char *)before.p);
}

/* Dies at each write of a recovery in turn, and recovers from that. */
static void
test_dies_while_recovering(void **state)
{
	struct process *p = *state;
	unsigned k = 0, crashes;
	bool started;

	book_one(p, 0);
	slot_attempt_sent(open_one(p), 0);
	kill_9(p);
	do {
		crashes = fake_env_crashes(p->fake);
		fake_env_crash_at(p->fake, ++k);
		started = process_start(p, 4, 1);
		process_stop(p);
		assert_true(k < 200);
	} while (!started || fake_env_crashes(p->fake) > crashes);
	fake_env_crash_at(p->fake, 0);
	assert_true(k > 20);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 2);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM attempt"), 2);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 2);
	assert_int_equal(
	    ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"), 504000 + 540000);
}

/* It ended in January, was booked in February. */
static void
test_belongs_to_the_month_of_its_end(void **state)
{
	struct process *p = *state;

	book_one(p, 0);
	kill_9(p);
	fake_env_advance(p->fake, 31 * 86400 * NS_PER_S);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_int_equal(p->env->file_size(p->env, STATE "/" FEBRUARY), -1);
}

/* ---- files ---- */

static void
test_a_living_process_keeps_its_file(void **state)
{
	struct process *p = *state;
	struct slots *living = p->slots;
	char path[128], why[256];
	struct slot *s = open_one(p);

	slot_attempt_sent(s, 0);
	ledger_close(p->ledger);
	assert_true(ledger_open(p->env, STATE, &p->ledger, why));
	assert_int_equal(atomic_load(&s->state), SLOT_open);
	assert_int_equal(s->attempt[0].closed, 0);
	assert_string_not_equal(process_slot_file(p, path), "");
	assert_int_equal(p->env->file_size(p->env, STATE "/" JANUARY), -1);
	assert_ptr_equal(living, p->slots);
}

/* Made, or cut off, before anything was in it. */
static void
test_unfinished_files(void **state)
{
	struct process *p = *state;
	char zeros[3 * SLOT_BYTES] = {0}, path[128];

	process_stop(p);
	fake_env_put(p->fake, STATE "/slots.A.tmp", STR(""), 0600);
	fake_env_put(p->fake, STATE "/slots.B.tmp", str_make(zeros, 4096), 0600);
	fake_env_put(p->fake, STATE "/slots.C", str_make(zeros, sizeof(zeros)), 0600);
	start_and_stop(p);
	assert_string_equal(process_slot_file(p, path), "");
	fake_env_put(p->fake, STATE "/slots.D", STR(""), 0600);
	start_and_stop(p);
	assert_string_equal(process_slot_file(p, path), STATE "/slots.D");
}

static char *
bytes_of(struct process *p, const char *path, size_t *ret_len)
{
	char *bytes = fake_env_bytes(p->fake, path, ret_len);

	assert_non_null(bytes);
	return bytes;
}

/* What lies there whole is booked; the file stays for people to look at. */
static void
test_truncated(void **state)
{
	struct process *p = *state;
	char path[128], *bytes;
	size_t len;

	book_one(p, 0);
	book_one(p, 0);
	kill_9(p);
	process_slot_file(p, path);
	bytes = bytes_of(p, path, &len);
	bytes = xmemdup(bytes, len);
	/* The head, two whole slots and a part: the stack gives slot 0 first. */
	fake_env_put(p->fake, path, str_make(bytes, 2 * SLOT_BYTES + 100), 0600);
	xfree(bytes);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	start_and_stop(p); /* and again: nothing more */
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_int_equal(ask("ledger.db", "SELECT SUM(requests) FROM rollup"), 1);
	assert_true(p->env->file_size(p->env, path) > 0);
}

static void
test_a_damaged_head(void **state)
{
	struct process *p = *state;
	char path[128];
	size_t len;

	book_one(p, 0);
	kill_9(p);
	memset(bytes_of(p, process_slot_file(p, path), &len), 'x', 100);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_true(p->env->file_size(p->env, path) > 0);
}

/* The CRC does not fit: whose request it was cannot be known. */
static void
test_a_damaged_request(void **state)
{
	struct process *p = *state;
	struct slot *s;
	char path[128];
	size_t len;

	book_one(p, 0);
	book_one(p, 0);
	kill_9(p);
	s = slots_file_at(bytes_of(p, process_slot_file(p, path), &len), 0);
	s->request.key[0] ^= 1;
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_true(p->env->file_size(p->env, path) > 0);
}

/* No text without an end, no amount below none, no number that is not of its set. */
static void
test_a_damaged_attempt(void **state)
{
	struct process *p = *state;
	struct slot *s;
	char path[128];
	size_t len;

	book_one(p, 0);
	kill_9(p);
	s = slots_file_at(bytes_of(p, process_slot_file(p, path), &len), 0);
	memset(s->attempt[0].model, 'm', sizeof(s->attempt[0].model));
	memset(s->attempt[0].served_model, 's', sizeof(s->attempt[0].served_model));
	s->attempt[0].amount_pusd = -5;
	s->attempt[0].basis = 99;
	s->raw_usage_len = 60000;
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT basis FROM attempt"), BASIS_partial);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd>=0 FROM attempt"), 1);
	assert_int_equal(ask(JANUARY, "SELECT LENGTH(text) FROM name WHERE id="
				      "(SELECT model FROM attempt)"),
	    SLOT_NAME - 1);
}

/* A machine's hours: of a crash nobody knows when it was, so the expected time counts.
 */
static void
test_machine(void **state)
{
	struct process *p = *state;
	struct slot *s = open_one(p);

	s->attempt[0].price_input_pusd = 0;
	s->attempt[0].price_output_pusd = 0;
	s->attempt[0].machine_pusd = 5277777777;
	slot_attempt_sent(s, 0);
	kill_9(p);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT basis FROM attempt"), BASIS_unknown);
	assert_int_equal(ask(JANUARY, "SELECT list_pusd FROM attempt"), 0);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd FROM attempt"), 5277777777);
	assert_int_equal(
	    ask("ledger.db", "SELECT SUM(paid_lo) FROM rollup"), 5277777777);
}

/* Counts that no answer has would go round in the sums. */
static void
test_absurd_counts(void **state)
{
	struct process *p = *state;
	struct slot *s;
	char path[128];
	size_t len;

	book_one(p, 0);
	kill_9(p);
	s = slots_file_at(bytes_of(p, process_slot_file(p, path), &len), 0);
	s->attempt[0].tokens[TOKEN_cache_read] = INT64_MAX;
	s->attempt[0].input_estimate = INT64_MAX;
	s->attempt[0].price_output_pusd = INT64_MAX;
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT basis FROM attempt"), BASIS_partial);
	assert_int_equal(ask(JANUARY, "SELECT cache_read IS NULL FROM attempt"), 1);
	assert_int_equal(ask(JANUARY, "SELECT amount_pusd IS NULL FROM attempt"), 1);
	assert_int_equal(ask("ledger.db", "SELECT SUM(unpriced) FROM rollup"), 1);
}

static void
test_another_layout(void **state)
{
	struct process *p = *state;
	uint32_t layout = SLOTS_LAYOUT + 1;
	char path[128], *bytes;
	size_t len;

	book_one(p, 0);
	kill_9(p);
	bytes = bytes_of(p, process_slot_file(p, path), &len);
	memcpy(bytes + 16, &layout, sizeof(layout));
	assert_false(process_start(p, 4, 1));
	assert_non_null(strstr(p->why, path));
	assert_non_null(strstr(p->why, "layout 5"));
	process_stop(p);
	assert_true(p->env->file_size(p->env, path) > 0);
}

/* Booked or not started: never removed without a row. */
static void
test_no_room_for_the_rows(void **state)
{
	struct process *p = *state;
	char path[128];

	book_one(p, 0);
	kill_9(p);
	fake_env_disk(p->fake, 0);
	assert_false(process_start(p, 4, 1));
	assert_non_null(strstr(p->why, "disk is full"));
	process_stop(p);
	assert_true(p->env->file_size(p->env, process_slot_file(p, path)) > 0);
	fake_env_disk(p->fake, -1);
	start_and_stop(p);
	assert_int_equal(ask(JANUARY, "SELECT COUNT(*) FROM request"), 1);
	assert_string_equal(process_slot_file(p, path), "");
}

#define with_process(test) \
	cmocka_unit_test_setup_teardown(test, set_up, process_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_process(test_not_sent),
	    with_process(test_sent),
	    with_process(test_first_byte),
	    with_process(test_counting_tokens_is_free),
	    with_process(test_unpriced_is_not_free),
	    with_process(test_closed_is_what_was_settled),
	    with_process(test_each_attempt_for_itself),
	    with_process(test_booked_and_still_there),
	    with_process(test_dies_while_recovering),
	    with_process(test_belongs_to_the_month_of_its_end),
	    with_process(test_a_living_process_keeps_its_file),
	    with_process(test_unfinished_files),
	    with_process(test_truncated),
	    with_process(test_a_damaged_head),
	    with_process(test_a_damaged_request),
	    with_process(test_a_damaged_attempt),
	    with_process(test_machine),
	    with_process(test_absurd_counts),
	    with_process(test_another_layout),
	    with_process(test_no_room_for_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
