/* boot.h: small parts of the start and the stop. */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include "base/diag.h"
#include "base/env.h"

struct bypass_shared;
struct sessions_shared;
struct worker;

void boot_log_findings(struct diag *d);

/* `sessions` and `bypass` in the state folder. NULL: errno. */
struct sessions_shared *boot_open_sessions(struct env *env, const char *dir);
struct bypass_shared *boot_open_bypass(struct env *env, const char *dir);

/* A thread of its own joins the workers and then sends SIGUSR2 to the process, so that
 * the main thread goes on taking signals meanwhile. */
void boot_wait_workers(struct worker *const *w, unsigned count);

#endif
