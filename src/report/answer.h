/* answer.h: a target of the reports as an HTTP status and a body. */
#ifndef REPORT_ANSWER_H
#define REPORT_ANSWER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"
#include "ask.h"
#include "books.h"

struct snapshot;

#define ANSWER_MAX ((size_t)16 << 20)

/* GET of `target` (path, '?', query) by somebody who may see `scope`; `snap` may be
 * NULL. Gives the status; `ret` is JSON or, where `*ret_text` says so, plain text. */
int report_answer(struct books *b, const struct snapshot *snap, struct str target,
    const struct scope *scope, struct buf *ret, bool *ret_text);

/* The id of a target that asks for one request. False: it asks for something else. */
bool report_is_request(struct str target, struct id *ret);

/* An error object in OpenAI's form; gives `status`. `param` NULL: none is to blame. */
int report_error(struct buf *ret, int status, const char *param, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
