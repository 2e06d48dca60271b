/* report.h: cost summaries (GET /v1/costs/summary) for people and for spreadsheets. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>

#include "verb.h"

/* On standard output; `tiers` is the same span grouped by tier. */
void report_view(struct cli *c, const json_t *summary, const json_t *tiers);
/* An answer as the daemon gave it (--json), or as `put` tells it; gives the exit code.
 */
int report_shown(struct cli *c, const struct buf *body,
    void (*put)(struct cli *c, const json_t *root, struct buf *out));
/* `--show classifier`; gives the exit code. */
int report_classifier(struct cli *c);
/* `--show outlook`, which `target` asks for; gives the exit code. */
int report_outlook(struct cli *c, const char *target);
/* Rows as RFC 4180 has them, amounts exact. */
void report_csv(struct cli *c, const json_t *summary);

#endif
