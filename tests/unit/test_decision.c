/* libs: base config core parse auth budget call meter route */
/* test_decision.c: from what a row keeps the same plan is made again, whatever has
 * happened since. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/kept.h"
#include "core/request.h"

#define POLICY   "tests/table/route.yaml"
#define NOON     1795608000
#define REQUESTS 20000

struct scene {
	struct snapshot *snap;
	uint64_t state;
	struct task task;
	struct verdict verdict;
	struct principal who;
	struct session_view session;
	struct tag tag;
	struct signal signal[MODELS_MAX][MODEL_PROVIDERS_MAX];
	struct outlook outlook;
	struct outlook_pace pace[PACES_MAX];
	struct route_input in;
};

static int
set_up(void **state)
{
	struct scene *s = test_calloc(1, sizeof(*s));
	struct diag *d = diag_new();

	s->snap = snapshot_load(env_system(), POLICY, d);
	diag_free(d);
	assert_non_null(s->snap);
	s->state = 4711;
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	snapshot_unref(s->snap);
	test_free(s);
	return 0;
}

/* splitmix64: the same requests each time. */
static uint64_t
draw(struct scene *s, uint64_t below)
{
	uint64_t z = s->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (z ^ z >> 31) % below;
}

static bool
one_in(struct scene *s, uint64_t n)
{
	return draw(s, n) == 0;
}

/* ---- any request ---- */

static void
draw_task(struct scene *s)
{
	static const struct str tiers[] = {{0}, STR("flex"), STR("priority")};
	const struct snapshot *p = s->snap;
	uint64_t name = draw(s, p->route_count * 4 + p->model_count);

	s->task = (struct task){
	    .dialect = one_in(s, 4) ? &dialect_anthropic : &dialect_openai,
	    .endpoint = one_in(s, 20) ? EP_count_tokens : EP_generate,
	    .model =
		str_of(name < p->model_count ? p->models[name].name
					     : p->routes[name % p->route_count].name),
	    .max_output = one_in(s, 3) ? (int64_t)draw(s, 5000) : -1,
	    .n = 1 + (int64_t)draw(s, 2),
	    .needs = one_in(s, 4) ? (uint32_t)draw(s, 1U << CAP_COUNT) : 0,
	    .tools = one_in(s, 2) ? (uint32_t)draw(s, 300) : 0,
	    .searches = one_in(s, 9),
	    .messages = 1 + (uint32_t)draw(s, 40),
	    .images = one_in(s, 9),
	    .audios = one_in(s, 9),
	    .files = one_in(s, 30),
	    .open_tool_call = one_in(s, 5),
	    .bound =
		one_in(s, 4) ? (enum bound_kind)draw(s, BOUND_state + 1) : BOUND_none,
	    .text_bytes = draw(s, 1U << draw(s, 22)),
	    .opaque_bytes = one_in(s, 9) ? draw(s, 1 << 20) : 0,
	    .service_tier = tiers[draw(s, nitems(tiers))],
	    .cache_mark = (enum cache_mark)draw(s, CACHE_hour + 1),
	};
	s->task.fetches = one_in(s, 9);
	s->task.format_at.end = one_in(s, 4);
	s->task.body_bytes = s->task.text_bytes + 200;
}

static void
draw_session(struct scene *s)
{
	const struct model *m = &s->snap->models[draw(s, s->snap->model_count)];

	s->session =
	    (struct session_view){.known = one_in(s, 2), .complexity = -1, .class = -1};
	if (!s->session.known)
		return;
	s->session.model = one_in(s, 20) ? NULL : m;
	s->session.provider = one_in(s, 5) ? NULL : m->at[draw(s, m->ats)].provider;
	s->session.idle_ms = (int64_t)draw(s, UINT64_C(1) << draw(s, 40));
	s->session.cached_tokens = (int64_t)draw(s, 100000);
	s->session.hour = one_in(s, 2);
	s->session.complexity = one_in(s, 5) ? -1 : (float)draw(s, 1000) / 1000;
	s->session.class = (int)draw(s, CLASS_COUNT + 1) - 1;
}

static void
draw_who(struct scene *s)
{
	uint64_t i = draw(s, s->snap->key_count + 1);
	const struct key_entry *k = i == 0 ? NULL : &s->snap->keys[i - 1];

	s->who = (struct principal){.key = k,
	    .key_name = k != NULL ? k->name : "local",
	    .team = k != NULL ? k->team : NULL,
	    .team_name = k != NULL && k->team != NULL ? k->team->name : ""};
}

