/* drift_show.c: what the classifier says of traffic, for /metrics and as JSON. */
#include <inttypes.h>
#include <math.h>

#include "base/mem.h"
#include "core/request.h"
#include "dates.h"
#include "drift_watch.h"
#include "metrics.h"

/* ---- metrics ---- */

static void
put_tenths(struct buf *b, const char *name, const char *help, const uint64_t *bin)
{
	uint64_t n = 0;

	metrics_head(b, name, "histogram", help);
	for (unsigned i = 0; i < PROFILE_BINS; i++) {
		n += bin[i];
		buf_printf(b, "frugald_%s_bucket{le=\"%.1f\"} %" PRIu64 "\n", name,
		    (i + 1) / (double)PROFILE_BINS, n);
	}
	buf_printf(b, "frugald_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
	buf_printf(b, "frugald_%s_count %" PRIu64 "\n", name, n);
}

static void
put_counts(struct buf *b, const struct drift *d)
{
	metrics_head(b, "classifier_class_total", "counter",
	    "requests by the kind of work that the classifier took them for");
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		buf_printf(b,
		    "frugald_classifier_class_total{class=\"%s\"} %" PRIu64 "\n",
		    class_name((enum task_class)c), d->last.bin[FIGURE_class][c]);
	put_tenths(b, "classifier_complexity", "complexity of requests",
	    d->last.bin[FIGURE_complexity]);
	put_tenths(b, "classifier_confidence",
	    "share of a request's words that the training texts had",
	    d->last.bin[FIGURE_confidence]);
}

void
drift_metrics(struct report *r, struct buf *ret)
{
	struct drift *d = xcalloc(1, sizeof(*d));

	drift_watch_look(r, d);
	put_counts(ret, d);
	metrics_head(ret, "classifier_info", "gauge", "the weights in force");
	buf_printf(ret, "frugald_classifier_info{weights=\"%s\"} 1\n", d->weights);
	metrics_head(ret, "classifier_unknown_words_share", "gauge",
	    "of the words of the last requests, those that the training texts did not "
	    "have");
	if (d->words > 0)
		buf_printf(ret, "frugald_classifier_unknown_words_share %.4f\n",
		    d->unknown_words / d->words);
	metrics_head(ret, "classifier_psi", "gauge",
	    "population stability index of the last requests against the training "
	    "set; absent while there are too few");
	for (enum figure f = 0; f < FIGURE_COUNT; f++) {
		if (!isnan(d->psi[f]))
			buf_printf(ret, "frugald_classifier_psi{figure=\"%s\"} %.4f\n",
			    figure_name(f), d->psi[f]);
	}
	metrics_head(ret, "classifier_moved", "gauge",
	    "1 from the event that the figure has moved until the one that it is back");
	for (enum figure f = 0; f < FIGURE_COUNT; f++)
		buf_printf(ret, "frugald_classifier_moved{figure=\"%s\"} %d\n",
		    figure_name(f), d->moved[f]);
	metrics_head(ret, "classifier_moves_total", "counter",
	    "events that the figure has moved away from the training set");
	for (enum figure f = 0; f < FIGURE_COUNT; f++)
		buf_printf(ret,
		    "frugald_classifier_moves_total{figure=\"%s\"} %" PRIu64 "\n",
		    figure_name(f), d->moves[f]);
	xfree(d);
}

/* ---- JSON ---- */

static void
put_share(struct json *j, const char *key, double part, double of)
{
	if (of > 0)
		json_num(j, key, part / of, 4);
	else
		json_put_null(j, key);
}

static const char *
state_of(const struct drift *d, enum figure f)
{
	if (isnan(d->psi[f]))
		return d->profile.requests < DRIFT_LEAST_TRAINED ? "no_profile"
								 : "too_few";
	if (d->psi[f] > DRIFT_MOVED)
		return "moved";
	return d->psi[f] < DRIFT_BACK ? "stable" : "moving";
}

static void
put_figure(struct json *j, const struct drift *d, enum figure f)
{
	const uint32_t *trained = figure_profile(&d->profile, f);
	double all = 0;
	char room[16];

	for (unsigned i = 0; i < figure_bins(f); i++)
		all += d->bin[f][i];
	json_object_begin(j, NULL);
	json_str(j, "figure", str_of(figure_name(f)));
	json_num(j, "psi", d->psi[f], 4);
	json_str(j, "state", str_of(state_of(d, f)));
	json_bool(j, "alarm", d->moved[f]);
	json_array_begin(j, "bins");
	for (unsigned i = 0; i < figure_bins(f); i++) {
		json_object_begin(j, NULL);
		json_str(j, "bin", str_of(figure_bin_name(f, i, room)));
		put_share(j, "training", trained[i], d->profile.requests);
		put_share(j, "now", d->bin[f][i], all);
		json_int(j, "since_start", (int64_t)d->last.bin[f][i]);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/* The newest first. */
static void
put_events(struct json *j, const struct drift *d)
{
	uint64_t kept = d->events < DRIFT_EVENTS ? d->events : DRIFT_EVENTS;
	char ts[DATE_TEXT_BYTES];

	json_array_begin(j, "events");
	for (uint64_t i = d->events; i > d->events - kept; i--) {
		const struct drift_event *e = &d->event[(i - 1) % DRIFT_EVENTS];

		date_format_ms(e->at_ms, ts);
		json_object_begin(j, NULL);
		json_str(j, "ts", str_of(ts));
		json_str(j, "figure", str_of(figure_name(e->figure)));
		json_bool(j, "moved", e->moved);
		json_num(j, "psi", e->psi, 4);
		json_str(j, "text", str_of(e->text));
		json_object_end(j);
	}
	json_array_end(j);
}

void
drift_json(struct report *r, struct json *j)
{
	struct drift *d = xcalloc(1, sizeof(*d));

	drift_watch_look(r, d);
	json_str(j, "object", STR("frugald.classifier"));
	json_str(j, "weights", str_of(d->weights));
	json_int(j, "training_requests", d->profile.requests);
	json_int(j, "requests", (int64_t)d->requests);
	json_int(j, "judged_from", DRIFT_LEAST);
	json_int(j, "window_requests", (int64_t)drift_window(d, FIGURE_class));
	put_share(j, "unknown_words_share", d->unknown_words, d->words);
	json_array_begin(j, "figures");
	for (enum figure f = 0; f < FIGURE_COUNT; f++)
		put_figure(j, d, f);
	json_array_end(j);
	put_events(j, d);
	xfree(d);
}
