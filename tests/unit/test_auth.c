/* libs: base config core auth */
/* test_auth.c: only a key in force opens; how it is refused tells nothing. */
#include "policy.h"

#include <string.h>

#include "core/request.h"

#define NOW 1767225600 /* 2026-01-01 */

/* Of "fr-good", "fr-gone", "fr-rest", "fr-late", "fr-few". */
static const char *const secrets[] = {
    "fr-good", "fr-gone", "fr-rest", "fr-late", "fr-few"};
static const char *const states[] = {"team: all", "revoked: true", "paused: true",
    "expires: '2026-01-01T00:00:00Z'", "team: some, may_use: [luna, sol]"};

struct world {
	struct fake_env *f;
	struct snapshot *s;
};

static void
put_keys(struct fake_env *f)
{
	char hex[65];
	struct sha256 h;
	struct buf text;

	buf_init(&text, 4096);
	buf_add(&text, "version: 1\nkeys:\n");
	for (size_t i = 0; i < 5; i++) {
		h = hash_sha256(str_of(secrets[i]));
		hash_sha256_hex(&h, hex);
		buf_printf(&text, "  - {name: k%zu, sha256: %s, hint: fr, %s}\n", i,
		    hex, states[i]);
	}
	fake_env_put(f, "keys.yaml", buf_str(&text), 0600);
	buf_fini(&text);
}

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	w->f = fake_env_new(1);
	put_keys(w->f);
	w->s = good_policy(w->f, STR(SMALL_POLICY "keys_file: keys.yaml\n"
						  "teams:\n"
						  "  all: {may_use: all}\n"
						  "  some: {may_use: [auto, luna]}\n"));
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	snapshot_unref(w->s);
	fake_env_free(w->f);
	test_free(w);
	return 0;
}

static void
test_forms(void **state)
{
	static const struct {
		const char *authorization, *x_api_key;
		bool ok;
	} rows[] = {
	    {"Bearer fr-good", NULL, true},
	    {"bearer fr-good", NULL, true},
	    {"BEARER   fr-good  ", NULL, true},
	    {NULL, "fr-good", true},
	    {NULL, " fr-good ", true},
	    {"Bearer fr-good", "fr-good", true},
	    {NULL, NULL, false},
	    {"", NULL, false},
	    {"Bearer", NULL, false},
	    {"Bearer ", NULL, false},
	    {NULL, "", false},
	    {"fr-good", NULL, false},
	    {"Basic fr-good", NULL, false},
	    {"Bearer fr-goo", NULL, false},
	    {"Bearer fr-goodd", NULL, false},
	    {"Bearer FR-GOOD", NULL, false},
	    {"Bearer fr-good fr-good", NULL, false},
	    /* two keys that differ: whose request would it be? */
	    {"Bearer fr-good", "fr-few", false},
	    {"Bearer fr-good", "", false},
	    {"Basic x", "fr-good", false},
	};
	struct world *w = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		struct principal p = {.key_name = "untouched"};
		bool ok = auth_check(
		    w->s, rows[i].authorization, rows[i].x_api_key, NOW - 1, &p);

		if (ok != rows[i].ok)
			fail_msg("row %zu", i);
		assert_string_equal(p.key_name, ok ? "k0" : "untouched");
	}
}

static void
test_states(void **state)
{
	struct world *w = *state;
	struct principal p;

	assert_true(auth_check(w->s, NULL, "fr-good", NOW, &p));
	assert_string_equal(p.team_name, "all");
	assert_ptr_equal(p.team, p.key->team);
	assert_false(auth_check(w->s, NULL, "fr-gone", NOW, &p));
	assert_false(auth_check(w->s, NULL, "fr-rest", NOW, &p));
	assert_true(auth_check(w->s, NULL, "fr-late", NOW - 1, &p));
	assert_null(p.team);
	assert_string_equal(p.team_name, "");
	assert_false(auth_check(w->s, NULL, "fr-late", NOW, &p));
}

/* Longer than any key: refused before it is hashed. */
static void
test_long(void **state)
{
	struct world *w = *state;
	struct principal p;
	char text[8192];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_false(auth_check(w->s, NULL, text, NOW, &p));
	memcpy(text, "Bearer ", 7);
	assert_false(auth_check(w->s, text, NULL, NOW, &p));
}

static void
test_rights(void **state)
{
	struct world *w = *state;
	unsigned route = snapshot_route(w->s, STR("auto"))->index;
	unsigned luna = snapshot_model(w->s, STR("luna"))->index;
	unsigned sol = snapshot_model(w->s, STR("sol"))->index;
	struct principal p;

	assert_true(auth_check(w->s, NULL, "fr-good", NOW, &p));
	assert_true(auth_may_use_route(&p, route));
	assert_true(auth_may_use_model(&p, sol));
	/* team: auto and luna; key: luna and sol; so luna */
	assert_true(auth_check(w->s, NULL, "fr-few", NOW, &p));
	assert_false(auth_may_use_route(&p, route));
	assert_true(auth_may_use_model(&p, luna));
	assert_false(auth_may_use_model(&p, sol));
}

static void
test_without_keys(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = good_policy(f, STR(SMALL_POLICY));
	struct principal p;

	(void)state;
	assert_true(auth_check(s, NULL, NULL, NOW, &p));
	assert_true(auth_check(s, "Bearer anything", "else", NOW, &p));
	assert_null(p.key);
	assert_string_equal(p.key_name, "local");
	assert_string_equal(p.team_name, "");
	assert_true(auth_may_use_route(&p, 0));
	assert_true(auth_may_use_model(&p, 2));
	snapshot_unref(s);
	fake_env_free(f);
}

/* What would have to be left out of each request is a mistake in the file: else its
 * client could say the tag, and leave the budget on it. */
static void
test_tags_of_keys_that_no_request_could_have(void **state)
{
#define X20  "xxxxxxxxxxxxxxxxxxxx"
#define X120 X20 X20 X20 X20 X20 X20
	static const struct {
		const char *tags, *why;
	} rows[] = {
	    {"run: two words",
		"tag 'run': 'two words' does not fit; write 1 to 128 bytes of "
		"A-Za-z0-9._:/@+-"},
	    {"run: 'a=b'", "tag 'run': 'a=b' does not fit"},
	    {"rum: 1", "the tag 'rum' is not declared; did you mean 'run'?"},
	    {"run: " X120 ", app: " X120 ", env: " X120,
		"3 tags of 375 bytes; at most 16 of 320 fit a request: remove some"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_env *f = fake_env_new(1);
		char text[1024];
		struct buf found;

		snprintf(text, sizeof(text),
		    "version: 1\nkeys:\n  - {name: k, sha256: %064d, hint: fr, tags: "
		    "{%s}}\n",
		    0, rows[i].tags);
		fake_env_put(f, "keys.yaml", str_of(text), 0600);
		found = bad_policy(f, STR(SMALL_POLICY "keys_file: keys.yaml\n"
						       "tags: {run: index, app: "
						       "rollup, env: rollup}\n"));
		if (strstr(found.p, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].tags, found.p);
		buf_fini(&found);
		fake_env_free(f);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_forms),
	    CASE(test_states),
	    CASE(test_long),
	    CASE(test_rights),
	    cmocka_unit_test(test_without_keys),
	    cmocka_unit_test(test_tags_of_keys_that_no_request_could_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
