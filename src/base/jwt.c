/* jwt.c: takes a token apart. The algorithm is the header's word, so it is one of two
 * with a public key: `none`, and HMAC with a public key for its secret, have deceived
 * others (RFC 8725, 3.1). */
#include "base/jwt.h"

#include <assert.h>
#include <stdio.h>

#include "base/scan.h"
#include "base64url.h"

#define DEPTH      16
#define CLAIMS_MAX 48
#define MANY       "there are more claims than can be asked for"

static bool
wrong(char ret_why[static JWT_WHY_BYTES], const char *why)
{
	snprintf(ret_why, JWT_WHY_BYTES, "%s", why);
	return false;
}

/* The whole of a text at `paths`; false: it is no JSON object. */
static bool
scan_all(struct str text, const struct scan_path *paths, size_t count,
    scan_value_fn *on_value, void *arg)
{
	struct scan_paths *compiled = scan_paths_new(paths, count);
	struct scan *scan = scan_new(compiled, DEPTH, on_value, arg);
	bool ok = scan_feed(scan, text.p, text.len) && scan_end(scan);

	scan_free(scan);
	scan_paths_free(compiled);
	return ok;
}

/* ---- the header ---- */

enum { HEAD_alg, HEAD_kid, HEAD_crit };

static const struct scan_path head_paths[] = {
    {"alg", HEAD_alg, true},
    {"kid", HEAD_kid, true},
    {"crit", HEAD_crit, true},
};

struct head {
	struct str text;
	char alg[16], kid[JWT_KID_BYTES];
	bool crit, bad;
};

static bool
on_head(void *arg, const struct scan_value *v)
{
	struct head *h = arg;
	struct str raw;

	if (v->id == HEAD_crit) {
		h->crit = true;
		return true;
	}
	if (v->kind == SCAN_object || v->kind == SCAN_array)
		return !(h->bad = true);
	raw = str_make(h->text.p + v->start, v->end - v->start);
	if (v->id == HEAD_alg)
		h->bad |= !scan_text(raw, v->kind, h->alg, sizeof(h->alg));
	else
		h->bad |= !scan_text(raw, v->kind, h->kid, sizeof(h->kid));
	return true;
}

static bool
read_head(struct str text, struct jwt *ret, char ret_why[static JWT_WHY_BYTES])
{
	struct head h = {.text = text};

	if (!scan_all(text, head_paths, nitems(head_paths), on_head, &h) || h.bad)
		return wrong(ret_why, "its header is not that of a signed token");
	if (h.crit)
		return wrong(ret_why, "its header asks for an extension (crit)");
	if (strcmp(h.alg, "RS256") == 0)
		ret->alg = JWT_rs256;
	else if (strcmp(h.alg, "ES256") == 0)
		ret->alg = JWT_es256;
	else
		return wrong(ret_why, "it is not signed by RS256 or ES256");
	memcpy(ret->kid, h.kid, sizeof(ret->kid));
	return true;
}

/* ---- the whole ---- */

static bool
split(struct str text, struct str part[static 3])
{
	struct str rest = text;

	for (int i = 0; i < 3; i++) {
		if (!str_split(&rest, '.', &part[i]) || part[i].len == 0)
			return false;
	}
	return rest.p == NULL;
}

/* Appends the bytes of a part. */
static bool
decode(struct str part, struct buf *ret)
{
	size_t n = base64url_bytes(part);
	uint8_t bytes[JWT_BYTES_MAX];

	return n <= sizeof(bytes) && base64url_read(part, bytes) &&
	       buf_append(ret, (const char *)bytes, n);
}

bool
jwt_read(struct str text, struct jwt *ret, struct buf *ret_payload,
    char ret_why[static JWT_WHY_BYTES])
{
	struct str part[3];
	struct buf head;
	bool ok;

	*ret = (struct jwt){0};
	if (text.len > JWT_BYTES_MAX)
		return wrong(ret_why, "it is too long");
	if (text.p == NULL || !split(text, part))
		return wrong(ret_why, "it has not three parts");
	if (base64url_bytes(part[2]) > sizeof(ret->signature) ||
	    !base64url_read(part[2], ret->signature))
		return wrong(ret_why, "its signature cannot be read");
	ret->signature_bytes = base64url_bytes(part[2]);
	ret->signed_part = str_make(text.p, part[0].len + 1 + part[1].len);
	buf_init(&head, JWT_BYTES_MAX);
	ok = decode(part[0], &head) ? read_head(buf_str(&head), ret, ret_why)
				    : wrong(ret_why, "its header cannot be read");
	buf_fini(&head);
	if (ok && !decode(part[1], ret_payload))
		ok = wrong(ret_why, "its payload cannot be read");
	return ok;
}