static int32_t
draw_ms(struct scene *s)
{
	return one_in(s, 3) ? -1 : (int32_t)draw(s, 1U << draw(s, 16));
}

static void
draw_signals(struct scene *s)
{
	for (unsigned i = 0; i < s->snap->model_count; i++) {
		for (unsigned k = 0; k < s->snap->models[i].ats; k++)
			s->signal[i][k] = (struct signal){.up = !one_in(s, 5),
			    .ttft_ms = draw_ms(s),
			    .wait_ms = draw_ms(s),
			    .wait_high_ms = draw_ms(s)};
	}
}

static struct signal
signal_of(void *arg, const struct candidate *c)
{
	const struct scene *s = arg;

	return s->signal[c->model->index][c->at];
}

/* Everybody's speed: between crawling and faster than any limit. */
static void
draw_outlook(struct scene *s)
{
	s->outlook = (struct outlook){.pace = s->pace};
	for (unsigned i = 0; i < s->snap->model_count; i++) {
		for (unsigned k = 0; k < s->snap->models[i].ats; k++) {
			struct outlook_pace *p = &s->pace[s->outlook.paces++];
			float ms = (float)(100 + draw(s, 3000));
			float rate = (float)(5 + draw(s, 200));

			*p = (struct outlook_pace){
			    .place = s->snap->models[i].at[k].place};
			p->hour[PACE_HOURS][PACE_ttft_p50] =
			    (struct outlook_mean){ms, 500};
			p->hour[PACE_HOURS][PACE_ttft_p90] =
			    (struct outlook_mean){2 * ms, 500};
			p->hour[PACE_HOURS][PACE_rate_p10] =
			    (struct outlook_mean){rate / 2, 500};
			p->hour[PACE_HOURS][PACE_rate_p50] =
			    (struct outlook_mean){rate, 500};
		}
	}
}

static float
draw_share(struct scene *s)
{
	return (float)draw(s, 10001) / 10000;
}

static void
draw_verdict(struct scene *s)
{
	s->verdict = (struct verdict){.class = (enum task_class)draw(s, CLASS_COUNT),
	    .complexity = draw_share(s),
	    .confidence = draw_share(s),
	    .follows = one_in(s, 4)};
	for (size_t i = 0; s->state % 3 > 0 && i < CLASS_COUNT; i++)
		s->verdict.class_p[i] = one_in(s, 2) ? draw_share(s) : 0;
	if (one_in(s, 3))
		return;
	s->verdict.p_small = draw_share(s);
	s->verdict.p_frontier = draw_share(s);
	s->verdict.traffic = one_in(s, 3) ? 0 : draw_share(s);
}

static void
draw_request(struct scene *s)
{
	draw_task(s);
	draw_session(s);
	draw_who(s);
	draw_signals(s);
	draw_verdict(s);
	s->tag = (struct tag){.name = STR("pipeline"),
	    .value = one_in(s, 2) ? STR("nightly") : STR("other")};
	s->in = (struct route_input){.snap = s->snap,
	    .task = &s->task,
	    .verdict = &s->verdict,
	    .who = &s->who,
	    .session = &s->session,
	    .tags = &s->tag,
	    .tag_count = one_in(s, 2),
	    .min_quality = one_in(s, 6) ? (double)draw(s, 1000) / 1000 : -1,
	    .deadline_ms = one_in(s, 4) ? 1 + (int64_t)draw(s, 200000) : 0,
	    .max_cost_usd = one_in(s, 6) ? (double)draw(s, 1000) / 3e5 : -1,
	    .bypass_mode = one_in(s, 20) ? MODE_bypass : MODE_COUNT,
	    .wall_s = NOON + (int64_t)draw(s, 7 * 86400),
	    .signal = signal_of,
	    .signal_arg = s,
	    .draw = draw(s, UINT64_MAX)};
	s->in.hours_s = s->in.wall_s;
	draw_outlook(s);
	if (one_in(s, 2))
		s->in.outlook = &s->outlook;
	if (one_in(s, 6))
		s->in.data = &s->snap->data_classes[draw(s, s->snap->data_class_count)];
}

/* ---- as the ledger keeps it ---- */

