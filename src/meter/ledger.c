/* ledger.c: the thread that turns closed slots into rows. When it cannot, it says so,
 * keeps the slots and tries again: then nothing new is sent, and nothing is lost. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "ledger_own.h"
#include "ledger_turn.h"
#include "store.h"

#define IDLE_MS       500
#define GATHER_MS     5
#define RETRY_MS      200
#define CHECKPOINT_NS (2 * NS_PER_S)
#define OUTLOOK_NS    NS_PER_S

/* ---- open ---- */

static void
free_kept(struct kept *k)
{
	xfree(k->kind);
	xfree(k->hash);
	xfree(k->text);
	xfree(k);
}

static bool
book_recovered(void *arg, const struct slot *const *slot, unsigned count)
{
	struct ledger *l = arg;
	char why[STORE_WHY];

	if (store_commit(l->store, slot, count, why))
		return true;
	log_error("recovery: %s", why);
	return false;
}

static bool
recover(struct ledger *l, const char *dir, char ret_why[static 256])
{
	int n = slots_recover(l->env, dir, book_recovered, l, ret_why);

	if (n < 0)
		return false;
	if (n > 0)
		log_warn("booked %d requests that were in flight when frugald died", n);
	l->status_shared.recovered = (uint64_t)n;
	return true;
}

bool
ledger_open(struct env *env, const char *state_dir, struct ledger **ret,
    char ret_why[static 256])
{
	struct ledger *l = xcalloc(1, sizeof(*l));
	char path[4096];

	l->env = env;
	pthread_mutex_init(&l->mutex, NULL);
	ledger_jobs_init(&l->jobs);
	backup_init(&l->backup, env, state_dir);
	snprintf(path, sizeof(path), "%s/ledger.lock", state_dir);
	l->lock = env->lock_file(env, path);
	if (l->lock == NULL) {
		if (errno == EWOULDBLOCK)
			snprintf(ret_why, 256,
			    "the ledger in %.120s: another frugald is using it; stop "
			    "that one, or give this one a state folder of its own",
			    state_dir);
		else
			snprintf(ret_why, 256,
			    "the ledger in %.120s: %s; frugald's user must be able to "
			    "write there",
			    state_dir, strerror(errno));
		goto fail;
	}
	if (restore_is_unfinished(env, state_dir, ret_why) ||
	    !upgrade_prepare(env, state_dir, ret_why) ||
	    !store_open(env, state_dir, &l->store, ret_why) ||
	    !recover(l, state_dir, ret_why))
		goto fail;
	learn_init(&l->learn, l->store);
	ledger_budgets_init(&l->budgets, env, l->store);
	l->status_shared.healthy = true;
	/* What had ended is in; nothing else can have. */
	l->status_shared.committed_until_ms = env_wall_ms(env);
	atomic_store(&l->accepts, true);
	*ret = l;
	return true;
fail:
	ledger_close(l);
	return false;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	learn_fini(&l->learn);
	ledger_budgets_fini(&l->budgets);
	store_close(l->store);
	if (l->lock != NULL)
		l->env->unlock_file(l->env, l->lock);
	while (l->kept_shared != NULL) {
		struct kept *k = l->kept_shared;

		l->kept_shared = k->next;
		free_kept(k);
	}
	backup_fini(&l->backup);
	ledger_jobs_fini(&l->jobs);
	pthread_mutex_destroy(&l->mutex);
	xfree(l);
}

/* ---- status ---- */

static void
note_good(struct ledger *l)
{
	pthread_mutex_lock(&l->mutex);
	l->status_shared.healthy = true;
	l->status_shared.error[0] = '\0';
	l->status_shared.rows += l->batched;
	l->status_shared.batches += l->batched > 0;
	/* A full batch may have left older ones behind. */
	if (l->batched < BATCH_MAX)
		l->status_shared.committed_until_ms = l->taken_ms;
	pthread_mutex_unlock(&l->mutex);
	if (!atomic_exchange(&l->accepts, true))
		log_warn("the ledger can be written again; requests are served");
}

