/* libs: base config core parse auth budget call meter classify route */
/* bench_policy.c: decides about requests of a simulation, as the daemon would, and says
 * who serves each; see policy.py.
 *
 * usage: bench_policy POLICY < requests
 *
 * A request is a line of numbers and as many bytes of text:
 *
 *     PROMPT_BYTES SESSION IDLE_MS CACHED_TOKENS LOOP TEXT_BYTES
 *
 * PROMPT_BYTES: of the whole prompt, for its cost. SESSION: a number, 0: none; the
 * requests of one stand in the order of time. IDLE_MS, CACHED_TOKENS: since its last
 * request, and of this prompt what that one's may have left in the provider's cache.
 * LOOP: 1: a tool's result. The answer is a line: class, complexity, confidence, and
 * the model that each route of the policy takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/request.h"

#define TEXT_MAX     (1U << 20)
#define SESSIONS_MAX 65536

/* What a route remembers of a session; of the first route only. */
struct memory {
	const struct model *model;
	float complexity;
	int class;
	uint16_t turns;
};

struct request_line {
	unsigned long long prompt_bytes, session, idle_ms, cached, loop, bytes;
};

static struct snapshot *
load(struct fleet_shared *fleet, const char *path)
{
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_load_offline(env_system(), path, d);
	size_t n;
	const struct diag_finding *f = diag_findings(d, &n);

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%u: %s\n", f[i].at.line, f[i].text);
	if (s == NULL || !classifier_bind(s, d) || !fleet_bind(fleet, s))
		exit(1);
	diag_free(d);
	return s;
}

static bool
read_request(struct request_line *r, char *text)
{
	if (scanf("%llu %llu %llu %llu %llu %llu", &r->prompt_bytes, &r->session,
		&r->idle_ms, &r->cached, &r->loop, &r->bytes) != 6)
		return false;
	if (r->bytes > TEXT_MAX || r->session >= SESSIONS_MAX || getchar() != '\n' ||
	    fread(text, 1, r->bytes, stdin) != r->bytes) {
		fputs("no request of the form that bench_policy reads\n", stderr);
		exit(1);
	}
	return true;
}

static struct session_view
session_of(const struct request_line *r, const struct memory *m)
{
	struct session_view v = {.complexity = -1, .class = -1};

	if (r->session == 0 || m->model == NULL)
		return v;
	v.known = true;
	v.id = r->session;
	v.turns = m->turns;
	v.idle_ms = (int64_t)r->idle_ms;
	v.model = m->model;
	v.provider = m->model->at[0].provider;
	v.cached_tokens = (int64_t)r->cached;
	v.complexity = m->complexity;
	v.class = m->class;
	return v;
}

/* A tool's result goes on with the task before it. */
static void
remember(struct memory *m, const struct plan *p, const struct verdict *v, bool loop)
{
	m->model = p->candidate[0].model;
	m->turns++;
	if (loop && m->class >= 0)
		return;
	m->complexity = v->complexity;
	m->class = (int)v->class;
}

static void
decide(const struct snapshot *s, const struct request_line *r, const char *text,
    struct memory *memory)
{
	struct prompt_piece piece = {
	    .role = ROLE_user, .raw = str_make(text, r->bytes)};
	struct prompt prompt = {.pieces = &piece, .count = 1};
	struct task task = {.dialect = &dialect_openai,
	    .endpoint = EP_generate,
	    .max_output = -1,
	    .n = 1,
	    .best_of = 1,
	    .messages = 1,
	    .text_bytes = r->bytes,
	    .open_tool_call = r->loop != 0};
	struct principal who = {.key_name = "local", .team_name = ""};
	struct session_view session = session_of(r, memory);
	struct verdict verdict;
	struct plan plan;
	struct route_input in = {.snap = s,
	    .task = &task,
	    .verdict = &verdict,
	    .who = &who,
	    .session = &session,
	    .min_quality = -1,
	    .max_cost_usd = -1,
	    .bypass_mode = MODE_COUNT,
	    .wall_s = 1795608000,
	    .hours_s = 1795608000,
	    .draw = r->session};

	classify(s->classifier, &task, &prompt, &verdict);
	task.text_bytes = r->prompt_bytes;
	printf("%s %.4f %.4f", class_name(verdict.class), (double)verdict.complexity,
	    (double)verdict.confidence);
	for (unsigned i = 0; i < s->route_count; i++) {
		task.model = str_of(s->routes[i].name);
		if (!plan_build(&in, &plan)) {
			fprintf(stderr, "%s\n", plan.refusal_text);
			exit(1);
		}
		printf(" %s", plan.candidate[0].model->name);
		if (i == 0 && r->session != 0)
			remember(memory, &plan, &verdict, r->loop != 0);
	}
	putchar('\n');
}

int
main(int argc, char **argv)
{
	struct fleet_shared *fleet = fleet_new();
	struct memory *memory = xcalloc(SESSIONS_MAX, sizeof(*memory));
	char *text = xcalloc(TEXT_MAX, 1);
	struct request_line r;
	struct snapshot *s;

	if (argc != 2) {
		fputs("usage: bench_policy POLICY < requests\n", stderr);
		return 2;
	}
	s = load(fleet, argv[1]);
	while (read_request(&r, text))
		decide(s, &r, text, &memory[r.session]);
	snapshot_unref(s);
	fleet_free(fleet);
	xfree(memory);
	xfree(text);
	return 0;
}
