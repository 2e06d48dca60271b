/* step.c: the row `auth` of steps.def: at the headers, before the body is read. */
#include "core/request.h"
#include "core/worker.h"

enum next
auth_step(struct request *r)
{
	const char *bearer = r->in.header[HDR_authorization];
	const char *api_key = r->in.header[HDR_x_api_key];
	int64_t now_s = r->start_wall_ms / 1000;

	if (r->in.endpoint == EP_ci_token)
		return NEXT; /* shows a token, and gets a key for it */
	if (auth_check(r->snap, bearer, api_key, now_s, &r->who) ||
	    ci_keys_check(r->worker->shared->ci_keys, r->snap,
		auth_shown(bearer, api_key), now_s, r->mem, &r->who))
		return NEXT;
	return request_fail(r, OUT_unauthenticated);
}
