/* issuer.h: the public keys of those who sign the tokens of pipelines: asked for when
 * they are needed, kept, asked for again. The desk's thread only. */
#ifndef CALL_ISSUER_H
#define CALL_ISSUER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct ci_rule;
struct env;
struct jwks;

struct issuer {
	char *name;    /* the URL: claim `iss` */
	char *ca_file; /* NULL: the system's */
	struct jwks *keys;
	int64_t fetched_ns, began_ns; /* monotonic; 0: never */
	bool fetching;
	bool asks_keys; /* the second of two questions */
	bool allow_private;
	char why[160]; /* of the last failure, "" */
	CURL *easy;
	struct buf body;
};

void issuer_init(struct issuer *i, const struct ci_rule *r);
/* Asked as this rule says: keys that came from a private address, or under another
 * authority, are those of no rule that would not have taken them. */
bool issuer_is_of(const struct issuer *i, const struct ci_rule *r);
void issuer_fini(struct issuer *i, CURLM *curl);

/* Asks for the keys, unless that was done within the last minute. False: it is not
 * under way. */
bool issuer_ask(struct issuer *i, CURLM *curl, int64_t now_ns);
/* The transfer has ended. True: all is over, with keys or with `why`. */
bool issuer_on_done(struct issuer *i, CURLM *curl, CURLcode result, int64_t now_ns);
/* NULL: not known, or had more than an hour ago, so that some may be taken back since,
 * and just being asked for. Where the issuer does not answer they are good for a day.
 */
const struct jwks *issuer_keys(struct issuer *i, CURLM *curl, int64_t now_ns);

#endif
