/* libs: base */
/* test_env.c: the real files, in a folder of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"

struct folder {
	struct env *env;
	char dir[64];
	char path[128];
};

static int
set_up(void **state)
{
	static struct folder f;

	f.env = env_system();
	str_copy(f.dir, sizeof(f.dir), STR("/tmp/frugald-test-XXXXXX"));
	if (mkdtemp(f.dir) == NULL)
		return -1;
	(void)snprintf(f.path, sizeof(f.path), "%s/file", f.dir);
	*state = &f;
	return 0;
}

static void
remove_entry(void *arg, const char *name)
{
	const struct folder *f = arg;
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	(void)remove(path);
}

static int
tear_down(void **state)
{
	struct folder *f = *state;

	(void)f->env->list_dir(f->env, f->dir, remove_entry, f);
	return rmdir(f->dir);
}

static void
count_entry(void *arg, const char *name)
{
	(void)name;
	++*(unsigned *)arg;
}

static unsigned
entries(struct folder *f)
{
	unsigned n = 0;

	assert_true(f->env->list_dir(f->env, f->dir, count_entry, &n));
	return n;
}

static void
test_clocks_and_randomness(void **state)
{
	struct env *env = ((struct folder *)*state)->env;
	int64_t before = env->mono_ns(env);
	unsigned char a[600] = {0}, b[600] = {0};

	assert_true(env->mono_ns(env) >= before);
	assert_true(env_wall_ms(env) > 1700000000000LL);
	env->random(env, a, sizeof(a));
	env->random(env, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 560, b + 560, 40);
}

static void
test_write_then_read(void **state)
{
	struct folder *f = *state;
	struct buf b;

	buf_init(&b, 10);
	assert_true(buf_append(&b, "x", 1));
	assert_true(f->env->write_file(f->env, f->path, STR("first")));
	assert_true(f->env->write_file(f->env, f->path, STR("second")));
	assert_int_equal(f->env->file_mode(f->env, f->path), 0600);
	assert_int_equal(f->env->file_size(f->env, f->path), 6);
	assert_int_equal(entries(f), 1);
	/* Exactly the maximum is allowed,
	 * one less is not and leaves the buffer alone. */
	assert_false(f->env->read_file(f->env, f->path, 5, &b));
	assert_int_equal(errno, EFBIG);
	assert_string_equal(b.p, "x");
	assert_true(f->env->read_file(f->env, f->path, 6, &b));
	assert_string_equal(b.p, "xsecond");
	/* The buffer's own ceiling counts too. */
	assert_false(f->env->read_file(f->env, f->path, 100, &b));
	assert_int_equal(errno, EFBIG);
	assert_string_equal(b.p, "xsecond");
	assert_false(f->env->read_file(f->env, "/nonexistent/x", 100, &b));
	assert_int_equal(errno, ENOENT);
	assert_false(f->env->read_file(f->env, f->dir, 100, &b));
	assert_int_equal(errno, EISDIR);
	buf_fini(&b);
}

static void
test_write_takes_over_a_crashed_one(void **state)
{
	struct folder *f = *state;
	char tmp[160];
	struct buf b;

	buf_init(&b, 100);
	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", f->path);
	assert_true(f->env->write_file(f->env, tmp, STR("a long half-written file")));
	assert_true(f->env->write_file(f->env, f->path, STR("new")));
	assert_true(f->env->read_file(f->env, f->path, 100, &b));
	assert_string_equal(b.p, "new");
	assert_int_equal(entries(f), 1);
	buf_fini(&b);
}

static void
test_failed_write_keeps_the_old(void **state)
{
	struct folder *f = *state;
	char path[5000];

	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_false(f->env->write_file(f->env, path, STR("x")));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_false(f->env->write_file(f->env, "/nonexistent/x", STR("x")));
	assert_int_equal(errno, ENOENT);
	/* A folder cannot be replaced by a file: nothing is left behind. */
	assert_true(f->env->make_dir(f->env, f->path));
	assert_false(f->env->write_file(f->env, f->path, STR("x")));
	assert_int_equal(entries(f), 1);
}

