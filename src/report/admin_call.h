/* admin_call.h: one request to the admin plane. */
#ifndef REPORT_ADMIN_CALL_H
#define REPORT_ADMIN_CALL_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/buf.h"
#include "query.h"
#include "report.h"

#define ADMIN_BODY_MAX   ((size_t)64 << 10)
#define ADMIN_ANSWER_MAX ((size_t)16 << 20)

struct admin_call {
	struct report *report;
	struct MHD_Connection *connection;
	char *target; /* path, '?', query; as they came */
	bool admitted, ran, too_long;
	struct buf in;         /* the body */
	struct query_job *job; /* answered */
	int status;
	const char *type;
	struct buf out;
};

void admin_call_free(struct admin_call *c); /* takes NULL */

/* Health needs no token. */
bool admin_is_open(const struct admin_call *c);
/* Fills in the answer. False: the connection is suspended until the query thread has
 * it; then admin_take_answer(). */
bool admin_run(struct admin_call *c, const char *method);
void admin_take_answer(struct admin_call *c);
/* An error object as the answer. */
void admin_fail(struct admin_call *c, int status, const char *param, const char *fmt,
    ...) PRINTF_LIKE(4, 5);

/* ---- admin_ledger.c ---- */

void admin_get_backup(struct admin_call *c);
/* ---- admin_budgets.c ---- */

void admin_get_budgets(struct admin_call *c);
/* The member `budgets`. */
struct json;
struct snapshot;
void admin_put_budgets(struct report *r, const struct snapshot *snap, struct json *j);
void admin_post_backup(struct admin_call *c);
void admin_post_correct(struct admin_call *c);

#endif
