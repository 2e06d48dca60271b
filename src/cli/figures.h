/* figures.h: numbers for people.
 * Rounding is for display only; sums were made before. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/money.h"
#include "base/str.h"

/* "4680.254000000000", also below zero, at most 12 places and 26 digits before them.
 * False leaves `*ret` alone. */
bool figure_read(struct str decimal, struct pusd_sum *ret);

/* Places behind the point that show `greatest` and what is a hundredth of it. */
unsigned figure_places(struct pusd_sum greatest);

/* "4,680.25"; in `mem`. */
const char *figure_money(struct arena *mem, struct pusd_sum v, unsigned places);
const char *figure_count(struct arena *mem, int64_t n);
/* "41 %", "0.4 %", "< 0.1 %" of a share in [0, 1]. */
const char *figure_share(struct arena *mem, double share);
/* "412 ms", "3.9 s" */
const char *figure_ms(struct arena *mem, int64_t ms);
/* "3 d 4 h", "12 min", "40 s" */
const char *figure_span(struct arena *mem, int64_t s);

#endif
