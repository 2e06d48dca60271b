/* libs: base core */
/* test_numbers.c: ledgers store outcomes, bases, tiers, reasons, flaws and sets of
 * tiers of service as numbers, so a name keeps its number for ever: a new one goes to
 * the end of its set, and of tests/table/numbers.tbl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/env.h"
#include "core/sets.h"

static void
check_line(struct str line, unsigned *ret_seen)
{
	struct str set = {0}, name = {0};
	const char *is = "?";
	uint64_t n;

	assert_true(str_split(&line, ' ', &set) && str_split(&line, ' ', &name));
	assert_true(str_to_u64(line, &n));
	if (str_is(set, "outcome"))
		is = outcome_name((enum outcome)n);
	else if (str_is(set, "basis"))
		is = basis_name((enum basis)n);
	else if (str_is(set, "tier"))
		is = tier_name((enum tier)n);
	else if (str_is(set, "reason"))
		is = reason_name((enum reason)n);
	else if (str_is(set, "flaw"))
		is = flaw_name((enum flaw)n);
	else if (str_is(set, "service"))
		is = service_name((enum service)n);
	if (!str_is(name, is))
		fail_msg("%.*s: %llu was %.*s and is now %s", (int)set.len, set.p,
		    (unsigned long long)n, (int)name.len, name.p, is);
	++*ret_seen;
}

static void
test_numbers_stay(void **state)
{
	struct buf text;
	struct str rest, line;
	unsigned seen = 0;

	(void)state;
	buf_init(&text, 65536);
	assert_true(env_system()->read_file(
	    env_system(), FRUGALD_SOURCE_DIR "/tests/table/numbers.tbl", 65536, &text));
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (line.len > 0 && line.p[0] != '#')
			check_line(line, &seen);
	}
	/* Each member is in the table, so that the next one finds its place. */
	assert_int_equal(seen, OUT_COUNT - 1 + BASIS_COUNT + TIER_COUNT + REASON_COUNT +
				   FLAW_COUNT + SERVICE_COUNT);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers_stay)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
