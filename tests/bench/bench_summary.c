/* bench_summary.c: how long a cost summary takes over ten million requests: by model,
 * day and a tag of the roll-ups; and of one run, among many rows.
 *
 * usage: bench_summary FOLDER [ROWS]; the folder must be empty, or not there. One hour
 * with 576 roll-ups (32 keys, 3 models, 6 sets of tags) is copied for each of a month;
 * ROWS requests (default 200,000) of runs of 200 are real. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"
#include "config/kept.h"
#include "core/request.h"
#include "../../src/meter/store.h"

#define HOURS  720
#define CELLS  576
#define EACH   25 /* requests of a roll-up: ten million in all */
#define RUN    200
#define BATCH  256
#define ANSWER ((size_t)16 << 20)

static const char policy[] =
    "version: 1\n"
    "listen: 127.0.0.1:4600\n"
    "providers:\n"
    "  openai: {api: openai, url: \"https://api.openai.com/v1\", region: us}\n"
    "models:\n"
    "  sol: {is: openai/gpt-5.6-sol, at: [openai]}\n"
    "routes:\n"
    "  auto: {candidates: [sol], baseline: sol}\n"
    "tags: {app: rollup, env: rollup, run: index}\n";

struct bench {
	struct env *env;
	const char *dir;
	struct store *store;
	struct slot *slot[BATCH];
	unsigned slots;
	uint64_t ids;
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_summary: %s failed\n", what);
	exit(1);
}

/* So that it is known which tags the roll-ups have. */
static void
keep_policy(struct bench *b)
{
	struct diag *d = diag_new();
	struct snapshot *s = snapshot_parse(b->env, str_of(policy), "p.yaml", d);
	struct kept_part part[KEPT_PARTS];
	char name[12];
	struct buf basis;

	must(s != NULL, "the policy");
	buf_init(&basis, 4096);
	kept_parts(s, part);
	for (size_t i = 0; i < KEPT_PARTS; i++) {
		if (part[i].text.len > 0)
			must(store_keep(
				 b->store, part[i].kind, part[i].key, part[i].text),
			    "keeping it");
	}
	kept_print(part, &basis);
	kept_name(buf_str(&basis), name);
	must(store_keep(b->store, "basis", name, buf_str(&basis)), "keeping it");
	buf_fini(&basis);
	snapshot_unref(s);
	diag_free(d);
}

static void
flush(struct bench *b)
{
	char why[STORE_WHY] = "";

	must(store_commit(b->store, (const struct slot *const *)b->slot, b->slots, why),
	    why);
	b->slots = 0;
}

static void
book(struct bench *b, unsigned i, int64_t end_ms)
{
	static const char *const models[] = {"sol", "luna", "qwen"};
	static const char *const apps[] = {"shop", "search", "support"};
	struct slot *s = b->slot[b->slots++];
	struct slot_request *r = &s->request;
	struct slot_attempt *a = &s->attempt[0];
	int n;

	memset(s, 0, sizeof(*s));
	r->id = (struct id){(uint64_t)end_ms << 16, ++b->ids};
	r->start_ms = end_ms - 900;
	snprintf(r->key, sizeof(r->key), "key-%u", i % 32);
	snprintf(r->team, sizeof(r->team), "team-%u", i % 8);
	snprintf(r->route, sizeof(r->route), "auto");
	snprintf(r->class_name, sizeof(r->class_name), "code");
	snprintf(r->baseline, sizeof(r->baseline), "sol");
	n = snprintf(r->tags, sizeof(r->tags), "app=%s\nenv=%s\n", apps[i / 96 % 3],
	    i / 288 % 2 == 0 ? "dev" : "prod");
	r->rollup_tags_len = (uint16_t)n;
	n += snprintf(r->tags + n, sizeof(r->tags) - (size_t)n, "run=%u\n", i / RUN);
	r->tags_len = (uint16_t)n;
	r->session = i / 10;
	r->baseline_pusd = 40000000 + i % 90000;
	snprintf(a->model, sizeof(a->model), "%s", models[i / 32 % 3]);
	snprintf(a->provider, sizeof(a->provider), "openai");
	snprintf(a->price_id, sizeof(a->price_id), "openai/gpt-5.6-luna/2026-07-30");
	a->tokens[TOKEN_input_uncached] = 400 + i * 37 % 20000;
	a->tokens[TOKEN_output] = 40 + i * 11 % 1500;
	a->amount_pusd = a->list_pusd = 9000000 + i % 5000000;
	a->at_most_pusd = -1;
	a->ttft_ms = (int32_t)(300 + i % 700);
	a->total_ms = (int32_t)(900 + i % 9000);
	a->outcome = s->outcome = OUT_served;
	a->basis = BASIS_reported;
	s->attempts = 1;
	s->end_ms = end_ms;
	if (b->slots == BATCH)
		flush(b);
}

