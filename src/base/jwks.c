/* jwks.c: an issuer's public keys, and what they have signed. */
#include "base/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/scan.h"
#include "base64url.h"

#define KEYS_MAX     64
#define DEPTH        16
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define NUMBER_BYTES 1024U /* of an RSA modulus, at most */
#define NUMBER_TEXT  1400U /* the same in base64url */
#define P256_BYTES   32U
#define SMALL_TEXT   16U

struct key {
	char kid[JWT_KID_BYTES]; /* "": it has none */
	enum jwt_alg alg;
	EVP_PKEY *pkey;
};

struct jwks {
	struct key key[KEYS_MAX];
	size_t count;
};

/* ---- keys of OpenSSL ---- */

static BIGNUM *
number(const char *text)
{
	struct str s = str_of(text);
	uint8_t bytes[NUMBER_TEXT];

	if (s.len == 0 || base64url_bytes(s) > NUMBER_BYTES ||
	    !base64url_read(s, bytes))
		return NULL;
	return BN_bin2bn(bytes, (int)base64url_bytes(s), NULL);
}

static EVP_PKEY *
pkey_from(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
rsa_key(const char *n_text, const char *e_text)
{
	BIGNUM *n = number(n_text), *e = number(e_text);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (n != NULL && e != NULL && build != NULL && BN_num_bits(n) >= RSA_BITS_MIN &&
	    BN_num_bits(n) <= RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) &&
	    BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = pkey_from("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return pkey;
}

/* OpenSSL sees to it that the point is on the curve. */
static EVP_PKEY *
ec_key(const char *x_text, const char *y_text)
{
	struct str x = str_of(x_text), y = str_of(y_text);
	uint8_t point[1 + 2 * P256_BYTES] = {0x04};
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (build != NULL && base64url_bytes(x) == P256_BYTES &&
	    base64url_bytes(y) == P256_BYTES && base64url_read(x, point + 1) &&
	    base64url_read(y, point + 1 + P256_BYTES) &&
	    OSSL_PARAM_BLD_push_utf8_string(
		build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1)
		pkey = pkey_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

/* ---- the set ---- */

enum {
	JWK_whole,
	JWK_kty,
	JWK_kid,
	JWK_use,
	JWK_alg,
	JWK_crv,
	JWK_n,
	JWK_e,
	JWK_x,
	JWK_y,
	JWK_keys
};

static const struct scan_path paths[] = {
    {"keys", JWK_keys, true},
    {"keys[]", JWK_whole, false},
    {"keys[].kty", JWK_kty, true},
    {"keys[].kid", JWK_kid, true},
    {"keys[].use", JWK_use, true},
    {"keys[].alg", JWK_alg, true},
    {"keys[].crv", JWK_crv, true},
    {"keys[].n", JWK_n, true},
    {"keys[].e", JWK_e, true},
    {"keys[].x", JWK_x, true},
    {"keys[].y", JWK_y, true},
};

/* One key on its way. */
struct draft {
	char kty[SMALL_TEXT], use[SMALL_TEXT], alg[SMALL_TEXT], crv[SMALL_TEXT];
	char kid[JWT_KID_BYTES];
	char n[NUMBER_TEXT], e[SMALL_TEXT], x[64], y[64];
	bool bad;
};

struct parsing {
	struct str text;
	struct jwks *set;
	struct draft draft;
	bool any;
};

static struct str
room_of(struct draft *d, int id)
{
	switch (id) {
	case JWK_kty:
		return str_make(d->kty, sizeof(d->kty));
	case JWK_kid:
		return str_make(d->kid, sizeof(d->kid));
	case JWK_use:
		return str_make(d->use, sizeof(d->use));
	case JWK_alg:
		return str_make(d->alg, sizeof(d->alg));
	case JWK_crv:
		return str_make(d->crv, sizeof(d->crv));
	case JWK_n:
		return str_make(d->n, sizeof(d->n));
	case JWK_e:
		return str_make(d->e, sizeof(d->e));
	case JWK_x:
		return str_make(d->x, sizeof(d->x));
	default:
		return str_make(d->y, sizeof(d->y));
	}
}

static bool
says(const char *text, const char *want)
{
	return text[0] == '\0' || strcmp(text, want) == 0;
}

static void
add_key(struct parsing *p)
{
	const struct draft *d = &p->draft;
	struct key *k = &p->set->key[p->set->count];

	if (d->bad || p->set->count == KEYS_MAX || !says(d->use, "sig"))
		return;
	if (strcmp(d->kty, "RSA") == 0 && says(d->alg, "RS256")) {
		k->alg = JWT_rs256;
		k->pkey = rsa_key(d->n, d->e);
	} else if (strcmp(d->kty, "EC") == 0 && strcmp(d->crv, "P-256") == 0 &&
		   says(d->alg, "ES256")) {
		k->alg = JWT_es256;
		k->pkey = ec_key(d->x, d->y);
	}
	if (k->pkey == NULL)
		return;
	memcpy(k->kid, d->kid, sizeof(k->kid));
	p->set->count++;
}

static bool
on_value(void *arg, const struct scan_value *v)
{
	struct parsing *p = arg;
	struct str raw, room;

	if (v->id == JWK_keys) {
		p->any = v->kind == SCAN_array;
		return p->any;
	}
	if (v->id == JWK_whole) {
		if (v->end == 0)
			p->draft = (struct draft){.bad = v->kind != SCAN_object};
		else
			add_key(p);
		return true;
	}
	raw = str_make(p->text.p + v->start, v->end - v->start);
	room = room_of(&p->draft, v->id);
	if (v->kind != SCAN_string || raw.len < 2 || raw.len - 2 >= room.len) {
		p->draft.bad = true;
		return true;
	}
	(void)scan_unescape(
	    str_make(raw.p + 1, raw.len - 2), (char *)(uintptr_t)room.p);
	return true;
}

struct jwks *
jwks_parse(struct str json, char ret_why[static JWT_WHY_BYTES])
{
	struct jwks *set = xcalloc(1, sizeof(*set));
	struct parsing p = {.text = json, .set = set};
	struct scan_paths *compiled = scan_paths_new(paths, nitems(paths));
	struct scan *scan = scan_new(compiled, DEPTH, on_value, &p);
	bool ok = scan_feed(scan, json.p, json.len) && scan_end(scan);

	scan_free(scan);
	scan_paths_free(compiled);
	ERR_clear_error();
	if (ok && p.any && set->count > 0)
		return set;
	snprintf(ret_why, JWT_WHY_BYTES, "%s",
	    ok && p.any ? "it has no key for RS256 (2048 bits or more) or ES256"
			: "it is no JSON Web Key Set, {\"keys\": [...]}");
	jwks_free(set);
	return NULL;
}

void
jwks_free(struct jwks *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->count; i++)
		EVP_PKEY_free(k->key[i].pkey);
	xfree(k);
}

size_t
jwks_count(const struct jwks *k)
{
	return k->count;
}

/* ---- signatures ---- */

static bool
digest_verify(EVP_PKEY *pkey, struct str text, const uint8_t *signature, size_t bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
		    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		    EVP_DigestVerify(
			ctx, signature, bytes, (const uint8_t *)text.p, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* A token has the two numbers side by side, OpenSSL wants them in DER. */
static bool
ec_verify(EVP_PKEY *pkey, const struct jwt *t)
{
	BIGNUM *r, *s;
	ECDSA_SIG *signature;
	uint8_t *der = NULL;
	bool good = false;
	int bytes;

	if (t->signature_bytes != sizeof(uint8_t[2 * P256_BYTES]))
		return false;
	signature = ECDSA_SIG_new();
	r = BN_bin2bn(t->signature, P256_BYTES, NULL);
	s = BN_bin2bn(t->signature + P256_BYTES, P256_BYTES, NULL);
	if (signature == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(signature);
		return false;
	}
	bytes = i2d_ECDSA_SIG(signature, &der);
	if (bytes > 0)
		good = digest_verify(pkey, t->signed_part, der, (size_t)bytes);
	OPENSSL_free(der);
	ECDSA_SIG_free(signature);
	return good;
}

enum jwks_verdict
jwks_verify(const struct jwks *set, const struct jwt *t)
{
	enum jwks_verdict verdict = JWKS_unknown_key;

	for (size_t i = 0; i < set->count; i++) {
		const struct key *k = &set->key[i];

		if (k->alg != t->alg || (t->kid[0] != '\0' && !says(k->kid, t->kid)))
			continue;
		verdict = JWKS_bad;
		if (t->alg == JWT_es256 ? ec_verify(k->pkey, t)
					: digest_verify(k->pkey, t->signed_part,
					      t->signature, t->signature_bytes)) {
			verdict = JWKS_good;
			break;
		}
	}
	/* What libcurl finds in this thread's queue it would take for its own. */
	ERR_clear_error();
	return verdict;
}
