/* libs: base core parse relay */
/* bench_tap.c: what it costs to look at one event of a stream that came in one read.
 *
 * usage: bench_tap [openai|anthropic|obfuscated|utf8] [EVENTS]
 *
 * Prints nanoseconds an event, and what a stream that waits for its next event holds.
 * For instructions:
 * valgrind --tool=callgrind --toggle-collect=tap_feed bench_tap openai 100000 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/env.h"
#include "base/str.h"
#include "parse/answer.h"
#include "stage/relay.h"

#define OPENAI(content, more)                                                      \
	"data: {\"id\":\"chatcmpl-BYtQ3mZp7cKkT1o2r5WfVnXaLd8Hs\",\"object\":"     \
	"\"chat.completion.chunk\",\"created\":1770770839,\"model\":\"gpt-5-mini-" \
	"2026-03-01\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_"   \
	"f8b414701e\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" content \
	"\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null" more "}\n\n"
#define ANTHROPIC(text)                                                        \
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\"," \
	"\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}}\n\n"

static const struct {
	const char *name;
	const struct answer_reader *answer;
	const char *event[4];
} streams[] = {
    {"openai", &openai_answer,
	{OPENAI(" quick", ""), OPENAI(" brown fox", ""), OPENAI("\\n\\n", ""),
	    OPENAI(" jumps over", "")}},
    {"obfuscated", &openai_answer,
	{OPENAI(" quick", ",\"obfuscation\":\"a8Kq\""),
	    OPENAI(" brown", ",\"obfuscation\":\"Zt2mQ\""),
	    OPENAI(" fox", ",\"obfuscation\":\"p\""),
	    OPENAI(" jumps", ",\"obfuscation\":\"Yh3Lw01\"")}},
    {"utf8", &openai_answer,
	{OPENAI("日本", ""), OPENAI("語の", ""), OPENAI("é", ""), OPENAI("😀", "")}},
    {"anthropic", &anthropic_answer,
	{ANTHROPIC("The printing"), ANTHROPIC(" press was"), ANTHROPIC(" invented\\n"),
	    ANTHROPIC(" by")}},
};

static bool
swallow(void *arg, const char *p, size_t len)
{
	(void)p;
	*(size_t *)arg += len;
	return true;
}

static void
measure(unsigned which, long events)
{
	struct env *env = env_system();
	struct taps *taps = taps_new();
	struct dialect d = {.answer = streams[which].answer};
	struct tap tap;
	size_t given = 0;
	int64_t start;

	tap_init(&tap, taps, &d, true, false);
	start = env->mono_ns(env);
	for (long i = 0; i < events; i++) {
		struct str event = str_of(streams[which].event[i & 3]);

		if (!tap_feed(&tap, event.p, event.len, swallow, &given))
			abort();
	}
	printf("%s: %.1f ns an event, %ld events, %zu bytes\n", streams[which].name,
	    (double)(env->mono_ns(env) - start) / (double)events, (long)tap.events,
	    given);
	tap_fini(&tap);
	taps_free(taps);
}

#define STREAMS 1000U

static void
measure_memory(void)
{
	static struct tap tap[STREAMS];
	struct taps *taps = taps_new();
	struct dialect d = {.answer = &openai_answer};
	size_t given = 0, before = mallinfo2().uordblks;

	for (unsigned i = 0; i < STREAMS; i++) {
		tap_init(&tap[i], taps, &d, true, false);
		for (unsigned j = 0; j < 8; j++) {
			struct str event = str_of(streams[0].event[j & 3]);

			if (!tap_feed(&tap[i], event.p, event.len, swallow, &given))
				abort();
		}
	}
	printf("a stream: %zu bytes in the arena, %zu elsewhere\n", sizeof(tap[0]),
	    (mallinfo2().uordblks - before) / STREAMS);
	for (unsigned i = 0; i < STREAMS; i++)
		tap_fini(&tap[i]);
	taps_free(taps);
}

int
main(int argc, char **argv)
{
	long events = argc > 2 ? strtol(argv[2], NULL, 10) : 1000000;

	for (unsigned i = 0; i < nitems(streams); i++) {
		if (argc < 2 || str_is(str_of(argv[1]), streams[i].name))
			measure(i, events);
	}
	measure_memory();
	return 0;
}
