/* libs: base config budget */
/* bench_budget.c: CPU that a hold and its settlement take, in each of 4 threads at
 * once, with 5 budgets on the path of every request. Prints nanoseconds of CPU, and at
 * the end whether accounts are what was spent.
 *
 * usage: bench_budget [THREADS [ROUNDS]] */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"
#include "stage/budget.h"
#include "stage/route.h"

#define THREADS_MAX 64
#define USERS       1000
#define BATCH       16 /* grants that are live at once */
#define COST        3001

static struct budget rules[] = {
    {.name = "daemon per month", .scope = SCOPE_daemon, .per = PER_month},
    {.name = "team payments per month",
	.scope = SCOPE_team,
	.value = "payments",
	.per = PER_month},
    {.name = "each key per day", .scope = SCOPE_key, .per = PER_day},
    {.name = "each user per hour",
	.scope = SCOPE_user,
	.per = PER_hour,
	.hold = HOLD_expected},
    {.name = "each tag.run in all", .scope = SCOPE_tag, .tag = "run", .per = PER_all},
};

struct bench {
	struct budgets *budgets;
	struct snapshot snap;
	unsigned rounds;
	pthread_barrier_t begin;
};

struct thread {
	struct bench *bench;
	unsigned number;
	int64_t grant_ns, settle_ns;
};

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void *
run(void *arg)
{
	struct thread *t = arg;
	struct bench *b = t->bench;
	struct budget_need need = {.worst_case = {5003}, .expected = {4001}};
	struct grant g[BATCH];
	struct budget_refusal why;
	struct tag tag = {.name = STR("run"), .value = STR("4711")};
	char key[16], user[16];
	struct budget_who who = {
	    .team = STR("payments"), .session = 1, .tags = &tag, .tag_count = 1};

	snprintf(key, sizeof(key), "key-%u", t->number);
	who.key = str_of(key);
	(void)pthread_barrier_wait(&b->begin);
	for (unsigned i = 0; i < b->rounds / BATCH; i++) {
		int64_t begin = cpu_ns(), between;

		for (unsigned n = 0; n < BATCH; n++) {
			int len = snprintf(user, sizeof(user), "user-%u",
			    (i * BATCH + n + t->number * 31) % USERS);

			who.user = str_make(user, (size_t)len);
			if (!budgets_grant(
				b->budgets, &b->snap, &who, &need, &g[n], &why))
				xabort("refused below all caps");
		}
		between = cpu_ns();
		for (unsigned n = 0; n < BATCH; n++)
			(void)budgets_settle(b->budgets, &g[n], (struct pusd){COST});
		t->settle_ns += cpu_ns() - between;
		t->grant_ns += between - begin;
	}
	return NULL;
}

/* What was spent by all, as one account tells it. */
static wide
spent(struct bench *b)
{
	static struct budget_line lines[USERS + THREADS_MAX + 4];
	unsigned n = budgets_list(b->budgets, &b->snap, env_wall_ms(env_system()),
	    lines, sizeof(lines) / sizeof(lines[0]));

	for (unsigned i = 0; i < n; i++) {
		if (str_is(str_of(lines[i].name), rules[0].name))
			return lines[i].held.v == 0 ? lines[i].spent.v : -1;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4;
	static struct thread t[THREADS_MAX];
	pthread_t id[THREADS_MAX];
	struct bench b = {
	    .rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 400000};
	int64_t grant = 0, settle = 0, calls;

	if (threads == 0 || threads > THREADS_MAX)
		return 2;
	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		rules[i].cap.v = (wide)1000000 * PUSD_PER_USD;
		rules[i].index = i;
	}
	b.snap.budgets = rules;
	b.snap.budget_count = sizeof(rules) / sizeof(rules[0]);
	b.rounds -= b.rounds % BATCH;
	b.budgets = budgets_new(env_system());
	b.snap.rules = budgets_publish(b.budgets, &b.snap);
	pthread_barrier_init(&b.begin, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		t[i] = (struct thread){.bench = &b, .number = i};
		if (pthread_create(&id[i], NULL, run, &t[i]) != 0)
			xabort("no thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		(void)pthread_join(id[i], NULL);
		grant += t[i].grant_ns;
		settle += t[i].settle_ns;
	}
	calls = (int64_t)threads * b.rounds;
	printf("%u threads, %u budgets on the path\n", threads, b.snap.budget_count);
	printf("grant  %6" PRId64 " ns\nsettle %6" PRId64 " ns\n", grant / calls,
	    settle / calls);
	printf("exact  %s\n", spent(&b) == (wide)calls * COST ? "yes" : "no");
	budgets_free(b.budgets);
	(void)pthread_barrier_destroy(&b.begin);
	return 0;
}
