/* refusals.h: what budgets and limits have refused or changed, which no row tells. */
#ifndef REPORT_REFUSALS_H
#define REPORT_REFUSALS_H

#include "ask.h"
#include "books.h"

#define REFUSALS_TOP   32
#define REFUSALS_KINDS 16

/* The most frequent first. */
struct refusals {
	bool known; /* false: a ledger of an older release, or asked by what it has not
		     */
	struct refusal_kind {
		char name[16];
		int64_t count;
	} kind[REFUSALS_KINDS];
	unsigned kinds;
	struct refusal_line {
		char kind[16], key[40], team[40], name[128];
		int64_t count;
	} top[REFUSALS_TOP];
	unsigned tops;
};

/* In the hours of that time. False: `b->why`. */
bool refusals_read(struct books *b, const struct ask *ask, const struct scope *scope,
    struct refusals *ret);

#endif
