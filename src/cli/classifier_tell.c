/* classifier_tell.c: what `frugald classifier eval` found, for people and programs. */
#include <math.h>

#include "classifier_eval.h"
#include "table.h"

#define SEED  1
#define LINES (ORDERS + 1) /* and the random order */

/* ---- figures ---- */

/* One way of ordering the prompts of a slice; NaN: not defined. */
struct figures {
	const char *order;
	struct recovery got;
	struct range range;
	double auc, ece;
};

static const char *const order_names[LINES] = {"need", "surface", "length", "random"};

static void
figures_of(const struct slice *s, struct figures ret[LINES])
{
	struct figures *random = &ret[ORDERS];
	double auc;

	for (unsigned o = 0; o < ORDERS; o++) {
		struct sample *sample = s->sample[o];

		ret[o].order = order_names[o];
		ret[o].got = measure_recovery(sample, s->count);
		ret[o].range = measure_interval(sample, s->count, SEED);
		ret[o].auc = measure_auc(sample, s->count);
		ret[o].ece = o == BY_length ? NAN : measure_ece(sample, s->count);
	}
	/* On the mean a share of the calls recovers that share of the gap. */
	*random = (struct figures){.order = order_names[ORDERS], .ece = NAN};
	random->got = (struct recovery){0.5, 50, 80};
	if (isnan(ret[BY_need].got.apgr))
		random->got = (struct recovery){NAN, NAN, NAN};
	random->range = measure_random(s->sample[BY_need], s->count, SEED);
	auc = ret[BY_need].auc;
	random->auc = isnan(auc) ? NAN : 0.5;
}

/* ---- JSON ---- */

static void
json_figures(struct json *j, const struct figures *f)
{
	json_num(j, "apgr", f->got.apgr, 4);
	json_num(j, "apgr_low", f->range.low, 4);
	json_num(j, "apgr_high", f->range.high, 4);
	json_num(j, "cpt50", f->got.cpt50, 4);
	json_num(j, "cpt80", f->got.cpt80, 4);
	json_num(j, "auc_small_ok", f->auc, 4);
	json_num(j, "ece_small_ok", f->ece, 4);
}

static void
json_slice(struct json *j, const struct slice *s)
{
	struct figures f[LINES];

	figures_of(s, f);
	json_object_begin(j, NULL);
	json_str(j, "source", str_of(s->name));
	if (s->pair == NULL) {
		json_put_null(j, "pair");
	} else {
		json_object_begin(j, "pair");
		json_str(j, "weak", str_of(s->pair->weak));
		json_str(j, "strong", str_of(s->pair->strong));
		json_object_end(j);
	}
	json_int(j, "n", (int64_t)s->count);
	json_int(j, "left_out", s->left_out);
	json_figures(j, &f[BY_need]);
	json_object_begin(j, "baselines");
	for (unsigned o = BY_need + 1; o < LINES; o++) {
		json_object_begin(j, f[o].order);
		json_figures(j, &f[o]);
		json_object_end(j);
	}
	json_object_end(j);
	json_object_end(j);
}

static void
json_labels(struct json *j, const struct eval *x)
{
	static const char *const names[LEVELS] = {"local", "small", "frontier"};

	json_object_begin(j, "requests");
	json_int(j, "n", x->labelled);
	json_int(j, "class_right", x->class_right);
	json_object_begin(j, "tiers");
	for (unsigned a = 0; a < LEVELS; a++) {
		json_object_begin(j, names[a]);
		for (unsigned b = 0; b < LEVELS; b++)
			json_int(j, names[b], x->tier[a][b]);
		json_object_end(j);
	}
	json_object_end(j);
	json_object_begin(j, "traps");
	for (unsigned i = 0; i < x->traps; i++) {
		json_object_begin(j, x->trap[i].name);
		json_int(j, "n", x->trap[i].rows);
		json_int(j, "wrong", x->trap[i].wrong);
		json_object_end(j);
	}
	json_object_end(j);
	json_object_end(j);
}

void
eval_json(const struct eval *x, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_str(&j, "weights", str_of(classifier_version(x->weights)));
	json_array_begin(&j, "outcomes");
	for (unsigned i = 0; i < x->slices; i++)
		json_slice(&j, &x->slice[i]);
	json_array_end(&j);
	json_labels(&j, x);
	json_object_end(&j);
	buf_add(out, "\n");
}

/* ---- text ---- */

static void
cell(struct table *t, int places, double value)
{
	if (isnan(value))
		table_cell(t, "-");
	else
		table_cell(t, "%.*f", places, value);
}

