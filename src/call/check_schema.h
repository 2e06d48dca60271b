/* check_schema.h: does a value obey a JSON schema? */
#ifndef CALL_CHECK_SCHEMA_H
#define CALL_CHECK_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* Knows type, enum, const, properties, required, additionalProperties and items. What
 * else a schema says passes, and so does what lies too deep or takes too long. Numbers
 * of both are reals (JSON_DECODE_INT_AS_REAL): 1 is 1.0. */
bool check_schema(json_t *value, json_t *schema);

#endif
