/* report_view.h: what the parts of a report on the terminal share. */
#ifndef CLI_REPORT_VIEW_H
#define CLI_REPORT_VIEW_H

#include <jansson.h>

#include "base/buf.h"
#include "base/money.h"
#include "report.h"

struct view {
	struct cli *cli;
	const json_t *summary, *total, *trust;
	unsigned places; /* of all amounts, so that they can be compared */
	struct buf out;
};

/* Members that are not there are like null. */
const json_t *view_at(const json_t *o, const char *key);
const char *view_text(const json_t *v); /* "" */
/* False when it is null or not there. */
bool view_amount(const json_t *v, struct pusd_sum *ret);
/* "-" where it is not known. */
const char *view_money(struct view *w, const json_t *v);
const char *view_count(struct view *w, const json_t *v);
const char *view_share(struct view *w, const json_t *v);
/* The budget that is told of a team, else of the daemon ("daemon"); NULL: none. */
const json_t *view_budget(const struct view *w, const char *scope);
/* Spent share of its cap; -1: there is no cap. */
double view_used(const json_t *budget);

/* What stands below the table: tiers, savings, trust, limits, what to look at. */
void view_lines(struct view *w, const json_t *tiers);
void view_look_at(struct view *w);

#endif
