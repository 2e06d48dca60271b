/* hash.c: SipHash-2-4, SHA-256 (of libcrypto) and CRC-32C. */
#include "base/hash.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static uint64_t
rotl(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

/* Up to eight bytes; little-endian whatever the machine is. */
static uint64_t
load(const unsigned char *p, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return le64toh(v);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void
sip_block(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t
hash_sip(const uint64_t key[2], struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t whole = s.len / 8 * 8;
	uint64_t v[4] = {
	    key[0] ^ 0x736f6d6570736575U,
	    key[1] ^ 0x646f72616e646f6dU,
	    key[0] ^ 0x6c7967656e657261U,
	    key[1] ^ 0x7465646279746573U,
	};

	for (size_t i = 0; i < whole; i += 8)
		sip_block(v, load(p + i, 8));
	sip_block(v, (uint64_t)s.len << 56 |
			 (s.len > whole ? load(p + whole, s.len - whole) : 0));
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
hash_stable(struct str s)
{
	/* Changing it would move every draw and every session. */
	static const uint64_t key[2] = {0x6672756761CCDD01U, 0x73746162CCDD0002U};

	return hash_sip(key, s);
}

struct sha256
hash_sha256(struct str s)
{
	struct sha256 h;
	const void *p = s.p == NULL ? "" : s.p;

	if (EVP_Digest(p, s.len, h.b, NULL, EVP_sha256(), NULL) != 1)
		xabort("libcrypto has no SHA-256");
	return h;
}

bool
hash_sha256_eq(const struct sha256 *a, const struct sha256 *b)
{
	return CRYPTO_memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void
hash_sha256_hex(const struct sha256 *h, char ret[static 65])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(h->b); i++) {
		ret[2 * i] = digits[h->b[i] >> 4];
		ret[2 * i + 1] = digits[h->b[i] & 15];
	}
	ret[64] = '\0';
}

bool
hash_sha256_parse(struct str hex, struct sha256 *ret)
{
	struct sha256 h;

	if (hex.len != 2 * sizeof(h.b))
		return false;
	for (size_t i = 0; i < sizeof(h.b); i++) {
		int high = str_hex_digit(hex.p[2 * i]),
		    low = str_hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		h.b[i] = (uint8_t)(high << 4 | low);
	}
	*ret = h;
	return true;
}

/* A CRC is linear: the entry of a byte is the sum of the entries of its bits. */
#define CRC_BIT(i, bit, entry) (((i) >> (bit)&1) != 0 ? (entry) : 0U)
#define CRC_1(i)                                                      \
	(CRC_BIT(i, 0, 0xF26B8303U) ^ CRC_BIT(i, 1, 0xE13B70F7U) ^    \
	    CRC_BIT(i, 2, 0xC79A971FU) ^ CRC_BIT(i, 3, 0x8AD958CFU) ^ \
	    CRC_BIT(i, 4, 0x105EC76FU) ^ CRC_BIT(i, 5, 0x20BD8EDEU) ^ \
	    CRC_BIT(i, 6, 0x417B1DBCU) ^ CRC_BIT(i, 7, 0x82F63B78U))
#define CRC_4(i)  CRC_1(i), CRC_1((i) + 1), CRC_1((i) + 2), CRC_1((i) + 3)
#define CRC_16(i) CRC_4(i), CRC_4((i) + 4), CRC_4((i) + 8), CRC_4((i) + 12)
#define CRC_64(i) CRC_16(i), CRC_16((i) + 16), CRC_16((i) + 32), CRC_16((i) + 48)

static const uint32_t crc_table[256] = {
    CRC_64(0), CRC_64(64), CRC_64(128), CRC_64(192)};

static uint32_t
crc_by_table(uint32_t crc, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ crc_table[(crc ^ p[i]) & 0xFF];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_of_words(uint32_t crc, const unsigned char *p, size_t words)
{
	uint64_t longer = crc, word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, p + i * sizeof(word), sizeof(word));
		longer = _mm_crc32_u64(longer, word);
	}
	return (uint32_t)longer;
}
#endif

uint32_t
hash_crc32c(uint32_t crc, const void *p, size_t len)
{
	const unsigned char *bytes = p;

	crc = ~crc;
#if defined(__x86_64__)
	if (len >= 8 && __builtin_cpu_supports("sse4.2")) {
		crc = crc_of_words(crc, bytes, len / 8);
		bytes += len / 8 * 8;
		len %= 8;
	}
#endif
	return ~crc_by_table(crc, bytes, len);
}
