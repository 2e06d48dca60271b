/* libs: base config core auth */
/* test_ci.c: what a token of a pipeline is worth, and the keys that are given for it.
 */
#include "policy.h"

#include <string.h>

#include "base/env.h"
#include "base/jwt.h"
#include "core/request.h"
#include "jwt_make.h"

#define NOW 1767225600 /* 2026-01-01 */

#define POLICY_OF(require, more) POLICY_AND(require, "", more)
#define POLICY_AND(require, tag, more)                                               \
	SMALL_POLICY "keys_file: keys.yaml\n"                                        \
		     "tags: {run: index, job: rollup, note: store}\n"                \
		     "teams: {shop: {may_use: [luna]}, core: {may_use: all}}\n"      \
		     "ci:\n"                                                         \
		     "  first: {issuer: 'https://ci.example', audience: frugald, "   \
		     "require: {" require "}, team: shop, tags: {run: run_id, job: " \
		     "workflow" tag "}" more "}\n"                                   \
		     "  second: {issuer: 'https://ci.example', audience: frugald, "  \
		     "require: {owner: other}, team: core}\n"

struct world {
	struct fake_env *f;
	struct snapshot *s;
	EVP_PKEY *key;
	struct jwks *keys;
	struct ci_issuers issuers;
	bool known; /* the issuer's keys are at hand */
	struct ci_keys *table;
	struct arena *mem;
};

static const struct jwks *
keys_of(struct ci_issuers *i, const struct ci_rule *r)
{
	struct world *w = container_of(i, struct world, issuers);

	(void)r;
	return w->known ? w->keys : NULL;
}

static int
set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));
	char jwk[2048], set[2100], why[JWT_WHY_BYTES];

	w->f = fake_env_new(1);
	put_world(w->f);
	w->s =
	    good_policy(w->f, STR(POLICY_OF("owner: acme, ref: 'refs/heads/*'", "")));
	w->key = EVP_EC_gen("P-256");
	make_ec_jwk(w->key, "k", "", jwk);
	snprintf(set, sizeof(set), "{\"keys\":[%s]}", jwk);
	w->keys = jwks_parse(str_of(set), why);
	assert_non_null(w->keys);
	w->issuers.keys_of = keys_of;
	w->known = true;
	w->table = ci_keys_open(fake_env(w->f), "ci-keys");
	assert_non_null(w->table);
	w->mem = arena_new(1 << 20);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	arena_free(w->mem);
	ci_keys_close(w->table);
	jwks_free(w->keys);
	EVP_PKEY_free(w->key);
	snapshot_unref(w->s);
	fake_env_free(w->f);
	test_free(w);
	return 0;
}

static enum ci_verdict
check(struct world *w, const char *payload, struct ci_grant *ret,
    char why[static CI_WHY_BYTES])
{
	char token[MAKE_TOKEN];

	make_token(w->key, "{\"alg\":\"ES256\",\"kid\":\"k\"}", payload, token);
	return ci_check(w->s, str_of(token), &w->issuers, NOW, ret, why);
}

#define ISS  "\"iss\":\"https://ci.example\""
#define AUD  ",\"aud\":[\"x\",\"frugald\"]"
#define EXP  ",\"exp\":1767225900"
#define REF  ",\"ref\":\"refs/heads/main\""
#define ACME ",\"owner\":\"acme\"" REF
#define TAGS ",\"run_id\":184,\"workflow\":\"Build & test\""

