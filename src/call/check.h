/* check.h: cheap signs that an answer is of no use. A pure function over bytes that a
 * provider has sent: hostile ones. */
#ifndef CALL_CHECK_H
#define CALL_CHECK_H

#include <stdbool.h>

#include "base/str.h"
#include "core/sets.h"

/* Longer answers are not judged: the tree of one takes up to a hundred times its bytes,
 * and milliseconds of a worker. */
#define CHECK_BYTES_MAX ((size_t)512 << 10)
/* Nor are they held against a longer schema. */
#define CHECK_FORMAT_MAX ((size_t)64 << 10)

struct check_input {
	struct str body;   /* one JSON object: a whole answer of any API */
	struct str format; /* the request's object that asks for a form; empty: none */
	/* To end at the longest answer that was asked for is no flaw. */
	bool may_be_cut;
};

/* What is wrong with the answer; of several choices, with all of them. What is not
 * understood is no flaw. */
enum flaw check_answer(const struct check_input *in);

#endif
