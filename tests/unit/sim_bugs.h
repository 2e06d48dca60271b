/* sim_bugs.h: bugs that the simulation must find. They are planted around calls of the
 * product (see "wrap" in test_meter_sim.c), never in it. */
#ifndef UNIT_SIM_BUGS_H
#define UNIT_SIM_BUGS_H

#include "base/hash.h"
#include "base/mem.h"
#include "meter/budget_kept.h"
#include "meter/ledger_budget.h"
#include "meter/rollup.h"
#include "meter/store.h"
#include "stage/meter.h"

enum bug {
	BUG_none,
	BUG_book_twice,
	BUG_forget_release,
	BUG_skip_crc,
	BUG_lose_rollup,
	BUG_crash_is_free,
	BUG_lose_budget,
	BUG_charge_not,
	BUG_charge_twice,
	BUG_book_early,
	BUG_begin_empty,
};

static enum bug bug;

bool __real_store_commit(struct store *s, const struct slot *const *slot,
    unsigned count, char ret_why[static STORE_WHY]);
bool __wrap_store_commit(struct store *s, const struct slot *const *slot,
    unsigned count, char ret_why[static STORE_WHY]);
void __real_slots_release(struct slots *s, struct slot *const *slot, unsigned count);
void __wrap_slots_release(struct slots *s, struct slot *const *slot, unsigned count);
uint32_t __real_hash_crc32c(uint32_t crc, const void *p, size_t len);
uint32_t __wrap_hash_crc32c(uint32_t crc, const void *p, size_t len);
bool __real_rollup_add(struct rollup_store *r, const struct slot *s);
bool __wrap_rollup_add(struct rollup_store *r, const struct slot *s);
void __real_settle_by_basis(struct slot_attempt *a, enum basis basis);
void __wrap_settle_by_basis(struct slot_attempt *a, enum basis basis);

void __real_budget_add(struct budget_kept *k, const struct slot *s);
void __wrap_budget_add(struct budget_kept *k, const struct slot *s);
void __real_ledger_budgets_charge(struct ledger_budgets *b, const struct slot *s);
void __wrap_ledger_budgets_charge(struct ledger_budgets *b, const struct slot *s);
bool __real_ledger_budgets_ready(struct ledger_budgets *b);
bool __wrap_ledger_budgets_ready(struct ledger_budgets *b);
bool __real_store_spent(struct store *s, int64_t *ret_counted_ms,
    void (*each)(void *arg, const struct store_spent *spent), void *arg);
bool __wrap_store_spent(struct store *s, int64_t *ret_counted_ms,
    void (*each)(void *arg, const struct store_spent *spent), void *arg);

bool
__wrap_store_commit(struct store *s, const struct slot *const *slot, unsigned count,
    char ret_why[static STORE_WHY])
{
	if (!__real_store_commit(s, slot, count, ret_why))
		return false;
	if (bug == BUG_book_twice && count > 0) {
		struct slot *again = (void *)xmemdup(slot[0], sizeof(**slot));
		const struct slot *one = again;

		again->request.id.lo ^= 1;
		(void)__real_store_commit(s, &one, 1, ret_why);
		xfree(again);
	}
	return true;
}

void
__wrap_slots_release(struct slots *s, struct slot *const *slot, unsigned count)
{
	__real_slots_release(
	    s, slot, bug == BUG_forget_release && count > 1 ? count - 1 : count);
}

uint32_t
__wrap_hash_crc32c(uint32_t crc, const void *p, size_t len)
{
	return bug == BUG_skip_crc ? 0 : __real_hash_crc32c(crc, p, len);
}

bool
__wrap_rollup_add(struct rollup_store *r, const struct slot *s)
{
	return (bug == BUG_lose_rollup && s->attempts > 2) || __real_rollup_add(r, s);
}

void
__wrap_settle_by_basis(struct slot_attempt *a, enum basis basis)
{
	bool free = bug == BUG_crash_is_free && a->outcome == OUT_crashed;

	__real_settle_by_basis(a, free ? BASIS_none : basis);
}

void
__wrap_budget_add(struct budget_kept *k, const struct slot *s)
{
	if (bug != BUG_lose_budget || s->attempts < 3)
		__real_budget_add(k, s);
}

void
__wrap_ledger_budgets_charge(struct ledger_budgets *b, const struct slot *s)
{
	if (bug != BUG_charge_not)
		__real_ledger_budgets_charge(b, s);
	if (bug == BUG_charge_twice)
		__real_ledger_budgets_charge(b, s);
}

bool
__wrap_ledger_budgets_ready(struct ledger_budgets *b)
{
	return bug == BUG_book_early || __real_ledger_budgets_ready(b);
}

static void
skip_spent(void *arg, const struct store_spent *spent)
{
	(void)arg;
	(void)spent;
}

bool
__wrap_store_spent(struct store *s, int64_t *ret_counted_ms,
    void (*each)(void *arg, const struct store_spent *spent), void *arg)
{
	return __real_store_spent(
	    s, ret_counted_ms, bug == BUG_begin_empty ? skip_spent : each, arg);
}

#endif
