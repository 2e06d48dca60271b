/* auth.c: whose key is this, and what may it be used for. */
#include "stage/auth.h"

#include <string.h>

#include "base/hash.h"
#include "config/snapshot.h"

#define KEY_BYTES_MAX 4096

/* What unknown keys are measured against, so that they cost what known ones cost. */
static const struct key_entry nobody = {.name = "", .revoked = true};

static const char *
bearer(const char *authorization)
{
	struct str s = str_trim(str_of(authorization)), word;
	const char *blank = memchr(s.p, ' ', s.len);

	if (blank == NULL)
		return NULL;
	word = str_make(s.p, (size_t)(blank - s.p));
	return str_case_eq(word, STR("bearer")) ? blank : NULL;
}

/* The key that the client shows; empty: none, or two different ones. */
static struct str
presented(const char *authorization, const char *x_api_key)
{
	static const struct str none = {.p = "", .len = 0};
	const char *token = authorization == NULL ? NULL : bearer(authorization);
	struct str a = str_trim(str_of(token)), b = str_trim(str_of(x_api_key));

	if (authorization != NULL && token == NULL)
		return none;
	if (a.len > KEY_BYTES_MAX || b.len > KEY_BYTES_MAX)
		return none;
	if (token == NULL)
		return x_api_key == NULL ? none : b;
	return x_api_key == NULL || str_eq(a, b) ? a : none;
}

static bool
in_force(const struct key_entry *k, int64_t now_s)
{
	bool expired = k->expires_s != 0 && k->expires_s <= now_s;

	/* No short cuts: every state of a key takes the same path. */
	return !((int)k->revoked | (int)k->paused | (int)expired);
}

bool
auth_check(const struct snapshot *s, const char *authorization, const char *x_api_key,
    int64_t now_s, struct principal *ret)
{
	struct str secret = presented(authorization, x_api_key);
	const struct key_entry *k;
	struct sha256 hash;

	if (s->keys_file == NULL) {
		*ret = (struct principal){.key_name = "local", .team_name = ""};
		return true;
	}
	if (secret.len == 0)
		return false;
	hash = hash_sha256(secret);
	k = snapshot_key(s, &hash);
	if (!in_force(k == NULL ? &nobody : k, now_s))
		return false;
	*ret = (struct principal){
	    .key = k,
	    .team = k->team,
	    .key_name = k->name,
	    .team_name = k->team == NULL ? "" : k->team->name,
	};
	return true;
}

/* The team's right is the outer one; a key's own list only narrows it. */
bool
auth_may_use_route(const struct principal *p, unsigned route_index)
{
	const struct key_entry *k = p->key;
	const struct team *t = p->team;

	if (t != NULL && !t->may_use_all && (t->may_use_routes >> route_index & 1) == 0)
		return false;
	return k == NULL || k->may_use_all ||
	       (k->may_use_routes >> route_index & 1) != 0;
}

bool
auth_may_use_model(const struct principal *p, unsigned model_index)
{
	const struct key_entry *k = p->key;
	const struct team *t = p->team;

	if (t != NULL && !t->may_use_all && (t->may_use_models >> model_index & 1) == 0)
		return false;
	return k == NULL || k->may_use_all ||
	       (k->may_use_models >> model_index & 1) != 0;
}
