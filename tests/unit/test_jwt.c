/* libs: base */
/* test_jwt.c: tokens of OIDC: only what RS256 or ES256 has signed with the issuer's own
 * key is believed, and every way around it that others fell for is closed. */
#include "base/jwt.h"

#include "jwt_make.h"

struct world {
	EVP_PKEY *rsa, *weak, *ec, *other;
	struct jwks *set;
	char json[9000];
};

#define PAYLOAD                                                                    \
	"{\"iss\":\"https://"                                                      \
	"ci.example\",\"aud\":\"frugald\",\"exp\":2000,\"iat\":1000,"              \
	"\"nbf\":1000,\"run_id\":\"184\",\"attempt\":2,\"ok\":true,\"none\":null," \
	"\"list\":[1],\"workflow\":\"Build \\u0026 test\"}"

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char rsa[2048], ec[2048], weak[2048], enc[2048], why[JWT_WHY_BYTES];

	w->rsa = EVP_RSA_gen(2048);
	w->weak = EVP_RSA_gen(1024);
	w->ec = EVP_EC_gen("P-256");
	w->other = EVP_RSA_gen(2048);
	make_rsa_jwk(w->rsa, "r1", ",\"use\":\"sig\",\"alg\":\"RS256\"", rsa);
	make_ec_jwk(w->ec, "e1", "", ec);
	make_rsa_jwk(w->weak, "w1", "", weak);
	make_rsa_jwk(w->other, "enc", ",\"use\":\"enc\"", enc);
	snprintf(w->json, sizeof(w->json),
	    "{\"more\":1,\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},%s,%s,%s,%s,7]}",
	    weak, rsa, ec, enc);
	w->set = jwks_parse(str_of(w->json), why);
	if (w->set == NULL)
		fail_msg("%s", why);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	jwks_free(w->set);
	EVP_PKEY_free(w->rsa);
	EVP_PKEY_free(w->weak);
	EVP_PKEY_free(w->ec);
	EVP_PKEY_free(w->other);
	free(w);
	return 0;
}

static enum jwks_verdict
verify(const struct world *w, const char *token)
{
	enum jwks_verdict v = JWKS_bad;
	char why[JWT_WHY_BYTES];
	struct buf payload;
	struct jwt t;

	buf_init(&payload, JWT_BYTES_MAX);
	if (jwt_read(str_of(token), &t, &payload, why))
		v = jwks_verify(w->set, &t);
	buf_fini(&payload);
	return v;
}

static void
test_good(void **state)
{
	static const char *const heads[] = {"{\"alg\":\"RS256\",\"kid\":\"r1\"}",
	    "{\"typ\":\"JWT\",\"alg\":\"RS256\"}",
	    "{\"alg\":\"ES256\",\"kid\":\"e1\"}"};
	struct world *w = *state;
	char token[MAKE_TOKEN];

	assert_int_equal(jwks_count(w->set), 2);
	for (int i = 0; i < 3; i++) {
		make_token(i == 2 ? w->ec : w->rsa, heads[i], PAYLOAD, token);
		assert_int_equal(verify(w, token), JWKS_good);
	}
}

/* One bit anywhere, and it is another token. */
static void
test_every_bit_counts(void **state)
{
	static const char other[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct world *w = *state;
	char token[MAKE_TOKEN], changed[MAKE_TOKEN];

	for (int i = 0; i < 2; i++) {
		make_token(i == 0 ? w->rsa : w->ec,
		    i == 0 ? "{\"alg\":\"RS256\"}" : "{\"alg\":\"ES256\"}", PAYLOAD,
		    token);
		for (size_t k = 0; k < strlen(token); k += i == 0 ? 7 : 3) {
			memcpy(changed, token, strlen(token) + 1);
			changed[k] = other[(size_t)(token[k] + 1) % 26];
			if (changed[k] != token[k] && verify(w, changed) == JWKS_good)
				fail_msg("byte %zu", k);
		}
	}
}

static void
test_other_keys(void **state)
{
	struct world *w = *state;
	char token[MAKE_TOKEN];

	/* not of this issuer, under the name of its key */
	make_token(w->other, "{\"alg\":\"RS256\",\"kid\":\"r1\"}", PAYLOAD, token);
	assert_int_equal(verify(w, token), JWKS_bad);
	/* a key that is for something else, or too weak */
	make_token(w->other, "{\"alg\":\"RS256\",\"kid\":\"enc\"}", PAYLOAD, token);
	assert_int_equal(verify(w, token), JWKS_unknown_key);
	make_token(w->weak, "{\"alg\":\"RS256\",\"kid\":\"w1\"}", PAYLOAD, token);
	assert_int_equal(verify(w, token), JWKS_unknown_key);
	/* the right key under another's name */
	make_token(w->rsa, "{\"alg\":\"RS256\",\"kid\":\"r2\"}", PAYLOAD, token);
	assert_int_equal(verify(w, token), JWKS_unknown_key);
	/* another algorithm than the key's */
	make_token(w->ec, "{\"alg\":\"RS256\",\"kid\":\"e1\"}", PAYLOAD, token);
	assert_int_equal(verify(w, token), JWKS_unknown_key);
}

/* The header's word alone must not decide how the signature is checked. */
static void
test_algorithms_that_deceive(void **state)
{
	static const char *const heads[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}",
	    "{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"kid\":\"r1\"}",
	    "{\"alg\":\"RS512\"}", "{\"alg\":\"rs256\"}", "{\"alg\":\"\"}", "{}",
	    "{\"alg\":[\"RS256\"]}", "{\"alg\":7}",
	    "{\"alg\":\"RS256\",\"alg\":\"none\"}",
	    "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", "[]", "7", "{",
	    "{\"alg\":\"RS256\\u0000\"}"};
	struct world *w = *state;
	char token[MAKE_TOKEN], why[JWT_WHY_BYTES], rsa[2048];
	struct buf payload;
	struct jwt t;

	make_rsa_jwk(w->rsa, "r1", "", rsa);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		make_hmac_token(rsa, heads[i], PAYLOAD, token);
		buf_init(&payload, JWT_BYTES_MAX);
		if (jwt_read(str_of(token), &t, &payload, why))
			fail_msg("%s", heads[i]);
		buf_fini(&payload);
		assert_int_not_equal(verify(w, token), JWKS_good);
	}
}

