/* keys.h: the file of clients' keys. Only hashes are in it: a secret is
 * shown once, when it is made. Everything here turns a text into a new
 * text; who writes it, says the caller. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/env.h"
#include "base/money.h"
#include "base/str.h"
#include "base/util.h"

/* "fr-" and 43 digits of base 62: 256 random bits. With a NUL. */
#define KEY_SECRET_BYTES 47

/* What a key may do and spend within its team's terms, as it is written. */
struct key_limits {
	const char *const *may_use; /* the last NULL; NULL: all that the team may */
	const char *const *service_tiers, *const *require_tags; /* NULL: all, none */
	struct pusd max_per_request;                            /* 0: none */
	int64_t max_output;                                     /* -1: none */
	int64_t rpm, tpm, max_inflight;                         /* -1: none */
	struct pusd runaway;                                    /* a minute; 0: none */
	int runaway_then;        /* enum runaway_then; -1: not said */
	double frontier_at_most; /* -1: not limited */
	const char *budgets;     /* "{usd: 30, per: day}", as the file has them; NULL */
};

/* One key, as the file has it. */
struct key_record {
	const char *name;   /* two records have one name while a key is being rotated */
	const char *sha256; /* 64 hex digits */
	const char *hint;   /* "fr-4K…9xYz", for people */
	const char *team, *data;      /* NULL: none */
	int64_t created_s, expires_s; /* UTC; -1: unknown, never */
	bool revoked, paused;
	struct key_limits limits;
	const char *const *tags; /* "name=value", the last NULL; NULL: none */
};

struct key_wish {
	const char *name, *team, *data; /* team and data: NULL: none */
	int64_t expires_s;              /* -1: never */
	struct key_limits limits;
	const char *const *budget; /* "usd=30", "per=day"; NULL: none */
	const char *const *tags;   /* as above */
};

enum key_change { KEY_pause, KEY_resume, KEY_revoke };

struct keys_edit {
	struct buf text;               /* of the new file */
	char secret[KEY_SECRET_BYTES]; /* of a new key, else "" */
	char why[256];                 /* on failure: what is wrong and what to do */
};
void keys_edit_fini(
    struct keys_edit *e); /* also wipes the secret; takes a zeroed one */

/* `text` empty: a new file. False: `ret->why`. Fini `ret` in any case. */
bool keys_file_add(struct env *env, struct str text, const struct key_wish *wish,
    struct keys_edit *ret) MUST_CHECK;
/* A new secret with the same rights; the old one works for another `overlap_s`. */
bool keys_file_rotate(struct env *env, struct str text, const char *name,
    int64_t overlap_s, struct keys_edit *ret) MUST_CHECK;
/* All keys of that name. */
bool keys_file_change(struct str text, const char *name, enum key_change change,
    struct keys_edit *ret) MUST_CHECK;

/* Calls `each` for every key in order; what it is given lives during the call. False:
 * the findings are in `d`. */
bool keys_file_each(struct str text, const char *file, struct diag *d,
    void (*each)(void *arg, const struct key_record *k), void *arg) MUST_CHECK;

#endif
