/* libs: base config budget */
/* wrap: log_line */
/* test_budget_threads.c: many threads at one account, with room for three at a time,
 * while others reload the policy and look: never are more than three let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "stage/budget.h"

#define THREADS 6
#define TURNS   6000
#define NEED    1000
#define ROOM    3
/* So that what is spent does not fill it. */
#define COST 0

void __wrap_log_line(enum log_level level, const char *fmt, ...);

void
__wrap_log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

struct scene {
	struct budgets *b;
	struct snapshot snap[2]; /* reloaded in turn */
	struct budget rule[2][3];
	atomic_uint live, most, granted, refused, running;
};

static void
policy(struct scene *s, unsigned i)
{
	struct budget *r = s->rule[i];

	r[0] = (struct budget){.name = "daemon in all", .cap = {ROOM * NEED}};
	r[1] = (struct budget){.name = "each user per hour",
	    .scope = SCOPE_user,
	    .per = PER_hour,
	    .cap = {(wide)1 << 80}};
	/* Comes and goes, with holds. */
	r[2] = (struct budget){
	    .name = "each key in all", .scope = SCOPE_key, .cap = {(wide)1 << 80}};
	s->snap[i].budgets = r;
	s->snap[i].budget_count = 2 + i;
}

static void *
ask(void *arg)
{
	struct scene *s = arg;
	struct budget_who who = {.key = STR("one"), .user = STR("ann")};
	struct budget_need need = {.worst_case = {NEED}, .expected = {NEED}};
	struct budget_refusal why;

	for (unsigned i = 0; i < TURNS; i++) {
		struct grant g = {0};
		unsigned now, most;

		if (!budgets_grant(s->b, &s->snap[i % 2], &who, &need, &g, &why)) {
			s->refused++;
			continue;
		}
		now = ++s->live;
		most = s->most;
		while (
		    now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
			continue;
		if (i % 8 == 0)
			sched_yield();
		s->live--;
		s->granted++;
		(void)budgets_settle(s->b, &g, (struct pusd){COST});
	}
	s->running--;
	return NULL;
}

static void *
reload_and_look(void *arg)
{
	struct scene *s = arg;
	struct budget_line lines[8];

	for (unsigned i = 0; s->running > 0; i++) {
		(void)budgets_publish(s->b, &s->snap[i % 2]);
		(void)budgets_list(s->b, &s->snap[i % 2], 0, lines, 8);
		budgets_add(s->b, &s->rule[0][1], "ann",
		    budget_period_ms(&s->rule[0][1], env_wall_ms(env_system())),
		    (struct pusd_sum){1});
	}
	return NULL;
}

static void
test_never_more_than_there_is_room_for(void **state)
{
	static struct scene s;
	pthread_t id[THREADS], other;
	struct budget_line lines[8];
	unsigned n;

	(void)state;
	s.b = budgets_new(env_system());
	policy(&s, 0);
	policy(&s, 1);
	(void)budgets_publish(s.b, &s.snap[1]);
	s.running = THREADS;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&id[i], NULL, ask, &s), 0);
	assert_int_equal(pthread_create(&other, NULL, reload_and_look, &s), 0);
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(id[i], NULL);
	(void)pthread_join(other, NULL);
	assert_in_range(s.most, 1, ROOM);
	assert_int_equal(s.granted + s.refused, THREADS * TURNS);
	n = budgets_list(s.b, &s.snap[0], 0, lines, 8);
	for (unsigned i = 0; i < n; i++)
		assert_true(lines[i].held.v == 0);
	print_message(
	    "%u granted, %u refused, %u at once\n", s.granted, s.refused, s.most);
	budgets_free(s.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_never_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
