/* seen.h: what answers were like, beside what was expected of them: lengths, prompts,
 * prompt caches and speed, from the ledger's rows and the outlook's cells. */
#ifndef REPORT_SEEN_H
#define REPORT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "ask.h"
#include "base/buf.h"
#include "base/hist.h"
#include "base/map.h"
#include "books.h"
#include "core/request.h"

/* More of each are not listed. */
#define SEEN_MAX 512

/* Of a model in a class of work. */
struct seen_length {
	char model[SLOT_NAME];
	enum task_class class;
	double expected; /* sum, of those answers that something was expected of */
	int64_t expected_n;
	struct hist actual; /* tokens */
	struct hist error;  /* 1000 |ln(actual / expected)| */
};

/* Of a provider. */
struct seen_provider {
	char name[SLOT_NAME];
	struct hist error; /* 1000 |ln(actual / expected)|, of the prompt's tokens */
	struct {
		int64_t n, there;
	} warm[WARM_KINDS][WARM_STEPS];
};

/* Of a model at a provider. */
struct seen_place {
	char name[PACE_NAME]; /* as in the outlook */
	struct seen_hour {
		struct hist ttft_ms, rate_milli; /* of tokens a second */
	} * hour[PACE_HOURS + 1]; /* behind them all together; NULL: none */
};

struct seen {
	const struct ask *ask;
	struct outlook outlook;
	int64_t answers;
	struct map *by_name; /* of all three, with a letter before the name */
	struct seen_length *length[SEEN_MAX];
	struct seen_provider *provider[SEEN_MAX];
	struct seen_place *place[SEEN_MAX];
	unsigned lengths, providers, places;
};

/* Of answers with usage that ended within [ask->from_ms, ask->to_ms). False: `b->why`.
 * seen_fini() it in any case. */
bool seen_collect(struct seen *s, struct books *b, const struct ask *ask);
void seen_fini(struct seen *s);
/* `snap`: whose catalogue and providers are meant; NULL: unknown. False: too long. */
bool seen_json(const struct seen *s, const struct snapshot *snap, struct buf *ret);

#endif
