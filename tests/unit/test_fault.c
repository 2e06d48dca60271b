/* libs: base call */
/* test_fault.c: who is to blame for a broken transfer, Retry-After, masked messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "fault.h"

static void
test_transfers(void **state)
{
	static const struct {
		struct transfer_end end;
		enum outcome want;
	} rows[] = {
	    {{.result = CURLE_COULDNT_CONNECT}, OUT_refused_connect},
	    {{.result = CURLE_COULDNT_RESOLVE_HOST}, OUT_refused_connect},
	    {{.result = CURLE_PEER_FAILED_VERIFICATION}, OUT_refused_connect},
	    {{.result = CURLE_OPERATION_TIMEDOUT}, OUT_slow_connect},
	    /* the silent re-send that was stopped, however the new connection fared */
	    {{CURLE_ABORTED_BY_CALLBACK, .sent = true, .resent = true, .reused = true},
		OUT_stale},
	    {{CURLE_COULDNT_CONNECT, .sent = true, .reused = true}, OUT_stale},
	    {{CURLE_SEND_FAIL_REWIND, .sent = true, .reused = true}, OUT_stale},
	    {{CURLE_GOT_NOTHING, .sent = true, .reused = true}, OUT_stale},
	    /* on a fresh one the same is no accident */
	    {{CURLE_GOT_NOTHING, .sent = true}, OUT_no_answer},
	    {{CURLE_RECV_ERROR, .sent = true}, OUT_no_answer},
	    {{CURLE_UNSUPPORTED_PROTOCOL, .sent = true, .reused = true},
		OUT_bad_answer},
	    {{CURLE_WEIRD_SERVER_REPLY, .sent = true, .answered = true},
		OUT_bad_answer},
	    {{CURLE_RECV_ERROR, .sent = true, .reused = true, .answered = true},
		OUT_no_answer},
	    {{CURLE_PARTIAL_FILE, .sent = true, .answered = true, .first_byte = true},
		OUT_cut},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++)
		assert_int_equal(fault_of_transfer(&rows[i].end), rows[i].want);
}

static void
test_blame(void **state)
{
	(void)state;
	assert_int_equal(fault_of(OUT_served), FAULT_alive);
	assert_int_equal(fault_of(OUT_provider_refused), FAULT_alive);
	assert_int_equal(fault_of(OUT_context_length), FAULT_alive);
	assert_int_equal(fault_of(OUT_slow_first_byte), FAULT_provider);
	assert_int_equal(fault_of(OUT_provider_error), FAULT_provider);
	assert_int_equal(fault_of(OUT_provider_rate), FAULT_rate);
	assert_int_equal(fault_of(OUT_provider_key), FAULT_key);
	assert_int_equal(fault_of(OUT_client_gone), FAULT_nothing);
	assert_int_equal(fault_of(OUT_stale), FAULT_nothing);
	assert_int_equal(fault_of(OUT_busy), FAULT_nothing);
	assert_int_equal(fault_of(OUT_quota), FAULT_nothing);
}

static void
test_retry_after(void **state)
{
	/* 2026-11-24T12:00:00Z */
	const int64_t now = 1795521600;

	static const struct {
		const char *value;
		int64_t want_ms;
	} rows[] = {
	    {"7", 7000},
	    {" 7 ", 7000},
	    {"0", 0},
	    {"1.5", 2000},
	    {"120", 120000},
	    {"121", 120000},
	    {"86400", 120000},
	    {"99999999999999999999999", 120000},
	    {"Tue, 24 Nov 2026 12:00:30 GMT", 30000},
	    {"Tue, 24 Nov 2026 11:00:00 GMT", 0},
	    {"Wed, 25 Nov 2026 12:00:00 GMT", 120000},
	    {"", -1},
	    {"-1", -1},
	    {"soon", -1},
	    {"7 seconds", -1},
	    {"1.x", -1},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++)
		assert_int_equal(
		    fault_retry_after_ms(str_of(rows[i].value), now), rows[i].want_ms);
}

static void
masked(const char *text, const char *want)
{
	char dst[256];

	fault_mask(str_of(text), dst, sizeof(dst));
	assert_string_equal(dst, want);
}

static void
test_mask(void **state)
{
	char dst[8];

	(void)state;
	masked("", "");
	masked("model is overloaded", "model is overloaded");
	masked("Incorrect API key provided: sk-upstream-secret-123",
	    "Incorrect API key provided: ***");
	masked("key sk-ant-api03-x, then", "key ***, then");
	masked("Bearer a8f5f167f44f4964e6c998dee827110c!", "Bearer ***!");
	masked("gpt-4o-mini-2024-07-18 is gone", "gpt-4o-mini-2024-07-18 is gone");
	masked("two\r\nlines\x01", "two  lines ");
	fault_mask(STR("abcdefghij"), dst, sizeof(dst));
	assert_string_equal(dst, "abcdefg");
	/* not in the middle of a character */
	fault_mask(STR("abcdef\xC3\xA9"), dst, sizeof(dst));
	assert_string_equal(dst, "abcdef");
	fault_mask(STR("abcde\xC3\xA9"), dst, sizeof(dst));
	assert_string_equal(dst, "abcde\xC3\xA9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transfers),
	    cmocka_unit_test(test_blame),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
