/* classes.h: maps of task classes to numbers, as models have them. */
#ifndef CONFIG_CLASSES_H
#define CONFIG_CLASSES_H

#include "core/sets.h"
#include "row.h"

/* Fills `values` from {default: N, code: N, …}; what the map does not name stays.
 * Numbers from `min` to `max`. `map` NULL: nothing to do. */
void classes_read(const struct reading *r, const struct node *map, double min,
    double max, double values[static CLASS_COUNT]);

/* Set of capabilities from a list of their names. */
uint32_t capabilities_read(const struct reading *r, const struct node *list);

/* The texts of a list, the last NULL; NULL for NULL. */
const char *const *texts_read(const struct reading *r, const struct node *list);

#endif
