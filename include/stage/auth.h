/* auth.h: whose key is this, and what may it be used for. */
#ifndef STAGE_AUTH_H
#define STAGE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/sets.h"

struct snapshot;
struct key_entry;
struct team;
struct terms;

/* Who asks. Without keys in the config everything
 * on loopback is one principal, "local". */
struct principal {
	const struct key_entry *key;      /* NULL: no keys are configured */
	const struct team *team;          /* NULL: none */
	const char *key_name, *team_name; /* "local" and "" without keys */
};

/* `authorization` and `x_api_key` as they came, NULL when absent; if both are there
 * they must be the same key. The same answer and the same work for unknown, expired,
 * paused and revoked keys. False: OUT_unauthenticated. */
bool auth_check(const struct snapshot *s, const char *authorization,
    const char *x_api_key, int64_t now_s, struct principal *ret);

/* What both the principal's team and its key allow; but for require_tags, which each
 * has of its own. */
struct terms auth_terms(const struct principal *p);

/* May the principal use this route or model (one of them NULL)? */
bool auth_may_use_route(const struct principal *p, unsigned route_index);
bool auth_may_use_model(const struct principal *p, unsigned model_index);

#endif
