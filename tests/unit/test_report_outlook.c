/* test_report_outlook.c: what was expected of answers beside what they were. */
#include "report_rows.h"

#include "../../src/meter/outlook.h"
#include "report/answer.h"

#define ANSWER_MOST ((size_t)1 << 20)

/* What the ledger thread has learned, as of 40 numbers. */
static void
learned(struct rows *r)
{
	struct outlook none = {0}, *o = xcalloc(1, sizeof(*o));
	struct outlook_pace *p;

	o->number = 40;
	o->models = 1;
	str_copy(o->model[0].name, SLOT_NAME, STR("luna"));
	o->model[0].length[CLASS_code] = (struct outlook_mean){310, 120};
	o->providers = 1;
	str_copy(o->provider[0].name, SLOT_NAME, STR("azure-eu"));
	o->provider[0].bytes_per_token_milli = 3900;
	o->provider[0].warm[WARM_minutes][0] = (struct outlook_mean){0.9F, 60};
	p = outlook_pace_make(o, STR("luna at azure-eu"));
	for (unsigned v = 0; v < PACE_VALUES; v++) {
		p->hour[PACE_HOURS][v] = (struct outlook_mean){100 + (float)v, 200};
		p->hour[12][v] = (struct outlook_mean){400 + (float)v, 70};
	}
	assert_true(store_save_outlook(r->store, &none, o, NULL, 0));
	outlook_clear(o);
	xfree(o);
}

/* Sixty answers of two models, by day and at noon. */
static void
book(struct rows *r)
{
	for (int i = 0; i < 60; i++) {
		struct row row = {
		    .end_ms = rows_at("2026-11-20T12:10:00Z") + i * 600000LL,
		    .class_name = i % 3 == 0 ? "chat" : "code",
		    .model = i % 4 == 0 ? "sol" : "luna",
		    .outcome = OUT_served,
		    .basis = BASIS_reported,
		    .input = 6000 + 10 * i,
		    .cached = i % 2 == 0 ? 4000 : -1,
		    .output = 200 + 5 * i,
		    .expected = i % 10 == 0 ? 0 : 300,
		    .ttft_ms = 100 + 10 * i,
		    .total_ms = 5100 + 10 * i,
		    .idle_ms = 1000 * i,
		    .warm_tokens = i % 5 == 0 ? 5000 : 0,
		    .warm_hour = i % 10 == 5,
		    .tiered = i == 7,
		};

		(void)rows_add(r, &row);
	}
	/* These say nothing. */
	(void)rows_add(r, &(struct row){.end_ms = rows_at("2026-11-20T13:00:00Z"),
			      .outcome = OUT_cut,
			      .basis = BASIS_partial,
			      .output = 9999});
	(void)rows_add(r, &(struct row){.end_ms = rows_at("2026-10-20T13:00:00Z"),
			      .outcome = OUT_served,
			      .basis = BASIS_reported,
			      .output = 9999});
}

static int
ask(struct rows *r, const char *target, const char *key, struct buf *body)
{
	const struct scope scope = {.all = key == NULL, .key = key};
	struct books b;
	bool text;
	int status;

	books_init(&b, &r->env, r->dir);
	buf_clear(body);
	status = report_answer(&b, NULL, str_of(target), &scope, body, &text);
	books_fini(&b);
	return status;
}

static void
test_outlook(void **state)
{
	struct rows r;
	struct buf body;

	(void)state;
	rows_open(&r);
	buf_init(&body, ANSWER_MOST);
	assert_int_equal(ask(&r, "/v1/outlook?since=7d", NULL, &body), 200);
	assert_non_null(strstr(body.p, "\"lengths\":[],\"providers\":[],\"paces\":[]"));
	learned(&r);
	/* Nobody has answered in that time: what was learned is told all the same. */
	assert_int_equal(ask(&r, "/v1/outlook?since=1h", NULL, &body), 200);
	assert_non_null(strstr(body.p, "\"answers\":0,"));
	assert_non_null(strstr(body.p, "\"learned\":3.9"));
	assert_non_null(strstr(body.p, "\"hour\":12"));
	book(&r);
	assert_int_equal(ask(&r, "/v1/outlook?since=7d", NULL, &body), 200);
	buf_add(&body, "\n");
	rows_golden("outlook.json", buf_str(&body));
	buf_fini(&body);
	rows_close(&r);
}

static void
test_who_may_ask_for_what(void **state)
{
	struct rows r;
	struct buf body;

	(void)state;
	rows_open(&r);
	buf_init(&body, ANSWER_MOST);
	assert_int_equal(ask(&r, "/v1/outlook?since=7d", "pay-api", &body), 404);
	assert_non_null(strstr(body.p, "ask the admin port"));
	assert_int_equal(ask(&r, "/v1/outlook?team=web", NULL, &body), 400);
	assert_non_null(strstr(body.p, "no filters"));
	assert_int_equal(ask(&r, "/v1/outlook?since=soon", NULL, &body), 400);
	buf_fini(&body);
	rows_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_outlook),
	    cmocka_unit_test(test_who_may_ask_for_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
