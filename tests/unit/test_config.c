/* libs: base config core */
/* test_config.c: policies on disk:
 * typical mistakes, goldens, what we ship, the docs. */
#include "policy.h"

#include <string.h>

#include "config/schema.h"
#include "core/sets.h"

#define FILES_MAX 100

struct names {
	char *name[FILES_MAX];
	size_t count;
};

static void
take_yaml(void *arg, const char *name)
{
	struct names *all = arg;
	const char *dot = strrchr(name, '.');

	if (dot == NULL || strcmp(dot, ".yaml") != 0)
		return;
	assert_true(all->count < FILES_MAX);
	all->name[all->count++] = strdup(name);
}

static struct names
yaml_files(const char *dir)
{
	struct names all = {0};
	char full[1024];

	snprintf(full, sizeof(full), "%s/%s", FRUGALD_SOURCE_DIR, dir);
	assert_true(env_system()->list_dir(env_system(), full, take_yaml, &all));
	return all;
}

static size_t
lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The findings of a file, and its canonical form or NULL. */
static struct buf
check_file(const char *dir, const char *name, char **ret_canonical)
{
	struct fake_env *f = fake_env_new(1);
	struct diag *d = diag_new();
	struct snapshot *s;
	struct buf text, found;
	char path[512];

	put_world(f);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = source_file(path);
	s = snapshot_parse(fake_env(f), buf_str(&text), name, d);
	*ret_canonical = s == NULL ? NULL : strdup(s->canonical);
	found = findings(d);
	snapshot_unref(s);
	buf_fini(&text);
	diag_free(d);
	fake_env_free(f);
	return found;
}

static struct buf
golden(const char *dir, const char *name, const char *ending)
{
	char path[512];

	snprintf(
	    path, sizeof(path), "%s/%.*s.%s", dir, (int)strlen(name) - 5, name, ending);
	return source_file(path);
}

/* What came out against the golden file; with FRUGALD_GOLDEN_UPDATE set it becomes the
 * new one, for review. */
static void
compare(const char *dir, const char *name, const char *ending, const char *got)
{
	char path[1024];
	struct buf want;

	snprintf(path, sizeof(path), "%s/%s/%.*s.%s", FRUGALD_SOURCE_DIR, dir,
	    (int)strlen(name) - 5, name, ending);
	if (getenv("FRUGALD_GOLDEN_UPDATE") != NULL)
		assert_true(env_system()->write_file(env_system(), path, str_of(got)));
	want = golden(dir, name, ending);
	if (strcmp(got, want.p) != 0)
		print_error("%s:\n%s", name, got);
	assert_string_equal(got, want.p);
	buf_fini(&want);
}

static void
test_typos(void **state)
{
	struct names all = yaml_files("tests/golden/typos");

	(void)state;
	assert_true(all.count >= 25);
	for (size_t i = 0; i < all.count; i++) {
		char *canonical;
		struct buf found =
		    check_file("tests/golden/typos", all.name[i], &canonical);

		compare("tests/golden/typos", all.name[i], "err", found.p);
		assert_int_equal(lines(found.p), 1);
		assert_non_null(strstr(found.p, ": "));
		buf_fini(&found);
		free(canonical);
		free(all.name[i]);
	}
}

/* What is printed is the same policy again. */
static void
read_back(const char *canonical)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s;

	put_world(f);
	s = good_policy(f, str_of(canonical));
	assert_string_equal(s->canonical, canonical);
	snapshot_unref(s);
	fake_env_free(f);
}

static void
test_goldens(void **state)
{
	static const char dir[] = "tests/golden/config";
	struct names all = yaml_files(dir);

	(void)state;
	assert_true(all.count >= 3);
	for (size_t i = 0; i < all.count; i++) {
		char *canonical;
		struct buf found = check_file(dir, all.name[i], &canonical);

		if (canonical == NULL) {
			compare(dir, all.name[i], "err", found.p);
		} else {
			assert_string_equal(found.p, "");
			compare(dir, all.name[i], "print", canonical);
			read_back(canonical);
		}
		buf_fini(&found);
		free(canonical);
		free(all.name[i]);
	}
}

