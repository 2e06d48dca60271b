/* dates.h: UTC times as people and programs write them. */
#ifndef REPORT_DATES_H
#define REPORT_DATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"

#define DATE_TEXT_BYTES 32
#define HOUR_MS         3600000LL
#define DAY_MS          86400000LL

/* "2026-11-19T14:02:11.482Z" and, of whole seconds, "2026-11-19T14:02:11Z". */
void date_format_ms(int64_t wall_ms, char ret[static DATE_TEXT_BYTES]);
void date_format_s(int64_t wall_ms, char ret[static DATE_TEXT_BYTES]);

/* "2026-11-19", "2026-11-19T14:02", "…:11", "…:11.482", each with or without a Z; false
 * on anything else, days that do not exist included. */
bool date_parse(struct str s, int64_t *ret_ms) MUST_CHECK;
/* "30m", "24h", "7d", "2w". */
bool date_parse_span(struct str s, int64_t *ret_ms) MUST_CHECK;

/* Year * 12 + month - 1, as the ledger names its files. */
int date_month(int64_t wall_ms);
int64_t date_month_start_ms(int month);

#endif
