/* learn.c: what answers teach, as exponentially weighted means; what has moved is
 * published. */
#include "learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "outlook.h"
#include "store.h"

/* A new sample counts 1/64: some hundred requests to forget a start value. */
#define WEIGHT 64
/* Shorter prompts are mostly the provider's own framing. */
#define MIN_TOKENS 64
/* A value is published when it has moved by 1/PART, a mean by 1/MEAN_PART of itself, or
 * when twice as much is known of it: samples are plenty, and rows are for good. A share
 * has moved when it did by SHARE_STEP. */
#define PART       200
#define MEAN_PART  50
#define SHARE_STEP 0.02F
/* What so many samples ago was counts 1/e. */
#define MEAN_SAMPLES 2000

/* A smaller prefix may be below what the provider keeps at all. */
#define WARM_TOKENS 1024

void
learn_init(struct learn *l, struct store *store)
{
	*l = (struct learn){.store = store};
	store_load_outlook(store, &l->published);
	l->now = l->published;
	l->now.pace = NULL;
	l->now.paces = 0;
	pace_load(&l->pace, store);
	for (unsigned i = 0; i < l->now.models; i++)
		cost_begin(&l->cost[i], &l->now.model[i].cost_p99);
}

void
learn_fini(struct learn *l)
{
	outlook_clear(&l->published);
	pace_free(&l->pace);
}

void
learn_start(struct learn *l, struct outlook_shared *shared)
{
	l->shared = shared;
	outlook_publish(shared, &l->published);
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
	struct outlook_provider *p =
	    (struct outlook_provider *)outlook_provider(o, name);

	if (p != NULL || o->providers == nitems(o->provider))
		return p;
	p = &o->provider[o->providers++];
	str_copy(p->name, sizeof(p->name), str_of(name));
	return p;
}

static void
add_sample(struct outlook_mean *m, float sample)
{
	m->samples += m->samples < MEAN_SAMPLES;
	m->mean += (sample - m->mean) / m->samples;
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
	struct outlook_mean *l;

	if (a->length == LENGTH_unknown || a->tokens[TOKEN_output] < 0)
		return;
	m = model_of(o, a->model);
	if (m == NULL)
		return;
	l = &m->length[c];
	/* That it would have been longer than that was known. */
	if (a->length == LENGTH_least && tokens <= l->mean)
		return;
	add_sample(l, tokens);
}

static void
learn_cost(struct learn *l, const struct slot_attempt *a)
{
	struct outlook_model *m;

	if (!(a->expected_usd > 0) || a->amount_pusd < 0)
		return;
	m = model_of(&l->now, a->model);
	if (m == NULL)
		return;
	cost_learn(&l->cost[m - l->now.model], a);
	m->cost_p99 = cost_p99(&l->cost[m - l->now.model]);
}

/* Was what the session's last turn had left still there? Who does not tell bills none
 * of it at the cache's price. */
static void
learn_warmth(struct outlook *o, const struct slot_attempt *a)
{
	int step = outlook_warm_step(a->warm_idle_ms);
	struct outlook_provider *p;

	if (step < 0 || a->warm_tokens < WARM_TOKENS)
		return;
	p = provider_of(o, a->provider);
	if (p != NULL)
		add_sample(&p->warm[a->warm_kind][step],
		    2 * a->tokens[TOKEN_cache_read] >= a->warm_tokens ? 1 : 0);
}

static void
learn_attempt(
    struct learn *l, const struct slot_request *r, const struct slot_attempt *a)
{
	enum task_class c;

	if (a->basis != BASIS_reported ||
	    (a->outcome != OUT_served && a->outcome != OUT_escalated))
		return;
	learn_text(&l->now, a);
	learn_cost(l, a);
	learn_warmth(&l->now, a);
	pace_learn(&l->pace, r, a);
	if (class_parse(str_of(r->class_name), &c))
		learn_length(&l->now, a, c);
}

