/* libs: base config core */
/* test_reload.c: what a reload may not take from a daemon that runs. */
#include "policy.h"

#define POLICY_PATH "/etc/frugald/frugald.yaml"

/* `top` goes above the smallest policy. */
static void
put_policy(struct fake_env *f, const char *top)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s\n%s", SMALL_POLICY, top);
	fake_env_put(f, POLICY_PATH, str_of(text), 0644);
}

static struct snapshot *
loaded(struct fake_env *f, const char *top, const struct snapshot *running,
    struct buf *ret_found)
{
	struct diag *d = diag_new();
	struct snapshot *s;

	put_policy(f, top);
	s = snapshot_reload(fake_env(f), POLICY_PATH, running, d);
	*ret_found = findings(d);
	diag_free(d);
	return s;
}

static const char open_door[] =
    "listen: 0.0.0.0:4600\nkeys_file: /keys.yaml\nbehind_proxy: true\n"
    "limits: {slots: 100}\nworkers: 3\nstate: /var/lib/a\n";

static struct snapshot *
running(struct fake_env *f)
{
	struct buf found;
	struct snapshot *s = loaded(f, open_door, NULL, &found);

	assert_non_null(s);
	buf_fini(&found);
	return s;
}

static void
test_open_door_keeps_its_keys(void **state)
{
	/* what the file says, and a word of the finding */
	static const struct {
		const char *top, *word;
	} table[] = {
	    {"", "without keys"},
	    {"listen: 127.0.0.1:4600\nbehind_proxy: true\n", "without keys"},
	    {"listen: 127.0.0.1:4600\nkeys_file: /keys.yaml\n", "behind_proxy: true"},
	};
	struct fake_env *f = fake_env_new(1);
	struct snapshot *old;

	(void)state;
	fake_env_put(f, "/keys.yaml", STR("version: 1\nkeys: []\n"), 0600);
	old = running(f);
	for (size_t i = 0; i < nitems(table); i++) {
		struct buf found;
		struct snapshot *s = loaded(f, table[i].top, old, &found);

		assert_null(s);
		assert_non_null(strstr(found.p, table[i].word));
		assert_non_null(strstr(found.p, "in force until a restart"));
		buf_fini(&found);
	}
	snapshot_unref(old);
	fake_env_free(f);
}

static void
test_what_is_kept(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *old, *s;
	struct buf found;

	(void)state;
	fake_env_put(f, "/keys.yaml", STR("version: 1\nkeys: []\n"), 0600);
	old = running(f);
	s = loaded(f,
	    "listen: 127.0.0.1:9\nkeys_file: /keys.yaml\nbehind_proxy: true\n"
	    "limits: {slots: 200, connections: 7}\nworkers: 5\nstate: /b\n",
	    old, &found);
	snapshot_unref(old); /* nothing of it may be shared */
	assert_non_null(s);
	assert_string_equal(s->listen.text, "0.0.0.0:4600");
	assert_string_equal(s->listen.host, "0.0.0.0");
	assert_string_equal(s->admin_listen.text, "127.0.0.1:4601");
	assert_string_equal(s->state_dir, "/var/lib/a");
	assert_int_equal(s->workers, 3);
	assert_int_equal(s->limits.slots, 100);
	assert_int_equal(s->limits.connections, 7);
	assert_null(s->tls_cert);
	/* what the file says is what `check --diff` compares */
	assert_non_null(strstr(s->canonical, "listen: 127.0.0.1:9"));
	snapshot_unref(s);
	buf_fini(&found);
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open_door_keeps_its_keys),
	    cmocka_unit_test(test_what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
