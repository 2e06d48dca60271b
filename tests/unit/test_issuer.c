/* libs: base parse config core edge auth classify route budget call relay meter report
 */
/* test_issuer.c: for how long an issuer's keys are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/env.h"
#include "base/jwt.h"
#include "call/issuer.h"
#include "config/snapshot.h"
#include "jwt_make.h"

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
/* Monotonic; when the keys were had. */
#define BEGIN (1000 * HOUR)

/* Nobody listens there, and nothing is sent: the transfers are never moved. */
static const struct ci_rule rule = {
    .name = "gone", .issuer = "https://127.0.0.1:1", .audience = "frugald"};

static void
with_keys(struct issuer *i)
{
	char jwk[MAKE_TOKEN], set[MAKE_TOKEN + 20], why[JWT_WHY_BYTES];
	EVP_PKEY *key = EVP_EC_gen("P-256");

	make_ec_jwk(key, "k", "", jwk);
	EVP_PKEY_free(key);
	snprintf(set, sizeof(set), "{\"keys\":[%s]}", jwk);
	issuer_init(i, &rule);
	i->keys = jwks_parse(str_of(set), why);
	assert_non_null(i->keys);
	i->fetched_ns = BEGIN;
}

static void
test_keys_that_may_be_taken_back(void **state)
{
	CURLM *curl = curl_multi_init();
	struct issuer i;

	(void)state;
	with_keys(&i);
	assert_non_null(issuer_keys(&i, curl, BEGIN + HOUR));
	assert_false(i.fetching);
	/* Not even the first token after a quiet night: it waits. */
	assert_null(issuer_keys(&i, curl, BEGIN + 9 * HOUR));
	assert_true(i.fetching);
	assert_null(issuer_keys(&i, curl, BEGIN + 9 * HOUR + MINUTE));
	/* The issuer's server is down: pipelines go on for a day. */
	assert_true(issuer_on_done(
	    &i, curl, CURLE_COULDNT_CONNECT, BEGIN + 9 * HOUR + MINUTE / 2));
	assert_non_null(issuer_keys(&i, curl, BEGIN + 9 * HOUR + MINUTE / 2));
	assert_null(issuer_keys(&i, curl, BEGIN + 25 * HOUR));
	assert_true(issuer_on_done(&i, curl, CURLE_COULDNT_CONNECT, BEGIN + 25 * HOUR));
	assert_null(issuer_keys(&i, curl, BEGIN + 25 * HOUR));
	issuer_fini(&i, curl);
	curl_multi_cleanup(curl);
}

/* Those of a rule that asks otherwise are not this one's. */
static void
test_whose_keys_they_are(void **state)
{
	struct ci_rule other = rule;
	CURLM *curl = curl_multi_init();
	struct issuer i;

	(void)state;
	issuer_init(&i, &rule);
	other.name = "other";
	other.audience = "others";
	assert_true(issuer_is_of(&i, &other));
	other.allow_private = true;
	assert_false(issuer_is_of(&i, &other));
	other.allow_private = false;
	other.ca_file = "ca.crt";
	assert_false(issuer_is_of(&i, &other));
	issuer_fini(&i, curl);
	assert_false(issuer_is_of(&i, &rule));
	issuer_init(&i, &other);
	assert_false(issuer_is_of(&i, &rule));
	assert_true(issuer_is_of(&i, &other));
	issuer_fini(&i, curl);
	curl_multi_cleanup(curl);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_that_may_be_taken_back),
	    cmocka_unit_test(test_whose_keys_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
