/* libs: base config core parse auth budget call meter route */
/* test_plan_text.c: what people, programs and a header are told of a plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/request.h"

#define POLICY "tests/table/route.yaml"
#define NOON   1795608000

struct world {
	struct snapshot *snap;
	struct task task;
	struct verdict verdict;
	struct principal who;
	struct session_view session;
	struct route_input in;
	struct plan plan;
	struct arena *mem;
	struct plan_view view;
	struct buf text;
};

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));
	struct diag *d = diag_new();

	w->snap = snapshot_load(env_system(), POLICY, d);
	diag_free(d);
	assert_non_null(w->snap);
	w->task = (struct task){.dialect = &dialect_openai,
	    .endpoint = EP_generate,
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .messages = 1,
	    .text_bytes = 4000};
	w->verdict = (struct verdict){.class = CLASS_writing,
	    .complexity = 0.2F,
	    .confidence = 0.92F,
	    .reasons = {"short question", "much code"}};
	w->verdict.class_p[CLASS_writing] = 0.81F;
	w->who = (struct principal){.key_name = "local", .team_name = ""};
	w->session.complexity = -1;
	w->in = (struct route_input){.snap = w->snap,
	    .task = &w->task,
	    .verdict = &w->verdict,
	    .who = &w->who,
	    .session = &w->session,
	    .min_quality = -1,
	    .max_cost_usd = -1,
	    .bypass_mode = MODE_COUNT,
	    .wall_s = NOON,
	    .hours_s = NOON,
	    .draw = 50};
	w->mem = arena_new(1 << 16);
	buf_init(&w->text, 65536);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	buf_fini(&w->text);
	arena_free(w->mem);
	snapshot_unref(w->snap);
	test_free(w);
	return 0;
}

static const struct plan_view *
view_of(struct world *w)
{
	plan_view(&w->plan, &w->verdict, &w->in, w->mem, &w->view);
	return &w->view;
}

static const char *
text(struct world *w, const char *model)
{
	w->task.model = str_of(model);
	(void)plan_build(&w->in, &w->plan);
	buf_clear(&w->text);
	plan_text(view_of(w), &w->text);
	return w->text.p;
}

#define HEAD " #  candidate                success  floor  expected cost   verdict\n"

static void
test_chosen(void **state)
{
	struct world *w = *state;

	w->session = (struct session_view){.known = true,
	    .turns = 3,
	    .model = snapshot_model(w->snap, STR("luna")),
	    .complexity = 0.9F,
	    .cached_tokens = 500};
	assert_string_equal(text(w, "gpt-4o"),
	    "asked    model \"gpt-4o\" → alias → route auto · mode live\n"
	    "session  s_0000000000000032, turn 4, on luna, idle 0 s · no pin (no bound "
	    "content, no open tool call)\n"
	    "read     writing .810 · complexity .200 · confidence .920 · about 1,004 "
	    "tokens in, 475 of them probably cached, about 1,000 out\n"
	    "         short question, much code\n"
	    "\n" HEAD
	    " 1  luna @ us                   .950   .935     $0.004 577   CHOSEN: the "
	    "cheapest that keeps 95 % of sol's .984\n"
	    " 2  luna @ eu                   .950   .935     $0.004 119   next, if "
	    "those before it fail before their first byte\n"
	    " 3  sol @ us                    .984   .935     $0.050 040   next, if "
	    "those before it fail before their first byte\n"
	    " 4  sol @ eu                    .984   .935     $0.045 036   next, if "
	    "those before it fail before their first byte\n"
	    " 5  qwen @ rack                 .886   .935     $0.000 000   last: "
	    "expected success below the floor by .050\n"
	    "\n"
	    "why      luna instead of sol: $0.041 189 cheaper, success −.035 to the "
	    "baseline's .984 (allowed −.049); keeps $0.000 428 of cache\n");
}

static void
test_out(void **state)
{
	struct world *w = *state;

	w->verdict.class = CLASS_maths;
	w->verdict.complexity = 0.9F;
	w->in.data = snapshot_data_class(w->snap, STR("eu-only"));
	assert_non_null(strstr(text(w, "rules"), " · data eu-only (from header)\n"));
	assert_non_null(strstr(w->text.p,
	    " 1  sol @ eu                    .793   .754     $0.153 036   CHOSEN: the "
	    "cheapest that keeps 95 % of sol's .793\n"));
	assert_non_null(strstr(w->text.p,
	    " -  qwen @ rack                 .320   .754     $0.000 000   out: a rule "
	    "narrows the route (rule 1)\n"));
	/* behind the wall nothing was reckoned */
	assert_non_null(strstr(w->text.p,
	    " -  luna @ us                      -   .754              -   out: behind "
	    "the data wall (it is in us)\n"));
}

static void
test_best(void **state)
{
	struct world *w = *state;

	assert_non_null(strstr(text(w, "finest"), "CHOSEN: the best below $0.02\n"));
	w->verdict.complexity = 0.9F;
	assert_non_null(
	    strstr(text(w, "mild"), "CHOSEN: the cheapest, though below the floor\n"));
	assert_non_null(strstr(w->text.p, "; NOBODY MEETS THE FLOOR\n"));
	w->verdict.complexity = 0.2F;
	assert_non_null(strstr(text(w, "stern"), "CHOSEN: the cheapest above .900\n"));
}