static void
test_good(void **state)
{
	char why[CI_WHY_BYTES];
	struct ci_grant g;

	assert_int_equal(
	    check(*state, "{" ISS AUD EXP ACME TAGS "}", &g, why), CI_good);
	assert_string_equal(g.rule->name, "first");
	assert_string_equal(g.key, "ci:first");
	assert_string_equal(g.tags, "run=184\njob=Build___test\n");
	/* a second rule of the same issuer */
	assert_int_equal(
	    check(*state, "{" ISS AUD EXP ",\"owner\":\"other\"}", &g, why), CI_good);
	assert_string_equal(g.rule->name, "second");
	assert_string_equal(g.tags, "");
	/* as late as clocks may differ */
	assert_int_equal(
	    check(*state, "{" ISS AUD ",\"exp\":1767225541" ACME TAGS "}", &g, why),
	    CI_good);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *payload, *why;
	} bad[] = {
	    {"{" ISS AUD ",\"exp\":1767225540" ACME TAGS "}",
		"ci 'first': it ended 60 s ago"},
	    {"{" ISS AUD ACME TAGS "}",
		"ci 'first': it does not say when it ends (exp)"},
	    {"{" ISS AUD EXP ",\"nbf\":1767225661" ACME TAGS "}",
		"ci 'first': it begins in the future; are the clocks right?"},
	    {"{" ISS AUD EXP ",\"iat\":1767225661" ACME TAGS "}",
		"ci 'first': it begins in the future; are the clocks right?"},
	    {"{" ISS ",\"aud\":\"frugald2\"" EXP ACME TAGS "}",
		"ci 'first': it is made for another audience"},
	    {"{" ISS EXP ACME TAGS "}", "ci 'first': it is made for another audience"},
	    {"{\"iss\":\"https://ci.example/\"" AUD EXP ACME TAGS "}",
		"no rule of `ci` has its issuer"},
	    {"{" AUD "\"x\":1" EXP "}", "ci 'first': its claims cannot be read"},
	    {"{" ISS AUD EXP ",\"owner\":\"acme2\"" REF TAGS "}",
		"ci 'first': its claim owner is not what is required"},
	    {"{" ISS AUD EXP REF TAGS "}",
		"ci 'first': its claim owner is not what is required"},
	    {"{" ISS AUD EXP ",\"owner\":\"acme\",\"ref\":\"refs/tags/v1\"" TAGS "}",
		"ci 'first': its claim ref is not what is required"},
	    {"{" ISS AUD EXP ACME ",\"run_id\":null,\"workflow\":\"x\"}",
		"ci 'first': its claim run_id is absent, empty or longer than 128 "
		"bytes: "
		"there is nothing to make the tag run of"},
	    {"{" ISS AUD EXP ACME ",\"run_id\":\"1\",\"workflow\":\"\"}",
		"ci 'first': its claim workflow is absent, empty or longer than 128 "
		"bytes: there is nothing to make the tag job of"},
	};

	for (size_t i = 0; i < nitems(bad); i++) {
		char why[CI_WHY_BYTES];
		struct ci_grant g;

		if (check(*state, bad[i].payload, &g, why) != CI_bad)
			fail_msg("%s", bad[i].payload);
		assert_string_equal(why, bad[i].why);
	}
}

static void
test_keys_that_are_not_known(void **state)
{
	struct world *w = *state;
	char why[CI_WHY_BYTES], token[MAKE_TOKEN];
	struct ci_grant g;

	w->known = false;
	assert_int_equal(
	    check(w, "{" ISS AUD EXP ACME TAGS "}", &g, why), CI_want_keys);
	assert_string_equal(g.rule->name, "first");
	w->known = true;
	make_token(w->key, "{\"alg\":\"ES256\",\"kid\":\"new\"}",
	    "{" ISS AUD EXP ACME TAGS "}", token);
	assert_int_equal(
	    ci_check(w->s, str_of(token), &w->issuers, NOW, &g, why), CI_want_keys);
}

/* ---- keys ---- */

static bool
whose(struct world *w, const struct snapshot *s, const char *secret, int64_t now_s,
    struct principal *ret)
{
	return ci_keys_check(w->table, s, str_of(secret), now_s, w->mem, ret);
}

static void
give(struct world *w, char secret[static CI_SECRET_BYTES])
{
	char why[CI_WHY_BYTES];
	struct ci_grant g;

	assert_int_equal(check(w, "{" ISS AUD EXP ACME TAGS "}", &g, why), CI_good);

	assert_true(ci_keys_add(w->table, &g, NOW + 3600, secret));
}

