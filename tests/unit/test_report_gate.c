/* libs: base config core edge auth parse classify route budget call relay meter report
 */
/* test_report_gate.c: what a run has cost against what it may: exact at the cap,
 * nothing passes for being unknown, only what the asker may see. */
#include "report_rows.h"

struct world {
	struct rows rows;
};

#define USD PUSD_PER_USD

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct row row = {.end_ms = rows_at("2026-10-31T23:59:59.900Z"),
	    .tags = "app=shop\nrun=184\n",
	    .amount = 2 * USD,
	    .list = 2 * USD,
	    .baseline = -1,
	    .outcome = OUT_served,
	    .basis = BASIS_reported,
	    .at_most = 9 * USD};

	rows_open(&w->rows);
	rows_add(&w->rows, &row); /* a run lasts over the end of a month */
	row.end_ms = rows_at("2026-11-01T00:00:00.100Z");
	row.failed_at = "openai";
	row.failed_amount = USD;
	rows_add(&w->rows, &row);
	row.failed_at = NULL;
	row.tags = "app=shop\nrun=185\n";
	rows_add(&w->rows, &row);
	row.tags = "app=shop\nrun=186\n";
	row.amount = -1;
	rows_add(&w->rows, &row);
	row.tags = "app=shop\nrun=187\n";
	row.at_most = -1;
	rows_add(&w->rows, &row);
	row.tags = "app=shop\nrun=188\n";
	row.basis = BASIS_unknown;
	row.amount = USD;
	row.at_most = 4 * USD;
	rows_add(&w->rows, &row);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	rows_close(&w->rows);
	xfree(w);
	return 0;
}

static const struct {
	const char *query;
	int status;
	const char *says; /* a part of the answer */
} rows[] = {
    /* two requests, three attempts, one of which failed and cost all the same */
    {"tag.run=184&max_usd=5", 200, "\"cost_usd\":\"5.000000000000\""},
    {"tag.run=184&max_usd=5.000000000000", 200, "\"requests\":2,\"attempts\":3"},
    {"tag.run=184&max_usd=4.999999999999", 412,
	"run=184: 2 requests for $5.0000, more than $5.0000"},
    {"tag.run=184&max_usd=4.99", 412, "\"code\":\"over_max_usd\""},
    {"tag.run=184&tag.app=shop&max_usd=5", 200, "\"requests\":2"},
    {"tag.run=184&tag.app=other&max_usd=5", 200, "\"requests\":0"},
    {"tag.app=shop&tag.run=185&max_usd=2", 200, "\"requests\":1"},
    {"tag.run=184&max_usd=5&since=32310m", 200, "\"requests\":1"},
    {"tag.run=18&max_usd=0", 200, "no request with that tag is in the ledger"},
    /* without a price: its bound */
    {"tag.run=186&max_usd=8.99", 412, "\"cost_usd\":\"9.000000000000\""},
    {"tag.run=186&max_usd=9", 200, "\"unpriced_attempts\":1"},
    /* without a bound: nobody can say */
    {"tag.run=187&max_usd=1000", 412,
	"cannot be ruled out: 1 attempts have no price and no bound"},
    {"tag.run=188&max_usd=1", 200, "\"exposure_usd\":\"3.000000000000\""},
    {"tag.run=184&max_usd=5", 200, "\"in_flight\":null"},
    /* mistakes */
    {"", 400, "say what is to be checked"},
    {"max_usd=5", 400, "say what is to be checked"},
    {"tag.run=184", 400, "max_usd is missing"},
    {"tag.run=184&max_usd=-1", 400, "are no dollars"},
    {"tag.run=184&max_usd=1e9", 400, "are no dollars"},
    {"tag.run=184&max_usd=5&wait_s=31", 400, "is no number from 0 to 30"},
    {"tag.run=184&max_usd=5&since=9999d", 400, "at most 400 days"},
    {"tag.run=a%20b&max_usd=5", 400, "A-Za-z0-9"},
    {"tag.run=%zz&max_usd=5", 400, "percent-encoded"},
    {"run=184&max_usd=5", 400, "unknown parameter"},
    {"tag.run=1&tag.a=1&tag.b=1&tag.c=1&tag.d=1&max_usd=5", 400, "at most 4 tags"},
};

static void
test_answers(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < nitems(rows); i++) {
		char target[300];
		struct buf body;
		int status;

		snprintf(target, sizeof(target), "/v1/costs/gate?%s", rows[i].query);
		buf_init(&body, 1 << 16);
		status =
		    report_offline(&w->rows.env, w->rows.dir, str_of(target), &body);
		if (status != rows[i].status || strstr(body.p, rows[i].says) == NULL)
			fail_msg("%s: %d %s", rows[i].query, status, body.p);
		buf_fini(&body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