struct kept {
	uint8_t decision[DECISION_BYTES],
	    plan[sizeof(((struct slot_request *)0)->plan)];
	char tags[64];
	struct decision_row row;
};

static void
keep(const struct scene *s, const struct plan *p, struct kept *k)
{
	size_t decision = decision_pack(&s->in, k->decision);
	size_t plan = plan_pack(p, k->plan, sizeof(k->plan));

	snprintf(k->tags, sizeof(k->tags), "pipeline=%.*s\n", (int)s->tag.value.len,
	    s->tag.value.p);
	k->row = (struct decision_row){.asked = str_of(p->asked),
	    .class_name = str_of(class_name(s->verdict.class)),
	    .key = str_of(s->who.key_name),
	    .team = str_of(s->who.team_name),
	    .tags = s->in.tag_count > 0 ? str_of(k->tags) : str_make("", 0),
	    .complexity = s->verdict.complexity,
	    .confidence = s->verdict.confidence,
	    .start_ms = s->in.wall_s * 1000 + 999,
	    .session = s->in.draw,
	    .decision = str_make((const char *)k->decision, decision),
	    .plan = str_make((const char *)k->plan, plan)};
}

static void
expect_same(const struct plan *a, const struct plan *b)
{
	uint8_t x[sizeof(((struct slot_request *)0)->plan)], y[sizeof(x)];
	size_t len = plan_pack(a, x, sizeof(x));

	assert_int_equal(plan_pack(b, y, sizeof(y)), len);
	assert_memory_equal(x, y, len);
	assert_ptr_equal(a->route, b->route);
	assert_ptr_equal(a->decided, b->decided);
	assert_ptr_equal(a->data, b->data);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->usable, b->usable);
	assert_int_equal(a->refusal, b->refusal);
	assert_string_equal(a->refusal_text, b->refusal_text);
	assert_true(a->floor == b->floor);
	assert_true(a->baseline_cost_usd == b->baseline_cost_usd);
	assert_int_equal(a->unsure, b->unsure);
	assert_int_equal(a->pinned, b->pinned);
	assert_int_equal(a->stayed, b->stayed);
	assert_int_equal(a->max_output, b->max_output);
}

static void
test_made_again(void **state)
{
	struct scene *s = *state;
	unsigned served = 0, most = 0, late = 0;

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct arena *mem = arena_new(1 << 16);
		struct plan was, is;
		struct route_input *again;
		struct kept k;

		draw_request(s);
		served += plan_build(&s->in, &was);
		keep(s, &was, &k);
		assert_true(k.row.decision.len > 0);
		most = k.row.decision.len > most ? (unsigned)k.row.decision.len : most;
		draw_signals(s); /* time has gone on */
		again = decision_unpack(&k.row, s->snap, mem);
		assert_non_null(again);
		again->outlook = s->in.outlook; /* of the row's number */
		(void)plan_build(again, &is);
		expect_same(&was, &is);
		for (unsigned c = 0; c < was.count; c++)
			late += was.candidate[c].reason == REASON_out_deadline;
		arena_free(mem);
	}
	print_message("%u served, at most %u bytes\n", served, most);
	assert_true(served > REQUESTS / 5);
	assert_true(late > 100);
}

/* The policy with something before everything that is counted. */
static struct snapshot *
shifted(const struct snapshot *s)
{
	static const char *const more[][2] = {
	    {"\nproviders:\n", "  zero: {api: openai, url: 'https://zero.example/v1', "
			       "region: moon}\n"},
	    {"\nmodels:\n", "  zero: {at: [zero], tier: small, context: 9000, quality: "
			    "{default: 0.5}, output_tokens: {default: 9}}\n"},
	    {"\ndata:\n", "  zero: {regions: [moon]}\n"},
	    {"\nroutes:\n", "  none: {candidates: [zero], baseline: zero}\n"},
	    {"\nteams:\n", "  zero: {may_use: all}\n"},
	};
	struct snapshot_texts t = snapshot_texts(s);
	struct diag *d = diag_new();
	struct snapshot *made;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < nitems(more); i++) {
		const char *at = strstr(t.policy.p, more[i][0]);
		size_t len;

		assert_non_null(at);
		len = (size_t)(at - t.policy.p) + strlen(more[i][0]);
		assert_true(buf_append(&text, t.policy.p, len));
		buf_add(&text, more[i][1]);
		t.policy = str_skip(t.policy, len);
	}
	assert_true(buf_append(&text, t.policy.p, t.policy.len));
	t.policy = buf_str(&text);
	made = snapshot_rebuild(env_system(), &t, d);
	if (made == NULL)
		fail_msg("%s", diag_findings(d, &(size_t){0})[0].text);
	assert_int_equal(made->model_count, s->model_count + 1);
	diag_free(d);
	buf_fini(&text);
	return made;
}

