/* ci_token.h: POST /v1/ci/token. */
#ifndef REPORT_CI_TOKEN_H
#define REPORT_CI_TOKEN_H

#include "core/request.h"

/* A step: END with the key of a pipeline's job, or a refusal that tells nothing; WAIT
 * while its token is looked at. */
enum next ci_token_answer(struct request *r);

#endif