static void
note_bad(struct ledger *l, const char *why)
{
	pthread_mutex_lock(&l->mutex);
	l->status_shared.healthy = false;
	l->status_shared.errors++;
	str_copy(l->status_shared.error, sizeof(l->status_shared.error), str_of(why));
	pthread_mutex_unlock(&l->mutex);
	if (atomic_exchange(&l->accepts, false))
		log_error(
		    "%s; new requests get 503 until this is mended, those in flight "
		    "are kept in their slots",
		    why);
}

void
ledger_status_get(struct ledger *l, struct ledger_status *ret)
{
	pthread_mutex_lock(&l->mutex);
	*ret = l->status_shared;
	pthread_mutex_unlock(&l->mutex);
}

bool
ledger_accepts(const struct ledger *l)
{
	return atomic_load_explicit(&l->accepts, memory_order_relaxed);
}

/* ---- texts by hash ---- */

void
ledger_keep(struct ledger *l, const char *kind, const char *hash, struct str text)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->kind = xstrdup(kind);
	k->hash = xstrdup(hash);
	k->text = xmemdup(text.p, text.len);
	k->len = text.len;
	pthread_mutex_lock(&l->mutex);
	k->next = l->kept_shared;
	l->kept_shared = k;
	pthread_mutex_unlock(&l->mutex);
	if (l->slots != NULL)
		slots_wake(l->slots);
}

/* Takes the one that has waited longest; NULL: none. */
static struct kept *
take_kept(struct ledger *l)
{
	struct kept **at = &l->kept_shared, *k;

	pthread_mutex_lock(&l->mutex);
	while (*at != NULL && (*at)->next != NULL)
		at = &(*at)->next;
	k = *at;
	*at = NULL;
	pthread_mutex_unlock(&l->mutex);
	return k;
}

/* Back to the end from which it is taken first. */
static void
give_kept_back(struct ledger *l, struct kept *k)
{
	struct kept **at = &l->kept_shared;

	pthread_mutex_lock(&l->mutex);
	while (*at != NULL)
		at = &(*at)->next;
	*at = k;
	pthread_mutex_unlock(&l->mutex);
}

/* False: one could not be written; it stays on the list. */
static bool
write_kept(struct ledger *l)
{
	struct kept *k;

	while ((k = take_kept(l)) != NULL) {
		if (!store_keep(
			l->store, k->kind, k->hash, str_make(k->text, k->len))) {
			give_kept_back(l, k);
			return false;
		}
		free_kept(k);
	}
	return true;
}

/* ---- the thread ---- */

static const char no_budgets[] =
    "the ledger could not sum up what was spent within the budgets";

/* True when the batch is in, or there was none. */
static bool
commit_batch(struct ledger *l)
{
	char why[STORE_WHY];

	if (l->batched == 0) {
		l->taken_ms = env_wall_ms(l->env);
		l->batched = slots_take(l->slots, l->batch, BATCH_MAX);
		l->tried = false;
	}
	/* After it was taken: rows under new rules are seen only when those are. */
	if (!l->tried && !ledger_budgets_ready(&l->budgets)) {
		note_bad(l, no_budgets);
		return false;
	}
	l->tried = l->batched > 0;
	if (l->batched > 0 &&
	    !store_commit(
		l->store, (const struct slot *const *)l->batch, l->batched, why)) {
		note_bad(l, why);
		return false;
	}
	for (unsigned i = 0; i < l->batched; i++) {
		ledger_budgets_charge(&l->budgets, l->batch[i]);
		learn_from(&l->learn, l->batch[i]);
	}
	slots_release(l->slots, l->batch, l->batched);
	note_good(l);
	return true;
}

/* All that is closed; texts first, so that no row names one that is not kept. */
static bool
drain(struct ledger *l)
{
	bool more;

	if (!write_kept(l)) {
		note_bad(l, "the ledger could not keep the policy in force");
		return false;
	}
	if (l->batched == 0 && ledger_budgets_go(&l->budgets) == BUDGETS_failed) {
		note_bad(l, no_budgets);
		return false;
	}
	do {
		/* Behind a batch that had to wait there may be others. */
		more = l->batched > 0;
		if (!commit_batch(l))
			return false;
		more |= l->batched == BATCH_MAX;
		l->batched = 0;
	} while (more);
	return true;
}

/* ---- what need not be kept any longer ---- */

