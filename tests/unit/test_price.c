/* libs: base core config budget meter */
/* test_price.c: bills, a line of tests/table/price.tbl each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/env.h"
#include "stage/meter.h"

static const struct price_row plain = {
    .kinds.pusd = {2000, 200, 2500, -1, -1, -1, 8000, -1},
};

static const struct price_row tiers = {
    .kinds.pusd = {2000, 200, 2500, -1, -1, -1, 8000, -1},
    .tier = {{200000, {{4000, 400, -1, -1, -1, -1, 12000, -1}}},
	{1000000, {{8000, -1, -1, -1, -1, -1, 16000, -1}}}},
    .tiers = 2,
};

static const struct price_row odd = {
    .kinds.pusd = {1, -1, -1, -1, -1, -1, 3, -1},
    .service = {{"flex", 500000}, {"priority", 2500000}, {"free", 0}},
    .services = 3,
    .call_pusd = -1,
};

static const struct price_row fees = {
    .kinds.pusd = {1000, -1, -1, -1, -1, -1, 3000, -1},
    .service = {{"flex", 500000}},
    .services = 1,
    .call_pusd = 10000000,
    .request_pusd = 5000,
};

static const struct price_row vast = {
    .kinds.pusd = {INT64_MAX, -1, -1, -1, -1, -1, 1000000000000, -1},
};

static const struct price_row *
row_named(struct str name)
{
	static const struct {
		const char *name;
		const struct price_row *row;
	} rows[] = {{"plain", &plain}, {"tiers", &tiers}, {"odd", &odd},
	    {"vast", &vast}, {"fees", &fees}};

	for (size_t i = 0; i < nitems(rows); i++) {
		if (str_is(name, rows[i].name))
			return rows[i].row;
	}
	return str_is(name, "local") ? price_local() : NULL;
}

struct bill {
	struct usage usage;
	struct str tier;
	int64_t ppm;
};

static void
read_word(struct str word, struct bill *b)
{
	static const char *const kinds[TOKEN_COUNT] = {"input", "read", "write5m",
	    "write1h", "audio", "image", "output", "audioout"};
	struct str name;
	int64_t *v = NULL;
	uint64_t n;

	assert_true(str_split(&word, '=', &name));
	if (str_is(name, "tier")) {
		b->tier = word;
		return;
	}
	for (size_t k = 0; k < TOKEN_COUNT; k++) {
		if (str_is(name, kinds[k]))
			v = &b->usage.tokens[k];
	}
	if (str_is(name, "ppm"))
		v = &b->ppm;
	if (str_is(name, "calls"))
		v = &b->usage.calls;
	assert_non_null(v);
	assert_true(str_to_u64(word, &n));
	*v = (int64_t)n;
}

static void
check_line(unsigned number, struct str line)
{
	struct str what = {0}, row_name = {0}, words = {0}, word = {0};
	struct bill b = {.ppm = 1000000, .tier = STR("")};
	const struct price_row *row;
	struct pusd amount = {-7};
	char got[32];
	bool ok;

	assert_true(str_split(&line, '|', &what) && str_split(&line, '|', &row_name) &&
		    str_split(&line, '|', &words));
	row = row_named(str_trim(row_name));
	assert_non_null(row);
	usage_unknown(&b.usage);
	words = str_trim(words);
	while (!str_is(words, "-") && str_split(&words, ' ', &word))
		read_word(word, &b);
	ok = price_cost(row, &b.usage, b.tier, b.ppm, &amount);
	snprintf(got, sizeof(got), "%lld", (long long)amount.v);
	if (!ok && amount.v != -7)
		fail_msg("line %u: an amount was set though there is none", number);
	if (!str_is(str_trim(line), ok ? got : "unpriced"))
		fail_msg("line %u, %.*s: %s, not %.*s", number, (int)what.len, what.p,
		    ok ? got : "unpriced", (int)line.len, line.p);
}

static void
test_table(void **state)
{
	struct env *env = env_system();
	struct buf b;
	struct str rest, line;
	unsigned number = 0, lines = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_true(env->read_file(
	    env, FRUGALD_SOURCE_DIR "/tests/table/price.tbl", 1 << 20, &b));
	rest = buf_str(&b);
	while (str_split(&rest, '\n', &line)) {
		number++;
		if (line.len == 0 || line.p[0] == '#')
			continue;
		check_line(number, line);
		lines++;
	}
	assert_true(lines > 25);
	buf_fini(&b);
}

static void
test_factors_out_of_range(void **state)
{
	struct price_row row = odd;
	struct usage u;
	struct pusd p;

	(void)state;
	usage_unknown(&u);
	u.tokens[TOKEN_output] = 1;
	assert_false(price_cost(&row, &u, STR(""), -1, &p));
	assert_false(price_cost(&row, &u, STR(""), INT64_MAX, &p));
	row.service[0].ppm = INT64_MAX;
	assert_false(price_cost(&row, &u, STR("flex"), 1000000, &p));
	row.service[0].ppm = -1;
	assert_false(price_cost(&row, &u, STR("flex"), 1000000, &p));
}

/* Any order of magnitude, against the same sum by hand. */
static void
test_never_off_by_one(void **state)
{
	uint64_t x = 88172645463325252ULL;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct price_row row = {.kinds.pusd = {0}};
		int64_t ppm, down;
		struct usage u;
		struct pusd p;
		wide sum = 0, rest;

		usage_unknown(&u);
		for (size_t k = 0; k < TOKEN_COUNT; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			row.kinds.pusd[k] = (int64_t)(x % 80000000);
			u.tokens[k] = (int64_t)(x >> 40) >> (x % 24);
			sum += (wide)row.kinds.pusd[k] * u.tokens[k];
		}
		ppm = (int64_t)(x >> 32) % 1000001;
		assert_true(price_cost(&row, &u, STR(""), ppm, &p));
		down = (int64_t)(sum * ppm / 1000000);
		rest = sum * ppm % 1000000 * 2;
		if (rest > 1000000 || (rest == 1000000 && down % 2 != 0))
			down++;
		assert_int_equal(p.v, down);
	}
}

static int64_t
machine(int64_t per_hour, int64_t ms, int32_t places)
{
	struct pusd cost = {-1};

	if (!price_machine((struct pusd){per_hour}, ms, places, &cost))
		return -1;
	return cost.v;
}

static void
test_machine(void **state)
{
	(void)state;
	assert_int_equal(machine(1900000000000, 3600000, 1), 1900000000000);
	assert_int_equal(machine(1900000000000, 3600000, 0), 1900000000000);
	assert_int_equal(machine(1900000000000, 12345, 4), 1628854167);
	assert_int_equal(machine(1900000000000, 0, 4), 0);
	/* half to even */
	assert_int_equal(machine(3600000, 1, 2), 0);
	assert_int_equal(machine(3600000, 3, 2), 2);
	assert_int_equal(machine(INT64_MAX, 3600000, 1), INT64_MAX);
	assert_int_equal(machine(INT64_MAX, 7200001, 1), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_machine),
	    cmocka_unit_test(test_factors_out_of_range),
	    cmocka_unit_test(test_never_off_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
