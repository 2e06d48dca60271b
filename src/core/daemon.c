/* daemon.c: start in order, wait for signals,
 * reload whole or not at all, drain, stop. */
#include "core/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/kept.h"
#include "core/request.h"
#include "core/worker.h"
#include "boot.h"
#include "embed.h"

#define WORKERS_MAX        64
#define FIRST_ADDRESSES_MS 3000
#define BUDGETS_MS         20000

struct frugald {
	const struct daemon_options *options;
	struct shared shared;
	struct snapshot *snap;
	struct poller *poller;
	struct worker *worker[WORKERS_MAX];
	unsigned workers;
	struct boot_waiter *waiter; /* once it drains */
	char why[256];
};

/* A whole snapshot bound to the fleet, or NULL with all findings logged. */
static struct snapshot *
load(struct frugald *f)
{
	struct diag *d = diag_new();
	struct snapshot *s =
	    snapshot_reload(f->shared.env, f->options->config_path, f->snap, d);

	if (s != NULL && !classifier_bind(s, d)) {
		snapshot_unref(s);
		s = NULL;
	}
	boot_log_findings(d);
	diag_free(d);
	if (s == NULL)
		return NULL;
	limits_bind(f->shared.limits, s);
	if (!fleet_bind(f->shared.fleet, s)) {
		log_error(
		    "%s: a provider speaks an API that this release does not know",
		    f->options->config_path);
		snapshot_unref(s);
		return NULL;
	}
	return s;
}

/* ---- start ---- */

static bool
no_file(struct frugald *f, const char *what)
{
	snprintf(f->why, sizeof(f->why),
	    "%s in the state folder %s: %s; it needs to be writable and have %d MiB "
	    "free",
	    what, f->snap->state_dir, strerror(errno),
	    f->snap->limits.slots * SLOT_BYTES / (1 << 20) + 16);
	return false;
}

static bool
start_state(struct frugald *f)
{
	struct shared *s = &f->shared;
	const char *dir = f->snap->state_dir;

	if (!s->env->make_dir(s->env, dir)) {
		snprintf(f->why, sizeof(f->why),
		    "the state folder %s cannot be made: %s; make it for frugald's "
		    "user, or name another at `state`",
		    dir, strerror(errno));
		return false;
	}
	if (!ledger_open(s->env, dir, &s->ledger, f->why))
		return false;
	ledger_set_terms(s->ledger, &f->snap->ledger);
	s->sessions = boot_open_sessions(s->env, dir);
	if (s->sessions == NULL)
		return no_file(f, "sessions");
	s->bypass = boot_open_bypass(s->env, dir);
	if (s->bypass == NULL)
		return no_file(f, "bypass");
	if (!boot_open_paused(s->env, dir, s->limits))
		return no_file(f, "paused");
	limits_bind(s->limits, f->snap); /* with keys that are paused */
	s->ci_keys = boot_open_ci_keys(s->env, dir);
	if (s->ci_keys == NULL)
		return no_file(f, "ci-keys");
	s->ci_desk = ci_desk_new(s->env, s->ci_keys);
	s->slots =
	    slots_create(s->env, dir, (unsigned)f->snap->limits.slots, f->workers);
	return s->slots != NULL || no_file(f, "slots");
}

/* What start and reload have needed for a moment. */
static void
give_back(void)
{
	mem_trim();
	mem_forget(embed_models_yaml, embed_models_yaml_len);
	mem_forget(embed_prices_yaml, embed_prices_yaml_len);
	/* Checked in whole at the start; a decision looks at a small part. */
	mem_forget(embed_classifier_bin, embed_classifier_bin_len);
}

/* Before the first row that rests on them, and before `s` is published. */
static void
keep_versions(struct ledger *l, struct snapshot *s)
{
	struct kept_part part[KEPT_PARTS];
	struct buf basis;

	buf_init(&basis, 4096);
	kept_parts(s, part);
	for (size_t i = 0; i < KEPT_PARTS; i++) {
		if (part[i].text.len > 0)
			ledger_keep(l, part[i].kind, part[i].key, part[i].text);
	}
	kept_print(part, &basis);
	kept_name(buf_str(&basis), s->basis);
	ledger_keep(l, "basis", s->basis, buf_str(&basis));
	buf_fini(&basis);
}

