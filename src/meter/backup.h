/* backup.h: a copy of the ledger while it runs. */
#ifndef METER_BACKUP_H
#define METER_BACKUP_H

#include <pthread.h>

#include "ledger_jobs.h"
#include "stage/meter.h"
#include "store.h"

/* In the `meta` of a copy's ledger.db: what ended before is in (wall clock, ms); how
 * many months there are. */
#define BACKUP_UNTIL  "backup_until"
#define BACKUP_MONTHS "backup_months"

struct ledger_backup {
	struct env *env;
	char state_dir[3800];
	struct store *store;      /* NULL: nobody writes */
	struct ledger_jobs *jobs; /* NULL: the caller's thread does it */
	void (*wake)(void *);
	void *wake_arg;
	pthread_t thread;
	bool joinable;
	pthread_mutex_t mutex;
	struct ledger_backup_status status_shared;
};

void backup_init(struct ledger_backup *b, struct env *env, const char *state_dir);
void backup_join(struct ledger_backup *b); /* waits for the thread */
void backup_fini(struct ledger_backup *b);

/* Makes the copy in `dir`, in a thread of its own where there are `jobs`, else here and
 * now; `until_ms`: what ended before is in the store by now. Any thread. False:
 * `ret_why`, another one is under way. */
bool backup_start(struct ledger_backup *b, const char *dir, int64_t until_ms,
    char ret_why[static 256]);
void backup_get(struct ledger_backup *b, struct ledger_backup_status *ret);

/* The end of the last row, wall clock. -1: unknown. */
int64_t backup_last_end_ms(struct env *env, const char *dir);
/* A whole copy of a state folder whose lock the caller has, in this thread. */
bool backup_whole(struct env *env, const char *state_dir, const char *dir,
    struct ledger_backup_status *ret);

/* ---- upgrade.c ---- */

/* Before files of an older release are brought forward, all of them are copied, so that
 * there is a way back. False: `ret_why`; nothing was changed. */
bool upgrade_prepare(struct env *env, const char *state_dir, char ret_why[static 256]);
/* In words, what to do about a file of a newer release. */
void upgrade_way_back(struct env *env, const char *state_dir, char *ret, size_t cap);
/* Such copies, older than 30 days, are removed. False: `ret_why`. */
bool upgrade_forget(struct store *s, int64_t now_ms, char ret_why[static STORE_WHY]);

/* ---- restore.c ---- */

/* `ret_why` says what to do. */
bool restore_is_unfinished(
    struct env *env, const char *state_dir, char ret_why[static 256]);

#endif
