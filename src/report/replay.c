/* replay.c: the ledger's requests under another policy. One thread reads, one decides:
 * a batch lies between them, so that neither waits long for the other. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/env.h"
#include "base/mem.h"
#include "replay_judge.h"

#define BATCH     512
#define BATCHES   3
#define MEM_BYTES ((size_t)64 << 20)

/* ---- between the threads ---- */

struct batch {
	int rows; /* 0: the end, -1: failed */
	struct replay_row row[BATCH];
};

struct pipe {
	struct replay_reader *reader;
	pthread_t thread;
	pthread_mutex_t mutex; /* of everything below */
	pthread_cond_t changed;
	struct batch *batch[BATCHES];
	unsigned filled, taken; /* counts; never more than BATCHES apart */
	bool stop;
};

/* A batch to fill; NULL: nobody wants more. */
static struct batch *
pipe_room(struct pipe *p)
{
	struct batch *b;

	pthread_mutex_lock(&p->mutex);
	while (p->filled - p->taken == BATCHES && !p->stop)
		pthread_cond_wait(&p->changed, &p->mutex);
	b = p->stop ? NULL : p->batch[p->filled % BATCHES];
	pthread_mutex_unlock(&p->mutex);
	return b;
}

static void
pipe_count(struct pipe *p, unsigned *count)
{
	pthread_mutex_lock(&p->mutex);
	(*count)++;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

static void *
read_all(void *arg)
{
	struct pipe *p = arg;
	struct batch *b;

	pthread_setname_np(pthread_self(), "replay");
	while ((b = pipe_room(p)) != NULL) {
		int rows = replay_reader_next(p->reader, b->row, BATCH);

		b->rows = rows;
		pipe_count(p, &p->filled);
		if (rows <= 0)
			break;
	}
	return NULL;
}

/* The oldest that was filled. */
static struct batch *
pipe_take(struct pipe *p)
{
	pthread_mutex_lock(&p->mutex);
	while (p->filled == p->taken)
		pthread_cond_wait(&p->changed, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	return p->batch[p->taken % BATCHES];
}

static bool
pipe_start(struct pipe *p, struct replay_reader *reader)
{
	*p = (struct pipe){.reader = reader};
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->changed, NULL);
	for (unsigned i = 0; i < BATCHES; i++)
		p->batch[i] = xcalloc(1, sizeof(*p->batch[i]));
	return pthread_create(&p->thread, NULL, read_all, p) == 0;
}

static void
pipe_stop(struct pipe *p, bool started)
{
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	if (started)
		pthread_join(p->thread, NULL);
	for (unsigned i = 0; i < BATCHES; i++)
		xfree(p->batch[i]);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->mutex);
}

/* ---- notes ---- */

static void
note(struct replay_notes *n, const char *what, int64_t requests, struct pusd_sum booked)
{
	struct replay_note *x = n->note;
	unsigned i = 0;

	while (i < n->count && strncmp(x[i].what, what, REPLAY_NOTE - 1) != 0)
		i++;
	if (i == n->count && n->count + 1 >= REPLAY_NOTES) {
		i = REPLAY_NOTES - 1;
		what = "other reasons";
	}
	if (i >= n->count) {
		n->count = i + 1;
		str_copy(x[i].what, sizeof(x[i].what), str_of(what));
	}
	x[i].requests += requests;
	x[i].booked.v += booked.v;
}

static int
by_requests(const void *a, const void *b)
{
	const struct replay_note *x = a, *y = b;

	if (x->requests != y->requests)
		return x->requests < y->requests ? 1 : -1;
	return strcmp(x->what, y->what);
}

static void
sort_notes(struct replay_notes *n)
{
	unsigned sorted = n->count == REPLAY_NOTES ? n->count - 1 : n->count;

	qsort(n->note, sorted, sizeof(n->note[0]), by_requests);
}

/* ---- the replay ---- */

struct tally {
	int64_t requests;
	struct pusd_sum booked;
};

struct replay {
	const struct replay_options *o;
	struct replay_bench bench;
	struct replay_sums *sums;
	struct replay_result *ret;
	struct tally refused[OUT_COUNT];
	/* from the first choice then to the one now; 0: a model that is not there now,
	 * or nobody */
	struct tally move[MODELS_MAX + 1][MODELS_MAX + 1];
};

static void
count(struct tally *t, struct pusd_sum booked)
{
	t->requests++;
	t->booked.v += booked.v;
}

