/* jwt_make.h: an issuer in a few lines: keys, their set, and tokens signed by them,
 * good ones and bad ones. */
#ifndef JWT_MAKE_H
#define JWT_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void
make_base64url(const void *bytes, size_t len, char *ret)
{
	size_t n;

	EVP_EncodeBlock((unsigned char *)ret, bytes, (int)len);
	n = strcspn(ret, "=");
	ret[n] = '\0';
	for (char *p = ret; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
}

static inline void
make_number(EVP_PKEY *key, const char *name, size_t pad, char *ret)
{
	unsigned char bytes[1100] = {0};
	BIGNUM *n = NULL;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
	len = pad > 0 ? BN_bn2binpad(n, bytes, (int)pad) : BN_bn2bin(n, bytes);
	assert_true(len > 0);
	make_base64url(bytes, (size_t)len, ret);
	BN_free(n);
}

/* {"kty":"RSA",…} */
static inline void
make_rsa_jwk(EVP_PKEY *key, const char *kid, const char *more, char ret[static 2048])
{
	char n[1600], e[16];

	make_number(key, OSSL_PKEY_PARAM_RSA_N, 0, n);
	make_number(key, OSSL_PKEY_PARAM_RSA_E, 0, e);
	snprintf(ret, 2048,
	    "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"%s}", kid, n, e,
	    more);
}

static inline void
make_ec_jwk(EVP_PKEY *key, const char *kid, const char *more, char ret[static 2048])
{
	char x[64], y[64];

	make_number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32, x);
	make_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32, y);
	snprintf(ret, 2048,
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%"
	    "s\"%s}",
	    kid, x, y, more);
}

static inline size_t
make_ec_signature(EVP_PKEY *key, const char *text, unsigned char ret[static 64])
{
	unsigned char der[256];
	const unsigned char *p = der;
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
	    EVP_DigestSign(ctx, der, &len, (const unsigned char *)text, strlen(text)),
	    1);
	EVP_MD_CTX_free(ctx);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32);
	ECDSA_SIG_free(sig);
	return 64;
}

static inline size_t
make_rsa_signature(EVP_PKEY *key, const char *text, unsigned char ret[static 1024])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 1024;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
	    EVP_DigestSign(ctx, ret, &len, (const unsigned char *)text, strlen(text)),
	    1);
	EVP_MD_CTX_free(ctx);
	return len;
}

#define MAKE_TOKEN 24576

/* Signed as the header of an honest issuer would say: by the key's kind. */
static inline void
make_token(
    EVP_PKEY *key, const char *head, const char *payload, char ret[static MAKE_TOKEN])
{
	unsigned char signature[1024];
	size_t n, len;

	make_base64url(head, strlen(head), ret);
	n = strlen(ret);
	ret[n++] = '.';
	make_base64url(payload, strlen(payload), ret + n);
	len = EVP_PKEY_is_a(key, "EC") ? make_ec_signature(key, ret, signature)
				       : make_rsa_signature(key, ret, signature);
	n = strlen(ret);
	ret[n++] = '.';
	make_base64url(signature, len, ret + n);
}

/* HMAC with a secret of the attacker's choice. */
static inline void
make_hmac_token(const char *secret, const char *head, const char *payload,
    char ret[static MAKE_TOKEN])
{
	unsigned char mac[64];
	unsigned len = 0;
	size_t n;

	make_base64url(head, strlen(head), ret);
	n = strlen(ret);
	ret[n++] = '.';
	make_base64url(payload, strlen(payload), ret + n);
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)ret,
	    strlen(ret), mac, &len);
	n = strlen(ret);
	ret[n++] = '.';
	make_base64url(mac, len, ret + n);
}

#endif
