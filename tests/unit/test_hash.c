/* libs: base */
/* test_hash.c: published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/hash.h"

/* From the reference implementation: key 00 01 .. 0f, message 00 01 .. (len - 1). */
static void
test_sip_vectors(void **state)
{
	static const uint64_t key[2] = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
	    {0, 0x726fdb47dd0e0e31U},
	    {1, 0x74f839c593dc67fdU},
	    {2, 0x0d6c8009d9a94f5aU},
	    {7, 0xab0200f58b01d137U},
	    {8, 0x93f5f5799a932462U},
	    {15, 0xa129ca6149be45e5U},
	    {63, 0x958a324ceb064572U},
	};
	char message[64];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(
		    hash_sip(key, str_make(message, rows[i].len)) == rows[i].want);
}

/* Sessions and draws hang on it: it may never change. */
static void
test_stable_is_stable(void **state)
{
	(void)state;
	assert_true(hash_stable(STR("frugald")) == 0x17f4555e2d9c9527U);
	assert_true(hash_stable(str_of(NULL)) == hash_stable(STR("")));
}

static void
test_sha256(void **state)
{
	static const char empty[] =
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	static const char abc[] =
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct sha256 h = hash_sha256(STR("abc")), other = hash_sha256(str_of(NULL)),
		      back;
	char hex[65];

	(void)state;
	hash_sha256_hex(&h, hex);
	assert_string_equal(hex, abc);
	assert_true(hash_sha256_parse(str_of(hex), &back));
	assert_true(hash_sha256_eq(&h, &back));
	assert_false(hash_sha256_eq(&h, &other));
	hash_sha256_hex(&other, hex);
	assert_string_equal(hex, empty);
	back.b[31] ^= 1;
	assert_false(hash_sha256_eq(&h, &back));
}

static void
test_sha256_parse_is_strict(void **state)
{
	char hex[65];
	struct sha256 h, kept, upper;

	(void)state;
	memset(hex, 'A', 64);
	hex[64] = '\0';
	assert_true(hash_sha256_parse(str_of(hex), &upper));
	memset(hex, 'a', 64);
	assert_true(hash_sha256_parse(str_of(hex), &h));
	assert_true(hash_sha256_eq(&h, &upper));
	kept = h;
	assert_false(hash_sha256_parse(str_make(hex, 63), &h));
	hex[63] = 'g';
	assert_false(hash_sha256_parse(str_of(hex), &h));
	assert_true(hash_sha256_eq(&h, &kept));
}

/* RFC 3720, B.4, and the usual check value. */
static void
test_crc32c(void **state)
{
	unsigned char bytes[32] = {0};

	(void)state;
	assert_int_equal(hash_crc32c(0, "123456789", 9), 0xE3069283U);
	assert_int_equal(hash_crc32c(0, bytes, 32), 0x8A9136AAU);
	memset(bytes, 0xFF, 32);
	assert_int_equal(hash_crc32c(0, bytes, 32), 0x62A8AB43U);
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(hash_crc32c(0, bytes, 32), 0x46DD794EU);
	for (size_t cut = 0; cut <= 32; cut++)
		assert_int_equal(
		    hash_crc32c(hash_crc32c(0, bytes, cut), bytes + cut, 32 - cut),
		    0x46DD794EU);
	assert_int_equal(hash_crc32c(0, NULL, 0), 0);
}

/* Words and single bytes are computed in different ways. */
static void
test_crc32c_by_bits(void **state)
{
	unsigned char bytes[257];
	uint32_t crc = ~0U, by_bytes = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (unsigned char)(i * 37 + 11);
		crc ^= bytes[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
		assert_int_equal(hash_crc32c(0, bytes, i + 1), ~crc);
		/* Byte by byte: the table alone. */
		by_bytes = hash_crc32c(by_bytes, bytes + i, 1);
		assert_int_equal(by_bytes, ~crc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sip_vectors),
	    cmocka_unit_test(test_stable_is_stable),
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_sha256_parse_is_strict),
	    cmocka_unit_test(test_crc32c),
	    cmocka_unit_test(test_crc32c_by_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
