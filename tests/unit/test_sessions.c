/* libs: base config core parse auth budget call meter route */
/* test_sessions.c: conversations are remembered by name, over reloads, restarts,
 * damage, and many threads; bypasses too. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "policy.h"

#include "core/request.h"

#define PATH "sessions"
#define WALL 1767225600000LL /* where the fake clock begins, in ms */

struct world {
	struct fake_env *f;
	struct snapshot *snap;
	struct sessions_shared *s;
};

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	w->f = fake_env_new(1);
	w->snap = good_policy(w->f, STR(SMALL_POLICY));
	w->s = sessions_open(fake_env(w->f), PATH);
	assert_non_null(w->s);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	sessions_close(w->s);
	sessions_close(NULL);
	snapshot_unref(w->snap);
	fake_env_free(w->f);
	test_free(w);
	return 0;
}

static const struct model *
model(const struct world *w, const char *name)
{
	return snapshot_model(w->snap, str_of(name));
}

static struct session_view
look(const struct world *w, uint64_t id, int64_t at_ms)
{
	struct session_view v;

	session_look(w->s, id, w->snap, at_ms, &v);
	return v;
}

static void
note(const struct world *w, uint64_t id, const char *name, int64_t at_ms)
{
	struct session_view seen = {.model = model(w, name),
	    .provider = model(w, name)->at[0].provider,
	    .cached_tokens = 1500,
	    .complexity = 0.25F,
	    .class = CLASS_maths};

	session_note(w->s, id, &seen, at_ms);
}

static void
test_remembers(void **state)
{
	struct world *w = *state;
	struct session_view v = look(w, 7, WALL);

	assert_false(v.known);
	assert_null(v.model);
	note(w, 7, "luna", WALL);
	note(w, 7, "luna", WALL + 1000);
	v = look(w, 7, WALL + 5000);
	assert_true(v.known);
	assert_ptr_equal(v.model, model(w, "luna"));
	assert_ptr_equal(v.provider, model(w, "luna")->at[0].provider);
	assert_int_equal(v.turns, 2);
	assert_int_equal(v.idle_ms, 4000);
	assert_int_equal(v.cached_tokens, 1500);
	assert_float_equal(v.complexity, 0.25, 1e-6);
	assert_int_equal(v.class, CLASS_maths);
	assert_false(v.hour);
	assert_false(look(w, 8, WALL).known);
	/* the clock stepped back */
	assert_int_equal(look(w, 7, WALL - 9000).idle_ms, 0);
}

/* How long the cache is to last is as the last turn said. */
static void
test_cache_of_an_hour(void **state)
{
	struct world *w = *state;
	struct session_view seen = {.model = model(w, "luna"), .hour = true};

	session_note(w->s, 7, &seen, WALL);
	assert_true(look(w, 7, WALL).hour);
	note(w, 7, "luna", WALL + 1000);
	assert_false(look(w, 7, WALL).hour);
}

static void
test_claim(void **state)
{
	struct world *w = *state;
	const struct model *luna = model(w, "luna"), *sol = model(w, "sol");

	assert_ptr_equal(session_claim(w->s, 9, w->snap, luna, WALL), luna);
	assert_ptr_equal(session_claim(w->s, 9, w->snap, sol, WALL), luna);
	assert_true(look(w, 9, WALL).known);
	assert_true(look(w, 9, WALL).complexity < 0); /* nothing answered yet */
	assert_int_equal(look(w, 9, WALL).class, -1);
	assert_int_equal(look(w, 9, WALL).turns, 0);
	/* nobody's session */
	assert_ptr_equal(session_claim(w->s, 0, w->snap, sol, WALL), sol);
	assert_false(look(w, 0, WALL).known);
}

static void
test_reload(void **state)
{
	struct world *w = *state;
	struct snapshot *old = w->snap;

	note(w, 7, "luna", WALL);
	note(w, 8, "qwen", WALL);
	/* luna has moved up, qwen is gone */
	w->snap = good_policy(
	    w->f, STR("version: 1\n"
		      "providers:\n"
		      "  openai: {api: openai, url: 'https://api.openai.com/v1', "
		      "region: us}\n"
		      "models:\n"
		      "  luna: {is: openai/gpt-5.6-luna, at: [openai]}\n"
		      "  sol: {is: openai/gpt-5.6-sol, at: [openai]}\n"
		      "routes:\n"
		      "  auto: {candidates: [luna, sol], baseline: sol}\n"));
	snapshot_unref(old);
	assert_ptr_equal(look(w, 7, WALL).model, model(w, "luna"));
	assert_true(look(w, 8, WALL).known);
	assert_null(look(w, 8, WALL).model);
	assert_null(look(w, 8, WALL).provider);
	/* a model that has gone holds no claim */
	assert_ptr_equal(
	    session_claim(w->s, 8, w->snap, model(w, "sol"), WALL), model(w, "sol"));
}

