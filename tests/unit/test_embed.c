/* libs: base */
/* test_embed.c: what the binary carries is what the files say, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/hash.h"
#include "embed.h"

static void
test_same_as_the_file(void **state)
{
	FILE *in = fopen(FRUGALD_SOURCE_DIR "/config/models.yaml", "rb");
	char part[4096];
	size_t n, at = 0;

	(void)state;
	assert_non_null(in);
	while ((n = fread(part, 1, sizeof(part), in)) > 0) {
		assert_true(n <= embed_models_yaml_len - at);
		assert_memory_equal(embed_models_yaml + at, part, n);
		at += n;
	}
	fclose(in);
	assert_int_equal(at, embed_models_yaml_len);
	assert_int_equal(embed_models_yaml[at], '\0');
}

/* Who needs no more than the hash need not read the bytes. */
static void
test_hash(void **state)
{
	struct sha256 hash =
	    hash_sha256(str_make(embed_classifier_bin, embed_classifier_bin_len));
	char hex[65];

	(void)state;
	hash_sha256_hex(&hash, hex);
	assert_string_equal(hex, EMBED_CLASSIFIER_BIN_SHA256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash),
	    cmocka_unit_test(test_same_as_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
