/* classify.h: what kind of work a prompt is and how hard; pure, no allocation. */
#ifndef STAGE_CLASSIFY_H
#define STAGE_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/str.h"
#include "core/sets.h"

struct counters;
struct task;
struct prompt;
struct snapshot;
struct diag;

/* How the weights judge the labelled requests that they were trained on, with which
 * traffic is compared: how many of them fall where. */
#define PROFILE_BINS 10U
struct profile {
	uint32_t requests; /* 0: none were labelled, there is nothing to compare with */
	uint32_t class[CLASS_COUNT];
	uint32_t complexity[PROFILE_BINS], confidence[PROFILE_BINS]; /* tenths */
};

/* Trained weights: the bytes of a weights file as they are, read only. */
struct classifier;

/* The answer. */
struct verdict {
	enum task_class class;      /* the likeliest */
	float class_p[CLASS_COUNT]; /* sums to 1 */
	float complexity; /* [0, 1]: 0 any model will do, 1 only the best may */
	float confidence; /* [0, 1] */
	bool follows; /* the turn only agrees to what was said before: "yes, go on" */
	uint32_t words, unknown_words;
	const char
	    *reasons[4]; /* constant strings: what weighed most; NULL behind the last */
	float p_small, p_frontier; /* that a model of this tier answers well */
	float traffic; /* [0, 1]: how surely it is no question of an examination, of
			  which alone outcomes are known */
	float need;    /* the higher, the more a strong model is to be preferred; orders
			  prompts, has no unit */
};

/* The weights that are compiled in. Immutable, shared. */
const struct classifier *classifier_builtin(void);

/* A weights file's bytes, which must outlive the result; nothing is copied. NULL: it is
 * none, of another version or damaged; `*ret_why` says so in words for people. */
const struct classifier *classifier_open(struct str file, const char **ret_why);

/* The weights that the policy names, or the built-in ones, become `s->classifier`;
 * once, before the snapshot is published. False: an error is in `d`. */
bool classifier_bind(struct snapshot *s, struct diag *d) MUST_CHECK;

/* The largest file that classifier_open() takes. */
#define CLASSIFIER_BYTES_MAX ((size_t)3 << 19)

/* For the ledger: names the weights, e.g. "w1-5f0c9a2e". */
const char *classifier_version(const struct classifier *c);
const struct profile *classifier_profile(const struct classifier *c);
/* In which tenth of [0, 1] a complexity or confidence lies; the last holds 1. */
unsigned profile_bin(float v);
/* JSON: what the weights were trained on and how well they did. */
struct str classifier_manifest(const struct classifier *c);

/* At most a few microseconds for a usual prompt; reads head and tail of a long one. */
void classify(const struct classifier *c, const struct task *task,
    const struct prompt *prompt, struct verdict *ret);

/* For the worker's statistics, which report/ compares with the profile: some additions,
 * no lock. */
void verdict_count(struct counters *c, const struct verdict *v);

/* A text alone, as from a set of questions: no escapes are resolved in it. */
void classify_text(const struct classifier *c, struct str text, struct verdict *ret);

/* What counts alone say, to compare with: logistic regressions on the values of
 * surface.def, without words and kinds of work, fitted on the same rows. Fills p_small,
 * p_frontier and `need`, their difference; the rest is 0. */
void classify_surface(const struct classifier *c, const struct task *task,
    const struct prompt *prompt, struct verdict *ret);
void classify_surface_text(
    const struct classifier *c, struct str text, struct verdict *ret);

/* ---- training ---- */

/* What is known of one prompt; what is not known is left out of the sums. */
struct lesson {
	float small, frontier; /* share of good answers of the tier's models; -1 */
	int class;             /* enum task_class; -1 */
	int tier;              /* 0 local, 1 small, 2 frontier; -1 */
	unsigned source;       /* number of its source, below LESSON_SOURCES */
};
#define LESSON_SOURCES 32U

struct train_options {
	float l2_words, l2_surface; /* penalties: of the outcomes */
	float requests; /* how much a labelled request counts for the kind of work */
	float l2_class, l2_tier_words, l2_tier_surface;
	float need_tier; /* what the tiers weigh in `need` */
	unsigned rounds; /* of the optimiser */
	unsigned seed;   /* of the split that calibrates */
	/* One line of progress, without a newline; may be NULL. */
	void (*say)(void *arg, const char *line);
	void *arg;
};

struct trainer;
struct trainer *trainer_new(const struct train_options *o);
void trainer_free(struct trainer *t); /* takes NULL */
/* The features are taken at once; text, task and prompt may go. */
void trainer_add(struct trainer *t, const struct task *task,
    const struct prompt *prompt, const struct lesson *l);
void trainer_add_text(struct trainer *t, struct str text, const struct lesson *l);
/* Fits, rounds and appends the weights file to `ret`. `manifest`: JSON that goes with
 * it. False: nothing to learn from. */
bool trainer_fit(struct trainer *t, struct str manifest, struct buf *ret) MUST_CHECK;

#endif
