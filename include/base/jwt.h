/* jwt.h: JSON Web Tokens (RFC 7515, 7517, 7519) as issuers of OIDC sign them: RS256 and
 * ES256, and nothing else. What a token says is nobody's word until its signature was
 * checked. */
#ifndef BASE_JWT_H
#define BASE_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/util.h"

#define JWT_BYTES_MAX  16384U
#define JWT_KID_BYTES  128U /* with the NUL, like all that follow */
#define JWT_ISS_BYTES  512U
#define JWT_TEXT_BYTES 512U
#define JWT_WHY_BYTES  120U

enum jwt_alg { JWT_rs256, JWT_es256 };

/* A token taken apart; slices are of the text. */
struct jwt {
	enum jwt_alg alg;
	char kid[JWT_KID_BYTES]; /* "": it names none */
	struct str signed_part;
	uint8_t signature[1024]; /* RSA of 8192 bits */
	size_t signature_bytes;
};

/* "HEADER.PAYLOAD.SIGNATURE". Appends the payload, JSON that is not checked yet, to
 * `ret_payload`. False: `ret_why` says what is wrong, without any word of the token. */
bool jwt_read(struct str text, struct jwt *ret, struct buf *ret_payload,
    char ret_why[static JWT_WHY_BYTES]) MUST_CHECK;

/* A claim that somebody wants: a string, a number or true and false, as text; anything
 * else counts as absent. */
struct jwt_claim {
	const char *name; /* letters, digits, '_' and '-' */
	bool found;
	char text[JWT_TEXT_BYTES];
};

/* What every token has to say of itself. Seconds since 1970; -1: not said. */
struct jwt_facts {
	char iss[JWT_ISS_BYTES];
	int64_t exp_s, nbf_s, iat_s;
	bool for_audience; /* `aud` is it, or has it among others */
};

/* Reads the payload; the claims' names are none of iss, aud, exp, nbf, iat, and each
 * stands once. False: it is no JSON object, a claim that is wanted stands twice or does
 * not fit. */
bool jwt_facts_read(struct str payload, const char *audience, struct jwt_facts *ret,
    struct jwt_claim *claims, size_t count,
    char ret_why[static JWT_WHY_BYTES]) MUST_CHECK;

/* ---- an issuer's public keys ---- */

struct jwks;

/* From a JSON Web Key Set; keys of other kinds, for other uses or too weak (RSA below
 * 2048 bits) are left out. NULL: it is no such set, or none is left; `ret_why`. */
struct jwks *jwks_parse(struct str json, char ret_why[static JWT_WHY_BYTES]);
void jwks_free(struct jwks *k); /* takes NULL */
size_t jwks_count(const struct jwks *k);

enum jwks_verdict { JWKS_good, JWKS_unknown_key, JWKS_bad };
/* Has a key of this set that may sign so, and has the token's `kid` (or none of its
 * own, or the token names none), signed it? Any thread. */
enum jwks_verdict jwks_verify(const struct jwks *set, const struct jwt *t) MUST_CHECK;

#endif