/* Accounts begin with what the ledger says was spent, before anything is granted. */
static bool
start_budgets(struct frugald *f)
{
	struct shared *s = &f->shared;

	s->budgets = budgets_new(s->env);
	f->snap->rules = budgets_publish(s->budgets, f->snap);
	ledger_budgets(s->ledger, s->budgets);
	if (ledger_adopt(s->ledger, f->snap, f->snap->rules, 0))
		return true;
	snprintf(f->why, sizeof(f->why),
	    "what was spent within the budgets cannot be read from the ledger in "
	    "%.100s",
	    f->snap->state_dir);
	return false;
}

static bool
start_workers(struct frugald *f)
{
	for (unsigned i = 0; i < f->workers; i++) {
		f->worker[i] = worker_new(&f->shared, i, f->snap, f->why);
		if (f->worker[i] == NULL)
			return false;
	}
	return true;
}

static bool on_reload_request(void *arg, struct buf *ret_text);

static bool
start_report(struct frugald *f)
{
	struct report_options o = {.shared = &f->shared,
	    .workers = f->worker,
	    .worker_count = f->workers,
	    .snap = snapshot_ref(f->snap),
	    .reload = on_reload_request,
	    .reload_arg = f};

	f->shared.report = report_new(&o, f->why);
	return f->shared.report != NULL;
}

static bool
start(struct frugald *f)
{
	struct shared *s = &f->shared;

	s->env = env_system();
	s->trace = f->options->trace;
	s->version = f->options->version;
	s->start_wall_ms = env_wall_ms(s->env);
	s->fleet = fleet_new();
	s->limits = limits_new();
	s->parse = parse_shared_new();
	s->outlook = outlook_shared_new();
	f->snap = load(f);
	if (f->snap == NULL) {
		snprintf(
		    f->why, sizeof(f->why), "the configuration has errors, see above");
		return false;
	}
	f->workers = f->snap->workers > 0 ? f->snap->workers : (unsigned)get_nprocs();
	if (f->workers > WORKERS_MAX)
		f->workers = WORKERS_MAX;
	if (!start_state(f) || !start_budgets(f))
		return false;
	keep_versions(s->ledger, f->snap);
	s->addresses = addresses_new(s->env);
	f->poller = poller_new(s->env, s->addresses);
	s->edge = edge_listen(f->snap->listen.host, f->snap->listen.port, f->why);
	if (s->edge == NULL || !start_workers(f) || !start_report(f))
		return false;
	addresses_attach(s->addresses, f->worker, f->workers);
	addresses_want(s->addresses, f->snap, FIRST_ADDRESSES_MS);
	return true;
}

