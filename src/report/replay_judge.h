/* replay_judge.h: one request of the ledger, decided again. */
#ifndef REPORT_REPLAY_JUDGE_H
#define REPORT_REPLAY_JUDGE_H

#include "replay_outlook.h"
#include "replay_places.h"
#include "replay_rows.h"
#include "replay_session.h"
#include "replay_sums.h"
#include "replay_world.h"

/* What all requests of a replay share. */
struct replay_bench {
	struct replay_worlds *worlds;
	struct replay_outlook *outlook;
	struct replay_sessions *sessions;
	const struct provider *added; /* a machine that was not there; NULL: none */
	double tokens_per_s;
	struct replay_places places;
	struct replay_local *local;
};

struct replay_verdict {
	const char *lacks;    /* why it cannot be decided again; NULL: it was */
	enum outcome refusal; /* OUT_unset: none */
	bool unpriced;        /* then or now: no cost of it is known */
	struct replay_fact fact;
	int model_was; /* first choice then, by the other policy's number; -1 */
};

/* Requests come in the order of their ends. Texts are in `mem`. */
void replay_judge(struct replay_bench *b, const struct replay_row *row,
    struct arena *mem, struct replay_verdict *ret);

#endif
