/* classifier_eval.h: what `frugald classifier eval` gathers, and how it is told. */
#ifndef CLI_CLASSIFIER_EVAL_H
#define CLI_CLASSIFIER_EVAL_H

#include "classifier.h"
#include "classifier_measure.h"

#define SLICES 64
#define PAIRS  64
#define TRAPS  32
#define LEVELS 3

/* --pair: two named models whose outcomes count instead of the tiers'. */
struct pair {
	struct str source; /* empty: every source that has none of its own */
	const char *weak, *strong;
	unsigned rows; /* that have both */
};

/* What puts prompts in order. */
enum order { BY_need, BY_surface, BY_length, ORDERS };

/* The questions of one source. */
struct slice {
	const char *name;
	const struct pair *pair;       /* NULL: tiers, pooled */
	struct sample *sample[ORDERS]; /* the same prompts */
	size_t count, room;
	unsigned left_out; /* rows that do not know both outcomes */
};

struct trap {
	const char *name;
	unsigned rows, wrong;
};

struct eval {
	struct cli *c;
	const struct classifier *weights;
	struct pair pair[PAIRS];
	unsigned pairs;
	struct slice slice[SLICES];
	unsigned slices;
	struct trap trap[TRAPS];
	unsigned traps;
	unsigned tier[LEVELS][LEVELS]; /* labelled, given */
	unsigned labelled, class_right, full;
};

/* ---- classifier_pair.c ---- */

/* Of --pair. False: what is wrong was said. */
bool pairs_read(struct eval *x) MUST_CHECK;
/* That of a source, or NULL. */
struct pair *pair_of(struct eval *x, const char *source);
/* The row's outcomes become those of the two models. False: it does not have both. */
bool pair_outcomes(struct pair *p, struct row_read *row) MUST_CHECK;
/* False: said which pair has no row. */
bool pairs_all_used(const struct eval *x) MUST_CHECK;

/* ---- classifier_tell.c ---- */

void eval_json(const struct eval *x, struct buf *out);
void eval_text(const struct eval *x, struct buf *out);

#endif
