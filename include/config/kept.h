/* kept.h: what decides about requests, besides themselves and what was learned: as
 * texts that are kept under their hashes, and a snapshot made again of them. */
#ifndef CONFIG_KEPT_H
#define CONFIG_KEPT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/snapshot.h"

/* The policy as it is printed back, without secrets; the files that it names, or what
 * is built in. Weights are empty where they are built in: a release has them, and only
 * who classifies needs them. */
struct snapshot_texts {
	struct str policy, catalogue, prices, weights;
	struct str contracts; /* price books of providers' contracts; may be empty */
};

/* Those of a snapshot; they live as long as it does. */
struct snapshot_texts snapshot_texts(const struct snapshot *s);

/* A snapshot of what was in force, from kept texts: no file is read (but the time zones
 * of the system, where rules have hours), no secret, no client's key. NULL: findings
 * are in `d`, as when this release does not know a word of that policy any more. */
struct snapshot *snapshot_rebuild(
    struct env *env, const struct snapshot_texts *t, struct diag *d);

#define KEPT_KEY 32
/* One of the texts: by which kind and hash the ledger keeps it, and its full hash. */
struct kept_part {
	const char *kind; /* "policy", "catalogue", "prices", "weights", "contracts" */
	char key[KEPT_KEY];
	struct sha256 hash;
	struct str text; /* empty: built-in weights; when it was read from a basis */
};
enum {
	KEPT_policy,
	KEPT_catalogue,
	KEPT_prices,
	KEPT_weights,
	KEPT_contracts, /* key "": there are none */
	KEPT_PARTS,
};

/* The parts of a snapshot, with their texts. */
void kept_parts(const struct snapshot *s, struct kept_part ret[static KEPT_PARTS]);

/* A line for each part that there is: kind, key, hash. Kept itself, of kind "basis",
 * under kept_name(). */
void kept_print(const struct kept_part part[static KEPT_PARTS], struct buf *ret);
/* False: it is no such text. */
bool kept_read(struct str text, struct kept_part ret[static KEPT_PARTS]) MUST_CHECK;

/* 11 hex digits of the text's hash: what a row of the ledger names. */
#define KEPT_NAME 12
void kept_name(struct str basis, char ret[static KEPT_NAME]);

#endif
