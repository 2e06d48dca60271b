/* in_force.h: what was in force when a request was decided, from what the ledger keeps.
 */
#ifndef REPORT_IN_FORCE_H
#define REPORT_IN_FORCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "books.h"

struct fleet_shared;
struct outlook;
struct snapshot;

/* A kept text, in `mem`; `p` NULL: it is not kept, or `b->why` says why it cannot be
 * read. */
struct str in_force_text(
    struct books *b, const char *kind, struct str key, struct arena *mem);

/* The snapshot of a request's basis, without weights, bound to `fleet`, which must
 * outlive it; the caller has one reference. NULL: `ret_why` says why. */
struct snapshot *in_force_snapshot(struct books *b, struct str basis,
    struct fleet_shared *fleet, char ret_why[static 256]);

/* The texts of a basis, without weights, in `mem`. False: `ret_why` says why. */
struct snapshot_texts;
bool in_force_texts(struct books *b, struct str basis, struct arena *mem,
    struct snapshot_texts *ret, char ret_why[static 256]) MUST_CHECK;

/* The cells of an outlook. False: `b->why`. */
typedef void in_force_cell_fn(void *arg, struct str cell, double value, double samples);
bool in_force_cells(
    struct books *b, uint64_t number, in_force_cell_fn *each, void *arg) MUST_CHECK;

/* The outlook of that number; outlook_clear() it. False: `b->why`. */
bool in_force_outlook(struct books *b, uint64_t number, struct outlook *ret) MUST_CHECK;

#endif
