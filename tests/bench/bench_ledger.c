/* libs: base core config budget meter */
/* bench_ledger.c: how fast closed slots become rows on one core, and how many bytes a
 * request takes on disk.
 *
 * usage: bench_ledger FOLDER [REQUESTS [slim]]; the folder must be empty, or not there
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"
#include "ledger_turn.h"
#include "stage/meter.h"

#define SLOTS 1024U
#define BATCH 256
#define RUN   200 /* requests of one job */

struct bench {
	struct env *env;
	struct ledger *ledger;
	struct slots *slots;
	struct slot_request request;
	struct slot_attempt attempt;
	uint64_t chance;
	int64_t turn_ns, turn_cpu_ns; /* in the ledger's own work */
	char raw[SLOT_RAW_USAGE];
	size_t raw_len;
};

/* Not the environment's: that costs a system call. */
static uint64_t
draw(struct bench *b)
{
	b->chance = b->chance * 6364136223846793005ULL + 1442695040888963407ULL;
	return b->chance >> 33;
}

/* As OpenAI and Anthropic tell it in 2026. */
static void
fill_usage(struct bench *b, int i)
{
	struct slot_attempt *a = &b->attempt;
	int64_t input = 400 + (int64_t)(draw(b) % 20000), cached = input / 3;
	int64_t output = 40 + (int64_t)(draw(b) % 1500), reasoning = output / 4;
	int64_t total = input + output;
	int n;

	a->tokens[TOKEN_input_uncached] = input - cached;
	a->tokens[TOKEN_cache_read] = cached;
	a->tokens[TOKEN_output] = output;
	a->reasoning = reasoning;
	a->input_estimate = input + (int64_t)(draw(b) % 100);
	a->list_pusd = input * 200000 + output * 1200000;
	a->amount_pusd = a->list_pusd;
	a->at_most_pusd = a->list_pusd * 7;
	n = i % 3 != 0
		? snprintf(b->raw, sizeof(b->raw),
		      "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,"
		      "\"total_tokens\":%lld,\"prompt_tokens_details\":"
		      "{\"cached_tokens\":%lld,\"audio_tokens\":0},"
		      "\"completion_tokens_details\":{\"reasoning_tokens\":%lld,"
		      "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
		      "\"rejected_prediction_tokens\":0}}",
		      (long long)input, (long long)output, (long long)total,
		      (long long)cached, (long long)reasoning)
		: snprintf(b->raw, sizeof(b->raw),
		      "{\"input_tokens\":%lld,\"cache_creation_input_tokens\":0,"
		      "\"cache_read_input_tokens\":%lld,\"cache_creation\":"
		      "{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":"
		      "0},"
		      "\"output_tokens\":%lld,\"service_tier\":\"standard\"}",
		      (long long)(input - cached), (long long)cached,
		      (long long)output);
	b->raw_len = (size_t)n;
}

/* Five tags, two of them in the roll-ups; a job has some hundred requests. */
static void
fill_tags(struct slot_request *r, int i)
{
	static const char *const apps[] = {"shop", "search", "support"};
	int n = snprintf(r->tags, sizeof(r->tags), "app=%s\nenv=%s\n",
	    apps[i / RUN % 3], i / RUN % 5 == 0 ? "dev" : "prod");

	r->rollup_tags_len = (uint16_t)n;
	n += snprintf(r->tags + n, sizeof(r->tags) - (size_t)n,
	    "run=%d\njob=e2e-%d\ncommit=%08x9f41b7d2c6a05e83b1d4f7a2c9e6308d\n",
	    184000 + i / RUN, i / RUN % 7, (unsigned)i / RUN * 2654435761U);
	r->tags_len = (uint16_t)n;
}

/* Six candidates as plan_pack() leaves them; a decision of the usual length. */
static void
fill_plan(struct bench *b)
{
	struct slot_request *r = &b->request;

	r->plan[0] = 0x83;
	r->plan_len = 1 + 6 * 16;
	for (int c = 0; c < 6; c++) {
		uint8_t *p = r->plan + 1 + c * 16;
		uint64_t chance = draw(b);

		p[0] = (uint8_t)c;
		p[1] = 0x80;
		p[2] = (uint8_t)(c + 1);
		memcpy(p + 4, &chance, 4); /* success, cost */
		memcpy(p + 10, &(uint16_t){(uint16_t)(300 + c * 40)}, 2);
		memset(p + 12, 0xFF, 4);
	}
	r->decision_len = 96;
	for (int n = 0; n < 96; n += 4)
		memcpy(r->decision + n, &(uint32_t){(uint32_t)draw(b)}, 4);
}

