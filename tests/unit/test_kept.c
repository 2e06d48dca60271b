/* libs: base config core */
/* test_kept.c: what was in force is made again from its texts, when its files, secrets
 * and keys are long gone. */
#include "policy.h"

#include <string.h>

#include "config/kept.h"

#define OWN_CATALOGUE                                                           \
	"version: 1\n"                                                          \
	"models:\n"                                                             \
	"  me/own: {context: 4000, max_output: 100, tier: small, can: [tools]," \
	" quality: {default: 0.77}, output_tokens: {default: 123}}\n"
#define OWN_ROWS                                                          \
	"prices:\n"                                                       \
	"  - {id: me/own/2026-01-01, provider: me, model: me/own, from: " \
	"2026-01-01, usd_per_million: {input: \"3\", output: \"5\"}}\n"
#define OWN_PRICES "version: 1\nsource: \"mine, 2026-11-01\"\n" OWN_ROWS
#define OWN_POLICY                                                            \
	"version: 1\n"                                                        \
	"catalogue: models.yaml\n"                                            \
	"prices: prices.yaml\n"                                               \
	"classifier: weights.bin\n"                                           \
	"providers:\n"                                                        \
	"  me: {api: openai, url: 'https://me.example/v1', region: us, key: " \
	"env:OPENAI_API_KEY, ca_file: ca.pem}\n"                              \
	"models:\n"                                                           \
	"  own: {is: me/own, at: [me]}\n"                                     \
	"routes:\n"                                                           \
	"  auto: {candidates: [own], baseline: own}\n"

static void
put_own(struct fake_env *f)
{
	fake_env_put(f, "models.yaml", STR(OWN_CATALOGUE), 0600);
	fake_env_put(f, "prices.yaml", STR(OWN_PRICES), 0600);
	fake_env_put(f, "weights.bin", STR("no weights"), 0600);
	fake_env_put(f, "ca.pem", STR("-"), 0600);
}

static struct snapshot *
rebuild(struct fake_env *f, const struct snapshot_texts *t)
{
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_rebuild(fake_env(f), t, d);
	struct buf found = findings(d);

	if (s == NULL)
		fail_msg("not made again: %s", found.p);
	buf_fini(&found);
	diag_free(d);
	return s;
}

static struct snapshot *
again(const struct snapshot *s, const struct snapshot_texts *t)
{
	struct fake_env *empty = fake_env_new(2);
	struct snapshot *made;

	fake_env_put(
	    empty, "/usr/share/zoneinfo/Europe/Berlin", STR(ZONE_BERLIN), 0644);
	made = rebuild(empty, t);
	assert_string_equal(made->canonical, s->canonical);
	assert_string_equal(made->short_hash, s->short_hash);
	fake_env_free(empty);
	return made;
}

static void
test_without_files(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s, *made;
	struct snapshot_texts t;

	(void)state;
	put_world(f);
	put_own(f);
	s = good_policy(f, STR(OWN_POLICY));
	assert_string_equal(s->providers[0].key[0].secret, "sk-openai");
	t = snapshot_texts(s);
	assert_true(str_eq(t.catalogue, STR(OWN_CATALOGUE)));
	assert_true(str_eq(t.prices, STR(OWN_PRICES)));
	assert_true(str_eq(t.weights, STR("no weights")));
	made = again(s, &t);
	assert_null(made->providers[0].key[0].secret);
	assert_true(made->models[0].quality[CLASS_code] == 0.77);
	assert_int_equal(made->models[0].output_tokens[CLASS_chat], 123);
	assert_string_equal(price_book_at(made->prices, 0)->model, "me/own");
	assert_true(str_eq(made->classifier_file, STR("no weights")));
	/* What is made again has the same basis. */
	t = snapshot_texts(made);
	assert_true(str_eq(t.catalogue, STR(OWN_CATALOGUE)));
	assert_true(str_eq(t.prices, STR(OWN_PRICES)));
	snapshot_unref(made);
	snapshot_unref(s);
	fake_env_free(f);
}

/* Every key of the schema, off loopback, with TLS and a keys file. */
static void
test_everything(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct buf yaml = source_file("tests/golden/config/everything.yaml");
	struct diag *d = diag_new();
	struct snapshot *s, *made;
	struct snapshot_texts t;

	(void)state;
	put_world(f);
	s = snapshot_parse(fake_env(f), buf_str(&yaml), "everything.yaml", d);
	assert_non_null(s);
	t = snapshot_texts(s);
	made = again(s, &t);
	assert_int_equal(made->key_count, 0);
	assert_null(made->admin_token);
	assert_int_equal(made->models[0].at[1].weight, 3);
	assert_int_equal(made->providers[0].contract_ppm, 875000);
	snapshot_unref(made);
	snapshot_unref(s);
	diag_free(d);
	buf_fini(&yaml);
	fake_env_free(f);
}

