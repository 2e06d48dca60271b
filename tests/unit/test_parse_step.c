/* libs: base config core parse */
/* test_parse_step.c: what request headers and tags say; the stronger source wins, a bad
 * header is named. */
#include "policy.h"

#include "core/request.h"
#include "core/worker.h"

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
	struct counters counters;
	struct worker worker;
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

	w->counters = (struct counters){0};
	w->worker.counters = &w->counters;
	*r = (struct request){
	    .worker = &w->worker, .mem = arena_new(1 << 20), .snap = w->snap};
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
		"header x-frugald-tags: expected NAME=VALUE,NAME=VALUE"},
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
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s=%.*s %s;",
		    (int)r->tags[i].name.len, r->tags[i].name.p,
		    (int)r->tags[i].value.len, r->tags[i].value.p,
		    tag_source_name(r->tags[i].source));
	assert_string_equal(text, want);
}

/* Key over path over header; what is not declared is left out. */
static void
test_tags(void **state)
{
	struct world *w = *state;
	static const char *const of_key[] = {"app=key", NULL};
	const struct key_entry key = {.tags = of_key};
	struct request *r = begin(w, BODY);

	r->who.key = &key;
	r->in.path_tags = STR("app=path,env=path");
	r->in.header[HDR_x_frugald_tags] = " app=h , env=h,,t00=a/b:c@d+e-f_g.h, x=y ";
	assert_int_equal(parse_step(r), NEXT);
	check_tags(r, "app=key key;env=path path;t00=a/b:c@d+e-f_g.h header;");
	assert_int_equal(w->counters.tags_overridden, 3);
	end(r);
}

/* Saying the same again is no contradiction, and a token's tags are a token's. */
static void
test_tags_that_agree(void **state)
{
	struct world *w = *state;
	static const char *const of_token[] = {"app=ci", "env=e2e", NULL};
	const struct key_entry key = {.tags = of_token, .of_token = true};
	struct request *r = begin(w, BODY);

	r->who.key = &key;
	r->in.path_tags = STR("env=e2e,t01=1,t01=1");
	r->in.header[HDR_x_frugald_tags] = "app=ci,env=e2e,t01=1";
	assert_int_equal(parse_step(r), NEXT);
	check_tags(r, "app=ci token;env=e2e token;t01=1 path;");
	assert_int_equal(w->counters.tags_overridden, 0);
	end(r);
}

/* Budgets hang on tags: neither many others, nor long ones, nor another spelling of the
 * path puts a client's own word in the place of what its key says. */
static void
test_a_client_cannot_escape_the_tags_of_its_key(void **state)
{
	static const char *const of_key[] = {"app=key", "env=ci", NULL};
	static const char *const tries[] = {
	    "app=x", "app=%78", "%61pp=x", "t00=1,t01=1,app=x,env=y", "app=x,app=x"};
	const struct key_entry key = {.tags = of_key};

	for (size_t i = 0; i < nitems(tries); i++) {
		struct request *r = begin(*state, BODY);

		r->who.key = &key;
		r->in.path_tags = str_of(tries[i]);
		assert_int_equal(parse_step(r), NEXT);
		assert_true(r->tag_count >= 2);
		assert_true(str_is(r->tags[0].value, "key"));
		assert_true(str_is(r->tags[1].value, "ci"));
		end(r);
	}
}

/* A key's tag that would not do is not left out: then the client could say it. */
static void
test_a_key_whose_tags_do_not_fit_is_refused(void **state)
{
	static const char *const of_key[] = {"app=two words", NULL};
	const struct key_entry key = {.tags = of_key};
	struct request *r = begin(*state, BODY);

	r->who.key = &key;
	r->in.header[HDR_x_frugald_tags] = "app=mine";
	assert_int_equal(parse_step(r), END);
	assert_int_equal(r->outcome, OUT_bad_request);
	end(r);
}