/* 8 teams with 4 keys each, 3 models, 40 users: some hundred roll-ups an hour. */
static void
book(struct bench *b, int i)
{
	static const char *const models[] = {"sol", "luna", "qwen"};
	struct slot_request *r = &b->request;
	struct slot_attempt *a = &b->attempt;
	struct slot *s;

	r->id = id_new(b->env);
	r->start_ms = env_wall_ms(b->env) - 900 - i % 4000;
	r->session = (uint64_t)i / 10 * 0x9E3779B97F4A7C15ULL;
	r->complexity = (float)(draw(b) % 10000) / 10000;
	r->confidence = (float)(draw(b) % 10000) / 10000;
	r->baseline_success = (float)(draw(b) % 10000) / 10000;
	r->baseline_pusd = 40000000 + (int64_t)(draw(b) % 9000000);
	snprintf(r->team, sizeof(r->team), "team-%d", i % 8);
	snprintf(r->key, sizeof(r->key), "key-%d", i % 32);
	snprintf(r->user, sizeof(r->user), "user-%d", i % 40);
	fill_tags(r, i);
	fill_plan(b);
	snprintf(a->model, sizeof(a->model), "%s", models[i % 3]);
	fill_usage(b, i);
	a->start_ms = r->start_ms + 2;
	a->granted_ms = a->start_ms;
	a->connect_ms = i % 9 == 0 ? 12 : 0;
	a->ttft_ms = 100 + i % 400;
	a->total_ms = 900 + i % 4000;
	s = slot_open(b->slots, 0, r);
	if (s == NULL)
		xabort("no slot is left");
	(void)slot_attempt_open(s, a);
	slot_attempt_close(s, 0, a, str_make(b->raw, b->raw_len));
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
	    .basis = "9f0c22ab771",
	    .classifier = "surface-1",
	    .baseline = "sol",
	    .decided = "luna",
	    .outlook = 70412};
	static const struct slot_attempt attempt = {.provider = "openai",
	    .region = "us",
	    .price_id = "openai/gpt-5.6-luna/2026-07-30",
	    .outcome = OUT_served,
	    .basis = BASIS_reported,
	    .http_status = 200,
	    .sent = 1,
	    .first_byte = 1,
	    .contract_ppm = 1000000,
	    .expected_output = 420,
	    .warm_idle_ms = 41000,
	    .warm_tokens = 3100,
	    .calls = -1,
	    .served_model = "gpt-5.6-luna-2026-07-30",
	    .service_tier = "default"};

	b->request = request;
	b->attempt = attempt;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		b->attempt.tokens[k] = -1;
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
report(struct bench *b, const char *folder, int requests)
{
	struct sizes s = {.b = b, .folder = folder};

	if (!b->env->list_dir(b->env, folder, on_file, &s))
		xabort("the folder cannot be read");
	printf("{\"requests\":%d,\"batch\":%d,\"requests_per_s\":%lld,"
	       "\"requests_per_cpu_s\":%lld,\"cpu_us_per_request\":%.1f,"
	       "\"row_bytes_per_request\":%lld,\"rollup_bytes\":%lld}\n",
	    requests, BATCH, (long long)(requests * NS_PER_S / b->turn_ns),
	    (long long)(requests * NS_PER_S / b->turn_cpu_ns),
	    (double)b->turn_cpu_ns / 1e3 / requests, (long long)(s.rows / requests),
	    (long long)s.rollups);
}

static int64_t
cpu_now_ns(void)
{
	return (int64_t)clock() * (NS_PER_S / CLOCKS_PER_SEC);
}

static void
turn(struct bench *b)
{
	int64_t began = b->env->mono_ns(b->env), cpu = cpu_now_ns();

	if (!ledger_turn(b->ledger))
		xabort("the ledger cannot be written");
	b->turn_ns += b->env->mono_ns(b->env) - began;
	b->turn_cpu_ns += cpu_now_ns() - cpu;
}

int
main(int argc, char **argv)
{
	struct bench b = {.env = env_system()};
	struct outlook_shared *outlook;
	int requests = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 50000;
	char why[256];

	if (argc < 2 || requests <= 0 || !b.env->make_dir(b.env, argv[1])) {
		fputs("usage: bench_ledger FOLDER [REQUESTS [slim]]\n", stderr);
		return 2;
	}
	init(&b);
	if (!ledger_open(b.env, argv[1], &b.ledger, why)) {
		fprintf(stderr, "bench_ledger: %s\n", why);
		return 1;
	}
	ledger_set_terms(
	    b.ledger, &(struct ledger_terms){.slim = argc > 3 && argv[3][0] == 's'});
	b.slots = slots_create(b.env, argv[1], SLOTS, 1);
	outlook = outlook_shared_new();
	ledger_attach(b.ledger, b.slots, outlook);
	for (int i = 0; i < requests; i++) {
		book(&b, i);
		if (i % BATCH == BATCH - 1)
			turn(&b);
	}
	turn(&b);
	slots_close(b.slots);
	ledger_close(b.ledger); /* moves the write-ahead log into the files */
	report(&b, argv[1], requests);
	outlook_shared_free(outlook);
	return 0;
}