static void
test_restart(void **state)
{
	struct world *w = *state;

	note(w, 7, "luna", WALL);
	/* one daemon at a time */
	assert_null(sessions_open(fake_env(w->f), PATH));
	fake_env_crash(w->f);
	sessions_close(w->s);
	w->s = sessions_open(fake_env(w->f), PATH);
	assert_non_null(w->s);
	assert_ptr_equal(look(w, 7, WALL).model, model(w, "luna"));
	assert_int_equal(look(w, 7, WALL).turns, 1);
}

static void
test_damage(void **state)
{
	struct world *w = *state;
	size_t len;
	char *p;

	note(w, 7, "luna", WALL);
	sessions_close(w->s);
	p = fake_env_bytes(w->f, PATH, &len);
	p[17] ^= 1; /* the layout's number */
	w->s = sessions_open(fake_env(w->f), PATH);
	assert_non_null(w->s);
	assert_false(look(w, 7, WALL).known);
	sessions_close(w->s);
	fake_env_put(w->f, PATH, STR("cut"), 0600);
	w->s = sessions_open(fake_env(w->f), PATH);
	assert_non_null(w->s);
	note(w, 7, "luna", WALL);
	/* numbers that cannot be: as good as unknown */
	p = fake_env_bytes(w->f, PATH, &len);
	for (size_t i = 64; i < len; i += 40) {
		uint64_t id;

		memcpy(&id, p + i, sizeof(id));
		if (id == 7)
			memset(p + i + 8, 0xff, 32);
	}
	assert_true(look(w, 7, WALL).known);
	assert_null(look(w, 7, WALL).model);
	assert_null(look(w, 7, WALL).provider);
	assert_true(look(w, 7, WALL).complexity < 0);
	assert_true(look(w, 7, WALL).idle_ms >= 0);
}

static void
test_no_disk(void **state)
{
	struct world *w = *state;

	fake_env_fail_write(w->f, 1, ENOSPC);
	assert_null(sessions_open(fake_env(w->f), "other"));
	assert_int_equal(errno, ENOSPC);
	fake_env_fail_write(w->f, 0, 0);
}

/* When a set is full, whoever has rested longest goes. */
static void
test_oldest_goes(void **state)
{
	struct world *w = *state;
	uint64_t step = 2048; /* all in one set */

	for (uint64_t i = 1; i <= 8; i++)
		note(w, 5 + i * step, "luna", WALL + (int64_t)i);
	note(w, 5 + step, "luna", WALL + 100); /* the first is young again */
	note(w, 5 + 9 * step, "sol", WALL + 200);
	assert_true(look(w, 5 + step, WALL).known);
	assert_false(look(w, 5 + 2 * step, WALL).known);
	for (uint64_t i = 3; i <= 9; i++)
		assert_true(look(w, 5 + i * step, WALL).known);
}

static void
test_small(void **state)
{
	struct world *w = *state;
	size_t len;

	(void)fake_env_bytes(w->f, PATH, &len);
	assert_in_range(len, 1, 1 << 20);
}

/* ---- ids ---- */

