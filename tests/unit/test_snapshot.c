/* libs: base config core */
/* test_snapshot.c: what the daemon is given: values, defaults, names, secrets. */
#include "policy.h"

#include <string.h>

#include "base/env.h"

/* Rows of SMALL_POLICY and what a test adds. */
static struct snapshot *
small_with(struct fake_env *f, const char *more)
{
	char text[8192];

	snprintf(text, sizeof(text), "%s%s", SMALL_POLICY, more);
	return good_policy(f, str_of(text));
}

static void
test_defaults(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = small_with(f, "");
	const struct provider *openai = snapshot_provider(s, STR("openai"));
	const struct route *r = snapshot_route(s, STR("auto"));
	const struct model *m = snapshot_model(s, STR("luna"));

	(void)state;
	assert_string_equal(s->path, "policy.yaml");
	assert_string_equal(s->listen.host, "127.0.0.1");
	assert_int_equal(s->listen.port, 4600);
	assert_int_equal(s->admin_listen.port, 4601);
	assert_null(s->keys_file);
	assert_null(s->trusted_proxies);
	assert_int_equal(s->limits.body_bytes, 16 << 20);
	assert_int_equal(s->limits.grace_ms, 30000);
	assert_int_equal(openai->timeouts.connect_ms, 5000);
	assert_int_equal(openai->timeouts.total_ms, 0);
	assert_int_equal(openai->port, 443);
	assert_true(openai->tls);
	assert_string_equal(openai->host, "api.openai.com");
	assert_string_equal(openai->base_path, "/v1");
	assert_string_equal(openai->book, "openai");
	assert_int_equal(openai->contract_ppm, 1000000);
	assert_int_equal(openai->bytes_per_token_milli, 4000);
	assert_false(openai->allow_private);
	assert_true(snapshot_provider(s, STR("rack"))->allow_private);
	assert_string_equal(m->served_as, "gpt-5.6-luna");
	assert_string_equal(m->at[0].name, "gpt-5.6-luna");
	assert_ptr_equal(m->at[0].provider, openai);
	assert_int_equal(m->tier, TIER_small);
	assert_string_equal(m->catalogue->max_field, "max_completion_tokens");
	assert_true(m->context > 100000);
	assert_true(m->quality[CLASS_code] > 0.5);
	assert_int_equal(r->mode, MODE_live);
	assert_true(r->keep_quality > 0.9499 && r->keep_quality < 0.9501);
	assert_true(r->min_quality < 0);
	assert_int_equal(r->max_output, -1);
	assert_int_equal(r->candidates, 3);
	assert_string_equal(r->baseline->name, "sol");
	assert_int_equal(strlen(s->short_hash), 7);
	snapshot_unref(s);
	fake_env_free(f);
}

