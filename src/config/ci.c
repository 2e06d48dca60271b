/* ci.c: which jobs of a pipeline get a key for their OIDC token, and what the key is.
 */
#include "build.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/jwt.h"

/* Of a JWKS file: the largest issuers have some ten keys. */
#define KEYS_BYTES ((size_t)256 << 10)

static bool
claim_name_ok(struct str s)
{
	static const char *const own[] = {"iss", "aud", "exp", "nbf", "iat"};

	for (size_t i = 0; i < nitems(own); i++) {
		if (str_is(s, own[i]))
			return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return s.len > 0 && s.len < 64;
}

/* The index of a claim, which is read once whatever it is for. */
static unsigned
claim_at(struct build *b, struct ci_rule *r, struct str name, struct diag_place at)
{
	unsigned i = 0;

	if (!claim_name_ok(name))
		diag_error(b->r.d, at,
		    "'%s' is no claim that can be asked for; name one at the top of "
		    "the token, of letters, digits, '_' and '-', and none of iss, aud, "
		    "exp, nbf, iat, which are checked anyway",
		    name.p);
	while (i < r->claims && !str_is(name, r->claim[i]))
		i++;
	if (i == r->claims && i < CI_CLAIMS_MAX)
		r->claim[r->claims++] = name.p;
	return i < CI_CLAIMS_MAX ? i : 0;
}

static void
read_require(struct build *b, const struct ci_draft *d, struct ci_rule *r)
{
	const struct node *map = d->require;

	if (map == NULL || map->count == 0) {
		diag_error(b->r.d,
		    map == NULL ? node_place(d->draft.node, "issuer") : map->at,
		    "ci '%s': the issuer signs tokens for everybody who uses it; say "
		    "whose get a key, such as require: {repository_owner: acme}",
		    r->name);
		return;
	}
	if (map->count > CI_REQUIRES_MAX) {
		diag_error(
		    b->r.d, map->at, "require: at most %d claims", CI_REQUIRES_MAX);
		return;
	}
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		unsigned at = claim_at(b, r, n->key, n->key_at);
		const char *star = strchr(n->text.p, '*');

		if (n->text.len == 0 || (star != NULL && star[1] != '\0'))
			diag_error(b->r.d, n->at,
			    "require: '%s' does not fit; write the claim's value, or "
			    "its begin and a '*'",
			    n->text.p);
		r->require[r->requires].claim = at;
		r->require[r->requires ++].value = n->text;
	}
}

static void
read_tags(struct build *b, const struct ci_draft *d, struct ci_rule *r)
{
	const struct node *map = d->tags;

	if (map == NULL)
		return;
	if (map->count > TAGS_MOST) {
		diag_error(
		    b->r.d, map->at, "tags: a request has at most %d", TAGS_MOST);
		return;
	}
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		check_tag(b, n->key, n->key_at);
		r->tag[r->tags].name = n->key.p;
		r->tag[r->tags++].claim = claim_at(b, r, n->text, n->at);
	}
}

/* Only what is under TLS is the issuer's own word. */
static void
check_issuer(struct build *b, const struct ci_draft *d, const struct ci_rule *r)
{
	struct diag_place at = node_place(d->draft.node, "issuer");

	if (strlen(r->issuer) >= JWT_ISS_BYTES)
		diag_error(b->r.d, at, "issuer: more than %u bytes", JWT_ISS_BYTES - 1);
	if (d->keys == NULL && strncmp(r->issuer, "https://", 8) != 0)
		diag_error(b->r.d, at,
		    "issuer: '%s' is not https://, so anybody could sign in its name; "
		    "use https, or name its keys: file:PATH",
		    r->issuer);
	if (strpbrk(r->issuer, " \t?#") != NULL)
		diag_error(b->r.d, at,
		    "issuer: '%s' is no URL of an issuer; copy the token's claim `iss`",
		    r->issuer);
}

