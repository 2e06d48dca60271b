/* libs: base config core parse */
/* test_reader.c: what a client's body asks for, in both dialects and in any pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "read_body.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

struct row {
	const char *body, *want;
};

/* What the task says of a body; then the same in two pieces, cut at every byte. */
static void
check_row(const struct parse_shared *shared, const struct dialect *d, struct str body,
    const char *want)
{
	struct buf whole, parts;
	struct body_read b;

	buf_init(&whole, 1 << 20);
	buf_init(&parts, 1 << 20);
	body_read(&b, shared, d, body, 0, 0);
	if (b.outcome == OUT_served) {
		print_task(&whole, &b.task);
		print_prompt(&whole, &b.prompt);
	} else {
		print_read(&whole, &b);
	}
	if (strcmp(whole.p, want) != 0)
		fail_msg(
		    "%.*s\n  is   %s\n  not  %s", (int)body.len, body.p, whole.p, want);
	buf_clear(&whole);
	print_read(&whole, &b);
	body_read_end(&b);
	for (size_t cut = 1; cut < body.len; cut++) {
		body_read(&b, shared, d, body, 0, cut);
		buf_clear(&parts);
		print_read(&parts, &b);
		body_read_end(&b);
		if (strcmp(whole.p, parts.p) != 0)
			fail_msg("%.*s cut at %zu\n  is   %s\n  not  %s", (int)body.len,
			    body.p, cut, parts.p, whole.p);
	}
	buf_fini(&whole);
	buf_fini(&parts);
}

static void
check_rows(const struct dialect *d, const struct row *rows, size_t count)
{
	struct parse_shared *shared = parse_shared_new();

	for (size_t i = 0; i < count; i++)
		check_row(shared, d, str_of(rows[i].body), rows[i].want);
	parse_shared_free(shared);
}

