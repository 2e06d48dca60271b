/* learn.h: what settled requests teach: bytes per token of each provider, how long the
 * answers of each model are, how warm its caches stay, and how fast it answers. */
#ifndef METER_LEARN_H
#define METER_LEARN_H

#include <stdbool.h>

#include "learn_pace.h"
#include "stage/meter.h"

struct store;

/* Ledger thread only. */
struct learn {
	struct store *store;
	struct outlook_shared *shared;
	struct outlook now, published; /* the same names in the same places */
	struct learn_pace pace;        /* that `now` does not have */
};

void learn_init(struct learn *l, struct store *store);
void learn_start(struct learn *l, struct outlook_shared *shared);
void learn_fini(struct learn *l); /* takes a zeroed one */
void learn_from(struct learn *l, const struct slot *s);
/* A new outlook, when something moved: saved, then published. */
void learn_publish(struct learn *l);

#endif