static void
test_shipped(void **state)
{
	static const char *const shipped[] = {
	    "config/frugald.yaml", "config/quickstart.yaml"};

	(void)state;
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		struct fake_env *f = fake_env_new(1);
		struct buf text = source_file(shipped[i]);
		struct snapshot *s, *again;

		put_world(f);
		s = good_policy(f, buf_str(&text));
		again = good_policy(f, str_of(s->canonical));
		assert_string_equal(s->short_hash, again->short_hash);
		assert_true(hash_sha256_eq(&s->hash, &again->hash));
		assert_non_null(snapshot_route(s, STR("auto")));
		snapshot_unref(again);
		snapshot_unref(s);
		buf_fini(&text);
		fake_env_free(f);
	}
}

static void
test_docs(void **state)
{
	struct buf want = source_file("docs/config.md"), made;

	(void)state;
	buf_init(&made, POLICY_BYTES);
	schema_markdown(&made);
	assert_string_equal(made.p, want.p);
	buf_fini(&made);
	buf_fini(&want);
}

/* The example to build towards: what this release cannot do is refused, each by its
 * name, and nothing else is. */
static void
test_example(void **state)
{
	static const char path[] =
	    FRUGALD_SOURCE_DIR "/../shared/examples/frugald.yaml";
	static const char *const want[] = {"`sso` is not in this release",
	    "`api: azure` is not in this release", "`shadow` is not in this release",
	    "`cache` is not in this release", "`guard` is not in this release",
	    "`overhead` is not in this release", "`alerts` is not in this release",
	    /* and it listens to everybody in clear text */
	    "listening off loopback shows keys and prompts"};
	struct fake_env *f;
	struct buf text, found;

	(void)state;
	buf_init(&text, POLICY_BYTES);
	if (!env_system()->read_file(env_system(), path, POLICY_BYTES - 1, &text)) {
		buf_fini(&text);
		print_message("../shared is not here\n");
		skip();
		return;
	}
	f = fake_env_new(1);
	put_world(f);
	fake_env_put(f, "/run/credentials/frugald-admin", STR("secret-token\n"), 0600);
	fake_env_put(f, "/run/credentials/azure", STR("secret-azure\n"), 0600);
	found = bad_policy(f, buf_str(&text));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		char *at = strstr(found.p, want[i]);

		if (at == NULL)
			fail_msg("no finding says: %s\n%s", want[i], found.p);
		else
			*at = '#';
	}
	if (lines(found.p) != sizeof(want) / sizeof(want[0]))
		fail_msg("more than these:\n%s", found.p);
	buf_fini(&found);
	buf_fini(&text);
	fake_env_free(f);
}

/* A password in a proxy's address is told of, and not told again. */
static void
test_proxy_password(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct diag *d = diag_new();
	struct snapshot *s;
	struct buf found;

	(void)state;
	put_world(f);
	s = snapshot_parse(fake_env(f),
	    STR("version: 1\n"
		"providers:\n"
		"  openai: {api: openai, url: 'https://api.openai.com/v1', region: "
		"us,\n"
		"    proxy: 'http://me:hunter2@proxy.example.com:3128'}\n"
		"models:\n"
		"  sol: {is: openai/gpt-5.6-sol, at: [openai]}\n"
		"routes:\n"
		"  auto: {candidates: [sol], baseline: sol}\n"),
	    "policy.yaml", d);
	assert_non_null(s);
	found = findings(d);
	assert_non_null(
	    strstr(found.p, "policy.yaml:4:12: warning: proxy: its user and password"));
	assert_null(strstr(found.p, "hunter2"));
	buf_fini(&found);
	snapshot_unref(s);
	diag_free(d);
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_typos),
	    cmocka_unit_test(test_proxy_password),
	    cmocka_unit_test(test_goldens),
	    cmocka_unit_test(test_shipped),
	    cmocka_unit_test(test_docs),
	    cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