static void
test_keys(void **state)
{
	struct world *w = *state;
	char secret[CI_SECRET_BYTES], other[CI_SECRET_BYTES];
	struct principal p;

	give(w, secret);
	give(w, other);
	assert_string_not_equal(secret, other);
	assert_true(whose(w, w->s, secret, NOW + 3599, &p));
	assert_string_equal(p.key_name, "ci:first");
	assert_string_equal(p.team_name, "shop");
	assert_true(p.key->of_token);
	assert_string_equal(p.key->tags[0], "run=184");
	assert_string_equal(p.key->tags[1], "job=Build___test");
	assert_null(p.key->tags[2]);
	assert_false(auth_terms(&p).may_use_all);
	assert_false(whose(w, w->s, secret, NOW + 3600, &p));
	other[CI_SECRET_BYTES - 2] = other[CI_SECRET_BYTES - 2] == 'x' ? 'y' : 'x';
	assert_false(whose(w, w->s, other, NOW, &p));
	assert_false(whose(w, w->s, "", NOW, &p));
	assert_false(whose(w, w->s, "fr-ci-", NOW, &p));
}

/* What a reload takes back is taken back from keys that are out, too. */
static void
test_keys_end_with_what_they_were_given_under(void **state)
{
	static const struct {
		const char *policy;
		bool good;
	} rows[] = {
	    {POLICY_OF("owner: acme, ref: 'refs/heads/*'", ", lifetime: 5m"), true},
	    {POLICY_OF("owner: acme, ref: 'refs/heads/main'", ""), false},
	    {POLICY_OF("owner: acme", ""), false},
	    /* else it would be a key without the cap */
	    {POLICY_OF("owner: acme, ref: 'refs/heads/*'", ", max_usd: 1"), false},
	    {SMALL_POLICY "keys_file: keys.yaml\n", false},
	    {POLICY_AND("owner: acme, ref: 'refs/heads/*'", ", note: sub", ""), false},
	};
	struct world *w = *state;
	char secret[CI_SECRET_BYTES];
	struct principal p;

	give(w, secret);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct snapshot *s = good_policy(w->f, str_of(rows[i].policy));

		assert_int_equal(whose(w, s, secret, NOW, &p), rows[i].good);
		snapshot_unref(s);
	}
}

static void
test_keys_survive_a_restart_but_not_damage(void **state)
{
	struct world *w = *state;
	char secret[CI_SECRET_BYTES];
	struct principal p;
	struct env_map map;

	give(w, secret);
	for (int damaged = 0; damaged < 2; damaged++) {
		ci_keys_close(w->table);
		if (damaged) {
			assert_true(
			    fake_env(w->f)->map_open(fake_env(w->f), "ci-keys", &map));
			/* another run's tag, and its budget with it */
			char *at = memmem(map.p, map.bytes, "run=184", 7);

			assert_non_null(at);
			at[6] = '5';
			fake_env(w->f)->map_close(fake_env(w->f), &map);
		}
		w->table = ci_keys_open(fake_env(w->f), "ci-keys");
		assert_non_null(w->table);
		assert_int_equal(whose(w, w->s, secret, NOW, &p), !damaged);
	}
}

/* Further tokens are refused, keys that are out stay; room comes with time. */
static void
test_so_many_and_no_more(void **state)
{
	struct world *w = *state;
	char first[CI_SECRET_BYTES], secret[CI_SECRET_BYTES], why[CI_WHY_BYTES];
	struct principal p;
	struct ci_grant g;
	unsigned out = 0;

	give(w, first);
	assert_int_equal(check(w, "{" ISS AUD EXP ACME TAGS "}", &g, why), CI_good);
	while (out < 20000 && ci_keys_add(w->table, &g, NOW + 3600, secret))
		out++;
	assert_true(out > 4000 && out < 8192);
	assert_true(whose(w, w->s, first, NOW, &p));
	fake_env_step_wall(w->f, 3600 * NS_PER_S);
	assert_true(ci_keys_add(w->table, &g, NOW + 7200, secret));
	assert_true(whose(w, w->s, secret, NOW + 3600, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_bad, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_keys_that_are_not_known, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_keys_end_with_what_they_were_given_under, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_keys_survive_a_restart_but_not_damage, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_so_many_and_no_more, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