static void
test_ids(void **state)
{
	struct task t = {.prefix_hash = 1}, other = {.prefix_hash = 2};
	struct task cached = {.prefix_hash = 1, .prompt_cache_key = STR("c1")};
	struct task hinted = {.prefix_hash = 1, .session_hint = STR("c1")};
	struct str none = str_make("", 0);
	uint64_t id = session_id(&t, "key", none);

	(void)state;
	assert_true(id != 0);
	assert_true(id == session_id(&t, "key", none));
	assert_true(id != session_id(&other, "key", none));
	/* no client meets another's session */
	assert_true(id != session_id(&t, "yek", none));
	assert_true(session_id(&t, "a", STR("s")) != session_id(&t, "b", STR("s")));
	/* a header rules, then the cache key, then the hint */
	assert_true(
	    session_id(&t, "key", STR("s")) == session_id(&other, "key", STR("s")));
	assert_true(
	    session_id(&cached, "key", STR("s")) == session_id(&t, "key", STR("s")));
	assert_true(
	    session_id(&cached, "key", none) == session_id(&hinted, "key", none));
	assert_true(session_id(&cached, "key", none) != id);
	/* a bare user is a person, not a conversation */
	t.user = STR("somebody");
	assert_true(id == session_id(&t, "key", none));
	/* a long name is no way out of its bounds */
	(void)session_id(&t,
	    "0123456789012345678901234567890123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789012345678901234567890123456789",
	    none);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS  20000

struct crowd {
	struct world *w;
	_Atomic(const struct model *) holder[64];
	atomic_uint wrong;
	atomic_uint next;
};

/* Everybody wants another model for the same sessions; all must get the same. */
static void *
crowd_main(void *arg)
{
	struct crowd *c = arg;
	const struct world *w = c->w;
	const struct model *mine =
	    &w->snap->models[atomic_fetch_add(&c->next, 1) % w->snap->model_count];

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned k = i % 64;
		const struct model *none = NULL, *got;

		got = session_claim(w->s, 1 + k, w->snap, mine, WALL);
		if (!atomic_compare_exchange_strong(&c->holder[k], &none, got) &&
		    none != got)
			atomic_fetch_add(&c->wrong, 1);
		note(w, 1000 + k, "luna", WALL + i);
		if (look(w, 1000 + k, WALL).model != model(w, "luna"))
			atomic_fetch_add(&c->wrong, 1);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct crowd *c = test_calloc(1, sizeof(*c));
	pthread_t thread[THREADS];

	c->w = *state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, crowd_main, c), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&c->wrong), 0);
	for (unsigned k = 0; k < 64; k++) {
		unsigned turns = look(c->w, 1000 + k, WALL).turns;
		unsigned want = THREADS * (ROUNDS / 64 + (k < ROUNDS % 64));

		assert_int_equal(turns, want);
	}
	test_free(c);
}

/* ---- bypasses ---- */

static struct buf
bypasses(struct bypass_shared *b, int64_t at_ms)
{
	struct buf out;
	struct json j;

	buf_init(&out, 65536);
	json_init(&j, &out);
	json_object_begin(&j, NULL);
	bypass_json(b, at_ms, &j);
	json_object_end(&j);
	return out;
}

static void
test_bypass(void **state)
{
	struct world *w = *state;
	struct bypass_shared *b = bypass_open(fake_env(w->f), "bypass");
	struct buf text;

	assert_non_null(b);
	assert_false(bypass_active(b, "auto", WALL));
	assert_true(bypass_set(b, "auto", WALL + 5000, "answers are \"odd\""));
	assert_true(bypass_active(b, "auto", WALL));
	assert_false(bypass_active(b, "coding", WALL));
	assert_true(bypass_active(b, "auto", WALL + 4999));
	assert_false(bypass_active(b, "auto", WALL + 5000));
	text = bypasses(b, WALL + 1000);
	assert_string_equal(text.p,
	    "{\"bypass\":[{\"route\":\"auto\",\"until_ms\":1767225605000,\"left_s\":4,"
	    "\"reason\":\"answers are \\\"odd\\\"\"}]}");
	buf_fini(&text);
	/* longer, then lifted */
	assert_true(bypass_set(b, "auto", WALL + 9000, "still"));
	assert_true(bypass_active(b, "auto", WALL + 6000));
	assert_true(bypass_set(b, "auto", 0, NULL));
	assert_false(bypass_active(b, "auto", WALL));
	/* all routes; and it outlives the process */
	assert_true(bypass_set(b, NULL, WALL + 5000, "all"));
	assert_true(bypass_active(b, "coding", WALL));
	fake_env_crash(w->f);
	bypass_close(b);
	b = bypass_open(fake_env(w->f), "bypass");
	assert_non_null(b);
	assert_true(bypass_active(b, "coding", WALL));
	bypass_close(b);
	bypass_close(NULL);
}

static void
test_bypass_is_bounded(void **state)
{
	struct world *w = *state;
	struct bypass_shared *b = bypass_open(fake_env(w->f), "bypass");
	char name[64];

	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "route-%d", i);
		assert_true(bypass_set(b, name, WALL + 60000, "x"));
	}
	assert_false(bypass_set(b, "one-more", WALL + 60000, "x"));
	assert_true(bypass_set(b, "route-3", WALL + 90000, "x"));
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(bypass_set(b, name, WALL + 60000, "x"));
	/* places of those that are over are taken */
	fake_env_advance(w->f, 61 * NS_PER_S);
	assert_true(bypass_set(b, "one-more", WALL + 120000, "x"));
	assert_true(bypass_active(b, "route-3", WALL + 61000));
	bypass_close(b);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_remembers),
	    CASE(test_cache_of_an_hour),
	    CASE(test_claim),
	    CASE(test_reload),
	    CASE(test_restart),
	    CASE(test_damage),
	    CASE(test_no_disk),
	    CASE(test_oldest_goes),
	    CASE(test_small),
	    cmocka_unit_test(test_ids),
	    CASE(test_threads),
	    CASE(test_bypass),
	    CASE(test_bypass_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
