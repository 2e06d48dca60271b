/* recompute.h: a request's plan, made again from what the ledger keeps. */
#ifndef REPORT_RECOMPUTE_H
#define REPORT_RECOMPUTE_H

#include "core/request.h"
#include "books.h"
#include "record.h"

enum recompute_state {
	RECOMPUTE_not,    /* `why` says why it cannot be made again */
	RECOMPUTE_same,   /* to the byte */
	RECOMPUTE_differs /* which must not be: a defect of ours, or damaged rows */
};

struct recompute {
	enum recompute_state state;
	char why[256];
	struct plan_view view; /* of the plan made again, else of what the row keeps */
	struct plan plan;      /* made again; not: empty */
	struct fleet_shared *fleet;
	struct snapshot *snap;
	struct outlook *outlook;
};

/* Fini in any case, after the last look at the view's texts. */
void recompute(const struct record *r, struct books *b, struct recompute *ret);
void recompute_fini(struct recompute *c);

/* The row as decision_unpack() takes it. */
struct decision_row recompute_row(const struct record *r);

const char *recompute_word(enum recompute_state s); /* "not", "same", "differs" */

#endif
