/* step.c: the row `auth` of steps.def: at the headers, before the body is read. */
#include "core/request.h"

enum next
auth_step(struct request *r)
{
	int64_t now_s = r->start_wall_ms / 1000;

	if (!auth_check(r->snap, r->in.header[HDR_authorization],
		r->in.header[HDR_x_api_key], now_s, &r->who))
		return request_fail(r, OUT_unauthenticated);
	return NEXT;
}