static const struct row openai_rows[] = {
    {"{\"model\":\"a\"," HI "}", "model=a messages=1 turns=1 text=2 last=0 0U:hi"},
    /* escapes, and the role behind the content */
    {"{\"messages\":[{\"content\":\"b\\u00e9\",\"role\":\"system\"},"
     "{\"content\":\"x\\n\",\"role\":\"user\"}],\"model\":\"\\u0061\\/b\"}",
	"model=a/b messages=2 turns=1 text=5 last=1 0S:b\\u00e9 1U:x\\n"},
    {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":"
     "\"\\u0041\\ud83d\\ude00\\/\\u20ac\"}]}",
	"model=a messages=1 turns=1 text=11 last=0 "
	"0U:\\u0041\\ud83d\\ude00\\/\\u20ac"},
    {"{\"model\":\"a\",\"stream\":true,\"stream_options\":"
     "{\"include_usage\":true},\"max_tokens\":7,\"max_completion_tokens\":9,"
     "\"n\":2,\"best_of\":3,\"service_tier\":\"flex\"," HI "}",
	"model=a stream usage max=9 n=2 best_of=3 +stream messages=1 turns=1 "
	"text=2 tier=flex last=0 0U:hi"},
    /* null is the same as nothing */
    {"{\"model\":\"a\",\"stream\":null,\"stream_options\":null,\"max_tokens\":"
     "null,\"n\":null,\"service_tier\":null,\"tools\":null,\"user\":null," HI "}",
	"model=a messages=1 turns=1 text=2 last=0 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1e2,\"max_completion_tokens\":16.0," HI "}",
	"model=a max=100 messages=1 turns=1 text=2 last=0 0U:hi"},
    {"{\"model\":\"a\",\"tools\":[{\"type\":\"function\"},{}],"
     "\"tool_choice\":\"auto\",\"reasoning_effort\":\"high\","
     "\"response_format\":{\"type\":\"json_schema\"},"
     "\"modalities\":[\"text\",\"audio\"]," HI "}",
	"model=a +tools +json_schema +audio +reasoning messages=1 turns=1 "
	"tools=2 text=48 effort=high last=0 0U:hi"},
    /* tools that the provider runs, for a fee */
    {"{\"model\":\"a\",\"tools\":[{\"type\":\"web_search_preview\"},"
     "{\"type\":\"function\",\"max_uses\":3}],"
     "\"web_search_options\":{}," HI "}",
	"model=a +tools messages=1 turns=1 tools=2 searches=20 text=66 last=0 "
	"0U:hi"},
    {"{\"model\":\"a\",\"tools\":[{\"type\":\"web\\u005fsearch\"}]," HI "}",
	"model=a +tools messages=1 turns=1 tools=1 searches=10 text=30 last=0 0U:hi"},
    {"{\"model\":\"a\",\"plugins\":[],\"search_parameters\":{}," HI "}",
	"model=a messages=1 turns=1 text=2 last=0 0U:hi"},
    {"{\"model\":\"a\",\"plugins\":[{\"id\":\"web\"}]," HI "}",
	"model=a messages=1 turns=1 fetches text=2 last=0 0U:hi"},
    {"{\"model\":\"a\",\"reasoning_effort\":\"none\"," HI "}",
	"model=a messages=1 turns=1 text=2 effort=none last=0 0U:hi"},
    {"{\"model\":\"a\",\"response_format\":{\"type\":\"json_object\"}," HI "}",
	"model=a messages=1 turns=1 text=24 last=0 0U:hi"},
    {"{\"model\":\"a\",\"user\":\"u1\",\"prompt_cache_key\":\"k\\\"1\","
     "\"metadata\":{\"x\":\"y\"}," HI "}",
	"model=a messages=1 turns=1 text=2 user=u1 cache_key=k\"1 last=0 "
	"0U:hi"},
    /* every kind of part */
    {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":["
     "{\"type\":\"text\",\"text\":\"see\"},"
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
     "png;base64,AAAA\"}},"
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},"
     "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"BBBB\"}},"
     "{\"type\":\"file\",\"file\":{\"file_data\":\"CC\"}}]}]}",
	"model=a +vision +audio +files messages=1 turns=1 images=2 audios=1 "
	"files=1 text=3 opaque=32 last=0 0U:see"},
    /* inside a tool loop */
    {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"do\"},"
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{}]},"
     "{\"role\":\"tool\",\"content\":\"ok\"}]}",
	"model=a messages=3 turns=1 text=8 open last=0 0U:do 2T:ok"},
    {"{\"model\":\"a\",\"messages\":[{\"role\":\"developer\",\"content\":\"d\"}"
     ",{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
     "\"content\":\"r\"},{\"role\":\"user\",\"content\":\"s\"}]}",
	"model=a messages=4 turns=2 text=4 last=3 0S:d 1U:q 2A:r 3U:s"},
};

static void
test_openai(void **state)
{
	(void)state;
	check_rows(&dialect_openai, openai_rows, nitems(openai_rows));
}

