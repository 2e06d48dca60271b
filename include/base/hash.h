/* hash.h: one fast keyed hash for tables and draws,
 * one strong hash for keys and files. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* SipHash-2-4 (Aumasson, Bernstein 2012): safe against chosen keys, stable across
 * machines, so that a draw or a session hash means the same tomorrow. */
uint64_t hash_sip(const uint64_t key[2], struct str s);

/* With a fixed, public key: for draws, session ids, interning; never for secrets. */
uint64_t hash_stable(struct str s);

struct sha256 {
	uint8_t b[32];
};

struct sha256 hash_sha256(struct str s);

/* Compares in constant time. */
bool hash_sha256_eq(const struct sha256 *a, const struct sha256 *b);

/* 64 lower-case hex digits and a NUL. */
void hash_sha256_hex(const struct sha256 *h, char ret[static 65]);
bool hash_sha256_parse(struct str hex, struct sha256 *ret);

/* CRC-32C (Castagnoli) of bytes, continued from `crc` (0 to begin). */
uint32_t hash_crc32c(uint32_t crc, const void *p, size_t len);

#endif