static void
test_overrides(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s;
	struct buf text = source_file("tests/golden/config/everything.yaml");
	const struct model *m;
	const struct rule *rule;

	(void)state;
	put_world(f);
	s = good_policy(f, buf_str(&text));
	m = snapshot_model(s, STR("sol"));
	assert_string_equal(m->at[0].name, "sol-2026");
	assert_string_equal(m->at[1].name, "sol:8b");
	assert_string_equal(m->catalogue->id, "openai/gpt-5.6-sol");
	assert_string_equal(m->catalogue->max_field, "max_tokens");
	assert_int_equal(m->context, 1000);
	assert_int_equal(m->can, 1U << CAP_tools | 1U << CAP_stream);
	assert_true(m->quality[CLASS_code] == 0.75 && m->quality[CLASS_maths] == 0.5);
	assert_int_equal(m->output_tokens[CLASS_maths], 4000);
	assert_int_equal(m->output_tokens[CLASS_chat], 400);
	assert_string_equal(snapshot_model(s, STR("own"))->catalogue->id, "own");
	assert_int_equal(s->providers[0].contract_ppm, 875000);
	assert_int_equal(s->providers[0].keys, 2);
	assert_string_equal(s->providers[0].url, "https://api.openai.com:8443/v1");
	assert_int_equal(s->providers[0].timeouts.total_ms, 600000);
	assert_int_equal(s->providers[0].timeouts.connect_ms, 300);
	assert_string_equal(s->providers[1].host, "fd00::7");
	assert_int_equal(s->providers[1].port, 8000);
	assert_int_equal(s->providers[1].usd_per_hour.v, 1900000000000);
	assert_string_equal(s->providers[0].headers[0], "x-team: a: b, c");
	assert_null(s->providers[0].headers[2]);
	assert_int_equal(s->routes[0].canary_percent, 10);
	assert_int_equal(s->routes[0].max_cost.v, 50000000000);
	assert_int_equal(s->routes[0].data->providers, 2);
	rule = &s->routes[0].rules[0];
	assert_int_equal(rule->classes, 1U << CLASS_maths | 1U << CLASS_code);
	assert_true(rule->complexity_above == 0.2 && rule->complexity_below == 0.9);
	assert_string_equal(rule->tag_name, "app");
	assert_string_equal(rule->tag_value, "shop");
	assert_int_equal(rule->days, 1 << 6 | 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(rule->from_minute, 22 * 60);
	assert_int_equal(rule->to_minute, 6 * 60 + 30);
	assert_string_equal(rule->zone, "Europe/Berlin");
	assert_string_equal(rule->team, "blue");
	assert_string_equal(rule->service_tier, "flex");
	assert_int_equal(rule->use, 1);
	assert_int_equal(rule->avoid, 2);
	assert_string_equal(rule->at.file, "policy.yaml");
	assert_int_equal(s->teams[0].terms.may_use_routes, 1);
	assert_int_equal(s->teams[0].terms.may_use_models, 2);
	assert_false(s->teams[0].terms.may_use_all);
	assert_true(s->teams[1].terms.may_use_all && s->teams[2].terms.may_use_all);
	assert_int_equal(s->teams[0].terms.max_per_request.v, 125000000000);
	assert_string_equal(s->trusted_proxies[2], "192.0.2.1");
	snapshot_unref(s);
	buf_fini(&text);
	fake_env_free(f);
}

static void
resolves(const struct snapshot *s, const char *name, const char *want)
{
	struct asked a = snapshot_resolve(s, str_of(name));
	const char *got = a.route != NULL   ? a.route->name
			  : a.model != NULL ? a.model->name
			  : a.refused       ? "(refused)"
					    : "(unknown)";

	if (strcmp(got, want) != 0)
		fail_msg("%s is %s, not %s", name, got, want);
}

static void
test_resolve(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = small_with(f,
	    "aliases: {gpt-*: luna, gpt-4o*: auto, gpt-4o-mini: qwen, old*: refuse, "
	    "luna: sol}\n");

	(void)state;
	resolves(s, "gpt-4o-mini", "qwen");      /* exact before any pattern */
	resolves(s, "gpt-4o-mini-2024", "auto"); /* the longest pattern */
	resolves(s, "gpt-4o", "auto");
	resolves(s, "gpt-3", "luna");
	resolves(s, "older", "(refused)");
	resolves(s, "auto", "auto");
	resolves(s, "qwen", "qwen");
	resolves(s, "luna", "sol"); /* an alias before a model's own name */
	resolves(s, "nothing", "(unknown)");
	resolves(s, "", "(unknown)");
	snapshot_unref(s);
	s = small_with(f, "aliases: {'*': refuse}\n");
	resolves(s, "auto", "auto"); /* names of ours stay reachable */
	resolves(s, "sol", "sol");
	resolves(s, "nothing", "(refused)");
	snapshot_unref(s);
	s = small_with(f, "aliases: {'*': auto}\n");
	resolves(s, "nothing", "auto");
	snapshot_unref(s);
	fake_env_free(f);
}

static void
test_secrets(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s;

	(void)state;
	put_world(f);
	fake_env_put(f, "/run/key", STR("  sk-from-file\n"), 0600);
	s = good_policy(f, STR("version: 1\nproviders: {p: {api: openai, url: "
			       "'https://a.example/v1', region: "
			       "eu, local: true, keys: ['file:/run/key', "
			       "'env:OPENAI_API_KEY']}}\nmodels: {m: "
			       "{is: openai/gpt-5.6-sol, at: [p]}}\n"));
	assert_string_equal(s->providers[0].key[0].secret, "sk-from-file");
	assert_string_equal(s->providers[0].key[0].source, "file:/run/key");
	assert_string_equal(s->providers[0].key[1].secret, "sk-openai");
	assert_null(strstr(s->canonical, "sk-"));
	snapshot_unref(s);
	fake_env_free(f);
}

#define ONE_PROVIDER(key)                                                            \
	STR("version: 1\nproviders: {p: {api: openai, url: 'https://a.example/v1', " \
	    "region: eu, local: true, key: " key                                     \
	    "}}\nmodels: {m: {is: openai/gpt-5.6-sol, at: [p]}}\n")

static void
finds(struct buf found, const char *text)
{
	if (strstr(found.p, text) == NULL)
		fail_msg("no '%s' in: %s", text, found.p);
	buf_fini(&found);
}

static void
test_bad_secrets(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct diag *d = diag_new();
	struct snapshot *s;

	(void)state;
	fake_env_put(f, "/run/empty", STR("\n"), 0600);
	fake_env_put(f, "/run/two", STR("sk-a\r\nx-evil: 1\n"), 0600);
	fake_env_put(f, "/run/open", STR("sk-a"), 0644);
	assert_int_equal(setenv("FRUGALD_TEST_EVIL", "sk\r\nx: 1", 1), 0);
	finds(bad_policy(f, ONE_PROVIDER("'file:/run/none'")), "cannot be read");
	finds(
	    bad_policy(f, ONE_PROVIDER("'file:/run/empty'")), "is empty or has blanks");
	finds(bad_policy(f, ONE_PROVIDER("'file:/run/two'")), "is empty or has blanks");
	finds(
	    bad_policy(f, ONE_PROVIDER("env:FRUGALD_TEST_EVIL")), "control characters");
	s = snapshot_parse(fake_env(f), ONE_PROVIDER("'file:/run/open'"), "p", d);
	assert_non_null(s);
	finds(findings(d), "warning: '/run/open' can be read by everybody; chmod");
	snapshot_unref(s);
	diag_free(d);
	fake_env_free(f);
}

static void
test_load(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct diag *d = diag_new();
	struct snapshot *s;

	(void)state;
	assert_null(snapshot_load(fake_env(f), "none.yaml", d));
	finds(findings(d), "none.yaml:0:0: cannot be read: No such file or directory");
	diag_free(d);
	d = diag_new();
	fake_env_put(f, "some.yaml", STR(SMALL_POLICY), 0600);
	s = snapshot_load(fake_env(f), "some.yaml", d);
	assert_non_null(s);
	assert_ptr_equal(snapshot_ref(s), s);
	snapshot_unref(s);
	assert_string_equal(s->path, "some.yaml");
	snapshot_unref(s);
	snapshot_unref(NULL);
	diag_free(d);
	fake_env_free(f);
}

static void
test_own_facts(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s;

	(void)state;
	fake_env_put(f, "m.yaml",
	    STR("version: 1\nmodels: {acme/one: {context: 10, max_output: 5, tier: "
		"small, can: "
		"[], quality: {default: 0.5}, output_tokens: {default: 9}}}\n"),
	    0600);
	fake_env_put(f, "p.yaml",
	    STR("version: 1\nsource: mine 2026-01-01\nprices: [{id: a, provider: p, "
		"model: "
		"acme/one, usd_per_million: {input: '1'}}]\n"),
	    0600);
	s = good_policy(f, STR("version: 1\ncatalogue: m.yaml\nprices: "
			       "p.yaml\nproviders: {p: {api: openai, "
			       "url: 'https://a.example/v1', region: eu}}\nmodels: {m: "
			       "{is: acme/one, at: "
			       "[p]}}\n"));
	assert_int_equal(s->models[0].context, 10);
	assert_string_equal(s->models[0].served_as, "one");
	assert_int_equal(price_book_count(s->prices), 1);
	snapshot_unref(s);
	finds(bad_policy(
		  f, STR("version: 1\ncatalogue: x.yaml\nproviders: {}\nmodels: {}\n")),
	    "policy.yaml:2:12: 'x.yaml' cannot be read");
	fake_env_put(
	    f, "m.yaml", STR("version: 1\nmodels: {a/b: {context: x}}\n"), 0600);
	finds(bad_policy(
		  f, STR("version: 1\ncatalogue: m.yaml\nproviders: {}\nmodels: {}\n")),
	    "m.yaml:2:25: context: 'x' does not fit");
	fake_env_free(f);
}

static void
test_cross_checks(void **state)
{
	static const struct {
		const char *more, *finding;
	} rows[] = {
	    {"data: {eu: {regions: [mars]}}\n", "no provider is in region 'mars'"},
	    {"data: {here: {regions: [us]}}\n  auto2: x\n", "not valid YAML"},
	    {"limits: {max_body: 1GiB}\n", "body_bytes is less than max_body"},
	    {"keys_file: none.yaml\n", "nobody can get in"},
	    {"tags: {a: rollup}\nteams: {t: {require_tags: [b]}}\n",
		"'b' is not declared"},
	};
	struct fake_env *f = fake_env_new(1);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag *d = diag_new();
		char text[8192];

		snprintf(text, sizeof(text), "%s%s", SMALL_POLICY, rows[i].more);
		snapshot_unref(snapshot_parse(fake_env(f), str_of(text), "p", d));
		finds(findings(d), rows[i].finding);
		diag_free(d);
	}
	fake_env_free(f);
}

