/* learn_pace.h: how long a model at a provider takes to its first byte, and how many
 * tokens a second follow, by the hour of the day. Ledger thread only. */
#ifndef METER_LEARN_PACE_H
#define METER_LEARN_PACE_H

#include "stage/meter.h"

struct store;
struct store_learned;

/* Logarithmic: a step is 4.4 %, and there are 16 powers of two. */
#define PACE_STEPS 16
#define PACE_BINS  (16 * PACE_STEPS)

struct pace_hist {
	float weight; /* of the next sample; the earlier ones count less and less */
	float all;    /* weight of all samples */
	float bin[PACE_BINS];
};

/* Of one hour of the day, or of all. */
struct pace_cell {
	struct pace_hist ttft, rate;
	int64_t day; /* of the last sample, since 1970 */
	bool fresh;  /* there may be something to publish */
};

struct learn_pace {
	unsigned places;
	bool fresh; /* some cell is */
	struct pace_place {
		uint64_t place;
		char name[PACE_NAME];
		struct pace_cell *cell[PACE_HOURS + 1]; /* NULL: nothing was seen */
	} place[PACES_MAX];
};

/* What was learned before a restart. */
void pace_load(struct learn_pace *p, struct store *store);
void pace_free(struct learn_pace *p);
/* Of an attempt that has answered, with usage. */
void pace_learn(
    struct learn_pace *p, const struct slot_request *r, const struct slot_attempt *a);

/* Brings `o` forward where quantiles have moved. Gives the number of cells in which one
 * has; `*ret_kept` are those, as they are kept for going on after a restart: xfree()
 * each one's bytes, and the list. */
unsigned pace_take_moved(
    struct learn_pace *p, struct outlook *o, struct store_learned **ret_kept);

#endif
