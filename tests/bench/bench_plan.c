/* libs: base config core parse auth budget call meter classify route */
/* bench_plan.c: what frugald itself takes to classify and route a request: a prompt of
 * 2 KB, six candidates. Prints nanoseconds, and how often memory was asked for, which
 * must not be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/request.h"

#define ROUNDS 20000

#ifndef __SANITIZE_ADDRESS__
/* Stands in for the C library's, which this asks in turn. */
void *__libc_malloc(size_t __size);
static uint64_t allocations;

void *
malloc(size_t __size)
{
	allocations++;
	return __libc_malloc(__size);
}
#else
static const uint64_t allocations = 1;
#endif

static const char policy[] =
    "version: 1\n"
    "providers:\n"
    "  openai: {api: openai, url: 'https://api.openai.com/v1', region: us}\n"
    "  europe: {api: openai, url: 'https://eu.example.com/v1', region: eu}\n"
    "  rack: {api: openai, url: 'http://10.0.7.4/v1', region: onprem, local: true}\n"
    "models:\n"
    "  sol: {is: openai/gpt-5.6-sol, at: [openai, europe]}\n"
    "  luna: {is: openai/gpt-5.6-luna, at: [openai, europe]}\n"
    "  mini: {is: openai/gpt-4.1-mini, at: [openai]}\n"
    "  qwen: {is: qwen/qwen3-32b, at: [rack]}\n"
    "data:\n"
    "  internal: {regions: [us, eu, onprem]}\n"
    "routes:\n"
    "  auto:\n"
    "    candidates: [qwen, mini, luna, sol]\n"
    "    baseline: sol\n"
    "    data: internal\n"
    "    rules:\n"
    "      - {when: {class: maths, complexity_above: 0.9}, use: [sol]}\n"
    "      - {when: {hours: 'Mon-Fri 08-18 UTC', class: agent}, avoid: [qwen]}\n";

static const char sentence[] =
    "Please go through the quarterly report below and write a short summary for the "
    "board: what has changed since last year, which numbers need an explanation, and "
    "what the three greatest risks are. Keep it to a page.\\n";

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
print(const char *what, int64_t *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), by_value);
	printf("%-10s p50 %6lld ns   p99 %6lld ns\n", what, (long long)ns[ROUNDS / 2],
	    (long long)ns[ROUNDS * 99 / 100]);
}

static struct snapshot *
load(struct fleet_shared *fleet)
{
	struct diag *d = diag_new();
	struct snapshot *s =
	    snapshot_parse(env_system(), str_of(policy), "policy.yaml", d);
	size_t n;
	const struct diag_finding *f = diag_findings(d, &n);

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%u: %s\n", f[i].at.line, f[i].text);
	diag_free(d);
	if (s == NULL || !fleet_bind(fleet, s))
		exit(1);
	return s;
}

struct run {
	int64_t classify[ROUNDS], plan[ROUNDS], both[ROUNDS];
};

static void
measure(
    struct run *r, struct route_input *in, struct verdict *v, const struct prompt *p)
{
	struct env *env = env_system();
	struct plan plan;
	uint64_t before = allocations;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = env->mono_ns(env), between;

		classify(classifier_builtin(), in->task, p, v);
		between = env->mono_ns(env);
		if (!plan_build(in, &plan))
			exit(1);
		r->classify[i] = between - start;
		r->plan[i] = env->mono_ns(env) - between;
		r->both[i] = r->classify[i] + r->plan[i];
	}
	before = allocations - before;
	printf("allocations %llu\n", (unsigned long long)before);
	printf("%u candidates, first %s, class %s\n", plan.count,
	    plan.candidate[0].model->name, class_name(v->class));
}

int
main(void)
{
	static struct run r;
	char text[2048 + sizeof(sentence)];
	size_t len = 0;
	struct fleet_shared *fleet = fleet_new();
	struct prompt_piece piece = {.role = ROLE_user};
	struct prompt prompt = {.pieces = &piece, .count = 1};
	struct task task = {.dialect = &dialect_openai,
	    .endpoint = EP_generate,
	    .model = STR("auto"),
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .messages = 1};
	struct principal who = {.key_name = "local", .team_name = ""};
	struct session_view session = {.complexity = -1};
	struct verdict verdict;
	struct route_input in = {.task = &task,
	    .verdict = &verdict,
	    .who = &who,
	    .session = &session,
	    .min_quality = -1,
	    .max_cost_usd = -1,
	    .bypass_mode = MODE_COUNT,
	    .wall_s = 1795608000,
	    .hours_s = 1795608000};

	while (len < 2048) {
		memcpy(text + len, sentence, sizeof(sentence) - 1);
		len += sizeof(sentence) - 1;
	}
	piece.raw = str_make(text, 2048);
	task.text_bytes = 2048;
	in.snap = load(fleet);
	if (allocations == 0)
		return 1; /* nothing is counted */
	measure(&r, &in, &verdict, &prompt);
	print("classify", r.classify);
	print("plan", r.plan);
	print("both", r.both);
	snapshot_unref((struct snapshot *)in.snap);
	fleet_free(fleet);
	return 0;
}