static const struct row anthropic_rows[] = {
    {"{\"model\":\"a\",\"max_tokens\":1,\"system\":\"sys\"," HI "}",
	"model=a max=1 messages=1 turns=1 text=5 last=0 0S:sys 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":0,\"system\":[{\"type\":\"text\","
     "\"text\":\"p\",\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":"
     "\"text\",\"text\":\"q\"}],\"stream\":true," HI "}",
	"model=a stream max=0 +stream messages=1 turns=1 text=4 cache=1 last=0 "
	"0S:p 0S:q 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"thinking\":{\"type\":\"enabled\","
     "\"budget_tokens\":9},\"tools\":[{}],\"service_tier\":\"auto\","
     "\"metadata\":{\"user_id\":\"user_1_account_2_session_3-4\"}," HI "}",
	"model=a max=1 +tools +reasoning messages=1 turns=1 tools=1 text=6 "
	"user=user_1_account_2 session=3-4 tier=auto "
	"effort=enabled last=0 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"tools\":[{\"max_uses\":3,"
     "\"type\":\"web_search_20250305\",\"user_location\":{\"type\":"
     "\"approximate\"}},{\"type\":\"web_search_20250305\"}]," HI "}",
	"model=a max=1 +tools messages=1 turns=1 tools=2 searches=13 text=117 "
	"last=0 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"tools\":[{\"type\":"
     "\"web_fetch_20250910\"}]," HI "}",
	"model=a max=1 +tools messages=1 turns=1 tools=1 fetches text=33 "
	"last=0 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"tools\":[{\"type\":"
     "\"bash_20250124\",\"name\":\"bash\"},{\"type\":\"custom\"}]," HI "}",
	"model=a max=1 +tools messages=1 turns=1 tools=2 text=60 last=0 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"mcp_servers\":[{\"url\":\"u\"}]," HI "}",
	"model=a max=1 messages=1 turns=1 fetches text=2 last=0 0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"metadata\":{\"user_id\":\"bob\"},"
     "\"output_config\":{\"format\":{\"type\":\"json_schema\"}}," HI "}",
	"model=a max=1 +json_schema messages=1 turns=1 text=2 user=bob last=0 "
	"0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"metadata\":{\"user_id\":"
     "\"{\\\"device_id\\\":\\\"d\\\",\\\"account_uuid\\\":\\\"\\\","
     "\\\"session_id\\\":\\\"s-1\\\"}\"}," HI "}",
	"model=a max=1 messages=1 turns=1 text=2 user=d session=s-1 last=0 "
	"0U:hi"},
    {"{\"model\":\"a\",\"max_tokens\":1,\"metadata\":{\"user_id\":"
     "\"{\\\"account_uuid\\\":\\\"u\"}," HI "}",
	"model=a max=1 messages=1 turns=1 text=2 user=u last=0 0U:hi"},
    /* a tool's result with an image; the assistant's own blocks */
    {"{\"model\":\"a\",\"max_tokens\":1,\"messages\":["
     "{\"role\":\"user\",\"content\":\"do\"},"
     "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
     "\"thinking\":\"hm\",\"signature\":\"sg\"},{\"type\":\"tool_use\","
     "\"input\":{}}]},"
     "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"content\":["
     "{\"type\":\"text\",\"text\":\"it\"},{\"type\":\"image\",\"source\":"
     "{\"type\":\"base64\",\"data\":\"AAAA\"}}]}]}]}",
	"model=a max=1 +vision messages=3 turns=1 images=1 text=10 opaque=4 "
	"open bound=signature last=0 0U:do 2T:it"},
    /* a document of text is text; its type may stand behind it */
    {"{\"model\":\"a\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\","
     "\"content\":[{\"type\":\"document\",\"source\":{\"data\":\"words\","
     "\"type\":\"text\"}},{\"type\":\"document\",\"source\":{\"type\":"
     "\"base64\",\"data\":\"AA\"}},{\"type\":\"text\",\"text\":\"t\"}]}]}",
	"model=a max=1 +files messages=1 turns=1 files=2 text=6 opaque=2 "
	"last=0 0U:t"},
};

static void
test_anthropic(void **state)
{
	(void)state;
	check_rows(&dialect_anthropic, anthropic_rows, nitems(anthropic_rows));
}