static void
sql(sqlite3 *db, const char *text)
{
	char *why = NULL;

	sqlite3_exec(db, text, NULL, NULL, &why);
	must(why == NULL, why == NULL ? "" : why);
}

/* The first hour, for each hour of a month before it. */
static void
copy_hours(struct bench *b)
{
	char path[4096];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/ledger.db", b->dir);
	must(sqlite3_open(path, &db) == SQLITE_OK, path);
	sql(db,
	    "CREATE TEMP TABLE one AS SELECT * FROM rollup; UPDATE one SET"
	    " requests=requests*25, attempts=attempts*25; BEGIN; DELETE FROM rollup");
	for (int i = 0; i < HOURS; i++)
		sql(db, "UPDATE one SET hour=hour-1; INSERT INTO rollup SELECT * FROM "
			"one");
	sql(db, "COMMIT");
	sqlite3_close(db);
}

/* Of CPU: the machine may be shared. */
static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static double
ms_since(int64_t from_ns)
{
	return (double)(cpu_ns() - from_ns) / 1e6;
}

static void
fold(struct bench *b)
{
	int64_t start = cpu_ns(), step = start;
	double longest = 0;
	unsigned steps = 0;

	while (store_fold(b->store)) {
		if (ms_since(step) > longest)
			longest = ms_since(step);
		step = cpu_ns();
		steps++;
	}
	printf("\"fold_ms\":%.0f,\"fold_steps\":%u,\"fold_longest_ms\":%.1f,",
	    ms_since(start), steps, longest);
}

/* The best of five. */
static void
ask(struct bench *b, const char *name, const char *target)
{
	double best = 1e9;
	struct buf answer;

	for (int i = 0; i < 5; i++) {
		int64_t start = cpu_ns();
		int status;

		buf_init(&answer, ANSWER);
		status = report_offline(b->env, b->dir, str_of(target), &answer);
		must(status == 200, answer.p);
		if (ms_since(start) < best)
			best = ms_since(start);
		if (i == 0)
			printf("\"%s_requests\":%s,", name,
			    strstr(answer.p, "\"requests\":") == NULL
				? "0"
				: arena_printf(arena_new(4096), "%.*s",
				      (int)strcspn(
					  strstr(answer.p, "\"requests\":") + 11, ","),
				      strstr(answer.p, "\"requests\":") + 11));
		buf_fini(&answer);
	}
	printf("\"%s_ms\":%.1f,", name, best);
}

int
main(int argc, char **argv)
{
	struct bench b = {.env = env_system(), .dir = argc > 1 ? argv[1] : NULL};
	uint64_t rows = 200000;
	int64_t now_ms = env_wall_ms(b.env) / 3600000 * 3600000;
	char why[STORE_WHY];

	must(b.dir != NULL && (argc < 3 || str_to_u64(str_of(argv[2]), &rows)),
	    "usage: bench_summary FOLDER [ROWS]");
	(void)b.env->make_dir(b.env, b.dir);
	must(store_open(b.env, b.dir, &b.store, why), "opening the folder");
	for (unsigned i = 0; i < BATCH; i++)
		b.slot[i] = xcalloc(1, sizeof(struct slot));
	keep_policy(&b);
	for (unsigned i = 0; i < CELLS; i++)
		book(&b, i, now_ms + 1000);
	flush(&b);
	printf("{");
	copy_hours(&b);
	ask(&b, "hours", "/v1/costs/summary?since=30d&group_by=model,day,tag.app");
	fold(&b);
	ask(&b, "days", "/v1/costs/summary?since=30d&group_by=model,day,tag.app");
	for (unsigned i = 0; i < rows; i++)
		book(&b, i, now_ms - 600000 + i);
	flush(&b);
	ask(&b, "run", "/v1/costs/summary?since=24h&group_by=model&tag.run=77");
	printf("\"rows\":%" PRIu64 "}\n", rows);
	store_close(b.store);
	for (unsigned i = 0; i < BATCH; i++)
		xfree(b.slot[i]);
	return 0;
}
