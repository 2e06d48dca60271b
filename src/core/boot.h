/* boot.h: small parts of the start and the stop. */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include <stdbool.h>

#include "base/diag.h"
#include "base/env.h"

struct bypass_shared;
struct ci_keys;
struct limits_shared;
struct sessions_shared;
struct worker;

void boot_log_findings(struct diag *d);
/* An entry for each line of `text`. */
void boot_log_lines(struct str text);

/* `sessions`, `bypass`, `paused` and `ci-keys` in the state folder. NULL, false:
 * errno. */
struct sessions_shared *boot_open_sessions(struct env *env, const char *dir);
struct bypass_shared *boot_open_bypass(struct env *env, const char *dir);
bool boot_open_paused(struct env *env, const char *dir, struct limits_shared *l);
struct ci_keys *boot_open_ci_keys(struct env *env, const char *dir);

/* A thread of its own joins the workers and then sends SIGUSR2 to the process, so that
 * the main thread goes on taking signals meanwhile. boot_workers_done() joins it. */
struct boot_waiter;
struct boot_waiter *boot_wait_workers(struct worker *const *w, unsigned count);
bool boot_workers_ended(const struct boot_waiter *b); /* false for NULL */
void boot_workers_done(struct boot_waiter *b);        /* takes NULL */

#endif