static void
print_figures(struct table *t, const struct figures *f)
{
	table_cell(t, "%s", f->order);
	cell(t, 3, f->got.apgr);
	if (isnan(f->range.low))
		table_cell(t, "-");
	else
		table_cell(t, "%.3f to %.3f", f->range.low, f->range.high);
	cell(t, 1, f->got.cpt50);
	cell(t, 1, f->got.cpt80);
	cell(t, 3, f->auc);
	cell(t, 3, f->ece);
}

/* What is particular: whose outcomes they are, which rows were of no use. */
static void
print_slice_notes(const struct slice *s, bool gap, struct buf *out)
{
	if (s->pair != NULL)
		buf_printf(out, "%s: weak is %s, strong is %s\n", s->name,
		    s->pair->weak, s->pair->strong);
	if (s->left_out > 0)
		buf_printf(out,
		    "%s: left out, for they do not have both outcomes: %u\n", s->name,
		    s->left_out);
	if (s->count > 0 && !gap)
		buf_printf(out,
		    "%s: strong is no better than weak on these rows: there is no gap "
		    "to recover, hence no APGR and no CPT\n",
		    s->name);
}

static void
print_outcomes(const struct eval *x, struct buf *out)
{
	static const char *const heads[] = {
	    "APGR", "95 %", "CPT50", "CPT80", "AUC", "ECE"};
	struct table *t = table_new(x->c->mem);
	struct buf notes;

	buf_init(&notes, (size_t)SLICES * 1024);
	table_column(t, "source", false);
	table_column(t, "n", true);
	table_column(t, "ordered by", false);
	for (size_t i = 0; i < nitems(heads); i++)
		table_column(t, heads[i], true);
	for (unsigned i = 0; i < x->slices; i++) {
		const struct slice *s = &x->slice[i];
		struct figures f[LINES];

		figures_of(s, f);
		for (unsigned o = 0; o < LINES; o++) {
			table_cell(t, "%s", o == 0 ? s->name : "");
			if (o == 0)
				table_cell(t, "%zu", s->count);
			else
				table_cell(t, "%s", "");
			print_figures(t, &f[o]);
		}
		print_slice_notes(s, !isnan(f[BY_need].got.apgr), &notes);
	}
	table_print(t, terminal_width(), out);
	buf_printf(out,
	    "\nweak and strong: small and frontier models, the mean over those of a "
	    "tier, unless a pair is named\n"
	    "AUC and ECE: of p_small, against the weak outcome\n"
	    "surface: by counts alone, without words; length: the longest first; "
	    "random: the middle 95 %% of %d random orders\n",
	    MEASURE_ROUNDS);
	buf_printf(out, "%.*s", (int)notes.len, buf_str(&notes).p);
	buf_fini(&notes);
}

static double
percent(unsigned part, unsigned whole)
{
	return whole == 0 ? 0 : 100.0 * part / whole;
}

static void
print_labels(const struct eval *x, struct buf *out)
{
	const unsigned(*m)[LEVELS] = x->tier;
	struct table *t = table_new(x->c->mem);
	unsigned rows[LEVELS];

	for (unsigned a = 0; a < LEVELS; a++)
		rows[a] = m[a][0] + m[a][1] + m[a][2];
	buf_printf(out,
	    "\nlabelled requests: %u, tier right %.1f %%, frontier work to local %.1f "
	    "%%, local work to frontier %.1f %%, kind of work right %.1f %%\n",
	    x->labelled, percent(m[0][0] + m[1][1] + m[2][2], x->labelled),
	    percent(m[2][0], rows[2]), percent(m[0][2], rows[0]),
	    percent(x->class_right, x->labelled));
	buf_printf(
	    out, "\n%-10s %8s %8s %8s\n", "needed", "local", "small", "frontier");
	for (unsigned a = 0; a < LEVELS; a++)
		buf_printf(out, "%-10s %8u %8u %8u\n",
		    tier_name((enum tier)(TIER_local - a)), m[a][0], m[a][1], m[a][2]);
	buf_add(out, "\n");
	table_column(t, "trap", false);
	table_column(t, "n", true);
	table_column(t, "wrong", true);
	for (unsigned i = 0; i < x->traps; i++) {
		table_cell(t, "%s", x->trap[i].name);
		table_cell(t, "%u", x->trap[i].rows);
		table_cell(t, "%.0f %%", percent(x->trap[i].wrong, x->trap[i].rows));
	}
	table_print(t, terminal_width(), out);
}

void
eval_text(const struct eval *x, struct buf *out)
{
	buf_printf(out, "weights %s\n\n", classifier_version(x->weights));
	if (x->slices > 0)
		print_outcomes(x, out);
	if (x->labelled > 0)
		print_labels(x, out);
}
