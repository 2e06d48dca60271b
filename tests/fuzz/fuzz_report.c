/* libs: base config core report */
/* fuzz_report.c: any text as the query of a cost summary, and as a kept policy whose
 * names are wanted: an answer or a finding, and never a look beyond the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "dates.h"
#include "policy_names.h"

#define NOW_MS 1795429800000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_ask(struct str text)
{
	struct ask_finding f = {0};
	struct ask a;

	if (!ask_parse(text, NOW_MS, &a, &f)) {
		if (f.why[0] == '\0' || memchr(f.why, '\0', sizeof(f.why)) == NULL)
			abort();
		return;
	}
	if (a.from_ms >= a.to_ms || a.groups > ASK_GROUPS || a.filters > ASK_FILTERS)
		abort();
}

static void
check_date(struct str text)
{
	char back[DATE_TEXT_BYTES];
	int64_t ms, again;

	if (!date_parse(text, &ms))
		return;
	date_format_ms(ms, back);
	if (!date_parse(str_of(back), &again) || again != ms)
		abort();
}

static void
check_names(struct str text)
{
	static struct policy_names n;

	policy_names_parse(text, &n);
	for (unsigned i = 0; i < n.models; i++) {
		if (n.model[i].ats > POLICY_ATS)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = str_make((const char *)data, len);

	check_ask(text);
	check_date(text);
	check_names(text);
	return 0;
}