static void
test_escapes_in_the_path(void **state)
{
	struct request *r = begin(*state, BODY);

	r->in.path_tags = STR("app=feature%2Fx%2b1,%65nv=a%40b+c");
	assert_int_equal(parse_step(r), NEXT);
	check_tags(r, "app=feature/x+1 path;env=a@b+c path;");
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

#define WORDS                                                                        \
	"expected NAME=VALUE,NAME=VALUE; each word is of A-Za-z0-9._:/@+-, at most " \
	"128 "                                                                       \
	"bytes"
#define PAIRS "expected NAME=VALUE,NAME=VALUE"
#define UNDECLARED \
	"there is no tag 'x'; the policy declares those that there are at `tags`"

static const struct {
	const char *tags, *why;
	const char *in_path; /* what a path is told; NULL: the same, "": nothing */
} bad_tags[] = {
    {"app=", WORDS, NULL},
    {"=x", WORDS, NULL},
    {"app", PAIRS, NULL},
    {"app=1,env", PAIRS, NULL},
    {"app=a b", WORDS, NULL},
    {"app=a=b", WORDS, NULL},
    {"app=\xC3\xA4", WORDS, NULL},
    {"app=a;b", WORDS, NULL},
    {"app=\"a\"", WORDS, NULL},
    {"app=1,app=2", "the tag 'app' has two values", NULL},
    /* 129 bytes */
    {"app=" A100 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", WORDS, NULL},
    /* one more than there is room for */
    {"app=1,env=1,t00=1,t01=1,t02=1,t03=1,t04=1,t05=1,t06=1,t07=1,t08=1,t09=1,"
     "t10=1,t11=1,t12=1,t13=1,t14=1",
	"17 tags of at most 16", NULL},
    /* as the slot keeps them */
    {"app=" A100 ",env=" A100 ",t00=" A100 "aaaaaa",
	"the tags of this request have 321 bytes of at most 320 (name, value and 2 "
	"more "
	"for each)",
	NULL},
    {"app=" A100 ",env=" A100 ",t00=" A100 ",t01=" A100,
	"the tags of this request have 420 bytes of at most 320 (name, value and 2 "
	"more "
	"for each)",
	NULL},
    /* a header may say what no policy declares, and leave something out */
    {"x=1", NULL, UNDECLARED},
    {"aap=1", NULL, "there is no tag 'aap'; did you mean 'app'?"},
    {"app=1,", NULL, ""},
    {"app=1,,env=1", NULL, PAIRS},
    /* escapes are for paths */
    {"app=%41", WORDS, ""},
    {"app=a%2Cb", WORDS, NULL},
    {"app=a%3Db", WORDS, NULL},
    {"app=a%00", WORDS, NULL},
    {"app=a%0a", WORDS, NULL},
    {"app=%", WORDS, "a '%' wants two hex digits behind it"},
    {"app=a%4", WORDS, "a '%' wants two hex digits behind it"},
    {"app=%zz", WORDS, "a '%' wants two hex digits behind it"},
};

static void
check_bad(struct request *r, const char *where, const char *why)
{
	char text[600];

	snprintf(text, sizeof(text), "%s: %s", where, why);
	assert_string_equal(r->fail_text, text);
}

static void
test_bad_tags(void **state)
{
	for (size_t i = 0; i < nitems(bad_tags); i++) {
		const char *in_path =
		    bad_tags[i].in_path != NULL ? bad_tags[i].in_path : bad_tags[i].why;
		struct request *r = begin(*state, BODY);

		r->in.header[HDR_x_frugald_tags] = bad_tags[i].tags;
		assert_int_equal(parse_step(r), bad_tags[i].why == NULL ? NEXT : END);
		if (bad_tags[i].why != NULL) {
			check_bad(r, "header x-frugald-tags", bad_tags[i].why);
			assert_int_equal(r->outcome, OUT_bad_header);
		}
		end(r);
		r = begin(*state, BODY);
		r->in.path_tags = str_of(bad_tags[i].tags);
		assert_int_equal(parse_step(r), in_path[0] == '\0' ? NEXT : END);
		if (in_path[0] != '\0') {
			check_bad(r, "path /t/TAGS/", in_path);
			assert_int_equal(r->outcome, OUT_bad_request);
		}
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
	    cmocka_unit_test(test_tags_that_agree),
	    cmocka_unit_test(test_a_client_cannot_escape_the_tags_of_its_key),
	    cmocka_unit_test(test_a_key_whose_tags_do_not_fit_is_refused),
	    cmocka_unit_test(test_escapes_in_the_path),
	    cmocka_unit_test(test_most_tags),
	    cmocka_unit_test(test_bad_tags),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