/* An answer that was judged flawed was an answer all the same: were only the good ones
 * of a cascade's first model counted, it would seem terser and faster than it is. */
void
learn_from(struct learn *l, const struct slot *s)
{
	learn_share(l, s);
	for (unsigned i = 0; i < s->attempts; i++)
		learn_attempt(l, &s->request, &s->attempt[i]);
}

/* ---- publishing ---- */

/* `least`: a smaller step is none. */
static bool
take_mean(struct outlook_mean *was, const struct outlook_mean *is, float least)
{
	float step = is->mean > was->mean ? is->mean - was->mean : was->mean - is->mean;

	if (is->samples == was->samples && step == 0)
		return false;
	if ((step * MEAN_PART < was->mean || step < least) &&
	    is->samples < 2 * was->samples)
		return false;
	*was = *is;
	return true;
}

static bool
take_provider(struct outlook_provider *was, const struct outlook_provider *is)
{
	int32_t a = was->bytes_per_token_milli, b = is->bytes_per_token_milli;
	bool moved = a != b && abs(a - b) >= (a + PART - 1) / PART;

	memcpy(was->name, is->name, sizeof(was->name));
	if (moved)
		was->bytes_per_token_milli = b;
	for (size_t i = 0; i < (size_t)WARM_KINDS * WARM_STEPS; i++)
		moved |= take_mean(&was->warm[i / WARM_STEPS][i % WARM_STEPS],
		    &is->warm[i / WARM_STEPS][i % WARM_STEPS], SHARE_STEP);
	return moved;
}

static bool
take_model(struct outlook_model *was, const struct outlook_model *is)
{
	bool moved = false;

	memcpy(was->name, is->name, sizeof(was->name));
	moved |= take_mean(&was->cost_p99, &is->cost_p99, 0);
	for (size_t c = 0; c < CLASS_COUNT; c++)
		moved |= take_mean(&was->length[c], &is->length[c], 0);
	return moved;
}

/* Brings `was` forward to `is` where that has moved. Names keep their places. */
static bool
take_moved(struct outlook *was, const struct outlook *is)
{
	bool moved = false;

	was->providers = is->providers;
	was->models = is->models;
	moved = was->shares != is->shares;
	was->shares = is->shares;
	for (unsigned i = 0; i < is->providers; i++)
		moved |= take_provider(&was->provider[i], &is->provider[i]);
	for (unsigned i = 0; i < is->models; i++)
		moved |= take_model(&was->model[i], &is->model[i]);
	for (unsigned i = 0; i < is->shares; i++) {
		if (!learn_share_moved(&was->share[i], &is->share[i]))
			continue;
		was->share[i] = is->share[i];
		moved = true;
	}
	return moved;
}

/* The paces of `published`, in memory of their own. */
static struct outlook
copy_published(const struct learn *l)
{
	struct outlook o = l->published;
	size_t bytes = o.paces * sizeof(*o.pace);

	o.pace = NULL;
	if (bytes > 0)
		o.pace = memcpy(xcalloc(1, bytes), l->published.pace, bytes);
	return o;
}

void
learn_publish(struct learn *l)
{
	struct outlook fresh = copy_published(l), old;
	struct store_learned *kept;
	unsigned n = pace_take_moved(&l->pace, &fresh, &kept);
	bool moved;

	learn_share_load(l);
	moved = take_moved(&fresh, &l->now);

	fresh.number += moved || n > 0;
	/* On failure the ledger's own errors say why; tried again next time. */
	if (fresh.number > l->published.number &&
	    store_save_outlook(l->store, &l->published, &fresh, kept, n)) {
		outlook_publish(l->shared, &fresh);
		old = l->published;
		l->published = fresh;
		fresh = old;
	}
	outlook_clear(&fresh);
	for (unsigned i = 0; i < n; i++)
		xfree(kept[i].bytes);
	xfree(kept);
}
