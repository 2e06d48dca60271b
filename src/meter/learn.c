/* learn.c: an exponentially weighted mean per provider,
 * published as an immutable outlook. */
#include "learn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store.h"

/* A new sample counts 1/64: some hundred requests to forget a start value. */
#define WEIGHT 64
/* Shorter prompts are mostly the provider's own framing. */
#define MIN_TOKENS 64
/* A value is published when it has moved by 1/PART. */
#define PART 200

struct outlook_ref {
	struct outlook outlook; /* first: outlook_release() gets this address */
	atomic_uint refs_shared;
};

struct outlook_shared {
	pthread_mutex_t mutex;
	struct outlook_ref *current_shared;
};

struct outlook_shared *
outlook_shared_new(void)
{
	struct outlook_shared *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->mutex, NULL);
	o->current_shared = xcalloc(1, sizeof(*o->current_shared));
	atomic_init(&o->current_shared->refs_shared, 1);
	return o;
}

void
outlook_shared_free(struct outlook_shared *o)
{
	if (o == NULL)
		return;
	outlook_release(&o->current_shared->outlook);
	pthread_mutex_destroy(&o->mutex);
	xfree(o);
}

const struct outlook *
outlook_take(struct outlook_shared *o)
{
	struct outlook_ref *r;

	pthread_mutex_lock(&o->mutex);
	r = o->current_shared;
	atomic_fetch_add_explicit(&r->refs_shared, 1, memory_order_relaxed);
	pthread_mutex_unlock(&o->mutex);
	return &r->outlook;
}

void
outlook_release(const struct outlook *o)
{
	struct outlook_ref *r = (struct outlook_ref *)(uintptr_t)o;

	if (r != NULL && atomic_fetch_sub(&r->refs_shared, 1) == 1)
		xfree(r);
}

/* ---- learning ---- */

void
learn_init(struct learn *l, struct store *store)
{
	*l = (struct learn){.store = store};
	store_load_outlook(store, &l->now);
}

static void
publish(struct learn *l)
{
	struct outlook_ref *fresh = xcalloc(1, sizeof(*fresh)), *old;

	fresh->outlook = l->now;
	atomic_init(&fresh->refs_shared, 1);
	pthread_mutex_lock(&l->shared->mutex);
	old = l->shared->current_shared;
	l->shared->current_shared = fresh;
	pthread_mutex_unlock(&l->shared->mutex);
	outlook_release(&old->outlook);
	l->published = l->now;
}

void
learn_start(struct learn *l, struct outlook_shared *shared)
{
	l->shared = shared;
	publish(l);
}

static int32_t *
value_of(struct learn *l, const char *provider)
{
	struct outlook *o = &l->now;

	for (unsigned i = 0; i < o->providers; i++) {
		if (strcmp(o->provider[i].name, provider) == 0)
			return &o->provider[i].bytes_per_token_milli;
	}
	if (o->providers == sizeof(o->provider) / sizeof(o->provider[0]))
		return NULL;
	str_copy(o->provider[o->providers].name, sizeof(o->provider[0].name),
	    str_of(provider));
	return &o->provider[o->providers++].bytes_per_token_milli;
}

static int64_t
input_of(const struct slot_attempt *a)
{
	struct usage u;

	memcpy(u.tokens, a->tokens, sizeof(u.tokens));
	return usage_input(&u);
}

void
learn_from(struct learn *l, const struct slot *s)
{
	const struct slot_attempt *a = s->attempt;
	int64_t input, sample;
	int32_t *v;

	if (s->attempts == 0)
		return;
	a += s->attempts - 1;
	input = input_of(a);
	if (a->outcome != OUT_served || a->basis != BASIS_reported ||
	    input < MIN_TOKENS || a->text_bytes <= 0)
		return;
	sample = a->text_bytes * 1000 / input;
	if (sample < 500 || sample > 20000)
		return; /* images, hidden state: no measure of text */
	v = value_of(l, a->provider);
	if (v == NULL)
		return;
	*v = *v == 0 ? (int32_t)sample : *v + (int32_t)((sample - *v) / WEIGHT);
}

/* Every number is a row for good, so that a decision can be taken again later; noise is
 * not worth one. */
static bool
moved(const struct outlook *from, const struct outlook *to)
{
	if (from->providers != to->providers)
		return true;
	for (unsigned i = 0; i < to->providers; i++) {
		int32_t a = from->provider[i].bytes_per_token_milli;
		int32_t b = to->provider[i].bytes_per_token_milli;

		if (abs(a - b) >= (a + PART - 1) / PART)
			return true;
	}
	return false;
}

void
learn_publish(struct learn *l)
{
	struct outlook old = l->published;

	if (!moved(&old, &l->now))
		return;
	l->now.number++;
	if (!store_save_outlook(l->store, &l->now)) {
		l->now.number--;
		return; /* the ledger's own errors say why; tried again next time */
	}
	publish(l);
}
