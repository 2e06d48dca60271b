/* libs: base config core parse */
/* test_parse_step.c: what request headers and tags say; the stronger source wins, a bad
 * header is named. */
#include "policy.h"

#include "core/request.h"

#define BODY \
	"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

/* The step's way out; what it said is kept in the request. */
enum next
request_fail_text(
    struct request *r, enum outcome o, const char *param, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->outcome = o;
	r->fail_param = param;
	r->fail_text = arena_str(r->mem, str_of(text));
	return END;
}

struct world {
	struct fake_env *env;
	struct snapshot *snap;
	struct parse_shared *shared;
	struct request r;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->env = fake_env_new(1);
	w->snap = good_policy(w->env,
	    STR(SMALL_POLICY "data: {internal: {regions: [onprem]}}\n"
			     "tags: {app: rollup, env: index, t00: store, t01: store, "
			     "t02: store, t03: store, t04: store, t05: store, t06: "
			     "store, t07: store, t08: store, t09: store, t10: store, "
			     "t11: store, t12: store, t13: store, t14: store, t15: "
			     "store, t16: store}\n"));
	w->shared = parse_shared_new();
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	parse_shared_free(w->shared);
	snapshot_unref(w->snap);
	fake_env_free(w->env);
	free(w);
	return 0;
}

static struct request *
begin(struct world *w, const char *body)
{
	struct request *r = &w->r;
	struct str fresh = str_of(body);

	*r = (struct request){.mem = arena_new(1 << 20), .snap = w->snap};
	r->min_quality = -1;
	r->max_cost_usd = -1;
	buf_init(&r->in.body, 1 << 20);
	assert_true(buf_append_str(&r->in.body, fresh));
	r->reader = reader_new(w->shared, &dialect_openai, EP_generate, r->mem);
	(void)!reader_feed(r->reader, buf_str(&r->in.body), fresh.len);
	return r;
}

static void
end(struct request *r)
{
	reader_free(r->reader);
	buf_fini(&r->in.body);
	arena_free(r->mem);
}

static void
test_plain(void **state)
{
	struct request *r = begin(*state, BODY);

	assert_int_equal(parse_step(r), NEXT);
	assert_true(str_is(r->task.model, "auto"));
	assert_int_equal(r->prompt.count, 1);
	assert_int_equal(r->tag_count, 0);
	assert_null(r->data);
	assert_true(r->min_quality < 0 && r->max_cost_usd < 0);
	assert_false(r->explain);
	end(r);
}

static void
test_bad_body(void **state)
{
	struct request *r = begin(*state, "{\"model\":7}");

	assert_int_equal(parse_step(r), END);
	assert_int_equal(r->outcome, OUT_bad_request);
	assert_string_equal(r->fail_param, "model");
	end(r);
}

static void
test_headers(void **state)
{
	struct request *r = begin(*state, BODY);

	r->in.header[HDR_x_frugald_data] = "internal";
	r->in.header[HDR_x_frugald_min_quality] = "0.5";
	r->in.header[HDR_x_frugald_max_cost_usd] = "0.05";
	r->in.header[HDR_x_frugald_deadline] = "2.5";
	r->in.header[HDR_x_frugald_explain] = "1";
	assert_int_equal(parse_step(r), NEXT);
	assert_string_equal(r->data->name, "internal");
	assert_true(r->min_quality > 0.49 && r->min_quality < 0.51);
	assert_true(r->max_cost_usd > 0.049 && r->max_cost_usd < 0.051);
	assert_int_equal(r->deadline_ms, 2500);
	assert_true(r->explain);
	end(r);
}

