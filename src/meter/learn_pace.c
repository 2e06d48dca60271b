/* learn_pace.c: histograms in which old samples fade, of every hour of the day and of
 * all of them; what of their quantiles has moved is published. */
#include "learn_pace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "core/sets.h"
#include "outlook.h"
#include "store.h"

/* The lowest steps: of milliseconds, of tokens a second. */
#define TTFT_LEAST 8.0F
#define RATE_LEAST 1.0F
/* What so many samples ago was counts half; what a day ago was, too. */
#define HALF_SAMPLES 4000.0
#define WEIGHT_MOST  1e6F
/* What counts less than so many samples is forgotten when it is kept. */
#define CRUMB 1e-3F
/* Shorter answers say little of the speed. */
#define RATE_TOKENS   32
#define RATE_LEAST_MS 5
/* A quantile is published when it has moved by a part of itself: STEP as soon as there
 * are samples enough to tell that from chance, SETTLED_STEP behind so many samples; or
 * when half as much again is known of it. Rows are for good. */
#define STEP            0.02F
#define CHANCE          0.3F /* divided by the root of the samples */
#define SETTLED_SAMPLES 1000.0F
#define SETTLED_STEP    0.05F

#define DAY_MS  86400000
#define HOUR_MS 3600000

/* ---- histograms ---- */

static void
scale(struct pace_hist *h, float by)
{
	h->all = 0;
	for (size_t i = 0; i < PACE_BINS; i++) {
		h->bin[i] *= by;
		if (h->bin[i] < CRUMB)
			h->bin[i] = 0;
		h->all += h->bin[i];
	}
	h->weight *= by;
}

static int
bin_of(float least, float value)
{
	float at = value <= least ? 0 : log2f(value / least) * PACE_STEPS;

	return at < PACE_BINS ? (int)at : PACE_BINS - 1;
}

/* Below 0: nothing. */
static void
add(struct pace_hist *h, int bin)
{
	if (bin < 0)
		return;
	if (h->weight <= 0)
		h->weight = 1;
	h->bin[bin] += h->weight;
	h->all += h->weight;
	h->weight *= (float)exp2(1 / HALF_SAMPLES);
	if (h->weight > WEIGHT_MOST)
		scale(h, 1 / h->weight);
}

static float
samples(const struct pace_hist *h)
{
	return h->weight > 0 ? h->all / h->weight : 0;
}

/* Within its step by how much of that lies below. */
static float
quantile(const struct pace_hist *h, float least, float q)
{
	float below = 0, want = q * h->all;
	int i = 0;

	while (i < PACE_BINS - 1 && below + h->bin[i] < want)
		below += h->bin[i++];
	if (h->bin[i] <= 0)
		return least;
	return least *
	       exp2f(((float)i + (want - below) / h->bin[i]) / (float)PACE_STEPS);
}

/* ---- samples ---- */

/* Made when it is new. NULL: there is no room. */
static struct pace_place *
place_of(struct learn_pace *p, struct str name)
{
	uint64_t place = outlook_place(name);
	struct pace_place *x;

	for (unsigned i = 0; i < p->places; i++) {
		if (p->place[i].place == place)
			return &p->place[i];
	}
	if (p->places == PACES_MAX)
		return NULL;
	x = &p->place[p->places++];
	x->place = place;
	str_copy(x->name, sizeof(x->name), name);
	return x;
}

static size_t
put(char name[static PACE_NAME], size_t at, const char *s)
{
	return at + str_copy(name + at, PACE_NAME - at, str_of(s));
}

static struct pace_place *
place_of_attempt(struct learn_pace *p, const struct slot_attempt *a)
{
	char name[PACE_NAME];
	size_t n = put(name, 0, a->tiered ? "tier " : "");

	n = put(name, n, a->model);
	n = put(name, n, " at ");
	return place_of(p, str_make(name, put(name, n, a->provider)));
}

static struct pace_cell *
cell_of(struct pace_place *x, unsigned hour)
{
	if (x->cell[hour] == NULL)
		x->cell[hour] = xcalloc(1, sizeof(*x->cell[hour]));
	return x->cell[hour];
}

static void
fade_hist(struct pace_hist *h, float by)
{
	if (h->weight <= 0)
		return;
	scale(h, by / h->weight);
	h->weight = 1;
}

