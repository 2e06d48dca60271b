/* libs: base core call */
/* fuzz_check.c: any bytes as an answer, and as the form that was asked for: some
 * judgement, the same again. The first line is the form, the rest the answer. */
#include <stdint.h>
#include <stdlib.h>

#include "../../src/call/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str rest = str_make((const char *)data, len), form;
	struct check_input in;

	(void)str_split(&rest, '\n', &form);
	in = (struct check_input){
	    .body = rest, .format = form, .may_be_cut = len % 2 != 0};
	if (check_answer(&in) != check_answer(&in))
		abort();
	return 0;
}
