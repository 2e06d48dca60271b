/* libs: base fake */
/* test_fake_env.c: the fake must refuse what the system refuses, or simulations lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fake_env.h"

static int
set_up(void **state)
{
	*state = fake_env_new(42);
	return 0;
}

static int
tear_down(void **state)
{
	fake_env_free(*state);
	return 0;
}

static void
test_a_seed_repeats(void **state)
{
	struct fake_env *a = fake_env_new(7), *b = fake_env_new(7),
			*c = fake_env_new(8);
	uint64_t ra, rb, rc;

	(void)state;
	fake_env(a)->random(fake_env(a), &ra, sizeof(ra));
	/* Draws of the schedule do not disturb what the code gets. */
	(void)fake_env_draw(b, 10);
	fake_env(b)->random(fake_env(b), &rb, sizeof(rb));
	fake_env(c)->random(fake_env(c), &rc, sizeof(rc));
	assert_true(ra == rb);
	assert_true(ra != rc);
	(void)fake_env_draw(a, 10);
	for (int i = 0; i < 100; i++) {
		uint64_t d = fake_env_draw(a, 10);

		assert_true(d < 10);
		assert_true(d == fake_env_draw(b, 10));
	}
	fake_env_free(a);
	fake_env_free(b);
	fake_env_free(c);
}

static void
test_clocks(void **state)
{
	struct fake_env *f = *state;
	struct env *env = fake_env(f);
	int64_t mono = env->mono_ns(env), wall = env->wall_ns(env);

	fake_env_advance(f, 5);
	fake_env_step_wall(f, -100);
	assert_true(env->mono_ns(env) == mono + 5);
	assert_true(env->wall_ns(env) == wall - 95);
}

static void
test_crash_frees_locks_and_keeps_bytes(void **state)
{
	struct fake_env *f = *state;
	struct env *env = fake_env(f);
	struct env_map dead, alive;
	void *lock = env->lock_file(env, "lock"), *again;

	assert_non_null(lock);
	assert_null(env->lock_file(env, "lock"));
	assert_int_equal(errno, EWOULDBLOCK);
	assert_true(env->map_create(env, "slots", 64, &dead));
	memcpy(dead.p, "written", 8);
	assert_false(env->map_open(env, "slots", &alive));
	assert_int_equal(errno, EWOULDBLOCK);
	fake_env_crash(f);
	assert_true(env->map_open(env, "slots", &alive));
	again = env->lock_file(env, "lock");
	assert_non_null(again);
	assert_string_equal(alive.p, "written");
	/* The dead process reaches nothing any more. */
	memcpy(dead.p, "ghostly", 8);
	env->map_close(env, &dead);
	env->unlock_file(env, lock);
	assert_string_equal(alive.p, "written");
	assert_null(env->lock_file(env, "lock"));
	assert_false(env->map_open(env, "slots", &dead));
	env->map_close(env, &alive);
	env->unlock_file(env, again);
}

static void
test_faults_hit_the_kth_write(void **state)
{
	struct fake_env *f = *state;
	struct env *env = fake_env(f);
	struct env_map m;
	size_t len;

	assert_true(env->write_file(env, "a", STR("old")));
	fake_env_fail_write(f, 2, EIO);
	assert_true(env->write_file(env, "b", STR("x")));
	assert_false(env->write_file(env, "a", STR("new")));
	assert_int_equal(errno, EIO);
	assert_memory_equal(fake_env_bytes(f, "a", &len), "old", 3);
	assert_true(env->write_file(env, "a", STR("new")));
	fake_env_fail_write(f, 1, ENOSPC);
	assert_false(env->map_create(env, "m", 4096, &m));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(env->file_size(env, "m"), -1);
	assert_int_equal(fake_env_writes(f), 5);
	fake_env_fail_write(f, 1, ENOSPC);
	fake_env_fail_write(f, 0, 0);
	assert_true(env->make_dir(env, "d"));
}

static void
test_disk_fills(void **state)
{
	struct fake_env *f = *state;
	struct env *env = fake_env(f);

	fake_env_disk(f, 10);
	assert_true(env->write_file(env, "a", STR("123456")));
	assert_int_equal(env->free_bytes(env, "."), 4);
	assert_false(env->write_file(env, "b", STR("12345")));
	assert_int_equal(errno, ENOSPC);
	assert_true(env->remove_file(env, "a"));
	assert_true(env->write_file(env, "b", STR("12345")));
}

static void
note(void *arg, const char *name)
{
	buf_printf(arg, "%s ", name);
}

static void
test_files(void **state)
{
	struct fake_env *f = *state;
	struct env *env = fake_env(f);
	struct env_map m;
	struct buf b, names;

	buf_init(&b, 100);
	buf_init(&names, 100);
	assert_false(env->write_file(env, "/d/x", STR("1")));
	assert_int_equal(errno, ENOENT);
	assert_true(env->make_dir(env, "/d"));
	assert_true(env->make_dir(env, "/d"));
	assert_true(env->write_file(env, "/d/x", STR("1")));
	assert_false(env->make_dir(env, "/d/x"));
	assert_true(env->make_dir(env, "/d/sub"));
	assert_true(env->write_file(env, "/d/sub/y", STR("2")));
	assert_true(env->list_dir(env, "/d", note, &names));
	assert_string_equal(names.p, "x sub ");
	assert_false(env->list_dir(env, "/none", note, &names));
	assert_true(env->read_file(env, "/d/sub/y", 1, &b));
	assert_string_equal(b.p, "2");
	assert_false(env->read_file(env, "/d/sub/y", 0, &b));
	assert_int_equal(errno, EFBIG);
	assert_false(env->map_create(env, "/d/x", 10, &m));
	assert_int_equal(errno, EEXIST);
	fake_env_put(f, "/d/x", STR("12"), 0644);
	assert_int_equal(env->file_mode(env, "/d/x"), 0644);
	assert_int_equal(env->file_size(env, "/d/x"), 2);
	/* A file removed while it is mapped stays with its owner. */
	assert_true(env->map_open(env, "/d/x", &m));
	assert_true(env->remove_file(env, "/d/x"));
	assert_memory_equal(m.p, "12", 2);
	assert_true(env->write_file(env, "/d/x", STR("new")));
	assert_memory_equal(m.p, "12", 2);
	env->map_close(env, &m);
	buf_fini(&names);
	buf_fini(&b);
}

#define with_fake(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_fake(test_a_seed_repeats),
	    with_fake(test_clocks),
	    with_fake(test_crash_frees_locks_and_keeps_bytes),
	    with_fake(test_faults_hit_the_kth_write),
	    with_fake(test_disk_fills),
	    with_fake(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
