/* seen_json.c: what was expected beside what was seen, as JSON. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "config/snapshot.h"
#include "dates.h"
#include "seen.h"

static void
put_figure(struct json *j, const char *key, double v, int digits)
{
	json_num(j, key, v < 0 ? NAN : v, digits);
}

/* NaN where nothing was seen. */
static void
put_quantile(struct json *j, const char *key, const struct hist *h, double q, double by)
{
	double v = (double)hist_quantile(h, q);

	json_num(j, key, v < 0 ? NAN : v / by, 4);
}

/* ---- lengths ---- */

static void
put_mean(struct json *j, const char *key, const struct outlook_mean *m)
{
	if (m == NULL || m->samples <= 0) {
		json_put_null(j, key);
		return;
	}
	json_object_begin(j, key);
	json_num(j, "mean", (double)m->mean, 4);
	json_num(j, "samples", (double)m->samples, 4);
	json_object_end(j);
}

static double
mean_of(const struct hist *h)
{
	double sum = 0;

	for (size_t i = 0; h->n > 0 && i < HIST_BUCKETS; i++) {
		struct hist one = {0};

		if (h->count[i] == 0)
			continue;
		one.count[i] = one.n = 1;
		sum += (double)h->count[i] * (double)hist_quantile(&one, 1);
	}
	return h->n > 0 ? sum / (double)h->n : NAN;
}

static void
put_length(struct json *j, const struct seen *s, const struct snapshot *snap,
    const struct seen_length *l)
{
	const struct outlook_model *learned = outlook_model(&s->outlook, l->model);
	const struct model *m =
	    snap == NULL ? NULL : snapshot_model(snap, str_of(l->model));

	json_object_begin(j, NULL);
	json_str(j, "model", str_of(l->model));
	json_str(j, "class", str_of(class_name(l->class)));
	json_int(j, "answers", (int64_t)l->actual.n);
	put_figure(j, "catalogue", m == NULL ? -1 : m->output_tokens[l->class], 6);
	put_mean(j, "learned", learned == NULL ? NULL : &learned->length[l->class]);
	put_figure(j, "expected_mean",
	    l->expected_n > 0 ? l->expected / (double)l->expected_n : -1, 4);
	json_num(j, "actual_mean", mean_of(&l->actual), 4);
	put_quantile(j, "actual_p90", &l->actual, 0.9, 1);
	put_quantile(j, "error", &l->error, 0.5, 1000);
	json_object_end(j);
}

/* ---- providers ---- */

static void
put_warmth(struct json *j, const struct seen_provider *p,
    const struct outlook_provider *learned, enum warm_kind kind, unsigned step)
{
	int64_t until_s = outlook_warm_until_s(step), n = p->warm[kind][step].n;

	if (n == 0 && (learned == NULL || learned->warm[kind][step].samples <= 0))
		return;
	json_object_begin(j, NULL);
	json_str(j, "cache", kind == WARM_hour ? STR("hour") : STR("minutes"));
	json_int(j, "rested_s", until_s);
	json_num(j, "expected", outlook_warmth(learned, kind, until_s * 1000), 4);
	json_num(
	    j, "seen", n > 0 ? (double)p->warm[kind][step].there / (double)n : NAN, 4);
	json_int(j, "answers", n);
	json_object_end(j);
}

static void
put_provider(struct json *j, const struct seen *s, const struct snapshot *snap,
    const struct seen_provider *p)
{
	const struct outlook_provider *learned = outlook_provider(&s->outlook, p->name);
	const struct provider *said =
	    snap == NULL ? NULL : snapshot_provider(snap, str_of(p->name));
	int32_t milli = learned == NULL ? 0 : learned->bytes_per_token_milli;

	json_object_begin(j, NULL);
	json_str(j, "provider", str_of(p->name));
	json_int(j, "answers", (int64_t)p->error.n);
	json_object_begin(j, "bytes_per_token");
	put_figure(
	    j, "configured", said == NULL ? -1 : said->bytes_per_token_milli / 1e3, 4);
	put_figure(j, "learned", milli > 0 ? milli / 1e3 : -1, 4);
	json_object_end(j);
	put_quantile(j, "input_error", &p->error, 0.5, 1000);
	json_array_begin(j, "warmth");
	for (unsigned kind = 0; kind < WARM_KINDS; kind++) {
		for (unsigned step = 0; step < WARM_STEPS; step++)
			put_warmth(j, p, learned, (enum warm_kind)kind, step);
	}
	json_array_end(j);
	json_object_end(j);
}

