/* sim_truth.h: what the simulation did itself, and whether the ledger says the same. */
#ifndef UNIT_SIM_TRUTH_H
#define UNIT_SIM_TRUTH_H

#include "audit.h"
#include "core/request.h"
#include "meter.h"

enum fate {
	FATE_live,    /* its slot is open */
	FATE_closed,  /* its slot waits for the ledger */
	FATE_in,      /* it must have its rows */
	FATE_maybe,   /* it may: the machine lost the slot, or the slot was damaged */
	FATE_nothing, /* no attempt was begun: no row */
};

struct truth_attempt {
	bool sent, first_byte, closed;
	enum outcome outcome;
	enum basis basis;
	int64_t input, output, seen, expected, ppm;
	int64_t list, amount;
	struct grant grant;
	int64_t at_ms; /* of it; 0: it had none */
};

struct truth {
	struct id id;
	enum fate fate;
	enum outcome outcome;
	unsigned worker, attempts;
	struct truth_attempt attempt[SLOT_ATTEMPTS];
	struct slot *slot; /* while its process lives */
	const struct snapshot *snap;
	unsigned whose;
	unsigned rows; /* found */
};

#define TRUTHS_MAX 400

struct truths {
	struct truth of[TRUTHS_MAX];
	unsigned count;
	char why[200]; /* "": all is well */
};

#define wrong(t, ...)                                                      \
	do {                                                               \
		if ((t)->why[0] == '\0')                                   \
			snprintf((t)->why, sizeof((t)->why), __VA_ARGS__); \
	} while (0)

/* ---- what it must cost ---- */

#define PRICE_IN  2003
#define PRICE_OUT 8009

/* Half to even, in its own words. */
static inline int64_t
at_contract(int64_t list, int64_t ppm)
{
	wide twice = (wide)list * ppm * 2 / 1000000;
	int64_t down = (int64_t)(twice / 2);
	bool exact = (wide)list * ppm * 2 % 1000000 == 0;

	if (twice % 2 == 0)
		return down;
	return exact && down % 2 == 0 ? down : down + 1;
}

static inline void
truth_cost(struct truth_attempt *a, int64_t input, int64_t output)
{
	a->list = input * PRICE_IN + output * PRICE_OUT;
	a->amount = at_contract(a->list, a->ppm);
}

static inline void
truth_settle(struct truth_attempt *a, enum basis basis)
{
	a->basis = basis;
	if (basis == BASIS_none)
		a->list = a->amount = 0;
	else if (basis == BASIS_partial)
		truth_cost(a, a->input, a->seen);
	else
		truth_cost(a, a->input, a->seen > a->expected ? a->seen : a->expected);
}

/* The process has died. */
static inline void
truth_crash(struct truth *t)
{
	if (t->fate == FATE_live && t->attempts == 0)
		t->fate = FATE_nothing;
	if (t->fate == FATE_live) {
		t->outcome = OUT_crashed;
		t->fate = FATE_in;
	}
	for (unsigned i = 0; t->fate == FATE_in && i < t->attempts; i++) {
		struct truth_attempt *a = &t->attempt[i];

		if (a->closed)
			continue;
		a->closed = true;
		a->outcome = OUT_crashed;
		truth_settle(a, !a->sent        ? BASIS_none
				: a->first_byte ? BASIS_partial
						: BASIS_unknown);
	}
	if (t->fate == FATE_closed)
		t->fate = FATE_in;
	t->slot = NULL;
}

/* ---- what the ledger says ---- */

static inline struct truth *
truth_find(struct truths *t, const unsigned char *id)
{
	for (unsigned i = 0; i < t->count; i++) {
		struct id x = t->of[i].id;
		unsigned k = 0;

		while (k < 8 && id[k] == (unsigned char)(x.hi >> (56 - 8 * k)) &&
		       id[8 + k] == (unsigned char)(x.lo >> (56 - 8 * k)))
			k++;
		if (k == 8)
			return &t->of[i];
	}
	return NULL;
}

static inline void
truth_check_row(struct truths *t, sqlite3_stmt *q)
{
	struct truth *r = truth_find(t, sqlite3_column_blob(q, 0));
	unsigned n = (unsigned)sqlite3_column_int(q, 3);
	const struct truth_attempt *a;

	if (r == NULL || r->fate == FATE_nothing || n >= r->attempts) {
		wrong(t, "a row of something that never was");
		return;
	}
	a = &r->attempt[n];
	r->rows++;
	if (sqlite3_column_int(q, 1) != (int)r->outcome ||
	    sqlite3_column_int(q, 2) != (int)r->attempts)
		wrong(t, "request %u: outcome %s, not %s", (unsigned)(r - t->of),
		    outcome_name((enum outcome)sqlite3_column_int(q, 1)),
		    outcome_name(r->outcome));
	if (sqlite3_column_int(q, 4) != (int)a->outcome ||
	    sqlite3_column_int(q, 5) != (int)a->basis)
		wrong(t, "request %u attempt %u: basis %s, not %s",
		    (unsigned)(r - t->of), n,
		    basis_name((enum basis)sqlite3_column_int(q, 5)),
		    basis_name(a->basis));
	if (sqlite3_column_int64(q, 6) != a->list ||
	    sqlite3_column_int64(q, 7) != a->amount)
		wrong(t, "request %u attempt %u: %lld, not %lld", (unsigned)(r - t->of),
		    n, (long long)sqlite3_column_int64(q, 7), (long long)a->amount);
}

static inline void
truth_check_file(void *arg, const char *name)
{
	static const char sql[] =
	    "SELECT r.id, r.outcome, r.attempts, a.n, a.outcome, a.basis, a.list_pusd,"
	    " a.amount_pusd FROM request r LEFT JOIN attempt a ON a.request=r.seq";
	struct truths *t = arg;
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *q;

	if (!str_starts(str_of(name), STR("ledger-")) || strlen(name) != 17)
		return;
	snprintf(path, sizeof(path), STATE "/%.17s", name);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
		/* Made, and died before it had a table. */
		sqlite3_close(db);
		return;
	}
	while (sqlite3_step(q) == SQLITE_ROW)
		truth_check_row(t, q);
	if (sqlite3_finalize(q) != SQLITE_OK)
		wrong(t, "%.17s cannot be read", name);
	sqlite3_close(db);
}

static inline void
truth_check(struct truths *t, struct env *env)
{
	const char *why;

	if (!env->list_dir(env, STATE, truth_check_file, t))
		wrong(t, "the folder cannot be read");
	for (unsigned i = 0; i < t->count; i++) {
		const struct truth *r = &t->of[i];

		if (r->rows != r->attempts && r->fate == FATE_in)
			wrong(t, "request %u: %u rows for %u attempts", i, r->rows,
			    r->attempts);
		if (r->rows != 0 && r->rows != r->attempts)
			wrong(t, "request %u is not whole", i);
	}
	why = audit(env, STATE);
	if (why != NULL)
		wrong(t, "%s", why);
}

#endif
