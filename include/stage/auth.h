/* auth.h: whose key is this, and what may it be used for. */
#ifndef STAGE_AUTH_H
#define STAGE_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"
#include "config/snapshot.h"
#include "core/sets.h"

struct arena;
struct env;
struct jwks;
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
/* The key that they show; empty: none, or two different ones. */
struct str auth_shown(const char *authorization, const char *x_api_key);

/* What both the principal's team and its key allow; but for require_tags, which each
 * has of its own. */
struct terms auth_terms(const struct principal *p);

/* May the principal use this route or model (one of them NULL)? */
bool auth_may_use_route(const struct principal *p, unsigned route_index);
bool auth_may_use_model(const struct principal *p, unsigned model_index);

/* ---- jobs of a pipeline: keys for OIDC tokens ---- */

/* What a token is worth. */
struct ci_grant {
	const struct ci_rule *rule; /* of the snapshot */
	char key[40];               /* name of the key */
	char tags[TAGS_BYTES + 1];  /* "name=value\n…" */
};

enum ci_verdict {
	CI_good,
	CI_bad,       /* `ret_why` says why, for our log alone */
	CI_want_keys, /* `ret->rule`: its issuer's keys are not known, or not this one
		       */
};
#define CI_WHY_BYTES 200

/* Who knows the keys of issuers: those of a rule's, or NULL. */
struct ci_issuers {
	const struct jwks *(*keys_of)(struct ci_issuers *i, const struct ci_rule *r);
};

/* Does a rule of the policy give a key for this token? Signature, issuer, audience,
 * times and claims, all of them, and without any word of the token in `ret_why`. */
enum ci_verdict ci_check(const struct snapshot *s, struct str token,
    struct ci_issuers *issuers, int64_t now_s, struct ci_grant *ret,
    char ret_why[static CI_WHY_BYTES]);

/* "fr-ci-" and 43 letters and digits: 256 random bits. With a NUL. */
#define CI_SECRET_BYTES 50

/* The keys that are out: hashes only, in a file of the state folder, at most some
 * thousands at once. Any thread. */
struct ci_keys;
/* NULL with errno: another process has it, or the disk does not take it. */
struct ci_keys *ci_keys_open(struct env *env, const char *path);
void ci_keys_close(struct ci_keys *k); /* takes NULL */
/* A new key, good until `expires_s`. False: too many are out. */
bool ci_keys_add(struct ci_keys *k, const struct ci_grant *g, int64_t expires_s,
    char ret_secret[static CI_SECRET_BYTES]) MUST_CHECK;
/* Whose it is, made from `mem`. False: it is none, over, or the policy would not give
 * it any more: its rule is gone, or says otherwise. */
bool ci_keys_check(struct ci_keys *k, const struct snapshot *s, struct str secret,
    int64_t now_s, struct arena *mem, struct principal *ret);

/* ---- where tokens are traded: a thread of call/, which asks issuers for their keys
 * ---- */

struct ci_desk;
struct worker;

enum ci_result {
	CI_key,     /* here it is */
	CI_refused, /* the log says why, the client learns nothing */
	CI_later,   /* the issuer's keys cannot be had, or too many keys are out */
};
struct ci_answer {
	enum ci_result result;
	struct ci_grant grant; /* of CI_key; its rule lives as long as the snapshot */
	char secret[CI_SECRET_BYTES];
	int64_t expires_s;
	char why[CI_WHY_BYTES]; /* for the log */
};
typedef void ci_done_fn(void *arg, const struct ci_answer *a);

/* The thread begins with the first token; `keys` must outlive it. */
struct ci_desk *ci_desk_new(struct env *env, struct ci_keys *keys);
/* Ends the thread; what still waits is answered CI_later. Takes NULL. */
void ci_desk_free(struct ci_desk *d);
/* Any worker: `done` runs on it, within half a minute. False: too many wait. */
bool ci_desk_trade(struct ci_desk *d, struct worker *w, struct snapshot *snap,
    struct str token, ci_done_fn *done, void *arg) MUST_CHECK;

#endif