static void
fade(struct pace_cell *c, int64_t day)
{
	int64_t days = day - c->day;

	if (days <= 0)
		return;
	fade_hist(&c->ttft, exp2f(-(float)(days < 20 ? days : 20)));
	fade_hist(&c->rate, exp2f(-(float)(days < 20 ? days : 20)));
	c->day = day;
}

/* From the first byte on; of an answer that came in one piece, less what the first byte
 * takes as a rule, where that is known. Negative: it says nothing. */
static float
rate_of(const struct pace_place *x, const struct slot_attempt *a, bool stream)
{
	const struct pace_cell *all = x->cell[PACE_HOURS];
	float ms = (float)a->total_ms, first = stream ? (float)a->ttft_ms : 0;

	if (a->tokens[TOKEN_output] < RATE_TOKENS || a->total_ms < 0)
		return -1;
	if (!stream && all != NULL && samples(&all->ttft) >= PACE_FEW)
		first = quantile(&all->ttft, TTFT_LEAST, 0.5F);
	if (!stream && first > ms / 2)
		first = ms / 2;
	ms -= first;
	return (float)a->tokens[TOKEN_output] * 1000 /
	       (ms > RATE_LEAST_MS ? ms : RATE_LEAST_MS);
}

/* Was it served at the usual tier, or at the one that we asked for? */
static bool
tier_known(const struct slot_attempt *a)
{
	return a->tiered || service_asked(str_of(a->service_tier)) == SERVICE_standard;
}

void
pace_learn(
    struct learn_pace *p, const struct slot_request *r, const struct slot_attempt *a)
{
	unsigned hours[] = {(unsigned)(a->start_ms / HOUR_MS % PACE_HOURS), PACE_HOURS};
	struct pace_place *x;
	int ttft, speed;
	float rate;

	if (a->ttft_ms < 0 || a->start_ms < 0 || a->unbilled || !tier_known(a))
		return;
	x = place_of_attempt(p, a);
	if (x == NULL)
		return;
	rate = rate_of(x, a, r->stream);
	speed = rate < 0 ? -1 : bin_of(RATE_LEAST, rate);
	ttft = r->stream ? bin_of(TTFT_LEAST, (float)a->ttft_ms) : -1;
	for (size_t i = 0; i < nitems(hours); i++) {
		struct pace_cell *c = cell_of(x, hours[i]);

		fade(c, a->start_ms / DAY_MS);
		add(&c->ttft, ttft);
		add(&c->rate, speed);
		c->fresh = true;
	}
	p->fresh = true;
}

/* ---- publishing ---- */

static float
step_of(float samples)
{
	float chance = CHANCE / sqrtf(samples);

	if (samples > SETTLED_SAMPLES)
		return SETTLED_STEP;
	return chance > STEP ? chance : STEP;
}

static bool
moved(const struct outlook_mean *was, const struct outlook_mean *is)
{
	if (is->samples < PACE_FEW)
		return false;
	return fabsf(is->mean - was->mean) >= was->mean * step_of(is->samples) ||
	       2 * is->samples >= 3 * was->samples;
}

static bool
take_cell(const struct pace_cell *c, struct outlook_mean o[static PACE_VALUES])
{
	float n = samples(&c->ttft), m = samples(&c->rate);
	const struct outlook_mean is[PACE_VALUES] = {
	    [PACE_ttft_p50] = {quantile(&c->ttft, TTFT_LEAST, 0.5F), n},
	    [PACE_ttft_p90] = {quantile(&c->ttft, TTFT_LEAST, 0.9F), n},
	    [PACE_rate_p10] = {quantile(&c->rate, RATE_LEAST, 0.1F), m},
	    [PACE_rate_p50] = {quantile(&c->rate, RATE_LEAST, 0.5F), m},
	};
	bool any = false;

	for (unsigned v = 0; v < PACE_VALUES; v++) {
		if (!moved(&o[v], &is[v]))
			continue;
		o[v] = is[v];
		any = true;
	}
	return any;
}

