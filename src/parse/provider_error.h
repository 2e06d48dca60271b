/* provider_error.h: what a provider's error answer means. */
#ifndef PARSE_PROVIDER_ERROR_H
#define PARSE_PROVIDER_ERROR_H

#include "core/request.h"

/* The dialects' read_error(): providers of one dialect answer in many forms, those of
 * another among them. */
enum outcome provider_error_read(
    int http_status, struct str body, struct buf *ret_message);

#endif
