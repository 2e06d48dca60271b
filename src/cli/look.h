/* look.h: JSON that came from outside, looked at. (jansson and base/json.h share names,
 * so the files that include one do not include the other.) */
#ifndef CLI_LOOK_H
#define CLI_LOOK_H

#include <stdbool.h>

#include "verb.h"

/* The message of an error object, else the text itself, fit to be shown. */
const char *look_error(struct cli *c, struct str body);

/* Does a request's body look like one for Anthropic's Messages? */
bool look_anthropic(struct str body);

/* Ids of the models in an answer to GET /v1/models, at most `max`; in `mem`. */
unsigned look_models(
    struct str body, struct arena *mem, const char **ret, unsigned max);

#endif
