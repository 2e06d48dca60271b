/* learn.h: what settled requests teach: bytes per token of each provider, and how long
 * the answers of each model are. */
#ifndef METER_LEARN_H
#define METER_LEARN_H

#include <stdbool.h>

#include "stage/meter.h"

struct store;

/* Ledger thread only. */
struct learn {
	struct store *store;
	struct outlook_shared *shared;
	struct outlook now, published; /* the same names in the same places */
};

void learn_init(struct learn *l, struct store *store);
void learn_start(struct learn *l, struct outlook_shared *shared);
void learn_from(struct learn *l, const struct slot *s);
/* A new outlook, when something moved: saved, then published. */
void learn_publish(struct learn *l);

#endif