/* A route whose wall none of its candidates is behind would refuse everything. */
static void
test_wall_without_candidates(void **state)
{
	struct fake_env *f = fake_env_new(1);

	(void)state;
	finds(bad_policy(
		  f, STR(SMALL_POLICY
			 "  walled: {candidates: [sol], baseline: sol, data: rack}\n"
			 "data: {rack: {regions: [onprem]}}\n")),
	    "route 'walled': no candidate is served behind the wall 'rack'");
	fake_env_free(f);
}

static void
test_retired(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct diag *d = diag_new();

	(void)state;
	fake_env_step_wall(f, 400LL * 86400 * NS_PER_S); /* February 2027 */
	snapshot_unref(snapshot_parse(fake_env(f),
	    STR("version: 1\nproviders: {openai: {api: openai, url: "
		"'https://a.example/v1', "
		"region: us}}\nmodels: {m: {is: openai/gpt-5, at: [openai]}}\n"),
	    "p", d));
	finds(findings(d), "its vendor turned it off on 2026-12-11");
	diag_free(d);
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_overrides),
	    cmocka_unit_test(test_resolve),
	    cmocka_unit_test(test_secrets),
	    cmocka_unit_test(test_bad_secrets),
	    cmocka_unit_test(test_load),
	    cmocka_unit_test(test_own_facts),
	    cmocka_unit_test(test_cross_checks),
	    cmocka_unit_test(test_wall_without_candidates),
	    cmocka_unit_test(test_retired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
