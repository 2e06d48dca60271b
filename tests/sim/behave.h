/* behave.h: how a request is to be answered: a line of KEY=VALUE words, the same in the
 * marker of a prompt, in the script and on the command line. */
#ifndef SIM_BEHAVE_H
#define SIM_BEHAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum fault {
	FAULT_none,
#define FAULT(name, help) FAULT_##name,
#include "fault.def"
	FAULT_COUNT
};

enum usage_kind {
	USAGE_right,
	USAGE_missing,
	USAGE_inconsistent, /* does not add up, more cached than sent */
	USAGE_huge,         /* 2^63 and beyond */
	USAGE_every,        /* in every chunk */
	USAGE_negative,
	USAGE_null,
	USAGE_tenfold, /* ten times the output that may be */
};
enum done_kind { DONE_once, DONE_none, DONE_twice };

/* -1: not said. Times in milliseconds, the rest are numbers of what they say. */
struct behaviour {
	int64_t status, retry_after, retry_after_ms, retry_after_date;
	int64_t ttft_ms, gap_ms, events, tokens, bytes, per_write;
	int64_t gate; /* wait for a release before this event; -2: before the head */
	int64_t times, port, tool, reasoning, searches, at;
	int64_t usage, done; /* enum usage_kind, enum done_kind */
	int64_t split, interim;
	enum fault fault;
	char model[64], code[48], served[64], say[96];
};

void behave_init(struct behaviour *b);
/* Adds what the words say to `b`. False: `why` says what and what is known. */
bool behave_parse(struct str words, struct behaviour *b, char why[static 200]);
/* "[[sim WORDS]]" somewhere in the text; false: there is none. */
bool behave_marker(struct str text, struct str *ret_words);
/* What is said in `over` stands over what is said in `b`. */
void behave_merge(struct behaviour *b, const struct behaviour *over);
const char *behave_fault_name(enum fault f);
/* The words, for --help. */
void behave_help(struct buf *out);

#endif
