/* rollup_cell.h: the measures of one roll-up row, in memory and as columns. */
#ifndef METER_ROLLUP_CELL_H
#define METER_ROLLUP_CELL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"
#include "base/money.h"
#include "base/sketch.h"
#include "core/sets.h"

/* In the order of struct rollup_cell. */
#define ROLLUP_COLUMNS                                                                \
	"requests,attempts,failed,unpriced,estimated,input_uncached,cache_read,"      \
	"cache_write_5m,cache_write_1h,audio_input,image_input,output,audio_output,"  \
	"reasoning,paid_hi,paid_lo,list_hi,list_lo,wasted_hi,wasted_lo,estimated_hi," \
	"estimated_lo,exposure_hi,exposure_lo,baseline_hi,baseline_lo,compared_hi,"   \
	"compared_lo,gone_hi,gone_lo,escalated_hi,escalated_lo,bias_hi,bias_lo,"      \
	"var_hi,var_lo,compared_requests,served,price,sessions,"                      \
	"tokens_hist,ttft_hist,total_hist"
/* Of them. */
#define ROLLUP_MEASURES 43

#define ROLLUP_SERVED 160

struct rollup_cell {
	int64_t requests, attempts, failed, unpriced, estimated_rows;
	int64_t tokens[TOKEN_COUNT];
	int64_t reasoning;
	struct pusd_sum paid, list;
	struct pusd_sum wasted; /* paid for attempts that did not answer */
	struct pusd_sum
	    estimated;            /* of paid: rests on a basis, not on reported usage */
	struct pusd_sum exposure; /* Σ (at most − amount) of those */
	struct pusd_sum baseline; /* estimate; what the baseline would have cost … */
	struct pusd_sum compared; /* … for the requests that cost this */
	struct pusd_sum gone, escalated; /* of wasted: by clients, by cascades */
	struct pusd_sum bias, var;       /* of the baseline: baseline_error() */
	int64_t compared_requests;       /* of which baseline and compared are */
	/* Models as served, a line each, as many as there is room for; the last price.
	 */
	char served[ROLLUP_SERVED], price[56];
	struct sketch sessions;
	struct hist tokens_hist, ttft_hist, total_hist;
};

void rollup_cell_zero(struct rollup_cell *c);
void rollup_cell_add(struct rollup_cell *into, const struct rollup_cell *from);
/* From column `i` on; false: a histogram is damaged. */
bool rollup_cell_read(sqlite3_stmt *row, int i, struct rollup_cell *c);
/* One more model as served; one that there is no room for is left out. */
void rollup_cell_served(struct rollup_cell *c, const char *model);
/* From parameter `i` on. */
void rollup_cell_bind(sqlite3_stmt *s, int i, const struct rollup_cell *c);

#endif
