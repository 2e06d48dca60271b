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

struct str
auth_shown(const char *authorization, const char *x_api_key)
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
	struct str secret = auth_shown(authorization, x_api_key);
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

/* ---- terms ---- */

static void
narrow(struct terms *t, const struct terms *by)
{
	if (!by->may_use_all) {
		t->may_use_all = false;
		t->may_use_models &= by->may_use_models;
		t->may_use_routes &= by->may_use_routes;
	}
	t->may_use_providers &= by->may_use_providers;
	t->services &= by->services;
	if (by->max_per_request.v > 0 &&
	    (t->max_per_request.v <= 0 || by->max_per_request.v < t->max_per_request.v))
		t->max_per_request = by->max_per_request;
	if (by->max_output >= 0 &&
	    (t->max_output < 0 || by->max_output < t->max_output))
		t->max_output = by->max_output;
	if (by->frontier_at_most >= 0 &&
	    (t->frontier_at_most < 0 || by->frontier_at_most < t->frontier_at_most))
		t->frontier_at_most = by->frontier_at_most;
}

struct terms
auth_terms(const struct principal *p)
{
	struct terms t = {.may_use_all = true,
	    .may_use_models = UINT64_MAX,
	    .may_use_routes = UINT64_MAX,
	    .may_use_providers = UINT32_MAX,
	    .services = UINT32_MAX,
	    .max_output = -1,
	    .frontier_at_most = -1};

	if (p->team != NULL)
		narrow(&t, &p->team->terms);
	if (p->key != NULL)
		narrow(&t, &p->key->terms);
	return t;
}

bool
auth_may_use_route(const struct principal *p, unsigned route_index)
{
	return (auth_terms(p).may_use_routes >> route_index & 1) != 0;
}

bool
auth_may_use_model(const struct principal *p, unsigned model_index)
{
	return (auth_terms(p).may_use_models >> model_index & 1) != 0;
}
