/* libs: base config core */
/* fuzz_policy.c: any text as frugald.yaml: a snapshot whose canonical form reads back
 * as the same policy, or findings; never neither. */
#include <stdint.h>
#include <stdlib.h>

#include "base/diag.h"
#include "config/snapshot.h"
#include "fake_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_round_trip(struct fake_env *f, const struct snapshot *s)
{
	struct diag *d = diag_new();
	struct snapshot *again =
	    snapshot_parse(fake_env(f), str_of(s->canonical), "canonical.yaml", d);

	if (again == NULL || !str_eq(str_of(again->canonical), str_of(s->canonical)))
		abort();
	snapshot_unref(again);
	diag_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fake_env *f = fake_env_new(1);
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_parse(
	    fake_env(f), str_make((const char *)data, len), "policy.yaml", d);

	if ((s == NULL) != (diag_errors(d) > 0))
		abort();
	if (s != NULL)
		check_round_trip(f, s);
	snapshot_unref(s);
	diag_free(d);
	fake_env_free(f);
	return 0;
}
