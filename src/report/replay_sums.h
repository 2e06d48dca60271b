/* replay_sums.h: what a replay adds up, and how sure the sums are. */
#ifndef REPORT_REPLAY_SUMS_H
#define REPORT_REPLAY_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "stage/report.h"

/* One request. Models are numbers of the other policy, -1: it does not have it. */
struct replay_fact {
	uint64_t session;
	enum task_class class;
	float complexity;
	double booked_usd;
	bool changed;     /* another first choice, or refused */
	bool refused;     /* now */
	bool counts_only; /* tokens were counted: nothing was answered */
	/* What it would cost now: what was booked × `scale`, or, where another model,
	 * another tier of service or another prompt cache answers, an expectation. */
	bool modelled;
	double scale, expected_usd;
	int model_is;
	enum tier tier_was, tier_is;
	double success_was, success_is;
	bool switched_was, switched_is;
	double lost_was_usd, lost_is_usd;
	/* What is known of the model that answered then: its expected cost as it was
	 * planned and what was booked for it; -1: nothing can be learned from it. */
	int model_was;
	double planned_usd, answer_usd;
};

struct replay_sums;

struct replay_sums *replay_sums_new(void);
void replay_sums_free(struct replay_sums *s); /* takes NULL */
void replay_sums_add(struct replay_sums *s, const struct replay_fact *f);
/* Figures, coverage and groups of the result. Intervals are a bootstrap over groups of
 * sessions (Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13: percentile
 * intervals); the same seed gives the same ones. */
void replay_sums_result(
    const struct replay_sums *s, uint64_t seed, struct replay_result *ret);

#endif
