/* libs: base core parse relay */
/* test_relay_bodies.c: an answer that is no stream
 * is held back whole, or as far as may be. */
#include "relay_scene.h"

#define BODY \
	"{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"0123456789\"}}]}"

static const char *
header(const char *name)
{
	for (unsigned i = 0; i < seen.head.headers; i++) {
		if (str_is(str_of(name), seen.head.header[i].name))
			return seen.head.header[i].value;
	}
	return "";
}

static void
test_body(void **state)
{
	struct scene *s = begin(false, false, 1000);

	(void)state;
	assert_int_equal(relay_step(&s->r), WAIT);
	assert_true(bring(s, STR(BODY)));
	settle(s, OUT_served);
	assert_int_equal(relay_step(&s->r), END);
	assert_int_equal(seen.wholes, 1);
	assert_string_equal(seen.whole, BODY);
	assert_string_equal(header("x-frugald-model"), "small");
	assert_string_equal(header("x-frugald-cost-usd"), "0.000000000000");
	assert_string_equal(header("cache-control"), "");
	assert_null(s->r.relay.whole.p);
	end(s);
}

static void
test_body_named_as_asked(void **state)
{
	struct scene *s = begin(false, false, 1000);

	(void)state;
	s->a.tap.model_as = STR("\"auto\"");
	assert_true(bring(s, STR(BODY)));
	settle(s, OUT_served);
	assert_int_equal(relay_step(&s->r), END);
	assert_string_equal(seen.whole, "{\"model\":\"auto\",\"choices\":[{\"message\":"
					"{\"content\":\"0123456789\"}}"
					"]}");
	end(s);
}

/* An answer that is too long to be held back streams; its last byte waits. */
static void
test_long_body(void **state)
{
	struct scene *s = begin(false, false, 40);

	(void)state;
	s->a.tap.model_as = STR("\"auto\"");
	assert_true(bring(s, str_make(BODY, 30)));
	assert_false(s->r.relay.overflowed);
	assert_true(bring(s, str_skip(str_make(BODY, 60), 30)));
	assert_true(s->r.relay.overflowed);
	assert_true(s->a.wake.queued); /* it can be accepted now */
	assert_int_equal(relay_step(&s->r), END);
	assert_int_equal(seen.streams, 1);
	/* Nothing more until the client has what was held back. */
	assert_false(relay_room(&s->r, 1));
	s->a.paused = true;
	takes(s,
	    "{\"model\":\"auto\",\"choices\":[{\"message\":{\"content\":\"0123456789",
	    0);
	assert_int_equal(seen.unpauses, 1);
	assert_true(bring(s, str_skip(STR(BODY), 60)));
	takes(s, "\"}}]", 0);
	settle(s, OUT_served);
	takes(s, "}", -1);
	end(s);
}

/* JSON has no way to say that it broke off: the connection says it. */
static void
test_cut_body(void **state)
{
	struct scene *s = begin(false, false, 10);

	(void)state;
	assert_true(bring(s, str_make(BODY, 30)));
	assert_int_equal(relay_step(&s->r), END);
	takes(s, "{\"model\":\"m-1\",\"choices\":[{\"m", 0);
	settle(s, OUT_cut);
	takes(s, "e", -2);
	end(s);
}

/* What a failed attempt has left is not part of the next one's answer. */
static void
test_reset(void **state)
{
	struct scene *s = begin(false, false, 10);

	(void)state;
	assert_true(bring(s, str_make(BODY, 30)));
	assert_true(s->r.relay.overflowed);
	relay_reset(&s->r);
	assert_true(s->r.relay.buffered);
	assert_false(s->r.relay.overflowed);
	assert_int_equal(s->r.relay.ring.len + s->r.relay.whole.len, 0);
	end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_body),
	    cmocka_unit_test(test_body_named_as_asked),
	    cmocka_unit_test(test_long_body),
	    cmocka_unit_test(test_cut_body),
	    cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
