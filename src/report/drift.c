/* drift.c: the window of traffic, its PSI, and when it is worth a word. */
#include "drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* ---- figures ---- */

static const struct {
	const char *name;
	unsigned bins;
	size_t profile, counters;
} figures[FIGURE_COUNT] = {
    {"class", CLASS_COUNT, offsetof(struct profile, class),
	offsetof(struct counters, class)},
    {"complexity", PROFILE_BINS, offsetof(struct profile, complexity),
	offsetof(struct counters, complexity)},
    {"confidence", PROFILE_BINS, offsetof(struct profile, confidence),
	offsetof(struct counters, confidence)},
};
_Static_assert(PROFILE_BINS <= DRIFT_BINS, "every figure has room");

const char *
figure_name(enum figure f)
{
	return figures[f].name;
}

unsigned
figure_bins(enum figure f)
{
	return figures[f].bins;
}

const char *
figure_bin_name(enum figure f, unsigned bin, char room[static 16])
{
	if (f == FIGURE_class)
		return class_name((enum task_class)bin);
	snprintf(room, 16, "%.1f-%.1f", bin / (double)PROFILE_BINS,
	    (bin + 1) / (double)PROFILE_BINS);
	return room;
}

const uint32_t *
figure_profile(const struct profile *p, enum figure f)
{
	return (const uint32_t *)(const void *)((const char *)p + figures[f].profile);
}

/* ---- sums ---- */

static uint64_t
load(_Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void
drift_sums_add(struct drift_sums *to, struct counters *from)
{
	for (enum figure f = 0; f < FIGURE_COUNT; f++) {
		_Atomic uint64_t *c = (void *)((char *)from + figures[f].counters);

		for (unsigned i = 0; i < figures[f].bins; i++)
			to->bin[f][i] += load(&c[i]);
	}
	to->words += load(&from->classifier_words);
	to->unknown_words += load(&from->classifier_unknown_words);
}

uint64_t
drift_sums_requests(const struct drift_sums *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < CLASS_COUNT; i++)
		n += s->bin[FIGURE_class][i];
	return n;
}

/* ---- the index ---- */

static double
sum_of(const double *v, unsigned bins)
{
	double sum = 0;

	for (unsigned i = 0; i < bins; i++)
		sum += v[i];
	return sum;
}

static double
trained_sum(const uint32_t *v, unsigned bins)
{
	double sum = 0;

	for (unsigned i = 0; i < bins; i++)
		sum += v[i];
	return sum;
}

static double
part_of_psi(double now, double trained)
{
	double a = fmax(now, DRIFT_FLOOR), e = fmax(trained, DRIFT_FLOOR);

	return (a - e) * log(a / e);
}

double
psi(const double *now, const uint32_t *trained, unsigned bins)
{
	double a = sum_of(now, bins), e = trained_sum(trained, bins), sum = 0;

	for (unsigned i = 0; i < bins; i++)
		sum += part_of_psi(now[i] / a, trained[i] / e);
	return sum;
}

/* ---- events ---- */

/* The bin that makes most of the index. */
static unsigned
largest_of(const struct drift *d, enum figure f)
{
	const uint32_t *trained = figure_profile(&d->profile, f);
	double a = sum_of(d->bin[f], figures[f].bins), most = -1;
	unsigned largest = 0;

	for (unsigned i = 0; i < figures[f].bins; i++) {
		double part = part_of_psi(
		    d->bin[f][i] / a, trained[i] / (double)d->profile.requests);

		if (part <= most)
			continue;
		most = part;
		largest = i;
	}
	return largest;
}

static void
tell_moved(const struct drift *d, enum figure f, const char *what, char ret[static 512])
{
	snprintf(ret, 512,
	    "requests are no longer like those that the classifier %.15s was trained "
	    "on: PSI of %s %.2f, above %.2f (%s); see `frugald report --show "
	    "classifier`, and if they are to stay so, train it on requests of your own "
	    "(docs/classifier.md)",
	    d->weights, figures[f].name, d->psi[f], DRIFT_MOVED, what);
}

