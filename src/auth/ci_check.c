/* ci_check.c: what the token of a pipeline's job is worth. What it says is read before
 * its signature is checked, to find the issuer; nothing of it counts before. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/jwt.h"
#include "stage/auth.h"

/* Clocks differ by so much. */
#define LEEWAY_S 60

struct checking {
	const struct ci_rule *rule;
	struct jwt token;
	struct str payload;
	struct jwt_facts facts;
	struct jwt_claim claim[CI_CLAIMS_MAX];
	int64_t now_s;
	bool ours; /* it is made for this rule: why not then is more to the point */
	int told;  /* 0: nothing yet; of a rule that it is made for: 2 */
	char *why; /* CI_WHY_BYTES */
};

static bool wrong(struct checking *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool
wrong(struct checking *c, const char *fmt, ...)
{
	char text[CI_WHY_BYTES - CI_NAME_MAX - 16];
	va_list ap;

	if (c->told >= 1 + c->ours)
		return false; /* another rule was as near */
	c->told = 1 + c->ours;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(c->why, CI_WHY_BYTES, "ci '%s': %s", c->rule->name, text);
	return false;
}

static bool
read_facts(struct checking *c)
{
	char why[JWT_WHY_BYTES];

	for (unsigned i = 0; i < c->rule->claims; i++)
		c->claim[i].name = c->rule->claim[i];
	return jwt_facts_read(c->payload, c->rule->audience, &c->facts, c->claim,
		   c->rule->claims, why) ||
	       wrong(c, "%s", why);
}

/* ---- what must hold ---- */

static bool
for_us(struct checking *c)
{
	c->ours = c->facts.for_audience;
	return c->ours || wrong(c, "it is made for another audience");
}

static bool
in_time(struct checking *c)
{
	const struct jwt_facts *f = &c->facts;

	if (f->exp_s < 0)
		return wrong(c, "it does not say when it ends (exp)");
	if (f->exp_s <= c->now_s - LEEWAY_S)
		return wrong(c, "it ended %" PRId64 " s ago", c->now_s - f->exp_s);
	if (f->nbf_s > c->now_s + LEEWAY_S || f->iat_s > c->now_s + LEEWAY_S)
		return wrong(c, "it begins in the future; are the clocks right?");
	return true;
}

static bool
meets(struct checking *c)
{
	const struct ci_rule *r = c->rule;

	for (unsigned i = 0; i < r->requires; i++) {
		const struct jwt_claim *claim = &c->claim[r->require[i].claim];

		if (!claim->found ||
		    !str_glob(r->require[i].value, str_of(claim->text)))
			return wrong(
			    c, "its claim %s is not what is required", claim->name);
	}
	return true;
}

/* ---- what the key is ---- */

/* Names of workflows have blanks, and tags stand in logs and URLs. */
static void
tame(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		if (!tag_text_ok(str_make(p, 1)))
			*p = '_';
	}
}

/* A tag that cannot be had is no reason to go without: its client could say it. */
static bool
make_tags(struct checking *c, struct ci_grant *ret)
{
	const struct ci_rule *r = c->rule;
	size_t n = 0;

	for (unsigned i = 0; i < r->tags; i++) {
		struct jwt_claim *claim = &c->claim[r->tag[i].claim];
		char value[JWT_TEXT_BYTES];

		snprintf(value, sizeof(value), "%s", claim->text);
		tame(value);
		if (!claim->found || !tag_text_ok(str_of(value)))
			return wrong(c,
			    "its claim %s is absent, empty or longer than %d bytes: "
			    "there is nothing to make the tag %s of",
			    claim->name, TAG_WORD_BYTES, r->tag[i].name);
		if (n + strlen(r->tag[i].name) + strlen(value) + 2 > TAGS_BYTES)
			return wrong(c, "its tags have more than %d bytes", TAGS_BYTES);
		n += (size_t)snprintf(ret->tags + n, sizeof(ret->tags) - n, "%s=%s\n",
		    r->tag[i].name, value);
	}
	ret->tags[n] = '\0';
	return true;
}

/* A job that trades one token after another spends from one account all the same. */
static bool
make_name(struct checking *c, struct ci_grant *ret)
{
	const struct ci_rule *r = c->rule;
	const struct jwt_claim *sub = NULL;
	struct sha256 hash;
	struct buf text;

	snprintf(ret->key, sizeof(ret->key), "%s", r->key);
	if (!r->capped)
		return true;
	for (unsigned i = 0; i < r->claims; i++) {
		if (strcmp(c->claim[i].name, "sub") == 0 && c->claim[i].found)
			sub = &c->claim[i];
	}
	if (sub == NULL)
		return wrong(c, "it does not say whose it is (sub)");
	buf_init(&text, 4096);
	buf_printf(&text, "%s\n%s\n%s", r->issuer, sub->text, ret->tags);
	hash = hash_sha256(buf_str(&text));
	buf_fini(&text);
	snprintf(ret->key, sizeof(ret->key), CI_KEY "%s:%02x%02x%02x%02x%02x%02x",
	    r->name, hash.b[0], hash.b[1], hash.b[2], hash.b[3], hash.b[4], hash.b[5]);
	return true;
}

/* ---- one rule ---- */

static enum ci_verdict
check_signature(struct checking *c, const struct jwks *keys)
{
	if (keys == NULL) {
		(void)wrong(c, "its issuer's keys are not known");
		return CI_want_keys;
	}
	switch (jwks_verify(keys, &c->token)) {
	case JWKS_good:
		return CI_good;
	case JWKS_unknown_key:
		(void)wrong(c, "the issuer has no such key");
		return c->rule->own_keys ? CI_bad : CI_want_keys;
	default:
		(void)wrong(c, "its signature is wrong");
		return CI_bad;
	}
}

static enum ci_verdict
check_rule(struct checking *c, const struct jwks *keys, struct ci_grant *ret)
{
	enum ci_verdict v = check_signature(c, keys);

	ret->rule = c->rule;
	if (v != CI_good)
		return v;
	return for_us(c) && in_time(c) && meets(c) && make_tags(c, ret) &&
		       make_name(c, ret)
		   ? CI_good
		   : CI_bad;
}

enum ci_verdict
ci_check(const struct snapshot *s, struct str token, struct ci_issuers *issuers,
    int64_t now_s, struct ci_grant *ret, char ret_why[static CI_WHY_BYTES])
{
	struct checking c = {.now_s = now_s, .why = ret_why};
	enum ci_verdict v = CI_bad;
	char why[JWT_WHY_BYTES];
	struct buf payload;

	snprintf(ret_why, CI_WHY_BYTES, "no rule of `ci` has its issuer");
	buf_init(&payload, JWT_BYTES_MAX);
	if (!jwt_read(token, &c.token, &payload, why)) {
		snprintf(ret_why, CI_WHY_BYTES, "%s", why);
		goto out;
	}
	c.payload = buf_str(&payload);
	for (unsigned i = 0; i < s->ci_count && v == CI_bad; i++) {
		c.rule = &s->ci[i];
		c.ours = false;
		if (read_facts(&c) && strcmp(c.facts.iss, c.rule->issuer) == 0)
			v = check_rule(&c,
			    c.rule->own_keys ? c.rule->keys
					     : issuers->keys_of(issuers, c.rule),
			    ret);
	}
out:
	buf_fini(&payload);
	return v;
}
