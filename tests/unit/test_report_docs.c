/* docs/api.md says of errors what core/outcome.def says.
 * FRUGALD_GOLDEN_UPDATE=1 writes the table anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/env.h"
#include "core/sets.h"

#define BEGIN "<!-- from core/outcome.def; a test compares the two -->\n"
#define END   "<!-- end -->"
#define DOC   FRUGALD_SOURCE_DIR "/docs/api.md"

static void
put_table(struct buf *b)
{
	buf_add(b,
	    "\n| status | type | code | retry | billed by | the client is told |\n"
	    "| --- | --- | --- | --- | --- | --- |\n");
	for (int o = OUT_served + 1; o < OUT_COUNT; o++) {
		const struct outcome_row *r = outcome_row((enum outcome)o);

		buf_printf(b, "| %d | `%s` | `%s` | %s | %s | %s |\n", r->http, r->type,
		    r->code, r->retry ? "yes" : "no", basis_name(r->basis), r->text);
	}
	buf_add(b, "\n");
}

static void
errors_as_in_outcome_def(void **state)
{
	struct env *env = env_system();
	struct buf doc, table, fresh;
	const char *begin, *end;

	(void)state;
	buf_init(&doc, 1 << 20);
	buf_init(&table, 1 << 20);
	buf_init(&fresh, 1 << 20);
	assert_true(env->read_file(env, DOC, 1 << 19, &doc));
	buf_add(&doc, "");
	put_table(&table);
	begin = strstr(doc.p, BEGIN);
	assert_non_null(begin);
	begin += strlen(BEGIN);
	end = strstr(begin, END);
	assert_non_null(end);
	if (getenv("FRUGALD_GOLDEN_UPDATE") != NULL) {
		buf_printf(
		    &fresh, "%.*s%s%s", (int)(begin - doc.p), doc.p, table.p, end);
		assert_true(env->write_file(env, DOC, buf_str(&fresh)));
	} else {
		assert_int_equal(end - begin, table.len);
		assert_memory_equal(begin, table.p, table.len);
	}
	buf_fini(&doc);
	buf_fini(&table);
	buf_fini(&fresh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_as_in_outcome_def),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
