/* boot.c: small parts of the start and the stop. */
#include "boot.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/worker.h"

void
boot_log_findings(struct diag *d)
{
	size_t n;
	const struct diag_finding *f = diag_findings(d, &n);

	for (size_t i = 0; i < n; i++)
		log_line(f[i].level == DIAG_error ? LOG_error : LOG_warn,
		    "%s:%u:%u: %s", f[i].at.file, f[i].at.line, f[i].at.column,
		    f[i].text);
}

struct sessions_shared *
boot_open_sessions(struct env *env, const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/sessions", dir);
	return sessions_open(env, path);
}

struct bypass_shared *
boot_open_bypass(struct env *env, const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/bypass", dir);
	return bypass_open(env, path);
}

struct waiter {
	struct worker *const *worker;
	unsigned count;
};

static void *
wait_all(void *arg)
{
	struct waiter *w = arg;

	for (unsigned i = 0; i < w->count; i++)
		worker_join(w->worker[i]);
	xfree(w);
	kill(getpid(), SIGUSR2);
	return NULL;
}

void
boot_wait_workers(struct worker *const *worker, unsigned count)
{
	struct waiter *w = xcalloc(1, sizeof(*w));
	pthread_t thread;

	w->worker = worker;
	w->count = count;
	if (pthread_create(&thread, NULL, wait_all, w) == 0)
		pthread_detach(thread);
	else
		wait_all(w);
}
