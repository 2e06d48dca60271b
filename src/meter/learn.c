/* learn.c: exponentially weighted means, published as an immutable outlook. */
#include "learn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/util.h"
#include "store.h"

/* A new sample counts 1/64: some hundred requests to forget a start value. */
#define WEIGHT 64
/* Shorter prompts are mostly the provider's own framing. */
#define MIN_TOKENS 64
/* A value is published when it has moved by 1/PART, a length by 1/LENGTH_PART, or when
 * twice as much is known of it: samples are plenty, and rows are for good. */
#define PART        200
#define LENGTH_PART 50
/* What answers were like so many answers ago counts 1/e. */
#define LENGTH_SAMPLES 2000

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
publish(struct learn *l, const struct outlook *o)
{
	struct outlook_ref *fresh = xcalloc(1, sizeof(*fresh)), *old;

	fresh->outlook = *o;
	atomic_init(&fresh->refs_shared, 1);
	pthread_mutex_lock(&l->shared->mutex);
	old = l->shared->current_shared;
	l->shared->current_shared = fresh;
	pthread_mutex_unlock(&l->shared->mutex);
	outlook_release(&old->outlook);
	l->published = *o;
}

void
learn_start(struct learn *l, struct outlook_shared *shared)
{
	l->shared = shared;
	publish(l, &l->now);
}

const struct outlook_model *
outlook_model(const struct outlook *o, const char *name)
{
	for (unsigned i = 0; o != NULL && i < o->models; i++) {
		if (strcmp(o->model[i].name, name) == 0)
			return &o->model[i];
	}
	return NULL;
}

/* The place of a name, made when it is new; NULL: there is no room. */
static struct outlook_model *
model_of(struct outlook *o, const char *name)
{
	struct outlook_model *m = (struct outlook_model *)outlook_model(o, name);

	if (m != NULL || o->models == nitems(o->model))
		return m;
	m = &o->model[o->models++];
	str_copy(m->name, sizeof(m->name), str_of(name));
	return m;
}

static struct outlook_provider *
provider_of(struct outlook *o, const char *name)
{
	struct outlook_provider *p;

	for (unsigned i = 0; i < o->providers; i++) {
		if (strcmp(o->provider[i].name, name) == 0)
			return &o->provider[i];
	}
	if (o->providers == nitems(o->provider))
		return NULL;
	p = &o->provider[o->providers++];
	str_copy(p->name, sizeof(p->name), str_of(name));
	return p;
}

static int64_t
input_of(const struct slot_attempt *a)
{
	struct usage u;

	memcpy(u.tokens, a->tokens, sizeof(u.tokens));
	return usage_input(&u);
}

static void
learn_text(struct outlook *o, const struct slot_attempt *a)
{
	int64_t input = input_of(a), sample;
	struct outlook_provider *p;
	int32_t *v;

	if (input < MIN_TOKENS || a->text_bytes <= 0)
		return;
	sample = a->text_bytes * 1000 / input;
	if (sample < 500 || sample > 20000)
		return; /* images, hidden state: no measure of text */
	p = provider_of(o, a->provider);
	if (p == NULL)
		return;
	v = &p->bytes_per_token_milli;
	*v = *v == 0 ? (int32_t)sample : *v + (int32_t)((sample - *v) / WEIGHT);
}

static void
learn_length(struct outlook *o, const struct slot_attempt *a, enum task_class c)
{
	float tokens = (float)a->tokens[TOKEN_output];
	struct outlook_model *m;
	struct outlook_length *l;

	if (a->length == LENGTH_unknown || a->tokens[TOKEN_output] < 0)
		return;
	m = model_of(o, a->model);
	if (m == NULL)
		return;
	l = &m->length[c];
	/* That it would have been longer than that was known. */
	if (a->length == LENGTH_least && tokens <= l->mean)
		return;
	l->samples += l->samples < LENGTH_SAMPLES;
	l->mean += (tokens - l->mean) / l->samples;
}

void
learn_from(struct learn *l, const struct slot *s)
{
	const struct slot_attempt *a = s->attempt;
	enum task_class c;

	if (s->attempts == 0)
		return;
	a += s->attempts - 1;
	if (a->outcome != OUT_served || a->basis != BASIS_reported)
		return;
	learn_text(&l->now, a);
	if (class_parse(str_of(s->request.class_name), &c))
		learn_length(&l->now, a, c);
}

/* ---- publishing ---- */

static bool
take_provider(struct outlook_provider *was, const struct outlook_provider *is)
{
	int32_t a = was->bytes_per_token_milli, b = is->bytes_per_token_milli;

	if (abs(a - b) < (a + PART - 1) / PART)
		return false;
	*was = *is;
	return true;
}

static bool
take_length(struct outlook_length *was, const struct outlook_length *is)
{
	float step = is->mean > was->mean ? is->mean - was->mean : was->mean - is->mean;

	if (is->samples == was->samples && step == 0)
		return false;
	if (step * LENGTH_PART < was->mean && is->samples < 2 * was->samples)
		return false;
	*was = *is;
	return true;
}

static bool
take_model(struct outlook_model *was, const struct outlook_model *is)
{
	bool moved = false;

	memcpy(was->name, is->name, sizeof(was->name));
	for (size_t c = 0; c < CLASS_COUNT; c++)
		moved |= take_length(&was->length[c], &is->length[c]);
	return moved;
}

/* Brings `was` forward to `is` where that has moved. Names keep their places. */
static bool
take_moved(struct outlook *was, const struct outlook *is)
{
	bool moved = false;

	was->providers = is->providers;
	was->models = is->models;
	for (unsigned i = 0; i < is->providers; i++)
		moved |= take_provider(&was->provider[i], &is->provider[i]);
	for (unsigned i = 0; i < is->models; i++)
		moved |= take_model(&was->model[i], &is->model[i]);
	return moved;
}

void
learn_publish(struct learn *l)
{
	struct outlook fresh = l->published;

	if (!take_moved(&fresh, &l->now))
		return;
	fresh.number++;
	/* On failure the ledger's own errors say why; tried again next time. */
	if (store_save_outlook(l->store, &l->published, &fresh))
		publish(l, &fresh);
}
