/* libs: base config core parse auth budget call meter route */
/* test_cascade.c: a cascade whose first model has as many places as a plan has room
 * for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/request.h"

#define DAY_MS 86400000

/* luna at so many providers, each with a flex tier: twice as many options. */
static struct snapshot *
policy(unsigned providers)
{
	struct diag *d = diag_new();
	struct snapshot *s;
	struct buf yaml;

	buf_init(&yaml, 16384);
	buf_add(&yaml, "version: 1\n"
		       "catalogue: tests/table/models.yaml\n"
		       "prices: tests/table/prices.yaml\n"
		       "providers:\n");
	for (unsigned i = 0; i < providers; i++)
		buf_printf(&yaml,
		    "  p%u: {api: openai, url: 'https://p%u.example/v1', region: us, "
		    "book: v}\n",
		    i, i);
	buf_add(
	    &yaml, "models:\n  sol: {is: v/sol, at: [p0]}\n  luna: {is: v/luna, at: [");
	for (unsigned i = 0; i < providers; i++)
		buf_printf(&yaml, "%sp%u", i > 0 ? ", " : "", i);
	buf_add(&yaml, "]}\nroutes:\n  auto: {candidates: [luna, sol], baseline: sol, "
		       "cascade: true, keep_quality: 95%}\n");
	s = snapshot_parse(env_system(), buf_str(&yaml), "policy.yaml", d);
	assert_non_null(s);
	diag_free(d);
	buf_fini(&yaml);
	return s;
}

static unsigned
escalates_to(const struct snapshot *s, struct plan *ret)
{
	struct task task = {.dialect = &dialect_openai,
	    .endpoint = EP_generate,
	    .model = STR("auto"),
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .messages = 1,
	    .text_bytes = 4000};
	struct verdict verdict = {
	    .class = CLASS_writing, .complexity = 0.6F, .confidence = 0.92F};
	struct principal who = {.key_name = "local", .team_name = ""};
	struct session_view session = {.complexity = -1, .class = -1};
	struct route_input in = {.snap = s,
	    .task = &task,
	    .verdict = &verdict,
	    .who = &who,
	    .session = &session,
	    .min_quality = -1,
	    .max_cost_usd = -1,
	    .bypass_mode = MODE_COUNT,
	    .deadline_ms = DAY_MS};

	assert_true(plan_build(&in, ret));
	return ret->escalate_to;
}

/* Who is not in the plan cannot be the second. */
static void
test_no_room(void **state)
{
	struct snapshot *few = policy(MODEL_PROVIDERS_MAX - 1);
	struct snapshot *many = policy(MODEL_PROVIDERS_MAX);
	struct plan plan;

	(void)state;
	assert_int_equal(escalates_to(few, &plan), 14);
	assert_string_equal(plan.candidate[14].model->name, "sol");
	assert_int_equal(escalates_to(many, &plan), 0);
	assert_string_equal(plan.candidate[0].model->name, "sol");
	snapshot_unref(many);
	snapshot_unref(few);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_room)};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