static void
test_map_is_zero_and_lasts(void **state)
{
	struct folder *f = *state;
	struct env_map m, again;
	char *p;
	struct stat st;

	assert_true(f->env->map_create(f->env, f->path, 100000, &m));
	assert_int_equal(m.bytes, 100000);
	p = m.p;
	for (size_t i = 0; i < m.bytes; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(st.st_blocks * 512 >= 100000);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(entries(f), 1);
	memcpy(p + 99990, "survives", 9);
	assert_false(f->env->map_create(f->env, f->path, 4096, &again));
	assert_int_equal(errno, EEXIST);
	f->env->map_close(f->env, &m);
	assert_null(m.p);
	f->env->map_close(f->env, &m);
	assert_false(f->env->map_create(f->env, f->path, 4096, &again));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(entries(f), 1);
	assert_true(f->env->map_open(f->env, f->path, &m));
	assert_int_equal(m.bytes, 100000);
	assert_string_equal((char *)m.p + 99990, "survives");
	f->env->map_close(f->env, &m);
}

static void
test_map_refuses_what_cannot_be(void **state)
{
	struct folder *f = *state;
	struct env_map m;

	assert_false(f->env->map_open(f->env, f->path, &m));
	assert_int_equal(errno, ENOENT);
	assert_false(f->env->map_create(f->env, f->path, 0, &m));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(entries(f), 0);
	assert_true(f->env->write_file(f->env, f->path, STR("")));
	assert_false(f->env->map_open(f->env, f->path, &m));
	assert_int_equal(errno, EINVAL);
}

static void
test_mapped_file_is_locked(void **state)
{
	struct folder *f = *state;
	struct env_map m, other;

	assert_true(f->env->map_create(f->env, f->path, 4096, &m));
	assert_false(f->env->map_open(f->env, f->path, &other));
	assert_int_equal(errno, EWOULDBLOCK);
	assert_null(f->env->lock_file(f->env, f->path));
	f->env->map_close(f->env, &m);
	assert_true(f->env->map_open(f->env, f->path, &m));
	assert_false(f->env->map_open(f->env, f->path, &other));
	f->env->map_close(f->env, &m);
}

static void
test_lock_shuts_out_all_others(void **state)
{
	struct folder *f = *state;
	void *lock = f->env->lock_file(f->env, f->path), *again;
	pid_t pid;
	int status;

	assert_non_null(lock);
	/* This very process, by another handle. */
	assert_null(f->env->lock_file(f->env, f->path));
	assert_int_equal(errno, EWOULDBLOCK);
	pid = fork();
	if (pid == 0)
		_exit(f->env->lock_file(f->env, f->path) == NULL ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	f->env->unlock_file(f->env, lock);
	again = f->env->lock_file(f->env, f->path);
	assert_non_null(again);
	f->env->unlock_file(f->env, again);
	f->env->unlock_file(f->env, NULL);
	assert_null(f->env->lock_file(f->env, "/nonexistent/x"));
}

static void
test_lock_ends_with_its_process(void **state)
{
	struct folder *f = *state;
	pid_t pid = fork();
	void *lock;
	int status;

	if (pid == 0)
		_exit(f->env->lock_file(f->env, f->path) != NULL ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	lock = f->env->lock_file(f->env, f->path);
	assert_non_null(lock);
	f->env->unlock_file(f->env, lock);
}

static void
test_folders_and_sizes(void **state)
{
	struct folder *f = *state;

	assert_true(f->env->make_dir(f->env, f->path));
	assert_true(f->env->make_dir(f->env, f->path));
	assert_int_equal(f->env->file_mode(f->env, f->path), 0700);
	assert_int_equal(rmdir(f->path), 0);
	assert_true(f->env->write_file(f->env, f->path, STR("x")));
	assert_false(f->env->make_dir(f->env, f->path));
	assert_int_equal(errno, ENOTDIR);
	assert_true(f->env->free_bytes(f->env, f->dir) > 0);
	assert_int_equal(f->env->free_bytes(f->env, "/nonexistent"), -1);
	assert_true(f->env->remove_file(f->env, f->path));
	assert_false(f->env->remove_file(f->env, f->path));
	assert_int_equal(f->env->file_size(f->env, f->path), -1);
	assert_int_equal(f->env->file_mode(f->env, f->path), -1);
	assert_false(f->env->list_dir(f->env, f->path, count_entry, NULL));
	assert_int_equal(errno, ENOENT);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_folder(test_clocks_and_randomness),
	    in_folder(test_write_then_read),
	    in_folder(test_write_takes_over_a_crashed_one),
	    in_folder(test_failed_write_keeps_the_old),
	    in_folder(test_map_is_zero_and_lasts),
	    in_folder(test_map_refuses_what_cannot_be),
	    in_folder(test_mapped_file_is_locked),
	    in_folder(test_lock_shuts_out_all_others),
	    in_folder(test_lock_ends_with_its_process),
	    in_folder(test_folders_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
