/* libs: base config core auth */
/* test_terms.c: what teams and keys may do and spend: how it is written, and which of
 * two limits holds. */
#include "policy.h"

#include <string.h>

#include "core/request.h"

static struct terms
terms_of(const char *line)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s;
	struct terms t;
	struct buf yaml;

	buf_init(&yaml, 8192);
	buf_printf(
	    &yaml, SMALL_POLICY "tags: {app: rollup}\nteams:\n  t: {%s}\n", line);
	s = good_policy(f, buf_str(&yaml));
	t = s->teams[0].terms;
	t.require_tags = NULL;
	snapshot_unref(s);
	buf_fini(&yaml);
	fake_env_free(f);
	return t;
}

/* The policy has the providers openai and rack, the models sol, luna and qwen, and one
 * route. */
static void
test_may_use(void **state)
{
	static const struct {
		const char *line;
		bool all;
		uint64_t routes, models;
		uint32_t providers;
	} rows[] = {
	    {"", true, 0, 0, UINT32_MAX},
	    {"may_use: all", true, 0, 0, UINT32_MAX},
	    {"may_use: [all]", true, 0, 0, UINT32_MAX},
	    {"may_use: []", false, 0, 0, UINT32_MAX},
	    {"may_use: [auto]", false, 1, 0, UINT32_MAX},
	    {"may_use: [luna, qwen]", false, 0, 6, UINT32_MAX},
	    {"may_use: [rack]", true, 0, 0, 2},
	    {"may_use: [auto, sol, openai]", false, 1, 1, 1},
	    {"may_use: [openai, rack]", true, 0, 0, 3},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct terms t = terms_of(rows[i].line);

		if (t.may_use_all != rows[i].all ||
		    t.may_use_routes != rows[i].routes ||
		    t.may_use_models != rows[i].models ||
		    t.may_use_providers != rows[i].providers)
			fail_msg("%s", rows[i].line);
	}
}

static void
test_limits(void **state)
{
	struct terms t = terms_of("service_tiers: [standard, flex], max_output: 9,"
				  " max_usd_per_request: 0.5, frontier_at_most: 12.5%");

	(void)state;
	assert_int_equal(t.services, 1U << SERVICE_standard | 1U << SERVICE_flex);
	assert_int_equal(t.max_output, 9);
	assert_int_equal(t.max_per_request.v, PUSD_PER_USD / 2);
	assert_true(t.frontier_at_most == 0.125);
	t = terms_of("");
	assert_int_equal(t.services, UINT32_MAX);
	assert_int_equal(t.max_output, -1);
	assert_int_equal(t.max_per_request.v, 0);
	assert_true(t.frontier_at_most < 0);
}

/* Each has its own, and one that can never be reached is found. */
static void
test_counted_limits(void **state)
{
	static const struct {
		const char *line, *finding;
	} rows[] = {
	    {"rpm: 60, tpm: 200000, max_inflight: 8", ""},
	    {"tpm: 100, max_output: 4000",
		"an answer may have 4000 tokens (max_output), but all together 100"},
	    {"runaway: {then: pause}", "means nothing without usd_per_minute"},
	    {"rpm: 60, tpm: 59", "60 requests a minute (rpm) cannot be had with 59"},
	};
	struct terms t = terms_of(rows[0].line);

	(void)state;
	assert_true(t.rpm == 60 && t.tpm == 200000 && t.max_inflight == 8);
	t = terms_of("runaway: {usd_per_minute: 5.00, then: pause}");
	assert_true(t.runaway.v == 5 * PUSD_PER_USD && t.runaway_then == RUNAWAY_pause);
	t = terms_of("");
	assert_true(t.runaway.v == 0 && t.runaway_then == -1);
	assert_true(t.rpm == -1 && t.tpm == -1 && t.max_inflight == -1);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct fake_env *f = fake_env_new(1);
		struct diag *d = diag_new();
		struct buf yaml, said;
		struct snapshot *s;

		buf_init(&yaml, 8192);
		buf_printf(&yaml, SMALL_POLICY "teams:\n  t: {%s}\n", rows[i].line);
		s = snapshot_parse(fake_env(f), buf_str(&yaml), "p.yaml", d);
		assert_non_null(s);
		said = findings(d);
		if (strstr(said.p, rows[i].finding) == NULL ||
		    (rows[i].finding[0] == '\0' && strstr(said.p, "team") != NULL))
			fail_msg("%s: %s", rows[i].line, said.p);
		buf_fini(&said);
		buf_fini(&yaml);
		snapshot_unref(s);
		diag_free(d);
		fake_env_free(f);
	}
}