static void
test_shapes_that_are_none(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a.b", "a.b.", ".b.c", "a..c",
	    "a.b.c.d", "e30.e30.e30", "eyJhbGciOiJSUzI1NiJ9.e30.A",
	    "eyJhbGciOiJSUzI1NiJ9.e30.AA==", "eyJhbGciOiJSUzI1NiJ9.e30.A+/A",
	    "eyJhbGciOiJSUzI1NiJ9.e30.AB", "eyJhbGciOiJSUzI1NiJ9 .e30.AA",
	    "eyJhbGciOiJSUzI1NiJ9.e3 0.AA"};
	char why[JWT_WHY_BYTES];
	struct buf payload;
	struct jwt t;
	char *huge = malloc(20000);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_init(&payload, JWT_BYTES_MAX);
		if (jwt_read(str_of(bad[i]), &t, &payload, why))
			fail_msg("%s", bad[i]);
		assert_true(why[0] != '\0');
		buf_fini(&payload);
	}
	memset(huge, 'A', 20000);
	buf_init(&payload, JWT_BYTES_MAX);
	assert_false(jwt_read(str_make(huge, 20000), &t, &payload, why));
	assert_string_equal(why, "it is too long");
	buf_fini(&payload);
	free(huge);
}

static void
test_facts(void **state)
{
	struct jwt_claim claims[] = {{.name = "run_id"}, {.name = "attempt"},
	    {.name = "ok"}, {.name = "none"}, {.name = "list"}, {.name = "workflow"},
	    {.name = "absent"}};
	char why[JWT_WHY_BYTES];
	struct jwt_facts f;

	(void)state;
	assert_true(jwt_facts_read(STR(PAYLOAD), "frugald", &f, claims, 7, why));
	assert_string_equal(f.iss, "https://ci.example");
	assert_true(f.for_audience);
	assert_int_equal(f.exp_s, 2000);
	assert_int_equal(f.nbf_s, 1000);
	assert_int_equal(f.iat_s, 1000);
	assert_string_equal(claims[0].text, "184");
	assert_string_equal(claims[1].text, "2");
	assert_string_equal(claims[2].text, "true");
	assert_false(claims[3].found || claims[4].found || claims[6].found);
	assert_string_equal(claims[5].text, "Build & test");
	assert_true(jwt_facts_read(STR(PAYLOAD), "another", &f, claims, 7, why));
	assert_false(f.for_audience);
	assert_true(jwt_facts_read(STR("{\"aud\":[\"a\",\"frugald\"],\"exp\":10.75}"),
	    "frugald", &f, NULL, 0, why));
	assert_true(f.for_audience);
	assert_int_equal(f.exp_s, 10);
	assert_int_equal(f.iat_s, -1);
	assert_true(jwt_facts_read(
	    STR("{\"aud\":{\"frugald\":1}}"), "frugald", &f, NULL, 0, why));
	assert_false(f.for_audience);
}

static void
test_bad_facts(void **state)
{
	static const char *const bad[] = {"", "[]", "\"x\"", "{\"exp\":\"2000\"}",
	    "{\"exp\":-5}", "{\"exp\":1e400}", "{\"exp\":null}", "{\"iss\":7}",
	    "{\"iss\":\"a\\u0000b\"}", "{\"iss\":[\"a\"]}", "{\"exp\":1,\"exp\":2}",
	    "{\"run_id\":\"1\",\"run_id\":\"2\"}",
	    "{\"aud\":\"a\",\"aud\":\"frugald\"}", "{\"exp\":1}x"};
	struct jwt_claim claim = {.name = "run_id"};
	char why[JWT_WHY_BYTES];
	struct jwt_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (jwt_facts_read(str_of(bad[i]), "frugald", &f, &claim, 1, why))
			fail_msg("%s", bad[i]);
	}
}

#define COORDINATE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
static const char off_the_curve[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" COORDINATE
    "\",\"y\":\"" COORDINATE "\"}]}";

static void
test_sets_that_are_none(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "{\"keys\":{}}",
	    "{\"keys\":[]}", "{\"keys\":[{}]}",
	    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}]}",
	    off_the_curve,
	    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"HS256\"}]}"};
	char why[JWT_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		if (jwks_parse(str_of(bad[i]), why) != NULL)
			fail_msg("%s", bad[i]);
		assert_true(why[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_every_bit_counts),
	    cmocka_unit_test(test_other_keys),
	    cmocka_unit_test(test_algorithms_that_deceive),
	    cmocka_unit_test(test_shapes_that_are_none),
	    cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_bad_facts),
	    cmocka_unit_test(test_sets_that_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
