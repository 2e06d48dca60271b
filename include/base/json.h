/* json.h: writes JSON text without a tree;
 * for log lines, errors and usage on the hot path. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/money.h"
#include "base/str.h"

/* Commas are put where they belong; the caller balances begin and end. When the
 * buffer's ceiling is reached, `full` is set and the rest is dropped. */
struct json {
	struct buf *out;
	unsigned depth;
	bool comma, full;
};

void json_init(struct json *j, struct buf *out);

/* `key` NULL inside an array or at the top. */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);

/* Escapes control characters, quotes, and bytes that are not UTF-8 (as U+FFFD). */
void json_str(struct json *j, const char *key, struct str value);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_put_null(struct json *j, const char *key);
/* Shortest form with at most `digits` significant digits;
 * NaN and infinities as null. */
void json_num(struct json *j, const char *key, double value, int digits);
/* A decimal string with 12 places. */
void json_pusd(struct json *j, const char *key, struct pusd value);
void json_pusd_sum(struct json *j, const char *key, struct pusd_sum value);
/* JSON text that is known to be valid. */
void json_raw(struct json *j, const char *key, struct str value);

#endif