/* What a word asks for, whoever's it is. */
static void
test_words(void **state)
{
	static const struct {
		const char *word;
		enum service service;
	} rows[] = {{"", SERVICE_standard}, {"auto", SERVICE_standard},
	    {"default", SERVICE_standard}, {"standard_only", SERVICE_standard},
	    {"flex", SERVICE_flex}, {"priority", SERVICE_priority},
	    {"other", SERVICE_other}, {"scale", SERVICE_other},
	    {"Flex", SERVICE_other}};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		if (service_asked(str_of(rows[i].word)) != rows[i].service)
			fail_msg("%s", rows[i].word);
	}
}

/* Of team and key the stricter, whichever of them it is. */
static void
test_the_stricter_holds(void **state)
{
	struct terms strict = {.may_use_models = 1,
	    .may_use_routes = 2,
	    .may_use_providers = 5,
	    .services = 3,
	    .max_per_request = {100},
	    .max_output = 10,
	    .frontier_at_most = 0};
	struct terms loose = {.may_use_models = 7,
	    .may_use_routes = 6,
	    .may_use_providers = 6,
	    .services = 6,
	    .max_per_request = {200},
	    .max_output = 20,
	    .frontier_at_most = 0.5};
	struct terms none = {.may_use_all = true,
	    .may_use_providers = UINT32_MAX,
	    .services = UINT32_MAX,
	    .max_output = -1,
	    .frontier_at_most = -1};
	const struct terms *const pairs[][2] = {{&strict, &loose}, {&loose, &strict}};
	struct team team = {.name = "t"};
	struct key_entry key = {.name = "k", .team = &team};
	struct principal who = {.key = &key, .team = &team};
	struct terms t;

	(void)state;
	for (size_t i = 0; i < nitems(pairs); i++) {
		team.terms = *pairs[i][0];
		key.terms = *pairs[i][1];
		t = auth_terms(&who);
		assert_false(t.may_use_all);
		assert_int_equal(t.may_use_models, 1);
		assert_int_equal(t.may_use_routes, 2);
		assert_int_equal(t.may_use_providers, 4);
		assert_int_equal(t.services, 2);
		assert_int_equal(t.max_per_request.v, 100);
		assert_int_equal(t.max_output, 10);
		assert_true(t.frontier_at_most == 0);
	}
	team.terms = none;
	key.terms = loose;
	t = auth_terms(&who);
	assert_int_equal(t.max_output, 20);
	assert_int_equal(t.max_per_request.v, 200);
	assert_true(t.frontier_at_most == 0.5);
	assert_true(auth_may_use_model(&who, 2) && !auth_may_use_model(&who, 3));
	who = (struct principal){0};
	t = auth_terms(&who);
	assert_true(t.may_use_all && t.may_use_providers == UINT32_MAX);
	assert_true(auth_may_use_route(&who, 63));
}

/* ---- mistakes ---- */

static void
test_mistakes(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
	    {"may_use: [rac]", "no route, model or provider is called 'rac'; did you "
			       "mean 'rack'?"},
	    {"service_tiers: [express]", "known are: standard, flex, priority, other"},
	    {"service_tiers: []", "the list is empty"},
	    {"require_tags: [ap]", "the tag 'ap' is not declared; did you mean 'app'?"},
	    {"frontier_at_most: 120%", "frontier_at_most"},
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct fake_env *f = fake_env_new(1);
		struct buf yaml, found;

		buf_init(&yaml, 8192);
		buf_printf(&yaml,
		    SMALL_POLICY "tags: {app: rollup}\nteams:\n  t: {%s}\n",
		    rows[i].line);
		found = bad_policy(f, buf_str(&yaml));
		if (strstr(found.p, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].line, found.p);
		buf_fini(&found);
		buf_fini(&yaml);
		fake_env_free(f);
	}
}

static void
test_too_many_shares(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct buf yaml, found;

	(void)state;
	buf_init(&yaml, 1 << 20);
	buf_add(&yaml, SMALL_POLICY "teams:\n");
	for (unsigned i = 0; i <= SHARES_MAX; i++)
		buf_printf(&yaml, "  t%u: {frontier_at_most: 10%%}\n", i);
	found = bad_policy(f, buf_str(&yaml));
	assert_non_null(
	    strstr(found.p, "129 teams and keys have frontier_at_most, at most 128"));
	buf_fini(&found);
	buf_fini(&yaml);
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_may_use),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_counted_limits),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_the_stricter_holds),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_too_many_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