/* ---- speed ---- */

static const struct {
	const char *key;
	enum pace_value value;
	double q;
	bool rate;
} paces[PACE_VALUES] = {
    {"ttft_p50_ms", PACE_ttft_p50, 0.5, false},
    {"ttft_p90_ms", PACE_ttft_p90, 0.9, false},
    {"tokens_per_s_p10", PACE_rate_p10, 0.1, true},
    {"tokens_per_s_p50", PACE_rate_p50, 0.5, true},
};

static const struct outlook_pace *
learned_pace(const struct seen *s, const char *name)
{
	for (unsigned i = 0; i < s->outlook.paces; i++) {
		if (strcmp(s->outlook.pace[i].name, name) == 0)
			return &s->outlook.pace[i];
	}
	return NULL;
}

static double
expected_pace(
    const struct seen *s, const struct outlook_pace *p, unsigned hour, unsigned v)
{
	if (p == NULL)
		return -1;
	if (hour == PACE_HOURS)
		return p->hour[hour][v].samples > 0 ? (double)p->hour[hour][v].mean
						    : -1;
	return outlook_pace(
	    &s->outlook, p->place, (int64_t)hour * 3600, (enum pace_value)v);
}

static void
put_hour(struct json *j, const struct seen *s, const struct seen_place *p,
    const struct outlook_pace *learned, unsigned hour)
{
	static const struct seen_hour none;
	const struct seen_hour *h = p->hour[hour] != NULL ? p->hour[hour] : &none;

	json_object_begin(j, NULL);
	json_str(j, "model_at", str_of(p->name));
	if (hour == PACE_HOURS)
		json_put_null(j, "hour");
	else
		json_int(j, "hour", hour);
	json_int(j, "answers", (int64_t)h->ttft_ms.n);
	for (unsigned i = 0; i < PACE_VALUES; i++) {
		json_object_begin(j, paces[i].key);
		put_figure(
		    j, "expected", expected_pace(s, learned, hour, paces[i].value), 4);
		put_quantile(j, "seen", paces[i].rate ? &h->rate_milli : &h->ttft_ms,
		    paces[i].q, paces[i].rate ? 1000 : 1);
		json_object_end(j);
	}
	json_object_end(j);
}

static bool
anything_learned(const struct outlook_pace *p, unsigned hour)
{
	for (unsigned v = 0; p != NULL && v < PACE_VALUES; v++) {
		if (p->hour[hour][v].samples > 0)
			return true;
	}
	return false;
}

/* All of them together first. */
static void
put_place(struct json *j, const struct seen *s, const struct seen_place *p)
{
	const struct outlook_pace *learned = learned_pace(s, p->name);

	for (unsigned i = 0; i <= PACE_HOURS; i++) {
		unsigned hour = i == 0 ? PACE_HOURS : i - 1;

		if (p->hour[hour] != NULL || anything_learned(learned, hour))
			put_hour(j, s, p, learned, hour);
	}
}

/* ---- all ---- */

bool
seen_json(const struct seen *s, const struct snapshot *snap, struct buf *ret)
{
	char from[DATE_TEXT_BYTES], to[DATE_TEXT_BYTES];
	uint64_t number = s->outlook.number;
	struct json j;

	date_format_s(s->ask->from_ms, from);
	date_format_s(s->ask->to_ms, to);
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.outlook"));
	json_int(&j, "outlook", (int64_t)number);
	json_str(&j, "from", str_of(from));
	json_str(&j, "to", str_of(to));
	json_int(&j, "answers", s->answers);
	json_array_begin(&j, "lengths");
	for (unsigned i = 0; i < s->lengths; i++)
		put_length(&j, s, snap, s->length[i]);
	json_array_end(&j);
	json_array_begin(&j, "providers");
	for (unsigned i = 0; i < s->providers; i++)
		put_provider(&j, s, snap, s->provider[i]);
	json_array_end(&j);
	json_array_begin(&j, "paces");
	for (unsigned i = 0; i < s->places; i++)
		put_place(&j, s, s->place[i]);
	json_array_end(&j);
	json_object_end(&j);
	return !j.full;
}