static void
read_keys(struct build *b, const struct ci_draft *d, struct ci_rule *r)
{
	struct diag_place at = node_place(d->draft.node, "keys");
	char why[JWT_WHY_BYTES];
	struct buf text;
	const char *path;

	if (d->keys == NULL)
		return;
	r->own_keys = true;
	if (strncmp(d->keys, "file:", 5) != 0 || d->keys[5] == '\0') {
		diag_error(b->r.d, at,
		    "keys: '%s' does not fit; write file:PATH of a JSON Web Key Set, "
		    "or leave it out, then the issuer is asked",
		    d->keys);
		return;
	}
	if (b->offline || b->texts != NULL)
		return;
	path = d->keys + 5;
	buf_init(&text, KEYS_BYTES + 1);
	if (!b->env->read_file(b->env, path, KEYS_BYTES, &text)) {
		diag_error(b->r.d, at,
		    "'%s' cannot be read: %s; check path, owner and mode", path,
		    strerror(errno));
	} else {
		r->keys = jwks_parse(buf_str(&text), why);
		if (r->keys == NULL)
			diag_error(b->r.d, at, "'%s': %s", path, why);
		else
			build_keep_jwks(b, r->keys);
	}
	buf_fini(&text);
}

/* A key is good for as long as what it was given under is the policy's word. One that
 * was given without a cap has a name that no cap would hold for, and one without a tag
 * lets its client say that tag. */
static uint64_t
hash_terms(const struct ci_rule *r)
{
	struct buf text;
	uint64_t hash;

	buf_init(&text, (size_t)1 << 20);
	buf_printf(
	    &text, "%s\n%s\n%s\n%d\n", r->name, r->issuer, r->audience, r->capped);
	for (unsigned i = 0; i < r->requires; i++)
		buf_printf(&text, "%s=%s\n", r->claim[r->require[i].claim],
		    r->require[i].value.p);
	for (unsigned i = 0; i < r->tags; i++)
		buf_printf(&text, "%s:%s\n", r->tag[i].name, r->claim[r->tag[i].claim]);
	hash = hash_stable(buf_str(&text));
	buf_fini(&text);
	return hash;
}

static void
read_rule(struct build *b, const struct ci_draft *d, struct ci_rule *r)
{
	*r = (struct ci_rule){
	    .name = d->draft.name,
	    .key = arena_printf(b->r.mem, CI_KEY "%s", d->draft.name),
	    .issuer = d->issuer == NULL ? "" : d->issuer,
	    .audience = d->audience == NULL ? "" : d->audience,
	    .lifetime_s = (int32_t)(d->lifetime_ms / 1000),
	    .ca_file = d->ca_file,
	    .allow_private = d->allow_private == 1,
	    .capped = d->max_usd.v > 0,
	};
	if (strlen(r->name) > CI_NAME_MAX)
		diag_error(b->r.d, d->draft.node->key_at,
		    "ci '%s': its name has more than %d bytes", r->name, CI_NAME_MAX);
	if (d->team != NULL) {
		r->team = snapshot_team(b->s, str_of(d->team));
		if (r->team == NULL)
			refuse_name(b, node_place(d->draft.node, "team"), "team",
			    d->team, &b->c->teams, sizeof(struct team_draft));
	}
	check_issuer(b, d, r);
	read_require(b, d, r);
	read_tags(b, d, r);
	if (r->capped) /* whose keys share it */
		(void)claim_at(b, r, STR("sub"), node_place(d->draft.node, "max_usd"));
	read_keys(b, d, r);
	r->terms = hash_terms(r);
	if (r->capped)
		budget_of_ci(b, arena_printf(b->r.mem, "%s:", r->key), d->max_usd,
		    node_place(d->draft.node, "max_usd"));
}

void
build_ci(struct build *b)
{
	unsigned count = b->c->ci.count;
	struct ci_rule *rules;

	if (count == 0)
		return;
	if (b->s->keys_file == NULL)
		diag_error(b->r.d, node_place(b->root, "ci"),
		    "ci gives keys to jobs, but without keys_file nobody needs one; "
		    "set "
		    "keys_file too");
	rules = arena_alloc(b->r.mem, count * sizeof(*rules));
	for (unsigned i = 0; i < count; i++)
		read_rule(b, draft_ci(b->c, i), &rules[i]);
	b->s->ci = rules;
	b->s->ci_count = count;
}
