/* libs: base core config meter */
/* bench_ledger.c: how fast closed slots become rows on one core, and how many bytes a
 * request takes on disk.
 *
 * usage: bench_ledger FOLDER [REQUESTS]; the folder must be empty, or not there */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"
#include "ledger_turn.h"
#include "stage/meter.h"

#define SLOTS 1024U
#define BATCH 256

struct bench {
	struct env *env;
	struct ledger *ledger;
	struct slots *slots;
	struct slot_request request;
	struct slot_attempt attempt;
};

/* 8 teams with 4 keys each, 3 models, 40 users: some hundred roll-ups an hour. */
static void
book(struct bench *b, int i)
{
	static const char *const models[] = {"sol", "luna", "qwen"};
	struct slot_request *r = &b->request;
	struct slot_attempt *a = &b->attempt;
	struct slot *s;

	r->id = id_new(b->env);
	r->start_ms = env_wall_ms(b->env);
	r->session = (uint64_t)i / 10;
	snprintf(r->team, sizeof(r->team), "team-%d", i % 8);
	snprintf(r->key, sizeof(r->key), "key-%d", i % 32);
	snprintf(r->user, sizeof(r->user), "user-%d", i % 40);
	snprintf(a->model, sizeof(a->model), "%s", models[i % 3]);
	a->tokens[TOKEN_input_uncached] = 500 + i % 1000;
	a->tokens[TOKEN_output] = 100 + i % 300;
	a->ttft_ms = 100 + i % 400;
	a->total_ms = 900 + i % 4000;
	s = slot_open(b->slots, 0, r);
	if (s == NULL)
		xabort("no slot is left");
	(void)slot_attempt_open(s, a);
	slot_attempt_close(s, 0, a,
	    STR("{\"prompt_tokens\":1200,\"completion_tokens\":250,\"total_tokens\":"
		"1450,"
		"\"prompt_tokens_details\":{\"cached_tokens\":0}}"));
	slot_close(b->slots, s, OUT_served, env_wall_ms(b->env));
}

static void
init(struct bench *b)
{
	static const struct slot_request request = {.route = "auto",
	    .asked = "auto",
	    .class_name = "code",
	    .mode = "live",
	    .path = "/v1/chat/completions",
	    .policy = "1f0c22ab",
	    .classifier = "surface-1",
	    .baseline = "sol",
	    .decided = "luna",
	    .baseline_pusd = 40000000,
	    .plan_len = 50,
	    .tags = "app=shop\n",
	    .tags_len = 9,
	    .rollup_tags_len = 9};
	static const struct slot_attempt attempt = {.provider = "openai",
	    .region = "us",
	    .price_id = "openai/gpt-5.6-luna/2026-07-30",
	    .outcome = OUT_served,
	    .http_status = 200,
	    .sent = 1,
	    .first_byte = 1,
	    .contract_ppm = 1000000,
	    .list_pusd = 5004000000,
	    .amount_pusd = 5004000000,
	    .at_most_pusd = 90000000000,
	    .served_model = "gpt-5.6-luna-2026-07-30",
	    .service_tier = "default"};

	b->request = request;
	b->attempt = attempt;
}

static int64_t
size_of(struct bench *b, const char *folder, const char *name)
{
	char path[4096];
	int64_t bytes;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	bytes = b->env->file_size(b->env, path);
	return bytes < 0 ? 0 : bytes;
}

struct sizes {
	struct bench *b;
	const char *folder;
	int64_t rows, rollups;
};

static void
on_file(void *arg, const char *name)
{
	struct sizes *s = arg;
	struct str n = str_of(name);

	if (str_is(n, "ledger.db"))
		s->rollups += size_of(s->b, s->folder, name);
	else if (str_starts(n, STR("ledger-")) &&
		 str_eq(str_skip(n, n.len - 3), STR(".db")))
		s->rows += size_of(s->b, s->folder, name);
}

static void
report(struct bench *b, const char *folder, int requests, int64_t ns, int64_t cpu_ns)
{
	struct sizes s = {.b = b, .folder = folder};

	if (!b->env->list_dir(b->env, folder, on_file, &s))
		xabort("the folder cannot be read");
	printf("{\"requests\":%d,\"batch\":%d,\"requests_per_s\":%lld,"
	       "\"cpu_us_per_request\":%.1f,\"row_bytes_per_request\":%lld,"
	       "\"rollup_bytes\":%lld}\n",
	    requests, BATCH, (long long)(requests * NS_PER_S / ns),
	    (double)cpu_ns / 1e3 / requests, (long long)(s.rows / requests),
	    (long long)s.rollups);
}

static int64_t
cpu_now_ns(void)
{
	return (int64_t)clock() * (NS_PER_S / CLOCKS_PER_SEC);
}

int
main(int argc, char **argv)
{
	struct bench b = {.env = env_system()};
	struct outlook_shared *outlook;
	int requests = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 50000;
	char why[256];
	int64_t began, cpu;

	if (argc < 2 || requests <= 0 || !b.env->make_dir(b.env, argv[1])) {
		fputs("usage: bench_ledger FOLDER [REQUESTS]\n", stderr);
		return 2;
	}
	init(&b);
	if (!ledger_open(b.env, argv[1], &b.ledger, why)) {
		fprintf(stderr, "bench_ledger: %s\n", why);
		return 1;
	}
	b.slots = slots_create(b.env, argv[1], SLOTS, 1);
	outlook = outlook_shared_new();
	ledger_attach(b.ledger, b.slots, outlook);
	began = b.env->mono_ns(b.env);
	cpu = cpu_now_ns();
	for (int i = 0; i < requests; i++) {
		book(&b, i);
		if (i % BATCH == BATCH - 1 && !ledger_turn(b.ledger))
			xabort("the ledger cannot be written");
	}
	(void)ledger_turn(b.ledger);
	began = b.env->mono_ns(b.env) - began;
	cpu = cpu_now_ns() - cpu;
	slots_close(b.slots);
	ledger_close(b.ledger); /* moves the write-ahead log into the files */
	report(&b, argv[1], requests, began, cpu);
	outlook_shared_free(outlook);
	return 0;
}
