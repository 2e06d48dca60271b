/* libs: base core config */
/* test_zone.c: local time by the recorded changes of a zone file, by its rule, and not
 * by a damaged one. */
#include "policy.h"

#include <string.h>

#include "config/zone.h"

#define HOUR 3600

static const struct zone *
parse(struct arena *mem, const char *rule)
{
	static const char block[] = ZONE_HEAD ZONE_COUNTS ZONE_TYPE;
	char text[512];
	size_t n = sizeof(block) - 1;

	memcpy(text, block, n);
	memcpy(text + n, block, n);
	snprintf(text + 2 * n, sizeof(text) - 2 * n, "\n%s\n", rule);
	return zone_parse(str_make(text, 2 * n + strlen(rule) + 2), mem);
}

static void
test_rules(void **state)
{
	static const struct {
		const char *rule;
		int64_t at_s;
		int32_t want;
	} rows[] = {
	    /* the last Sundays of March and October 2026, 01:00 UTC */
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000 - 1, HOUR},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 2 * HOUR},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000 - 1, 2 * HOUR},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, HOUR},
	    /* the second Sunday of March, the first of November */
	    {"EST5EDT,M3.2.0,M11.1.0", 1772953200 - 1, -5 * HOUR},
	    {"EST5EDT,M3.2.0,M11.1.0", 1772953200, -4 * HOUR},
	    {"EST5EDT,M3.2.0,M11.1.0", 1793512800 - 1, -4 * HOUR},
	    {"EST5EDT,M3.2.0,M11.1.0", 1793512800, -5 * HOUR},
	    /* summer over New Year: Sydney, 1 January and 1 July */
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 11 * HOUR},
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1782864000, 10 * HOUR},
	    /* half an hour of summer: Lord Howe; names in brackets */
	    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1767225600, 11 * HOUR},
	    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1782864000, 10 * HOUR + 1800},
	    /* the first and the last second of a year; a leap year's */
	    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1798722000 - 1, 11 * HOUR},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1735686000, HOUR},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", 1709251200, HOUR},       /* 1 March 2024 */
	    {"CET-1CEST,M1.1.1/0,M12.5.0/0", 1767567600, 2 * HOUR}, /* 5 January 2026 */
	    {"CET-1CEST,M1.1.1/0,M12.5.0/0", 1767567600 - 1, HOUR},
	    {"IST-5:30", 1767225600, 5 * HOUR + 1800},
	    {"<-03>3", 1767225600, -3 * HOUR},
	    /* without a rule that can be read: the type of the file */
	    {"", 1782864000, HOUR},
	    {"nonsense!", 1782864000, HOUR},
	    {"CET-1CEST", 1782864000, HOUR},
	};
	struct arena *mem = arena_new(1 << 16);

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct zone *z = parse(mem, rows[i].rule);
		int32_t got;

		assert_non_null(z);
		got = zone_offset_s(z, rows[i].at_s);
		if (got != rows[i].want)
			fail_msg("row %zu, %s: %d", i, rows[i].rule, got);
	}
	assert_int_equal(zone_offset_s(NULL, 1782864000), 0);
	arena_free(mem);
}

/* The real file has changes until 2037; its rule goes on from there. */
static void
test_system_file(void **state)
{
	struct arena *mem = arena_new(1 << 20);
	const struct zone *z;
	struct buf file;

	(void)state;
	buf_init(&file, 1 << 16);
	if (!env_system()->read_file(env_system(), "/usr/share/zoneinfo/Europe/Berlin",
		(1 << 16) - 1, &file)) {
		buf_fini(&file);
		arena_free(mem);
		skip();
	}
	z = zone_parse(buf_str(&file), mem);
	assert_non_null(z);
	assert_int_equal(zone_offset_s(z, -5000000000), 53 * 60 + 28); /* sun time */
	assert_int_equal(zone_offset_s(z, 1774746000 - 1), HOUR);
	assert_int_equal(zone_offset_s(z, 1774746000), 2 * HOUR);
	assert_int_equal(zone_offset_s(z, 1792890000), HOUR);
	assert_int_equal(zone_offset_s(z, 2540246400), 2 * HOUR); /* July 2050 */
	assert_int_equal(zone_offset_s(z, 2524608000), HOUR);     /* January */
	arena_free(mem);
	buf_fini(&file);
}

/* Cut anywhere, or with any byte changed: refused or read, never beyond its end. */
static void
test_damage(void **state)
{
	static const char good[] = ZONE_BERLIN;
	size_t len = sizeof(good) - 1;
	char *copy;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct arena *mem = arena_new(1 << 20);

		copy = test_malloc(cut + 1);
		memcpy(copy, good, cut);
		assert_null(zone_parse(str_make(copy, cut), mem));
		test_free(copy);
		arena_free(mem);
	}
	for (size_t i = 0; i < len * 255; i++) {
		struct arena *mem = arena_new(1 << 20);
		const struct zone *z;

		copy = test_malloc(len);
		memcpy(copy, good, len);
		copy[i / 255] = (char)(copy[i / 255] ^ (char)(i % 255 + 1));
		z = zone_parse(str_make(copy, len), mem);
		if (z != NULL)
			(void)zone_offset_s(z, 1782864000);
		test_free(copy);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_system_file),
	    cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
