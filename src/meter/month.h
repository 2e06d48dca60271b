/* month.h: the file of one month's rows. */
#ifndef METER_MONTH_H
#define METER_MONTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "db.h"
#include "stage/meter.h"

/* Bits of attempt.flags. */
enum {
	MONTH_sent = 1,
	MONTH_first_byte = 2,
	MONTH_inconsistent = 4,
	MONTH_unpriced = 8,
	MONTH_unbilled = 16,
	MONTH_tiered = 32,    /* we asked for a tier of service */
	MONTH_warm_hour = 64, /* of a cache that is to last an hour */
	MONTH_flaw = 256,     /* times enum flaw */
};

struct env;

struct month {
	struct db db;
	int number;          /* year * 12 + month - 1; 0: none is open */
	bool slim;           /* the store's */
	int64_t next_seq;    /* of the next row; 0: the one after the last */
	uint64_t seen[1024]; /* hashes of texts that are names when they come again */
	struct map
	    *sets; /* tags and who said them -> whether their name stands for it */
	struct map *names; /* text -> id, of this file; values are (void *)(intptr_t) */
	sqlite3_stmt *add_name, *find_name, *add_request, *add_attempt, *add_tag,
	    *find_tag, *find;
};

/* "ledger-2026-11.db"; 0: another name. */
int month_parse(struct str file_name);

/* The months that have a file in a folder, in no order. */
#define MONTHS_MAX 1200
struct months {
	int number[MONTHS_MAX];
	unsigned count;
};
/* False: errno. */
bool months_list(struct env *env, const char *dir, struct months *ret);

/* Which month a wall-clock time belongs to, in UTC. */
int month_of(int64_t wall_ms);
/* When it begins. */
int64_t month_begin_ms(int number);
void month_path(const char *dir, int number, char *ret, size_t cap);

bool month_open(struct month *m, const char *dir, int number);
void month_close(struct month *m); /* takes a zeroed one */

/* Inside the caller's transaction. Gives the row's
 * number, also of a request that was in already. */
bool month_add(struct month *m, const struct slot *s, int64_t *ret_seq);
/* Gives all requests after `seq` in order, with what roll-ups are made of, until `each`
 * says false or the rows end. False: one of them failed. */
bool month_each(struct month *m, int64_t seq,
    bool (*each)(void *arg, int64_t seq, const struct slot *s), void *arg);
/* The number of the last row; 0: none. */
bool month_last(struct month *m, int64_t *ret_seq);
/* The number of a text in this file, made when it is new; -1: failed. */
int64_t month_intern(struct month *m, struct str text);

/* ---- month_again.c: what comes again is kept once ---- */

/* The name that stands for all tags of the request; 0: they are kept as text. */
bool month_bind_tags(
    struct month *m, const struct slot_request *r, int64_t *ret_tagset);
/* Of a request whose tags are kept as text: they can be found by each of them. */
bool month_add_tags(struct month *m, const struct slot_request *r, int64_t seq);
/* Binds raw usage and shape of an attempt's row; not `has`: it is without. */
bool month_bind_usage(struct month *m, const struct slot *s, bool has);

/* After a rollback: ids of names may be gone. */
void month_forget(struct month *m);

#endif
