/* libs: base config core parse */
/* bench_reader.c: what it costs to read a client's body: ns and bytes/ns, for bodies of
 * several shapes, fed as a connection brings them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/env.h"
#include "core/request.h"

#define BODY_MAX ((size_t)8 << 20)
#define PIECE    16384U /* what one read of a connection gives */

static const char usage[] =
    "usage: bench_reader [SHAPE [ROUNDS]]\n"
    "prints a line for each shape of body: its bytes, ns a body, bytes/ns\n";

static const char words[] =
    "The quick brown fox jumps over the lazy dog; then it asks, as foxes do, whether "
    "the dog would mind. ";

/* `bytes` of text as JSON has it, with an escape in each line. */
static void
put_text(struct buf *b, const char *text, size_t bytes)
{
	size_t begin = b->len, len = strlen(text);

	while (b->len - begin + len + 2 < bytes) {
		buf_add(b, text);
		if ((b->len - begin) % 7 == 0)
			buf_add(b, "\\n");
	}
}

static void
begin_chat(struct buf *b)
{
	buf_add(b,
	    "{\"model\":\"auto\",\"stream\":true,\"temperature\":0.2,\"max_tokens\":"
	    "1024,\"messages\":[{\"role\":\"system\",\"content\":\"You are terse.\"}");
}

static void
put_message(struct buf *b, const char *role, const char *text, size_t bytes)
{
	buf_printf(b, ",{\"role\":\"%s\",\"content\":\"", role);
	put_text(b, text, bytes);
	buf_add(b, "\"}");
}

static void
make_chat(struct buf *b)
{
	begin_chat(b);
	for (int i = 0; i < 3; i++)
		put_message(b, i % 2 == 0 ? "user" : "assistant", words, 390);
	buf_add(b, "]}");
}

static void
make_long(struct buf *b)
{
	begin_chat(b);
	put_message(b, "user", words, 100000);
	buf_add(b, "]}");
}

static void
make_japanese(struct buf *b)
{
	begin_chat(b);
	put_message(b, "user",
	    "\xE3\x81\x93\xE3\x82\x93\xE3\x81\xAB\xE3\x81\xA1\xE3\x81\xAF\xE3\x80\x82",
	    100000);
	buf_add(b, "]}");
}

/* Source code: quotes and line ends everywhere. */
static void
make_code(struct buf *b)
{
	begin_chat(b);
	put_message(b, "user",
	    "\\tif (strcmp(argv[i], \\\"--help\\\") == 0)\\n\\t\\treturn usage();\\n",
	    100000);
	buf_add(b, "]}");
}

static void
make_image(struct buf *b)
{
	begin_chat(b);
	buf_add(b,
	    ",{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
	    "{\"url\":\"data:image/png;base64,");
	for (size_t i = 0; i < 25000; i++)
		buf_add(b, "iVBORw0KGgoAAAANSUhEUgAAAAUA");
	buf_add(b, "\"}}]}]}");
}

/* An agent's history: tools, many short messages. */
static void
make_agent(struct buf *b)
{
	begin_chat(b);
	for (int i = 0; i < 150; i++)
		buf_printf(b,
		    ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":"
		    "\"call_%d\",\"type\":\"function\",\"function\":{\"name\":\"read\","
		    "\"arguments\":\"{\\\"path\\\": \\\"src/a.c\\\", \\\"line\\\": "
		    "%d}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_%d\","
		    "\"content\":[{\"type\":\"text\",\"text\":\"int main(void);\"}]}",
		    i, i, i);
	buf_add(b, "],\"tools\":[");
	for (int i = 0; i < 100; i++)
		buf_printf(b,
		    "%s{\"type\": \"function\", \"function\": {\"name\": \"tool_%d\", "
		    "\"description\": \"Reads a file and gives its lines\", "
		    "\"parameters\": {\"type\": \"object\", \"properties\": {\"path\": "
		    "{\"type\": \"string\"}, \"limit\": {\"type\": \"integer\", "
		    "\"maximum\": 2000}}, \"required\": [\"path\"]}}}",
		    i == 0 ? "" : ", ", i);
	buf_add(b, "]}");
}

static const struct {
	const char *name;
	void (*make)(struct buf *);
	int rounds;
} shapes[] = {
    {"chat", make_chat, 100000},
    {"long", make_long, 5000},
    {"japanese", make_japanese, 5000},
    {"code", make_code, 5000},
    {"image", make_image, 1000},
    {"agent", make_agent, 3000},
};

static void
read_once(const struct parse_shared *shared, struct str body)
{
	struct arena *mem = arena_new(4U << 20);
	struct reader *r = reader_new(shared, &dialect_openai, EP_generate, mem);
	struct task task;
	struct prompt prompt;
	struct body_fault fault;
	size_t at = 0;

	while (at < body.len) {
		size_t n = body.len - at < PIECE ? body.len - at : PIECE;

		at += n;
		if (!reader_feed(r, str_make(body.p, at), n))
			break;
	}
	if (reader_finish(r, body, &task, &prompt, &fault) != OUT_served) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	reader_free(r);
	arena_free(mem);
}

static void
measure(const struct parse_shared *shared, size_t shape, int rounds)
{
	struct env *env = env_system();
	struct buf body;
	int64_t begin, ns;

	buf_init(&body, BODY_MAX);
	shapes[shape].make(&body);
	begin = env->mono_ns(env);
	for (int i = 0; i < rounds; i++)
		read_once(shared, buf_str(&body));
	ns = (env->mono_ns(env) - begin) / rounds;
	printf("%-10s %8zu bytes %8lld ns %6.2f bytes/ns\n", shapes[shape].name,
	    body.len, (long long)ns, (double)body.len / (double)ns);
	buf_fini(&body);
}

int
main(int argc, char **argv)
{
	struct parse_shared *shared;
	long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

	if (argc > 3 || (argc > 2 && (rounds < 1 || rounds > 1000000)) ||
	    (argc > 1 && argv[1][0] == '-')) {
		fputs(usage, stderr);
		return 2;
	}
	shared = parse_shared_new();
	for (size_t i = 0; i < nitems(shapes); i++) {
		if (argc < 2 || strcmp(argv[1], shapes[i].name) == 0)
			measure(shared, i, rounds > 0 ? (int)rounds : shapes[i].rounds);
	}
	parse_shared_free(shared);
	return 0;
}
