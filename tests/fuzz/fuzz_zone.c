/* libs: base core config */
/* fuzz_zone.c: any bytes as a time zone file:
 * refused, or an offset for every moment. */
#include <stdint.h>
#include <stdlib.h>

#include "base/util.h"
#include "config/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int64_t moments[] = {
	    INT64_MIN / 2, -1, 0, 1795608000, 4102444800, INT64_MAX / 2};
	struct arena *mem = arena_new(1 << 20);
	const struct zone *z = zone_parse(str_make((const char *)data, len), mem);

	for (size_t i = 0; z != NULL && i < nitems(moments); i++)
		(void)zone_offset_s(z, moments[i]);
	arena_free(mem);
	return 0;
}
