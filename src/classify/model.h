/* model.h: the weights file; what is in memory is the file as it is. */
#ifndef CLASSIFY_MODEL_H
#define CLASSIFY_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "feature.h"
#include "stage/classify.h"
#include "trees.h"

#define MODEL_MAGIC  "frugaldW"
#define MODEL_FORMAT 6U
#define MODEL_ENDIAN 0x01020304U

/* One row of hashed weights holds them all: one load a token. */
enum head {
	HEAD_small,       /* logit of: a small model answers well */
	HEAD_frontier,    /* … a frontier model … */
	HEAD_above_local, /* logit of: local models are not enough */
	HEAD_above_small, /* … small ones are not … */
	HEAD_class,       /* the first of CLASS_COUNT */
	HEAD_COUNT = HEAD_class + CLASS_COUNT
};
_Static_assert(HEAD_COUNT == 16, "a row is 16 bytes");

/* What makes a question easy depends on its form: outcomes have weights of their own
 * for each. */
enum form {
	FORM_free,
	FORM_choice,  /* three answers or more to choose from */
	FORM_choices, /* six or more */
	FORM_COUNT
};

/* The words of each form have rows of their own: the bucket, exclusive or this. */
static inline uint32_t
form_salt(enum form form)
{
	return form == FORM_free ? 0 : form == FORM_choice ? 0x5a5aU : 0xa3c5U;
}

/* Sets of questions have no system text: outcomes are judged by the values before it.
 */
#define OUTCOME_SURFACES ((unsigned)SURFACE_system_code)

/* What the tier's heads see beside words and counts: the other heads. */
enum hint {
	HINT_small,
	HINT_frontier,
	HINT_class,
	HINT_COUNT = HINT_class + CLASS_COUNT
};

/* What trees look at: counts, hints, and the sum that they correct. */
#define TREE_INPUTS ((unsigned)SURFACE_COUNT + HINT_COUNT + 1U)

struct classifier {
	char magic[8];
	uint32_t format, endian, features;
	uint32_t buckets, surfaces, heads; /* as this program was made */
	uint32_t bytes;                    /* of the file */
	uint32_t manifest_bytes;           /* at its end */
	uint32_t crc;                      /* CRC-32C of what follows */
	char name[12];                     /* "w1-" and digits of the hash */
	uint32_t spare[2];

	int8_t row[BUCKETS][HEAD_COUNT]; /* each in one line of the cache */

	float scale[HEAD_COUNT]; /* of the hashed weights */
	float class_surface[SURFACE_COUNT][CLASS_COUNT];
	float outcome_surface[FORM_COUNT][2][OUTCOME_SURFACES];
	float tier_surface[2][SURFACE_COUNT];
	float surface_only[2][OUTCOME_SURFACES]; /* of classify_surface() */
	float usual[SURFACE_COUNT];              /* means, for reasons */
	float tier_hint[2][HINT_COUNT];
	/* slope and offset that calibrate a logit */
	float outcome_platt[FORM_COUNT][2][2];
	float tier_platt[2][2];
	float need_tier;          /* what the tiers weigh in `need`, beside the gain */
	float local_at, small_at; /* sums of the tiers' chances, see complexity() */
	struct lexicon lexicon;
	uint8_t vocabulary[VOCABULARY_BYTES];
	struct tree tier_tree[2][TREES];
	struct tree traffic_tree[TREES]; /* logit of: no question of a set */
	struct profile profile;
	/* the manifest follows */
};

_Static_assert(offsetof(struct classifier, row) == 64, "rows lie within lines");

/* Everything that is computed from features, before it is put into words. */
struct scores {
	float surface[SURFACE_COUNT];
	float words[HEAD_COUNT]; /* sums of the hashed weights */
	float logit[HEAD_class]; /* uncalibrated */
	float class_p[CLASS_COUNT];
	enum form form;
	float hint[HINT_COUNT];
};
/* The verdict but for its words and confidence, from `surface`, `form`, `class_p` and
 * `logit`. */
void scores_conclude(
    const struct classifier *c, const struct scores *s, struct verdict *ret);
float confidence_of(uint32_t words, uint32_t unknown_words);
/* `options`: SURFACE_options. */
enum form form_of(float options);
void tree_inputs(const float surface[SURFACE_COUNT], const float hint[HINT_COUNT],
    float logit, float ret[TREE_INPUTS]);

/* Sums of the rows of the tokens, each times what it adds; `salt`: form_salt(). Both
 * give the same. */
void rows_sum_plain(const struct classifier *c, const struct features *f, uint32_t salt,
    int32_t ret[HEAD_COUNT]);
void rows_sum(const struct classifier *c, const struct features *f, uint32_t salt,
    int32_t ret[HEAD_COUNT]);

/* 1 / the length of the vector of tokens. */
float token_norm(const struct features *f);
float logistic(float x);
void softmax(const float logit[CLASS_COUNT], float ret[CLASS_COUNT]);

#endif
