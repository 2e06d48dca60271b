/* schema.h: the statements that bring a file of version i to version i + 1. */
#ifndef METER_SCHEMA_H
#define METER_SCHEMA_H

#include <stddef.h>

struct schema {
	const char *name;
	const char *const *step;
	size_t steps; /* the newest version */
};

extern const struct schema schema_ledger, schema_month;

#endif