static void
tell_back(const struct drift *d, enum figure f, const char *what, char ret[static 512])
{
	snprintf(ret, 512,
	    "requests are again like those that the classifier %.15s was trained on: "
	    "PSI of %s %.2f, below %.2f (%s); nothing to do",
	    d->weights, figures[f].name, d->psi[f], DRIFT_BACK, what);
}

static void
say(struct drift *d, enum figure f, int64_t now_ms)
{
	unsigned bin = largest_of(d, f);
	double a = sum_of(d->bin[f], figures[f].bins);
	char room[16], what[128];
	struct drift_event e = {
	    .figure = f, .moved = d->moved[f], .psi = d->psi[f], .at_ms = now_ms};

	snprintf(what, sizeof(what),
	    "%s %s is %.1f %% of about the last %llu requests, %.1f %% in the training "
	    "set",
	    figures[f].name, figure_bin_name(f, bin, room), 100 * d->bin[f][bin] / a,
	    (unsigned long long)drift_window(d, f),
	    100 * figure_profile(&d->profile, f)[bin] / (double)d->profile.requests);
	if (e.moved)
		tell_moved(d, f, what, e.text);
	else
		tell_back(d, f, what, e.text);
	d->event[d->events++ % DRIFT_EVENTS] = e;
}

/* Between the two limits it stays what it was said to be. */
static unsigned
judge(struct drift *d, enum figure f, int64_t now_ms)
{
	const uint32_t *trained = figure_profile(&d->profile, f);
	bool was = d->moved[f];

	if (d->requests < DRIFT_LEAST || d->profile.requests < DRIFT_LEAST_TRAINED)
		return 0;
	d->psi[f] = psi(d->bin[f], trained, figures[f].bins);
	d->moved[f] = d->psi[f] > (was ? DRIFT_BACK : DRIFT_MOVED);
	if (d->moved[f] == was)
		return 0;
	d->moves[f] += d->moved[f];
	say(d, f, now_ms);
	return 1;
}

/* ---- the window ---- */

void
drift_begin(struct drift *d, const struct profile *p, const char *weights)
{
	d->begun = d->weights[0] == '\0'; /* the first: nothing was counted before */
	snprintf(d->weights, sizeof(d->weights), "%s", weights);
	d->profile = *p;
	d->requests = 0;
	memset(d->bin, 0, sizeof(d->bin));
	d->words = d->unknown_words = 0;
	for (enum figure f = 0; f < FIGURE_COUNT; f++) {
		d->psi[f] = NAN;
		d->moved[f] = false;
	}
}

static void
slide(double *sum, double keep, uint64_t now, uint64_t last)
{
	*sum = *sum * keep + (double)(now - last);
}

unsigned
drift_take(struct drift *d, const struct drift_sums *s, int64_t now_ms)
{
	uint64_t fresh = drift_sums_requests(s) - drift_sums_requests(&d->last);
	double keep = exp2(-(double)fresh / DRIFT_HALF);
	unsigned events = 0;

	if (!d->begun) {
		d->begun = true;
		d->last = *s;
		return 0;
	}
	if (fresh == 0)
		return 0;
	d->requests += fresh;
	for (enum figure f = 0; f < FIGURE_COUNT; f++) {
		for (unsigned i = 0; i < figures[f].bins; i++)
			slide(&d->bin[f][i], keep, s->bin[f][i], d->last.bin[f][i]);
	}
	slide(&d->words, keep, s->words, d->last.words);
	slide(&d->unknown_words, keep, s->unknown_words, d->last.unknown_words);
	d->last = *s;
	for (enum figure f = 0; f < FIGURE_COUNT; f++)
		events += judge(d, f, now_ms);
	return events;
}

uint64_t
drift_window(const struct drift *d, enum figure f)
{
	return (uint64_t)llround(sum_of(d->bin[f], figures[f].bins));
}