static struct ledger_terms
terms_of(struct ledger *l)
{
	struct ledger_terms t;

	pthread_mutex_lock(&l->mutex);
	t = l->terms_shared;
	pthread_mutex_unlock(&l->mutex);
	return t;
}

/* When nothing more comes, what the last rows have needed is given back, once. */
static void
rest(struct ledger *l)
{
	uint64_t rows = l->status_shared.rows; /* only this thread writes it */

	if (rows == l->rows_seen && !l->rested) {
		store_rest(l->store);
		mem_trim();
	}
	l->rested = rows == l->rows_seen;
	l->rows_seen = rows;
}

static void
housekeeping(struct ledger *l)
{
	int64_t now = l->env->mono_ns(l->env);
	struct ledger_terms terms = terms_of(l);

	store_slim(l->store, terms.slim != 0);
	if (now - l->outlook_ns >= OUTLOOK_NS) {
		learn_publish(&l->learn);
		ledger_budgets_keep(&l->budgets);
		l->outlook_ns = now;
	}
	if (now - l->checkpoint_ns >= CHECKPOINT_NS) {
		store_checkpoint(l->store);
		rest(l);
		l->checkpoint_ns = now;
	}
	retention_turn(&l->retention, l->env, l->store, &terms);
}

bool
ledger_turn(struct ledger *l)
{
	bool ok = drain(l);

	housekeeping(l);
	ledger_jobs_turn(&l->jobs);
	l->folding = ok && store_fold(l->store);
	return ok;
}

static void *
ledger_main(void *arg)
{
	struct ledger *l = arg;

	pthread_setname_np(pthread_self(), "ledger");
	while (!atomic_load(&l->stop)) {
		slots_wait(l->slots, !ledger_turn(l)                         ? RETRY_MS
				     : l->budgets.next != NULL || l->folding ? 0
									     : IDLE_MS);
		/* What else ends meanwhile shares the commit. */
		(void)poll(NULL, 0, GATHER_MS);
	}
	ledger_jobs_end(&l->jobs);
	/* Workers have ended: what they closed is all there will be. */
	if (drain(l)) {
		learn_publish(&l->learn);
		ledger_budgets_keep(&l->budgets);
	}
	return NULL;
}

void
ledger_attach(struct ledger *l, struct slots *slots, struct outlook_shared *outlook)
{
	l->slots = slots;
	retention_init(&l->retention, l->env);
	l->backup.store = l->store;
	l->backup.wake = ledger_wake;
	l->backup.wake_arg = slots;
	learn_start(&l->learn, outlook);
}

bool
ledger_start(struct ledger *l, struct slots *slots, struct outlook_shared *outlook)
{
	ledger_attach(l, slots, outlook);
	l->backup.jobs = &l->jobs;
	/* Before the first request, or a crash would leave rows that rest on what
	 * nobody has kept. What cannot be written now, the thread tries again. */
	(void)write_kept(l);
	l->started = pthread_create(&l->thread, NULL, ledger_main, l) == 0;
	return l->started;
}

/* ---- budgets ---- */

void
ledger_budgets(struct ledger *l, struct budgets *b)
{
	l->budgets.budgets = b;
}

void
ledger_adopt_soon(
    struct ledger *l, struct snapshot *snap, uint32_t generation, bool published)
{
	ledger_budgets_ask(&l->budgets, snap, generation);
	if (published)
		(void)ledger_asked(l, generation);
}

bool
ledger_asked(struct ledger *l, uint32_t generation)
{
	return ledger_budgets_wait(&l->budgets, generation, 0);
}

bool
ledger_adopt(struct ledger *l, struct snapshot *snap, uint32_t generation, int wait_ms)
{
	enum budgets_step step = BUDGETS_more;

	ledger_budgets_ask(&l->budgets, snap, generation);
	if (l->started) {
		slots_wake(l->slots);
		return ledger_budgets_wait(&l->budgets, generation, wait_ms);
	}
	while (step == BUDGETS_more)
		step = ledger_budgets_go(&l->budgets);
	return step == BUDGETS_idle;
}

void
ledger_stop(struct ledger *l)
{
	if (l == NULL || !l->started)
		return;
	atomic_store(&l->stop, true);
	slots_wake(l->slots);
	pthread_join(l->thread, NULL);
	backup_join(&l->backup);
	l->started = false;
}
