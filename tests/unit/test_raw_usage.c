/* libs: base core config budget meter */
/* test_raw_usage.c: the usage of a provider comes back byte by byte, from few bytes. */
#include "meter.h"

static void
same_again(struct str raw, size_t most)
{
	struct raw_usage u;
	struct buf b;

	assert_true(raw_usage_split(raw, &u));
	assert_true(u.numbers_len <= most);
	buf_init(&b, SLOT_RAW_USAGE);
	assert_true(raw_usage_join(str_make(u.shape, u.shape_len),
	    str_make((char *)u.numbers, u.numbers_len), &b));
	assert_int_equal(b.len, raw.len);
	assert_memory_equal(b.p, raw.p, raw.len);
	buf_fini(&b);
}

static void
test_comes_back(void **state)
{
	(void)state;
	same_again(STR("{\"prompt_tokens\":1200,\"completion_tokens\":250,"
		       "\"total_tokens\":1450,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":0}}"),
	    7);
	same_again(STR("{\"queue_time\":0.031200,\"x\":00,\"y\":0,\"z\":-12e07}"), 99);
	same_again(STR("{\"t\":0.0312345678901234567890123}"), 99);
	same_again(STR("{\"n\":18446744073709551616,\"m\":999999999999999999}"), 99);
	same_again(STR("no numbers"), 0);
	same_again(STR("7"), 1);
	same_again(STR("{\"a\":1}\n{\"b\":2}"), 2);
}

static void
test_the_same_words_are_one_shape(void **state)
{
	struct raw_usage a, b;

	(void)state;
	assert_true(raw_usage_split(STR("{\"in\":1,\"s\":0.5,\"out\":0}"), &a));
	assert_true(raw_usage_split(STR("{\"in\":812,\"s\":0.0071,\"out\":99}"), &b));
	assert_int_equal(a.shape_len, b.shape_len);
	assert_memory_equal(a.shape, b.shape, a.shape_len);
}

static void
test_what_is_kept_as_it_is(void **state)
{
	char most[SLOT_RAW_USAGE + 1];
	struct raw_usage u;

	(void)state;
	assert_false(raw_usage_split(STR(""), &u));
	assert_false(raw_usage_split(STR("{\"a\":\"\x01\"}"), &u));
	assert_false(raw_usage_split(STR("\x02"), &u));
	memset(most, '9', sizeof(most));
	assert_false(raw_usage_split(str_make(most, sizeof(most)), &u));
	same_again(str_make(most, SLOT_RAW_USAGE), SLOT_RAW_USAGE);
	memset(most, '0', sizeof(most));
	same_again(str_make(most, SLOT_RAW_USAGE), SLOT_RAW_USAGE);
}

/* A damaged file may hold anything. */
static void
test_what_does_not_fit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_false(raw_usage_join(STR("\x01"), STR(""), &b));
	assert_false(raw_usage_join(STR("\x01"), STR("\x80"), &b));
	assert_false(raw_usage_join(
	    STR("\x01"), STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), &b));
	assert_false(raw_usage_join(STR("x"), STR("\x05"), &b));
	assert_false(raw_usage_join(STR("123456789"), STR(""), &b));
	assert_false(raw_usage_join(STR(""), STR(""), &b));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_comes_back),
	    cmocka_unit_test(test_the_same_words_are_one_shape),
	    cmocka_unit_test(test_what_is_kept_as_it_is),
	    cmocka_unit_test(test_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
