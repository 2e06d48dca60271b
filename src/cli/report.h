/* report.h: cost summaries (GET /v1/costs/summary) for people and for spreadsheets. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>

#include "base/buf.h"
#include "verb.h"

/* What is shown beside the summary; NULL: not known. */
struct report_beside {
	const json_t *tiers;    /* the same span grouped by tier */
	const json_t *machines; /* as they are now */
};
/* On standard output. */
void report_view(
    struct cli *c, const json_t *summary, const struct report_beside *beside);
/* Local machines of the running daemon, a list that is not empty and the caller's;
 * NULL: there are none, or nobody tells. */
json_t *report_machines(struct cli *c);
/* As a last member of the object in `body`. */
void report_machines_splice(struct buf *body, const json_t *machines);
void report_machines_view(struct cli *c, const json_t *machines, struct buf *out);
/* An answer as the daemon gave it (--json), or as `put` tells it; gives the exit code.
 */
int report_shown(struct cli *c, const struct buf *body,
    void (*put)(struct cli *c, const json_t *root, struct buf *out));
/* `--show classifier`; gives the exit code. */
int report_classifier(struct cli *c);
/* `--show outlook`, which `target` asks for; gives the exit code. */
int report_outlook(struct cli *c, const char *target);
/* `--fail-over`; gives the exit code. */
int report_gate(struct cli *c);
/* `--compare`; gives the exit code. */
int report_compare(struct cli *c);
/* Appends "&name=value", the value escaped, to a target. */
void report_put_parameter(struct buf *b, const char *name, const char *value);
/* The same of "NAME=VALUE,…" of --tag, as filters. False: said what is wrong. */
bool report_put_tags(struct cli *c, struct buf *b);
/* Rows as RFC 4180 has them, amounts exact. */
void report_csv(struct cli *c, const json_t *summary);

#endif