/* ---- the payload ---- */

enum { FACT_iss, FACT_aud, FACT_exp, FACT_nbf, FACT_iat, FACT_COUNT };

static const struct scan_path fact_paths[] = {
    {"iss", FACT_iss, true},
    {"aud", FACT_aud, true},
    {"aud[]", FACT_aud, false},
    {"exp", FACT_exp, true},
    {"nbf", FACT_nbf, true},
    {"iat", FACT_iat, true},
};

struct facts {
	struct str text;
	const char *audience;
	struct jwt_facts *ret;
	struct jwt_claim *claims;
	bool bad;
};

/* RFC 7519 allows fractions of seconds. */
static bool
take_time(struct str raw, enum scan_kind kind, int64_t *ret)
{
	struct str whole = raw, rest = raw;

	if (kind != SCAN_number)
		return false;
	if (scan_int(raw, ret))
		return *ret >= 0;
	if (!str_split(&rest, '.', &whole) || memchr(raw.p, 'e', raw.len) != NULL ||
	    memchr(raw.p, 'E', raw.len) != NULL)
		return false;
	return scan_int(whole, ret) && *ret >= 0;
}

static bool
take_fact(struct facts *f, int id, struct str raw, enum scan_kind kind)
{
	char text[JWT_TEXT_BYTES];

	switch (id) {
	case FACT_iss:
		return scan_text(raw, kind, f->ret->iss, sizeof(f->ret->iss));
	case FACT_exp:
		return take_time(raw, kind, &f->ret->exp_s);
	case FACT_nbf:
		return take_time(raw, kind, &f->ret->nbf_s);
	case FACT_iat:
		return take_time(raw, kind, &f->ret->iat_s);
	default:
		if (scan_text(raw, kind, text, sizeof(text)) &&
		    strcmp(text, f->audience) == 0)
			f->ret->for_audience = true;
		return true;
	}
}

static void
take_claim(struct jwt_claim *c, struct str raw, enum scan_kind kind)
{
	if (kind == SCAN_string)
		c->found = scan_text(raw, kind, c->text, sizeof(c->text));
	else if (kind != SCAN_null && raw.len < sizeof(c->text))
		c->found = str_copy(c->text, sizeof(c->text), raw) == raw.len;
}

static bool
on_fact(void *arg, const struct scan_value *v)
{
	struct facts *f = arg;
	struct str raw;

	if (v->kind == SCAN_object || v->kind == SCAN_array) {
		f->bad |= v->id < FACT_COUNT && v->id != FACT_aud;
		return true;
	}
	raw = str_make(f->text.p + v->start, v->end - v->start);
	if (v->id >= FACT_COUNT)
		take_claim(&f->claims[v->id - FACT_COUNT], raw, v->kind);
	else
		f->bad |= !take_fact(f, v->id, raw, v->kind);
	return true;
}

bool
jwt_facts_read(struct str payload, const char *audience, struct jwt_facts *ret,
    struct jwt_claim *claims, size_t count, char ret_why[static JWT_WHY_BYTES])
{
	struct scan_path paths[nitems(fact_paths) + CLAIMS_MAX];
	struct facts f = {
	    .text = payload, .audience = audience, .ret = ret, .claims = claims};

	*ret = (struct jwt_facts){.exp_s = -1, .nbf_s = -1, .iat_s = -1};
	if (count > CLAIMS_MAX)
		return wrong(ret_why, MANY);
	memcpy(paths, fact_paths, sizeof(fact_paths));
	for (size_t i = 0; i < count; i++) {
		claims[i].found = false;
		claims[i].text[0] = '\0';
		paths[nitems(fact_paths) + i] =
		    (struct scan_path){claims[i].name, FACT_COUNT + (int)i, true};
	}
	if (!scan_all(payload, paths, nitems(fact_paths) + count, on_fact, &f) || f.bad)
		return wrong(ret_why, "its claims cannot be read");
	return true;
}