/* Numbers of the choice are those of both together. */
static void
test_cascade(void **state)
{
	struct world *w = *state;
	struct arena *mem = arena_new(1 << 16);

	w->verdict.complexity = 0.6F;
	assert_non_null(strstr(text(w, "ladder"),
	    " 1  luna @ us                   .792   .881     $0.005 004   first of a "
	    "cascade: its answer is judged by cheap signs\n"));
	assert_non_null(strstr(w->text.p,
	    " 3  sol @ us                    .927   .881     $0.050 040   second of a "
	    "cascade: asked when the first one's answer fails\n"));
	assert_non_null(strstr(w->text.p,
	    "\nwhy      luna, then sol when its answer fails, instead of sol: $0.039 "
	    "822 cheaper, success −.039 to the baseline's .927"));
	assert_non_null(strstr(plan_line(&w->plan, &w->verdict, mem),
	    "\"stayed\":false,\"cascade\":{\"then\":\"sol\",\"success\":0.8882,"
	    "\"cost_usd\":\"0.010218151\"},\"switch_usd\":"));
	arena_free(mem);
}

static void
test_recorded(void **state)
{
	struct world *w = *state;

	assert_non_null(strstr(text(w, "some"),
	    "→ route some · mode canary 10 %: this session is not "
	    "in\n"));
	assert_non_null(strstr(w->text.p,
	    " 1  sol @ us                    .984   .935     $0.050 040   the route's "
	    "baseline\n"));
	assert_non_null(strstr(w->text.p, "; luna would be chosen\n"));
}

static void
test_named(void **state)
{
	struct world *w = *state;

	assert_string_equal(text(w, "riddle"),
	    "asked    model \"riddle\"\n"
	    "session  s_0000000000000032, new · no pin (no bound content, no open "
	    "tool call)\n"
	    "read     writing .810 · complexity .200 · confidence .920 · about 1,004 "
	    "tokens in, about 1,000 out\n"
	    "         short question, much code\n"
	    "\n" HEAD
	    " 1  riddle @ us                 .981      -       unpriced   the client "
	    "named it\n"
	    "\n"
	    "why      the client named riddle\n");
}

static void
test_refused(void **state)
{
	struct world *w = *state;

	w->verdict.reasons[0] = NULL;
	assert_string_equal(text(w, "no-such"),
	    "asked    model \"no-such\"\n"
	    "session  s_0000000000000032, new · no pin (no bound content, no open "
	    "tool call)\n"
	    "read     writing .810 · complexity .200 · confidence .920\n"
	    "\n"
	    "refused  404 model_not_found: no route, model or alias is called "
	    "'no-such'; GET /v1/models lists what there is\n");
}

static void
test_line(void **state)
{
	struct world *w = *state;
	struct arena *mem = arena_new(1 << 16);

	(void)text(w, "gpt-4o-mini");
	assert_string_equal(plan_line(&w->plan, &w->verdict, mem),
	    "{\"asked\":\"gpt-4o-mini\",\"mode\":\"live\",\"class\":\"writing\","
	    "\"complexity\":0.2,\"confidence\":0.92,\"floor\":null,\"baseline\":"
	    "\"luna\","
	    "\"baseline_success\":0.9495,\"baseline_cost_usd\":\"0.005004000\","
	    "\"decided\":\"luna\",\"below_quality\":false,\"unsure\":false,\"pinned\":"
	    "false,\"stayed\":false,\"switch_usd\":\"0.000000000\",\"keeps_cache\":"
	    "false,\"usable\":2,\"candidates\":[{\"model\":\"luna\","
	    "\"provider\":\"us\",\"success\":0.9495,\"cost_usd\":\"0.005004000\","
	    "\"reason\":\"named\"},{\"model\":\"luna\",\"provider\":\"eu\",\"success\":"
	    "0.9495,\"cost_usd\":\"0.004503600\",\"reason\":\"next\"}]}");
	/* a header must stay one line, whatever the client calls its model */
	(void)text(w, "a\r\nset-cookie: x\x01");
	assert_null(strpbrk(plan_line(&w->plan, &w->verdict, mem), "\r\n\x01"));
	arena_free(mem);
}

static void
test_json(void **state)
{
	struct world *w = *state;
	struct json j;

	(void)text(w, "no-such");
	buf_clear(&w->text);
	json_init(&j, &w->text);
	json_object_begin(&j, NULL);
	plan_json(view_of(w), "plan", &j);
	json_object_end(&j);
	assert_non_null(strstr(w->text.p, "{\"plan\":{\"asked\":\"no-such\","));
	assert_non_null(strstr(w->text.p, "\"refused\":{\"status\":404,\"code\":"
					  "\"model_not_found\",\"text\":\"no route"));
	assert_non_null(strstr(w->text.p, "\"usable\":0,\"candidates\":[]}}"));
}

static void
test_names(void **state)
{
	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		bool out = strncmp(reason_name((enum reason)r), "out_", 4) == 0;

		assert_true(strlen(reason_text((enum reason)r)) > 5);
		/* what is not tried is called so */
		if (r != REASON_out_recorded)
			assert_int_equal(
			    out, strncmp(reason_text((enum reason)r), "out: ", 5) == 0);
	}
	assert_string_equal(reason_name((enum reason)REASON_COUNT), "?");
	assert_string_equal(reason_text((enum reason) - 1), "?");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_chosen),
	    CASE(test_out),
	    CASE(test_best),
	    CASE(test_cascade),
	    CASE(test_recorded),
	    CASE(test_named),
	    CASE(test_refused),
	    CASE(test_line),
	    CASE(test_json),
	    cmocka_unit_test(test_names),
	};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