static void
test_bound(void **state)
{
	static const struct row openai[] = {
	    {"{\"model\":\"a\",\"container\":\"c1\"," HI "}",
		"model=a messages=1 turns=1 text=2 bound=state last=0 0U:hi"},
	    {"{\"model\":\"a\",\"container\":null," HI "}",
		"model=a messages=1 turns=1 text=2 last=0 0U:hi"},
	    /* of two bonds the one to the model counts */
	    {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	     "\"file\",\"file\":{\"file_id\":\"f\"}}]},{\"role\":\"assistant\","
	     "\"reasoning_details\":[{\"signature\":\"s\"}]}]}",
		"model=a +files messages=2 turns=1 files=1 text=19 bound=signature "
		"last=0"},
	};
	static const struct row anthropic[] = {
	    {"{\"model\":\"a\",\"max_tokens\":1,\"container\":{\"id\":\"c\"}," HI "}",
		"model=a max=1 messages=1 turns=1 text=2 bound=state last=0 0U:hi"},
	    {"{\"model\":\"a\",\"max_tokens\":1,\"messages\":[{\"role\":\"assistant\","
	     "\"content\":[{\"type\":\"redacted_thinking\",\"data\":\"x\"},"
	     "{\"type\":\"text\",\"text\":\"t\",\"citations\":[{\"encrypted_index\":"
	     "\"\"}]}]}]}",
		"model=a max=1 messages=1 text=1 bound=encrypted last=0 0A:t"},
	};

	(void)state;
	check_rows(&dialect_openai, openai, nitems(openai));
	check_rows(&dialect_anthropic, anthropic, nitems(anthropic));
}

/* 1: minutes, 2: an hour or longer; of several marks the shortest. */
static void
test_cache_marks(void **state)
{
#define HOUR "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"
#define FIVE "\"cache_control\":{\"ttl\":\"5m\",\"type\":\"ephemeral\"}"
	static const struct row openai[] = {
	    {"{\"model\":\"a\",\"prompt_cache_retention\":\"24h\"," HI "}",
		"model=a messages=1 turns=1 text=2 cache=2 last=0 0U:hi"},
	    {"{\"model\":\"a\",\"prompt_cache_retention\":\"in_memory\"," HI "}",
		"model=a messages=1 turns=1 text=2 last=0 0U:hi"},
	    {"{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	     "\"text\",\"text\":\"t\"," FIVE "}]}]}",
		"model=a messages=1 turns=1 text=1 cache=1 last=0 0U:t"},
	};
	static const struct row anthropic[] = {
	    {"{\"model\":\"a\",\"max_tokens\":1," HOUR "," HI "}",
		"model=a max=1 messages=1 turns=1 text=2 cache=2 last=0 0U:hi"},
	    {"{\"model\":\"a\",\"max_tokens\":1,\"cache_control\":null," HI "}",
		"model=a max=1 messages=1 turns=1 text=2 last=0 0U:hi"},
	    {"{\"model\":\"a\",\"max_tokens\":1,\"tools\":[{\"name\":\"x\"," HOUR
	     "}]," HI "}",
		"model=a max=1 +tools messages=1 turns=1 tools=1 text=64 cache=2 "
		"last=0 0U:hi"},
	    {"{\"model\":\"a\",\"max_tokens\":1,\"system\":[{\"type\":\"text\","
	     "\"text\":\"p\"," HOUR "}],\"messages\":[{\"role\":\"user\",\"content\":["
	     "{\"type\":\"text\",\"text\":\"t\"," FIVE "}]}]}",
		"model=a max=1 messages=1 turns=1 text=2 cache=1 last=0 0S:p 0U:t"},
	    {"{\"model\":\"a\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\","
	     "\"content\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\","
	     "\"text\":\"t\"," HOUR "}]}]}]}",
		"model=a max=1 messages=1 text=1 open cache=2 last=0 0T:t"},
	};

	(void)state;
	check_rows(&dialect_openai, openai, nitems(openai));
	check_rows(&dialect_anthropic, anthropic, nitems(anthropic));
}

/* What is only counted generates nothing, so no limit is wanted. */
static void
test_count_tokens(void **state)
{
	struct parse_shared *shared = parse_shared_new();
	struct arena *mem = arena_new(1 << 20);
	struct reader *r = reader_new(shared, &dialect_anthropic, EP_count_tokens, mem);
	struct str body = STR("{\"model\":\"a\"," HI "}");
	struct task task;
	struct prompt prompt;
	struct body_fault fault;

	(void)state;
	assert_true(reader_feed(r, body, body.len));
	assert_int_equal(reader_finish(r, body, &task, &prompt, &fault), OUT_served);
	assert_int_equal(task.endpoint, EP_count_tokens);
	assert_int_equal(task.max_output, -1);
	reader_free(r);
	arena_free(mem);
	parse_shared_free(shared);
}