static bool
run_threads(struct frugald *f)
{
	if (!ledger_start(f->shared.ledger, f->shared.slots, f->shared.outlook) ||
	    !report_start(f->shared.report)) {
		snprintf(f->why, sizeof(f->why), "no thread can be had: %s",
		    strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < f->workers; i++) {
		if (worker_start(f->worker[i]))
			continue;
		log_error("worker %u cannot start: %s", i, strerror(errno));
		abort(); /* half a front is worse than none; nothing was served yet */
	}
	poller_publish(f->poller, snapshot_ref(f->snap));
	report_ready(f->shared.report, true);
	give_back();
	return true;
}

/* ---- stop ---- */

static void
stop(struct frugald *f)
{
	struct shared *s = &f->shared;

	boot_workers_done(f->waiter);
	ci_desk_free(s->ci_desk); /* its last answers go to workers */
	poller_free(f->poller);
	addresses_free(s->addresses);
	report_stop(s->report);
	for (unsigned i = 0; i < f->workers; i++)
		worker_free(f->worker[i]);
	report_free(s->report);
	edge_shared_free(s->edge);
	ledger_stop(s->ledger);
	slots_close(s->slots);
	ledger_close(s->ledger);
	budgets_free(s->budgets);
	sessions_close(s->sessions);
	bypass_close(s->bypass);
	ci_keys_close(s->ci_keys);
	outlook_shared_free(s->outlook);
	parse_shared_free(s->parse);
	snapshot_unref(f->snap);
	fleet_free(s->fleet);
	limits_free(s->limits);
}

static void
drain(struct frugald *f)
{
	int grace_ms = f->snap->limits.grace_ms;

	log_info("stopping: running answers have %d s to end", grace_ms / 1000);
	report_ready(f->shared.report, false);
	edge_close_listener(f->shared.edge);
	for (unsigned i = 0; i < f->workers; i++)
		worker_drain(f->worker[i], grace_ms);
}

/* ---- reload ---- */

static bool
reload(struct frugald *f, struct buf *ret_text)
{
	struct snapshot *fresh = load(f);

	if (fresh == NULL) {
		log_warn("reload refused, still running the old configuration");
		return false;
	}
	snapshot_diff(f->snap, fresh, ret_text);
	log_info("reload: policy %s -> %s", f->snap->short_hash, fresh->short_hash);
	keep_versions(f->shared.ledger, fresh);
	fresh->rules = budgets_publish(f->shared.budgets, fresh);
	if (!ledger_adopt(f->shared.ledger, fresh, fresh->rules, BUDGETS_MS))
		log_warn("budgets that are new are still being summed up; they count "
			 "what was spent since the reload, and soon all of it");
	ledger_set_terms(f->shared.ledger, &fresh->ledger);
	addresses_want(f->shared.addresses, fresh, FIRST_ADDRESSES_MS);
	for (unsigned i = 0; i < f->workers; i++)
		worker_publish(f->worker[i], snapshot_ref(fresh));
	report_publish(f->shared.report, snapshot_ref(fresh));
	poller_publish(f->poller, snapshot_ref(fresh));
	snapshot_unref(f->snap);
	f->snap = fresh;
	give_back();
	return true;
}

/* The admin port asks; the main thread, which owns the snapshot, does it. */
static bool
on_reload_request(void *arg, struct buf *ret_text)
{
	(void)arg;
	buf_add(ret_text, "reload asked for; the log says how it went\n");
	return kill(getpid(), SIGHUP) == 0;
}

/* ---- signals ---- */

static void
wait_for_stop(struct frugald *f, const sigset_t *set)
{
	bool draining = false;
	struct buf text;
	int sig;

	while (sigwait(set, &sig) == 0) {
		if (sig == SIGHUP && !draining) {
			buf_init(&text, 1 << 20);
			if (reload(f, &text))
				boot_log_lines(buf_str(&text));
			buf_fini(&text);
		} else if (sig == SIGUSR2) {
			if (boot_workers_ended(f->waiter))
				return;
		} else if (sig != SIGHUP && !draining) {
			draining = true;
			drain(f);
			f->waiter = boot_wait_workers(f->worker, f->workers);
		} else if (sig != SIGHUP) {
			log_warn("second signal: cutting what still runs");
			for (unsigned i = 0; i < f->workers; i++)
				worker_drain(f->worker[i], 0);
		}
	}
}

static void
prepare_process(sigset_t *set)
{
	struct rlimit lim;

	mem_limit();
	umask(077);
	prctl(PR_SET_DUMPABLE, 0); /* no core with keys in it */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, set, NULL); /* threads inherit it */
}

int
daemon_run(const struct daemon_options *o)
{
	struct frugald f = {.options = o};
	sigset_t set;
	int code = 1;

	prepare_process(&set);
	if (!start(&f) || !run_threads(&f)) {
		log_error("cannot start: %s", f.why);
		goto out;
	}
	log_info(
	    "frugald %s serves on %s, admin on %s, %u workers, policy %s, state in %s",
	    o->version, f.snap->listen.text, f.snap->admin_listen.text, f.workers,
	    f.snap->short_hash, f.snap->state_dir);
	wait_for_stop(&f, &set);
	code = 0;
out:
	stop(&f);
	if (code == 0)
		log_info("stopped");
	return code;
}
