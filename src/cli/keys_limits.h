/* keys_limits.h: what a client's key may do and spend, as typed and as listed. */
#ifndef CLI_KEYS_LIMITS_H
#define CLI_KEYS_LIMITS_H

#include "base/json.h"
#include "config/keys.h"
#include "config/snapshot.h"
#include "verb.h"

/* From the options. False: what the daemon would refuse at its next reload was refused
 * here. */
bool keys_limits_read(struct cli *c, const struct snapshot *s, struct key_limits *ret);
/* As the file has it; NULL: none. False: said why. */
bool keys_budget_read(struct cli *c, const char *const **ret);
/* "$0.25 a request, 4000 tokens"; "" without limits. */
const char *keys_limits_text(struct cli *c, const struct key_limits *l);
/* Members of an object. */
void keys_limits_json(const struct key_limits *l, struct json *j);

/* ---- keys.c ---- */

/* "a,b" as texts; the last NULL. NULL: none. */
const char *const *keys_words(struct cli *c, const char *list);
const char *keys_joined(struct cli *c, const char *const *words);
/* NULL: null. */
void keys_put_texts(struct json *j, const char *key, const char *const *texts);

#endif
