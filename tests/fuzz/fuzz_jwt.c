/* libs: base */
/* fuzz_jwt.c: any bytes as a token, as its claims and as an issuer's keys: read within
 * bounds or refused with a reason, and never signed by anybody. */
#include <stdint.h>
#include <stdlib.h>

#include "base/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_claims(struct str payload)
{
	struct jwt_claim claim[] = {{.name = "sub"}, {.name = "run_id"}};
	char why[JWT_WHY_BYTES];
	struct jwt_facts f;

	if (!jwt_facts_read(payload, "frugald", &f, claim, nitems(claim), why))
		return;
	for (size_t i = 0; i < nitems(claim); i++) {
		if (!claim[i].found && claim[i].text[0] != '\0')
			abort();
	}
	if (f.exp_s < -1 || f.nbf_s < -1 || f.iat_s < -1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = str_make((const char *)data, len);
	char why[JWT_WHY_BYTES];
	struct buf payload;
	struct jwks *keys;
	struct jwt t;

	buf_init(&payload, JWT_BYTES_MAX);
	keys = jwks_parse(text, why);
	if (jwt_read(text, &t, &payload, why)) {
		if (t.signed_part.len >= len || t.signature_bytes == 0)
			abort();
		read_claims(buf_str(&payload));
		if (keys != NULL && jwks_verify(keys, &t) == JWKS_good)
			abort();
	}
	read_claims(text);
	jwks_free(keys);
	buf_fini(&payload);
	return 0;
}