/* Each names the header and says what is expected. */
static void
test_bad_headers(void **state)
{
	static const struct {
		enum header_id id;
		const char *value, *param, *text;
	} rows[] = {
	    {HDR_x_frugald_data, "secret", "x-frugald-data",
		"header x-frugald-data: expected a data class of the policy"},
	    {HDR_x_frugald_data, "", "x-frugald-data",
		"header x-frugald-data: expected a data class of the policy"},
	    {HDR_x_frugald_min_quality, "1.1", "x-frugald-min-quality",
		"header x-frugald-min-quality: expected a number from 0 to 1"},
	    {HDR_x_frugald_min_quality, "nan", "x-frugald-min-quality",
		"header x-frugald-min-quality: expected a number from 0 to 1"},
	    {HDR_x_frugald_min_quality, "", "x-frugald-min-quality",
		"header x-frugald-min-quality: expected a number from 0 to 1"},
	    {HDR_x_frugald_min_quality, ".", "x-frugald-min-quality",
		"header x-frugald-min-quality: expected a number from 0 to 1"},
	    {HDR_x_frugald_deadline, "soon", "x-frugald-deadline",
		"header x-frugald-deadline: expected seconds from 0.001 to 86400, such "
		"as 2.5"},
	    {HDR_x_frugald_deadline, "-5", "x-frugald-deadline",
		"header x-frugald-deadline: expected seconds from 0.001 to 86400, such "
		"as 2.5"},
	    {HDR_x_frugald_deadline, "0", "x-frugald-deadline",
		"header x-frugald-deadline: expected seconds from 0.001 to 86400, such "
		"as 2.5"},
	    {HDR_x_frugald_deadline, "86401", "x-frugald-deadline",
		"header x-frugald-deadline: expected seconds from 0.001 to 86400, such "
		"as 2.5"},
	    {HDR_x_frugald_deadline, "1e3", "x-frugald-deadline",
		"header x-frugald-deadline: expected seconds from 0.001 to 86400, such "
		"as 2.5"},
	    {HDR_x_frugald_max_cost_usd, "-1", "x-frugald-max-cost-usd",
		"header x-frugald-max-cost-usd: expected dollars, such as 0.05"},
	    {HDR_x_frugald_max_cost_usd, "1e5", "x-frugald-max-cost-usd",
		"header x-frugald-max-cost-usd: expected dollars, such as 0.05"},
	    {HDR_x_frugald_max_cost_usd, "$1", "x-frugald-max-cost-usd",
		"header x-frugald-max-cost-usd: expected dollars, such as 0.05"},
	    {HDR_x_frugald_explain, "yes", "x-frugald-explain",
		"header x-frugald-explain: expected 1, or no such header"},
	    {HDR_x_frugald_tags, "app", "x-frugald-tags",
		"header x-frugald-tags: expected name=value,name=value of "
		"A-Za-z0-9._:/@+-, each word at most 128 bytes, all at most 16 tags "
		"and 320 bytes"},
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct request *r = begin(*state, BODY);

		r->in.header[rows[i].id] = rows[i].value;
		assert_int_equal(parse_step(r), END);
		assert_int_equal(r->outcome, OUT_bad_header);
		assert_string_equal(r->fail_param, rows[i].param);
		assert_string_equal(r->fail_text, rows[i].text);
		end(r);
	}
}

static void
check_tags(const struct request *r, const char *want)
{
	char text[1024] = "";
	size_t n = 0;

	for (unsigned i = 0; i < r->tag_count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s=%.*s;",
		    (int)r->tags[i].name.len, r->tags[i].name.p,
		    (int)r->tags[i].value.len, r->tags[i].value.p);
	assert_string_equal(text, want);
}

/* Key over path over header; what is not declared is left out. */
static void
test_tags(void **state)
{
	static const char *const of_key[] = {"app=key", NULL};
	const struct key_entry key = {.tags = of_key};
	struct request *r = begin(*state, BODY);

	r->who.key = &key;
	r->in.path_tags = STR("app=path,env=path,unknown=1");
	r->in.header[HDR_x_frugald_tags] = " app=h , env=h,,t00=a/b:c@d+e-f_g.h, x=y ";
	assert_int_equal(parse_step(r), NEXT);
	check_tags(r, "app=key;env=path;t00=a/b:c@d+e-f_g.h;");
	end(r);
}

#define A10  "aaaaaaaaaa"
#define A100 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

static void
test_most_tags(void **state)
{
	struct request *r = begin(*state, BODY);

	r->in.header[HDR_x_frugald_tags] =
	    "app=" A100 ",env=" A100 ",t00=" A100 "aaaaa";
	assert_int_equal(parse_step(r), NEXT);
	assert_int_equal(r->tag_count, 3);
	end(r);
}

static void
test_bad_tags(void **state)
{
	static const char *const bad[] = {"app=", "=x", "app", "app=a b", "app=a=b",
	    "app=\xC3\xA4", "app=a;b", "app=\"a\"",
	    /* one more than there is room for */
	    "app=1,env=1,t00=1,t01=1,t02=1,t03=1,t04=1,t05=1,t06=1,t07=1,t08=1,t09=1,"
	    "t10=1,t11=1,t12=1,t13=1,t14=1",
	    /* 321 bytes in all, as the slot keeps them */
	    "app=" A100 ",env=" A100 ",t00=" A100 "aaaaaa",
	    /* 129 bytes */
	    "app=" A100 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < nitems(bad); i++) {
		struct request *r = begin(*state, BODY);

		r->in.header[HDR_x_frugald_tags] = bad[i];
		if (parse_step(r) != END)
			fail_msg("%s", bad[i]);
		assert_int_equal(r->outcome, OUT_bad_header);
		end(r);
		r = begin(*state, BODY);
		r->in.path_tags = str_of(bad[i]);
		assert_int_equal(parse_step(r), END);
		assert_int_equal(r->outcome, OUT_bad_request);
		end(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_bad_body),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_bad_headers),
	    cmocka_unit_test(test_tags),
	    cmocka_unit_test(test_most_tags),
	    cmocka_unit_test(test_bad_tags),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