/* ---- the prefix's hash ---- */

static uint64_t
hash_of(const struct dialect *d, const char *body, uint64_t *ret_first_turn)
{
	struct parse_shared *shared = parse_shared_new();
	struct body_read b;
	uint64_t h;

	body_read(&b, shared, d, str_of(body), 0, 0);
	if (b.outcome != OUT_served)
		fail_msg("%s: %s", body, b.fault.text);
	h = b.task.prefix_hash;
	*ret_first_turn = b.task.first_turn_hash;
	body_read_end(&b);
	parse_shared_free(shared);
	return h;
}

/* A conversation keeps its hash while it grows, wherever its cache marks are. */
static void
test_prefix_stays(void **state)
{
	static const char *const same[] = {
	    "{\"model\":\"a\",\"max_tokens\":1,\"system\":\"s\",\"messages\":[{"
	    "\"role\":"
	    "\"user\",\"content\":\"q\"}]}",
	    "{\"model\":\"b\",\"max_tokens\":2,\"system\":[{\"type\":\"text\",\"text\":"
	    "\"s\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":[{"
	    "\"role\":"
	    "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}]},{\"role\":"
	    "\"assistant\",\"content\":\"r\"},{\"role\":\"user\",\"content\":\"t\"}]}",
	};
	static const char *const other[] = {
	    "{\"model\":\"a\",\"max_tokens\":1,\"system\":\"S\",\"messages\":[{"
	    "\"role\":"
	    "\"user\",\"content\":\"q\"}]}",
	    "{\"model\":\"a\",\"max_tokens\":1,\"system\":\"s\",\"messages\":[{"
	    "\"role\":"
	    "\"user\",\"content\":\"Q\"}]}",
	    "{\"model\":\"a\",\"max_tokens\":1,\"system\":\"sq\",\"messages\":[{"
	    "\"role\":"
	    "\"user\",\"content\":\"\"}]}",
	    ("{\"model\":\"a\",\"max_tokens\":1,\"system\":\"s\",\"tools\":[{}],"
	     "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}"),
	};
	/* Is its first turn, "q", that of the conversation? */
	static const bool same_turn[] = {true, false, false, true};
	uint64_t first, turn, h = hash_of(&dialect_anthropic, same[0], &first);

	(void)state;
	for (size_t i = 1; i < nitems(same); i++) {
		assert_true(hash_of(&dialect_anthropic, same[i], &turn) == h);
		assert_true(turn == first);
	}
	for (size_t i = 0; i < nitems(other); i++) {
		assert_false(hash_of(&dialect_anthropic, other[i], &turn) == h);
		assert_int_equal(turn == first, same_turn[i]);
	}
}

/* Long first turns that differ at one end only. */
static void
test_prefix_of_long_texts(void **state)
{
	uint64_t h[3], turn;

	(void)state;
	for (size_t i = 0; i < nitems(h); i++) {
		struct buf body;

		buf_init(&body, 1 << 20);
		buf_add(&body, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\","
			       "\"content\":\"");
		for (int k = 0; k < 10000; k++)
			buf_add(&body,
			    (i == 1 && k == 0) || (i == 2 && k == 9999) ? "y" : "x");
		buf_add(&body, "\"}]}");
		h[i] = hash_of(&dialect_openai, body.p, &turn);
		buf_fini(&body);
	}
	assert_false(h[0] == h[1]);
	assert_false(h[0] == h[2]);
	assert_false(h[1] == h[2]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_openai),
	    cmocka_unit_test(test_anthropic),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_cache_marks),
	    cmocka_unit_test(test_count_tokens),
	    cmocka_unit_test(test_prefix_stays),
	    cmocka_unit_test(test_prefix_of_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
