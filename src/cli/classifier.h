/* classifier.h: rows of training and test sets, for the verbs of `classifier`. */
#ifndef CLI_CLASSIFIER_H
#define CLI_CLASSIFIER_H

#include <jansson.h>

#include "core/request.h"
#include "verb.h"

#define ROW_FILE_BYTES ((size_t)1 << 30)
#define ROW_LINE_BYTES ((size_t)64 << 20)

/* One line of JSON: a question with what models made of it, a request with labels, or
 * either without. */
struct row_read {
	json_t *json; /* the texts below are its */
	const char *id, *source, *domain, *trap;
	struct str text; /* of a question */
	bool is_request; /* then `task` and `prompt`, in the reader's arena */
	struct task task;
	struct prompt prompt;
	struct lesson lesson; /* `source` is 0 */
};

struct rows {
	struct cli *c;
	struct parse_shared *parse;
	struct arena *mem; /* of the row under way */
	struct buf body;
	const char *why; /* the last line was no row */
};
void rows_init(struct rows *r, struct cli *c);
void rows_fini(struct rows *r);
/* False: `r->why`. The row is valid until the next. */
bool rows_read(struct rows *r, struct str line, struct row_read *ret) MUST_CHECK;
void row_done(struct row_read *row);

/* Every row of a file, "-" is standard input. False: said what is wrong, and in which
 * line. */
typedef bool row_fn(void *arg, struct row_read *row);
bool rows_each(struct rows *r, const char *path, row_fn *each, void *arg) MUST_CHECK;

/* --weights FILE, else those that are compiled in. The bytes stay in the call's arena.
 * NULL: said why. */
const struct classifier *classifier_given(struct cli *c);

void classify_row(
    const struct classifier *c, const struct row_read *row, struct verdict *ret);

#endif
