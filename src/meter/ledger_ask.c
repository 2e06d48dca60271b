/* ledger_ask.c: what other threads ask of the ledger, beside rows. */
#include <stdio.h>

#include "ledger_own.h"

void
ledger_wake(void *slots)
{
	slots_wake(slots);
}

void
ledger_set_terms(struct ledger *l, const struct ledger_terms *terms)
{
	pthread_mutex_lock(&l->mutex);
	l->terms_shared = *terms;
	pthread_mutex_unlock(&l->mutex);
}

/* ---- corrections ---- */

struct correcting {
	struct ledger *ledger;
	const struct ledger_correction *what;
	struct ledger_corrected *ret;
	char *why;
	bool ok;
};

static void
correct(void *arg)
{
	struct correcting *c = arg;

	c->ok = store_correct(c->ledger->store, c->what, c->ret, c->why);
}

bool
ledger_correct(struct ledger *l, const struct ledger_correction *what,
    struct ledger_corrected *ret, char ret_why[static 256])
{
	struct correcting c = {.ledger = l, .what = what, .ret = ret, .why = ret_why};

	if (!l->started)
		correct(&c);
	else if (!ledger_jobs_do(&l->jobs, correct, &c, ledger_wake, l->slots))
		snprintf(ret_why, 256, "frugald is shutting down");
	return c.ok;
}

/* ---- copies ---- */

bool
ledger_backup(struct ledger *l, const char *dir, char ret_why[static 256])
{
	struct ledger_status st;

	ledger_status_get(l, &st);
	return backup_start(&l->backup, dir, st.committed_until_ms, ret_why);
}

void
ledger_backup_get(struct ledger *l, struct ledger_backup_status *ret)
{
	backup_get(&l->backup, ret);
}