static void
take(struct replay *r, const struct replay_row *row, const struct replay_verdict *v)
{
	struct replay_result *ret = r->ret;

	ret->requests++;
	ret->first_ms = ret->first_ms == 0 ? row->end_ms : ret->first_ms;
	ret->last_ms = row->end_ms;
	if (v->lacks != NULL || v->unpriced) {
		note(&ret->lacking,
		    v->lacks != NULL ? v->lacks : "their cost is not known: unpriced",
		    1, row->booked);
		ret->unpriced += v->lacks == NULL;
		return;
	}
	ret->compared++;
	ret->booked.v += row->booked.v;
	ret->changed += v->fact.changed;
	replay_sums_add(r->sums, &v->fact);
	if (v->fact.refused) {
		ret->refused++;
		count(&r->refused[v->refusal], row->booked);
	} else if (v->fact.changed) {
		count(&r->move[v->model_was + 1][v->fact.model_is + 1], row->booked);
	}
}

static void
take_batch(struct replay *r, const struct batch *b)
{
	struct arena *mem = arena_new(MEM_BYTES);
	struct replay_verdict v;

	for (int i = 0; i < b->rows; i++) {
		replay_judge(&r->bench, &b->row[i], mem, &v);
		take(r, &b->row[i], &v);
	}
	arena_free(mem);
}

static void
note_moves(struct replay *r)
{
	const struct snapshot *s = r->o->fresh;
	char what[REPLAY_NOTE];

	for (size_t i = 0; i < (MODELS_MAX + 1) * (MODELS_MAX + 1); i++) {
		size_t from = i / (MODELS_MAX + 1), to = i % (MODELS_MAX + 1);
		const struct tally *t = &r->move[from][to];

		if (t->requests == 0 || to == 0)
			continue;
		snprintf(what, sizeof(what), "%s -> %s",
		    from == 0 ? "(gone)" : s->models[from - 1].name,
		    s->models[to - 1].name);
		note(&r->ret->moves, what, t->requests, t->booked);
	}
}

static void
finish(struct replay *r)
{
	replay_sums_result(r->sums, r->o->seed, r->ret);
	for (unsigned i = 0; i < OUT_COUNT; i++) {
		const struct tally *t = &r->refused[i];

		if (t->requests > 0)
			note(&r->ret->refusals, outcome_name((enum outcome)i),
			    t->requests, t->booked);
	}
	note_moves(r);
	sort_notes(&r->ret->lacking);
	sort_notes(&r->ret->refusals);
	sort_notes(&r->ret->moves);
}

static bool
walk(struct replay *r, struct pipe *p)
{
	struct batch *b;
	int rows;

	do {
		b = pipe_take(p);
		rows = b->rows;
		take_batch(r, b);
		pipe_count(p, &p->taken);
	} while (rows > 0);
	return rows == 0;
}

static void
add_machine(struct replay *r)
{
	const struct replay_options *o = r->o;

	if (o->added == NULL)
		return;
	r->bench.added = snapshot_provider(o->fresh, str_of(o->added));
	r->bench.tokens_per_s = o->tokens_per_s;
	r->bench.places.count = o->places;
	r->bench.local = &r->ret->local;
}

static bool
run(struct replay *r, struct books *rows, struct books *sums)
{
	struct replay_reader *reader = replay_reader_new(rows, r->o);
	struct pipe p;
	bool ok = false, started = false;

	r->bench.worlds = replay_worlds_new(sums, r->o->fresh);
	r->bench.outlook = replay_outlook_new(sums);
	r->bench.sessions = replay_sessions_new();
	add_machine(r);
	r->sums = replay_sums_new();
	if (r->bench.outlook != NULL) {
		started = pipe_start(&p, reader);
		ok = started && walk(r, &p);
		pipe_stop(&p, started);
	}
	if (ok)
		finish(r);
	replay_sums_free(r->sums);
	replay_sessions_free(r->bench.sessions);
	replay_outlook_free(r->bench.outlook);
	replay_worlds_free(r->bench.worlds);
	replay_reader_free(reader);
	return ok;
}

bool
replay_run(struct env *env, const struct replay_options *o, struct replay_result *ret,
    char ret_why[static 256])
{
	struct replay *r = xcalloc(1, sizeof(*r));
	int64_t began = env->mono_ns(env);
	struct books rows, sums;
	bool ok;

	*ret = (struct replay_result){0};
	r->o = o;
	r->ret = ret;
	books_init(&rows, env, o->state_dir);
	books_init(&sums, env, o->state_dir);
	ok = run(r, &rows, &sums);
	if (!ok)
		snprintf(ret_why, 256, "%s",
		    rows.why[0] != '\0'   ? rows.why
		    : sums.why[0] != '\0' ? sums.why
					  : "there is no thread to be had");
	books_fini(&rows);
	books_fini(&sums);
	ret->wall_ns = env->mono_ns(env) - began;
	xfree(r);
	return ok;
}
