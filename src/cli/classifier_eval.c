/* classifier_eval.c: `frugald classifier eval`: how good the verdicts are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "classifier.h"
#include "classifier_measure.h"
#include "table.h"

#define SLICES    64
#define TRAPS     32
#define OUT_MAX   ((size_t)1 << 20)
#define LEVELS    3
#define BASELINES 3

enum { BY_need, BY_length, BY_surface };

/* The questions of one source. */
struct slice {
	const char *name;
	struct sample *sample[BASELINES]; /* the same prompts by other scores */
	size_t count, room;
};

struct trap {
	const char *name;
	unsigned rows, wrong;
};

struct eval {
	struct cli *c;
	const struct classifier *weights, *bare;
	struct slice slice[SLICES];
	unsigned slices;
	struct trap trap[TRAPS];
	unsigned traps;
	unsigned tier[LEVELS][LEVELS]; /* labelled, given */
	unsigned labelled, class_right, full;
};

/* ---- gathering ---- */

static struct slice *
slice_of(struct eval *x, const char *name)
{
	for (unsigned i = 0; i < x->slices; i++) {
		if (strcmp(x->slice[i].name, name) == 0)
			return &x->slice[i];
	}
	if (x->slices == SLICES)
		return NULL;
	x->slice[x->slices].name = arena_str(x->c->mem, str_of(name));
	return &x->slice[x->slices++];
}

static void
add_outcome(struct eval *x, const struct row_read *row, const struct verdict *v)
{
	struct slice *s = slice_of(x, row->source);
	struct verdict bare;
	struct sample one = {
	    v->need, row->lesson.small, row->lesson.frontier, v->p_small};

	if (s == NULL) {
		x->full++;
		return;
	}
	if (s->count == s->room) {
		s->room = s->room == 0 ? 256 : 2 * s->room;
		for (unsigned b = 0; b < BASELINES; b++)
			s->sample[b] =
			    xrealloc(s->sample[b], s->room * sizeof(struct sample));
	}
	s->sample[BY_need][s->count] = one;
	one.score = (float)row->text.len;
	s->sample[BY_length][s->count] = one;
	classify_row(x->bare, row, &bare);
	one.score = bare.need;
	s->sample[BY_surface][s->count] = one;
	s->count++;
}

static int
level_of(const struct verdict *v)
{
	return v->complexity < 1.0F / 3 ? 0 : v->complexity < 2.0F / 3 ? 1 : 2;
}

static void
add_trap(struct eval *x, const char *name, bool wrong)
{
	unsigned i = 0;

	if (name[0] == '\0')
		name = "none";
	while (i < x->traps && strcmp(x->trap[i].name, name) != 0)
		i++;
	if (i == TRAPS)
		return;
	if (i == x->traps) {
		x->trap[i].name = arena_str(x->c->mem, str_of(name));
		x->traps++;
	}
	x->trap[i].rows++;
	x->trap[i].wrong += wrong;
}

static bool
add_row(void *arg, struct row_read *row)
{
	struct eval *x = arg;
	const struct lesson *l = &row->lesson;
	struct verdict v;

	classify_row(x->weights, row, &v);
	if (l->small >= 0 && l->frontier >= 0)
		add_outcome(x, row, &v);
	if (l->tier < 0)
		return true;
	x->labelled++;
	x->tier[l->tier][level_of(&v)]++;
	x->class_right += l->class == (int)v.class;
	add_trap(x, row->trap, l->tier != level_of(&v));
	return true;
}

/* ---- telling ---- */

struct figures {
	struct recovery need, length, surface;
	double interval[2], auc, ece;
};

static struct figures
figures_of(const struct slice *s)
{
	struct figures f;

	f.ece = measure_ece(s->sample[BY_need], s->count);
	measure_interval(s->sample[BY_need], s->count, 1, f.interval);
	f.need = measure_recovery(s->sample[BY_need], s->count);
	f.auc = measure_auc(s->sample[BY_need], s->count);
	f.length = measure_recovery(s->sample[BY_length], s->count);
	f.surface = measure_recovery(s->sample[BY_surface], s->count);
	return f;
}

static void
json_slice(struct json *j, const struct slice *s)
{
	struct figures f = figures_of(s);

	json_object_begin(j, NULL);
	json_str(j, "source", str_of(s->name));
	json_int(j, "n", (int64_t)s->count);
	json_num(j, "apgr", f.need.apgr, 4);
	json_num(j, "apgr_low", f.interval[0], 4);
	json_num(j, "apgr_high", f.interval[1], 4);
	json_num(j, "cpt50", f.need.cpt50, 4);
	json_num(j, "cpt80", f.need.cpt80, 4);
	json_num(j, "auc_small_ok", f.auc, 4);
	json_num(j, "ece_small_ok", f.ece, 4);
	json_object_begin(j, "baselines");
	json_num(j, "random", 0.5, 4);
	json_num(j, "length", f.length.apgr, 4);
	json_num(j, "surface", f.surface.apgr, 4);
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

static void
print_json(const struct eval *x, struct buf *out)
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

static void
print_outcomes(const struct eval *x, struct buf *out)
{
	static const char *const heads[] = {"n", "APGR", "95 %", "CPT50", "CPT80",
	    "AUC", "ECE", "random", "length", "surface"};
	struct table *t = table_new(x->c->mem);

	table_column(t, "source", false);
	for (size_t i = 0; i < nitems(heads); i++)
		table_column(t, heads[i], true);
	for (unsigned i = 0; i < x->slices; i++) {
		struct figures f = figures_of(&x->slice[i]);

		table_cell(t, "%s", x->slice[i].name);
		table_cell(t, "%zu", x->slice[i].count);
		table_cell(t, "%.3f", f.need.apgr);
		table_cell(t, "%.3f-%.3f", f.interval[0], f.interval[1]);
		table_cell(t, "%.1f", f.need.cpt50);
		table_cell(t, "%.1f", f.need.cpt80);
		table_cell(t, "%.3f", f.auc);
		table_cell(t, "%.3f", f.ece);
		table_cell(t, "0.500");
		table_cell(t, "%.3f", f.length.apgr);
		table_cell(t, "%.3f", f.surface.apgr);
	}
	table_print(t, terminal_width(), out);
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

static void
tell(const struct eval *x)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	if (x->c->opt[OPT_json] != NULL) {
		print_json(x, &out);
	} else {
		buf_printf(&out, "weights %s\n\n", classifier_version(x->weights));
		if (x->slices > 0)
			print_outcomes(x, &out);
		if (x->labelled > 0)
			print_labels(x, &out);
	}
	fputs(out.p, stdout);
	buf_fini(&out);
}

int
verb_classifier_eval(struct cli *c)
{
	struct eval *x = arena_alloc(c->mem, sizeof(*x));
	struct classifier *bare;
	struct rows rows;
	bool ok = true;

	x->c = c;
	x->weights = classifier_given(c);
	if (x->weights == NULL)
		return CLI_found;
	bare = classifier_surface_only(x->weights);
	x->bare = bare;
	rows_init(&rows, c);
	for (unsigned i = 0; ok && i < c->args; i++)
		ok = rows_each(&rows, c->arg[i], add_row, x);
	rows_fini(&rows);
	if (ok && x->full > 0)
		ok = cli_fail("more than %u sources in one call", SLICES) == CLI_fine;
	if (ok)
		tell(x);
	for (unsigned i = 0; i < x->slices; i++) {
		for (unsigned b = 0; b < BASELINES; b++)
			xfree(x->slice[i].sample[b]);
	}
	xfree(bare);
	return ok ? CLI_fine : CLI_found;
}
