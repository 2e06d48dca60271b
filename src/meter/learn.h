/* learn.h: what settled requests teach: bytes per token of each provider, how long the
 * answers of each model are, how warm its caches stay, and how fast it answers. */
#ifndef METER_LEARN_H
#define METER_LEARN_H

#include <stdbool.h>

#include "learn_cost.h"
#include "learn_pace.h"
#include "stage/meter.h"

struct store;

/* What a team or key with a limit has spent this month, at contract terms. */
struct learn_spend {
	bool loaded; /* it holds what the roll-ups hold, and all that came since */
	struct pusd_sum all, frontier;
};

/* Ledger thread only. */
struct learn {
	struct store *store;
	struct outlook_shared *shared;
	struct outlook now, published;        /* the same names in the same places */
	struct learn_pace pace;               /* that `now` does not have */
	struct learn_cost cost[64];           /* of now.model */
	struct learn_spend spend[SHARES_MAX]; /* of now.share */
};

void learn_init(struct learn *l, struct store *store);
void learn_start(struct learn *l, struct outlook_shared *shared);
void learn_fini(struct learn *l); /* takes a zeroed one */
void learn_from(struct learn *l, const struct slot *s);
/* ---- learn_share.c ---- */

/* Shares of the slot's team and key, where they have a limit. */
void learn_share(struct learn *l, const struct slot *s);
/* What is not known yet is read from the roll-ups; all that was learned is in them. */
void learn_share_load(struct learn *l);
bool learn_share_moved(const struct outlook_share *was, const struct outlook_share *is);

/* A new outlook, when something moved: saved, then published. */
void learn_publish(struct learn *l);

#endif
