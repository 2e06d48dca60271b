/* ledger_turn.h: the ledger thread's work without the thread, for whoever brings a
 * clock of his own. */
#ifndef METER_LEDGER_TURN_H
#define METER_LEDGER_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct outlook_shared;
struct slots;

/* What ledger_start() does before it starts the thread. */
void ledger_attach(
    struct ledger *l, struct slots *slots, struct outlook_shared *outlook);

/* What ledger_adopt() does when the thread runs, without waiting: the budgets will be
 * in force after some turns. `published`: rows under them may come before that. */
struct snapshot;
void ledger_adopt_soon(
    struct ledger *l, struct snapshot *snap, uint32_t generation, bool published);
/* Are they? False: from now on rows under them may come, as when ledger_adopt() could
 * not wait any longer. */
bool ledger_asked(struct ledger *l, uint32_t generation);

/* Texts, all that is closed, and what is due by the clock. False: nothing more can be
 * committed now; what was taken is kept and tried first at the next turn. */
bool ledger_turn(struct ledger *l);

#endif
