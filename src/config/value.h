/* value.h: how values are spelt in our files, to numbers and back.
 * Readers give false and leave `*ret` alone on anything else; writers
 * give the one spelling that reads back. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/money.h"
#include "base/str.h"

bool value_int(struct str s, int64_t *ret);    /* 0 and up */
bool value_number(struct str s, double *ret);  /* 0 and up, "0.85" */
bool value_ms(struct str s, int64_t *ret);     /* "300ms", "5s", "2m", "1h" */
bool value_bytes(struct str s, int64_t *ret);  /* "4096", "64KiB", "16MiB", "1GiB" */
bool value_percent(struct str s, double *ret); /* "95%", "12.5%": 0.95, 0.125 */
bool value_time(
    struct str s, int64_t *ret_utc_s); /* "2026-11-24", "2026-11-24T08:00:00Z" */
/* USD for a million tokens to pico-dollars for one; exact or refused. */
bool value_price(struct str s, int64_t *ret_pusd);
bool value_address(struct str s, struct str *ret_host, uint16_t *ret_port);

/* Letters, digits and "._-/" (a letter or digit
 * first), at most 39: what may name things. */
bool value_name(struct str s);

void value_put_ms(struct buf *b, int64_t ms);
void value_put_bytes(struct buf *b, int64_t bytes);
void value_put_number(struct buf *b, double v);
void value_put_percent(struct buf *b, double share);
void value_put_usd(struct buf *b, struct pusd v);
void value_put_time(struct buf *b, int64_t utc_s);
/* A text as YAML, plain where that is safe even inside brackets, else in quotes. */
void value_put_text(struct buf *b, struct str s);

#endif
