/* compare.h: one request before two policies. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "core/request.h"

struct compared {
	const char *name; /* "policy 4be1c09 (then)" */
	const struct plan_view *view;
};
/* What serves, at what numbers and why; then every candidate of either. */
void compare_text(
    const struct compared *then, const struct compared *now, struct buf *ret);
void compare_json(
    const struct compared *then, const struct compared *now, struct json *j);

#endif