static void
expect_same_names(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->usable, b->usable);
	assert_int_equal(a->refusal, b->refusal);
	for (unsigned i = 0; i < a->count; i++) {
		const struct candidate *x = &a->candidate[i], *y = &b->candidate[i];

		assert_string_equal(x->model->name, y->model->name);
		assert_string_equal(x->model->at[x->at].provider->name,
		    y->model->at[y->at].provider->name);
		assert_int_equal(x->reason, y->reason);
		assert_true(x->success == y->success && x->cost_usd == y->cost_usd);
		assert_int_equal(x->signal.ttft_ms, y->signal.ttft_ms);
	}
}

/* Before another policy that only counts differently the same is decided. */
static void
test_moved(void **state)
{
	struct scene *s = *state;
	struct snapshot *to = shifted(s->snap);
	struct arena *mem;
	unsigned served = 0;

	for (unsigned i = 0; i < REQUESTS / 10; i++) {
		const struct route_input *moved;
		struct plan was, is;

		mem = arena_new(1 << 16);
		draw_request(s);
		served += plan_build(&s->in, &was);
		moved = decision_move(&s->in, to, mem);
		assert_non_null(moved);
		(void)plan_build(moved, &is);
		expect_same_names(&was, &is);
		arena_free(mem);
	}
	assert_true(served > REQUESTS / 50);
	/* With its team a request's wall would be gone. */
	while (s->who.team == NULL)
		draw_request(s);
	for (unsigned i = 0; i < to->team_count; i++)
		((struct team *)to->teams)[i].name = "another";
	mem = arena_new(1 << 16);
	assert_null(decision_move(&s->in, to, mem));
	arena_free(mem);
	snapshot_unref(to);
}

/* The same input, the same plan, though the world behind the signals has changed; and
 * a signal is what makes the difference. */
static void
test_pure(void **state)
{
	struct scene *s = *state;
	unsigned differ = 0;

	for (unsigned i = 0; i < REQUESTS / 10; i++) {
		struct plan a, b;
		uint8_t x[228], y[228];

		draw_request(s);
		(void)plan_build(&s->in, &a);
		(void)plan_build(&s->in, &b);
		expect_same(&a, &b);
		draw_signals(s);
		(void)plan_build(&s->in, &b);
		differ += plan_pack(&a, x, sizeof(x)) != plan_pack(&b, y, sizeof(y)) ||
			  memcmp(x, y, sizeof(x)) != 0;
	}
	assert_true(differ > REQUESTS / 20);
}

static void
test_damaged(void **state)
{
	struct scene *s = *state;
	struct arena *mem = arena_new(1 << 20);
	struct plan p;
	struct kept k;

	do
		draw_request(s);
	while (!plan_build(&s->in, &p) || s->who.team == NULL || !s->session.known);
	keep(s, &p, &k);
	assert_non_null(decision_unpack(&k.row, s->snap, mem));
	while (k.row.decision.len-- > 0)
		assert_null(decision_unpack(&k.row, s->snap, mem));
	keep(s, &p, &k);
	k.decision[0]++; /* of a release to come */
	assert_null(decision_unpack(&k.row, s->snap, mem));
	k.decision[0]--;
	k.row.team = STR("a team that is gone");
	assert_null(decision_unpack(&k.row, s->snap, mem));
	arena_free(mem);
}

static void
test_does_not_fit(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[DECISION_BYTES];

	draw_request(s);
	assert_true(decision_pack(&s->in, bytes) > 0);
	s->task.service_tier = STR("a word that no provider has for a tier of service");
	assert_int_equal(decision_pack(&s->in, bytes), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_made_again),
	    CASE(test_moved),
	    CASE(test_pure),
	    CASE(test_damaged),
	    CASE(test_does_not_fit),
	};

	if (chdir(FRUGALD_SOURCE_DIR) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
