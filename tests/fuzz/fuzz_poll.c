/* libs: base call */
/* fuzz_poll.c: any bytes as a page of a local machine's server: whatever is told is a
 * number that can be. The first byte chooses the page. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "poll_read.h"
#include "queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct told t = TOLD_NOTHING, nothing = TOLD_NOTHING;
	enum poll_page page;
	bool any;

	if (len == 0)
		return 0;
	page = (enum poll_page)(data[0] % POLL_PAGES);
	any = poll_read(page, str_make((const char *)data + 1, len - 1), &t);
	must(t.running >= -1 && t.waiting >= -1 && t.slots >= -1 && t.slots != 0);
	must(t.kv_share <= 1 && (t.kv_share >= 0 || t.kv_share <= -1));
	must(t.tokens >= -1 && t.tokens <= INT64_C(9000000000000000));
	must(t.slots < 0 || t.running <= t.slots);
	must(t.models <= TOLD_MODELS);
	for (unsigned i = 0; i < t.models; i++)
		must(memchr(t.model[i], '\0', TOLD_NAME) != NULL);
	if (!any)
		must(t.running == nothing.running && t.waiting == nothing.waiting &&
		     t.slots == nothing.slots && t.tokens == nothing.tokens &&
		     t.models == 0 && !t.on_demand);
	return 0;
}
