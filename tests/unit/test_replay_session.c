/* libs: base config core report */
/* test_replay_session.c: conversations that left the ledger's way, and which of a
 * session's conversations a turn goes on with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "replay_session.h"

#define T0 1795429800000LL

static const struct model luna = {.name = "luna"}, qwen = {.name = "qwen"};
static const struct provider rack = {.name = "rack"};

static int
set_up(void **state)
{
	*state = replay_sessions_new();
	return 0;
}

static int
tear_down(void **state)
{
	replay_sessions_free(*state);
	return 0;
}

static struct session_view
view(int64_t idle_ms)
{
	return (struct session_view){.known = true,
	    .idle_ms = idle_ms,
	    .model = &luna,
	    .cached_tokens = 7,
	    .complexity = 0.5F,
	    .class = CLASS_code};
}

static const struct replay_turn away = {
    .model = &qwen, .provider = &rack, .cached_tokens = 5000};

static void
goes_on_elsewhere(void **state)
{
	struct session_view v = view(2000);

	replay_session_note(*state, 11, T0, &away);
	assert_true(replay_session_look(*state, 11, T0 + 2000, &v));
	assert_ptr_equal(v.model, &qwen);
	assert_ptr_equal(v.provider, &rack);
	assert_int_equal(v.cached_tokens, 5000);
	assert_int_equal(v.idle_ms, 2000);
	assert_int_equal(v.class, CLASS_code);
}

static void
others_go_on_as_they_were(void **state)
{
	struct session_view other = view(2000), fresh = {.idle_ms = 2000};
	struct session_view sub_agent = view(40000);

	replay_session_note(*state, 11, T0, &away);
	assert_false(replay_session_look(*state, 12, T0 + 2000, &other));
	assert_false(replay_session_look(*state, 11, T0 + 2000, &fresh));
	/* What it goes on with ended 40 s before. */
	assert_false(replay_session_look(*state, 11, T0 + 2000, &sub_agent));
	assert_ptr_equal(sub_agent.model, &luna);
}

static void
comes_back(void **state)
{
	const struct replay_turn as_there = {0};
	struct session_view v = view(1000);

	replay_session_note(*state, 11, T0, &away);
	replay_session_note(*state, 11, T0 + 900, &as_there);
	assert_false(replay_session_look(*state, 11, T0 + 1900, &v));
	assert_ptr_equal(v.model, &luna);
}

/* Most sessions never leave: they take no room. Those that do are all found again. */
static void
many(void **state)
{
	const struct replay_turn as_there = {0};

	for (uint64_t id = 1; id < 5000; id++)
		replay_session_note(
		    *state, id * 1024, T0, id % 2 == 0 ? &away : &as_there);
	for (uint64_t id = 1; id < 5000; id++) {
		struct session_view v = view(10);

		assert_int_equal(
		    replay_session_look(*state, id * 1024, T0 + 10, &v), id % 2 == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(goes_on_elsewhere, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		others_go_on_as_they_were, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