/* A daemon on loopback may have read a policy that would open a door on its next start:
 * that says nothing of what it decided. */
static void
test_an_open_door(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = good_policy(f, STR(SMALL_POLICY)), *made;
	struct snapshot_texts t = snapshot_texts(s);
	char text[8192];

	(void)state;
	snprintf(text, sizeof(text), "%.*s", (int)t.policy.len, t.policy.p);
	memcpy(strstr(text, "127.0.0.1:4600"), "192.0.2.7:4600", 14);
	t.policy = str_of(text);
	made = rebuild(f, &t);
	assert_int_equal(made->model_count, 3);
	snapshot_unref(made);
	snapshot_unref(s);
	fake_env_free(f);
}

static struct buf
printed(const struct snapshot *s, struct kept_part part[static KEPT_PARTS])
{
	struct buf text;

	kept_parts(s, part);
	buf_init(&text, 4096);
	kept_print(part, &text);
	return text;
}

static void
test_basis(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot *s = good_policy(f, STR(SMALL_POLICY));
	struct kept_part part[KEPT_PARTS], read[KEPT_PARTS];
	struct buf text = printed(s, part), other;
	char name[KEPT_NAME], changed[KEPT_NAME];
	struct snapshot *fresh;

	(void)state;
	assert_true(kept_read(buf_str(&text), read));
	assert_string_equal(read[KEPT_contracts].key, ""); /* there are none */
	for (size_t i = 0; i < KEPT_contracts; i++) {
		struct sha256 hash = hash_sha256(part[i].text);

		assert_string_equal(read[i].kind, part[i].kind);
		assert_string_equal(read[i].key, part[i].key);
		assert_int_equal(
		    part[i].text.len == 0, i == KEPT_weights); /* built in */
		assert_int_equal(hash_sha256_eq(&read[i].hash, &hash), i < 3);
		assert_true(hash_sha256_eq(&read[i].hash, &part[i].hash));
	}
	assert_string_equal(read[0].key, s->short_hash);
	assert_string_equal(read[2].key, price_book_version(s->prices));
	kept_name(buf_str(&text), name);
	assert_int_equal(strlen(name), KEPT_NAME - 1);

	/* Another price book under the same policy is another basis. */
	fake_env_put(f, "prices.yaml", STR(OWN_PRICES), 0600);
	fresh = rebuild(f, &(struct snapshot_texts){.policy = part[0].text,
			       .catalogue = part[1].text,
			       .prices = STR(OWN_PRICES)});
	assert_string_equal(fresh->short_hash, s->short_hash);
	other = printed(fresh, part);
	kept_name(buf_str(&other), changed);
	assert_string_not_equal(name, changed);
	buf_fini(&other);
	buf_fini(&text);
	snapshot_unref(fresh);
	snapshot_unref(s);
	fake_env_free(f);
}

/* Whatever a price book says of where it is from. */
static void
test_any_source(void **state)
{
	static const char *const sources[] = {
	    "my price list", "two\\nlines", "until 2026-11-01x", "me"};
	struct kept_part part[KEPT_PARTS], read[KEPT_PARTS];
	struct fake_env *f = fake_env_new(1);
	char book[400];

	(void)state;
	put_world(f);
	put_own(f);
	for (size_t i = 0; i < nitems(sources); i++) {
		struct snapshot *s;
		struct buf text;

		snprintf(book, sizeof(book), "version: 1\nsource: \"%s\"\n" OWN_ROWS,
		    sources[i]);
		fake_env_put(f, "prices.yaml", str_of(book), 0600);
		s = good_policy(f, STR(OWN_POLICY));
		text = printed(s, part);
		assert_true(kept_read(buf_str(&text), read));
		assert_int_equal(strncmp(read[2].key, "undated-", 8), 0);
		assert_true(hash_sha256_eq(&read[2].hash, &part[2].hash));
		buf_fini(&text);
		snapshot_unref(s);
	}
	fake_env_free(f);
}

static void
test_damaged(void **state)
{
	static const char *const bad[] = {"", "policy", "policy 4be1c09\n",
	    "policy 4be1c09 00\n",
	    "policy  "
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	    "prices x "
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	    "policy x "
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"};
	struct kept_part part[KEPT_PARTS];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kept_read(str_of(bad[i]), part));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_without_files),
	    cmocka_unit_test(test_everything),
	    cmocka_unit_test(test_an_open_door),
	    cmocka_unit_test(test_basis),
	    cmocka_unit_test(test_any_source),
	    cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
