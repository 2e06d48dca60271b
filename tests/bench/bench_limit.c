/* libs: base budget */
/* bench_limit.c: CPU that rpm, tpm, max_inflight and runaway of a key and its team take
 * of a request (let in, tokens held and settled, spend, over) in each of 4 threads at
 * once, and how long threads wait for each other. Prints nanoseconds, and at the end
 * whether all was given back.
 *
 * usage: bench_limit [THREADS [ROUNDS]] */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "budget/limit.h"

#define THREADS_MAX 64
#define KEYS        16

struct bench {
	struct limits_shared *l;
	struct limit_who who[KEYS];
	unsigned rounds;
	pthread_barrier_t begin;
};

struct thread {
	struct bench *bench;
	unsigned number;
	int64_t cpu_ns, wall_ns;
};

static int64_t
clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* With the looks at the clock that a request has. */
static void
one(struct bench *b, const struct limit_who *who)
{
	struct env *env = env_system();
	struct limit_room room[LIMIT_KINDS];
	struct limit_taken in = {0}, tokens = {.n = 500};
	struct limit_refusal why;
	struct limit_settled used = {.used = 300};
	struct limit_moment now = {env->mono_ns(env), env_wall_ms(env)};
	struct runaway_bill bill = {.expected = {40}, .amount = {20}};
	struct runaway_refusal fast;

	if (!runaway_admit(b->l, who, &now, &fast) ||
	    !limit_enter(b->l, who, now.mono_ns, &in, room, &why) ||
	    !limit_hold(b->l, who, env->mono_ns(env), &tokens, room, &why))
		xabort("refused below all limits");
	runaway_begin(who, bill.expected);
	bill.at = (struct limit_moment){env->mono_ns(env), env_wall_ms(env)};
	used.now_ns = bill.at.mono_ns;
	limit_settle(b->l, who, &tokens, &used, room);
	runaway_end(b->l, who, &bill);
	limit_leave(b->l, who, used.now_ns, &in, true);
}

static void *
run(void *arg)
{
	struct thread *t = arg;
	struct bench *b = t->bench;
	int64_t cpu, wall;

	(void)pthread_barrier_wait(&b->begin);
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	wall = clock_ns(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < b->rounds; i++)
		one(b, &b->who[(i + t->number * 5) % KEYS]);
	t->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	t->wall_ns = clock_ns(CLOCK_MONOTONIC) - wall;
	return NULL;
}

static void
make(struct bench *b)
{
	static const struct terms terms = {.rpm = INT64_C(1) << 40,
	    .tpm = INT64_C(1) << 50,
	    .max_inflight = 1 << 20,
	    .runaway = {1000 * PUSD_PER_USD}};
	static struct team team = {.name = "team"};
	static struct key_entry key[KEYS];
	static char name[KEYS][8];
	struct snapshot s = {
	    .teams = &team, .team_count = 1, .keys = key, .key_count = KEYS};

	b->l = limits_new();
	team.terms = terms;
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(name[i], sizeof(name[i]), "key-%u", i);
		key[i] =
		    (struct key_entry){.name = name[i], .team = &team, .terms = terms};
	}
	limits_bind(b->l, &s);
	for (unsigned i = 0; i < KEYS; i++) {
		struct principal p = {.key = &key[i], .team = &team};

		(void)limit_who_make(&p, &b->who[i]);
	}
}

int
main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4;
	static struct thread t[THREADS_MAX];
	pthread_t id[THREADS_MAX];
	struct bench b = {
	    .rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 400000};
	int64_t cpu = 0, wall = 0, left[LIMIT_KINDS];

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	make(&b);
	pthread_barrier_init(&b.begin, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		t[i] = (struct thread){.bench = &b, .number = i};
		if (pthread_create(&id[i], NULL, run, &t[i]) != 0)
			return 1;
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(id[i], NULL);
		cpu += t[i].cpu_ns;
		wall += t[i].wall_ns;
	}
	limit_use(b.l, b.who[0].of[LIMIT_team], clock_ns(CLOCK_MONOTONIC), left);
	printf("cpu    %" PRId64 " ns a request, %u threads\n",
	    cpu / ((int64_t)threads * b.rounds), threads);
	printf(
	    "clock  %" PRId64 " ns a request\n", wall / ((int64_t)threads * b.rounds));
	printf("left   %" PRId64 " in flight\n", left[LIMIT_inflight]);
	pthread_barrier_destroy(&b.begin);
	limits_free(b.l);
	return left[LIMIT_inflight] == 0 ? 0 : 1;
}