static void
pack_hist(struct pace_hist *h, struct buf *b)
{
	/* What goes on is what is kept, to the bit. */
	if (h->weight > 0)
		scale(h, 1 / h->weight);
	for (uint16_t i = 0; i < PACE_BINS; i++) {
		if (h->bin[i] > 0 && (!buf_append(b, &i, sizeof(i)) ||
					 !buf_append(b, &h->bin[i], sizeof(float))))
			xabort("our own histogram is over its buffer's ceiling");
	}
}

/* FORM, the day, how many bytes the first histogram has, both. */
#define FORM 1

static void
pack_cell(struct pace_cell *c, struct buf *b)
{
	uint32_t head[3] = {FORM, (uint32_t)c->day, 0};

	buf_clear(b);
	if (!buf_append(b, head, sizeof(head)))
		xabort("no room for the head of a histogram");
	pack_hist(&c->ttft, b);
	head[2] = (uint32_t)(b->len - sizeof(head));
	memcpy(b->p, head, sizeof(head));
	pack_hist(&c->rate, b);
}

static void
keep(struct pace_place *x, unsigned hour, struct store_learned *ret)
{
	struct buf b;

	buf_init(&b, 8192);
	pack_cell(x->cell[hour], &b);
	snprintf(ret->cell, sizeof(ret->cell), "%02u %s", hour, x->name);
	ret->bytes = xmemdup(b.p, b.len);
	ret->len = b.len;
	buf_fini(&b);
}

unsigned
pace_take_moved(
    struct learn_pace *p, struct outlook *o, struct store_learned **ret_kept)
{
	struct store_learned *kept = NULL;
	unsigned n = 0;
	bool fresh = false;

	for (unsigned i = 0; p->fresh && i < p->places; i++) {
		struct pace_place *x = &p->place[i];
		struct outlook_pace *to = outlook_pace_make(o, str_of(x->name));

		for (unsigned hour = 0; to != NULL && hour <= PACE_HOURS; hour++) {
			struct pace_cell *c = x->cell[hour];

			if (c == NULL || !c->fresh)
				continue;
			/* Looked at once more next time, in case that this one cannot
			 * be written. */
			c->fresh = take_cell(c, to->hour[hour]);
			fresh |= c->fresh;
			if (!c->fresh)
				continue;
			kept = xrealloc(kept, (n + 1) * sizeof(*kept));
			keep(x, hour, &kept[n++]);
		}
	}
	p->fresh = fresh;
	*ret_kept = kept;
	return n;
}

/* ---- after a restart ---- */

static void
unpack_hist(struct str s, struct pace_hist *h)
{
	uint16_t i;
	float v;

	*h = (struct pace_hist){.weight = 1};
	for (; s.len >= sizeof(i) + sizeof(v); s = str_skip(s, sizeof(i) + sizeof(v))) {
		memcpy(&i, s.p, sizeof(i));
		memcpy(&v, s.p + sizeof(i), sizeof(v));
		if (i >= PACE_BINS || !(v > 0) || !isfinite(v))
			continue;
		h->bin[i] = v;
		h->all += v;
	}
}

static void
on_kept(void *arg, struct str cell, struct str bytes)
{
	struct str part = {0}, name = cell;
	struct learn_pace *p = arg;
	struct pace_place *x;
	struct pace_cell *c;
	uint32_t head[3];
	uint64_t hour;

	(void)str_split(&name, ' ', &part);
	if (!str_to_u64(part, &hour) || hour > PACE_HOURS || name.len >= PACE_NAME ||
	    bytes.len < sizeof(head))
		return;
	memcpy(head, bytes.p, sizeof(head));
	bytes = str_skip(bytes, sizeof(head));
	if (head[0] != FORM || head[2] > bytes.len)
		return;
	x = place_of(p, name);
	if (x == NULL)
		return;
	c = cell_of(x, (unsigned)hour);
	c->day = head[1];
	unpack_hist(str_make(bytes.p, head[2]), &c->ttft);
	unpack_hist(str_skip(bytes, head[2]), &c->rate);
}

void
pace_load(struct learn_pace *p, struct store *store)
{
	store_load_learned(store, on_kept, p);
}

void
pace_free(struct learn_pace *p)
{
	for (unsigned i = 0; i < p->places; i++) {
		for (unsigned hour = 0; hour <= PACE_HOURS; hour++)
			xfree(p->place[i].cell[hour]);
	}
	*p = (struct learn_pace){0};
}
