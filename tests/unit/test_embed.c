/* libs: base */
/* test_embed.c: what the binary carries is what the files say, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_as_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
