/* month.h: the file of one month's rows. */
#ifndef METER_MONTH_H
#define METER_MONTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "db.h"
#include "stage/meter.h"

struct month {
	struct db db;
	int number;        /* year * 12 + month - 1; 0: none is open */
	struct map *names; /* text -> id, of this file; values are (void *)(intptr_t) */
	sqlite3_stmt *add_name, *find_name, *add_request, *add_attempt, *add_tag, *find;
};

/* Which month a wall-clock time belongs to, in UTC. */
int month_of(int64_t wall_ms);
void month_path(const char *dir, int number, char *ret, size_t cap);

bool month_open(struct month *m, const char *dir, int number);
void month_close(struct month *m); /* takes a zeroed one */

/* Inside the caller's transaction. Gives the row's number, also of a request that was
 * in already. */
bool month_add(struct month *m, const struct slot *s, int64_t *ret_seq);
/* After a rollback: ids of names may be gone. */
void month_forget(struct month *m);

#endif
