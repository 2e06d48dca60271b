/* boot.c: small parts of the start and the stop. */
#include "boot.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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

	for (size_t i = 0; i < n; i++) {
		char at[DIAG_PLACE_BYTES];

		diag_place_text(f[i].at, at, sizeof(at));
		log_line(f[i].level == DIAG_error ? LOG_error : LOG_warn, "%s: %s", at,
		    f[i].text);
	}
}

void
boot_log_lines(struct str text)
{
	struct str line;

	while (text.len > 0 && str_split(&text, '\n', &line))
		log_info("%.*s", (int)line.len, line.p);
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

bool
boot_open_paused(struct env *env, const char *dir, struct limits_shared *l)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/paused", dir);
	return limits_remember(l, env, path);
}

struct ci_keys *
boot_open_ci_keys(struct env *env, const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/ci-keys", dir);
	return ci_keys_open(env, path);
}

struct boot_waiter {
	struct worker *const *worker;
	unsigned count;
	bool threaded;
	_Atomic bool ended;
	pthread_t thread;
};

static void *
wait_all(void *arg)
{
	struct boot_waiter *b = arg;

	for (unsigned i = 0; i < b->count; i++)
		worker_join(b->worker[i]);
	atomic_store(&b->ended, true);
	kill(getpid(), SIGUSR2);
	return NULL;
}

struct boot_waiter *
boot_wait_workers(struct worker *const *worker, unsigned count)
{
	struct boot_waiter *b = xcalloc(1, sizeof(*b));

	b->worker = worker;
	b->count = count;
	b->threaded = pthread_create(&b->thread, NULL, wait_all, b) == 0;
	if (!b->threaded)
		wait_all(b);
	return b;
}

bool
boot_workers_ended(const struct boot_waiter *b)
{
	return b != NULL && atomic_load(&b->ended);
}

void
boot_workers_done(struct boot_waiter *b)
{
	if (b != NULL && b->threaded)
		pthread_join(b->thread, NULL);
	xfree(b);
}
