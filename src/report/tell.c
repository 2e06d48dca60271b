/* tell.c: the row `tell` of steps.def: the plan of a request that is not to be sent. */
#include "core/request.h"

/* Room for every candidate that a policy can have. */
#define TOLD_BYTES ((size_t)1 << 20)

enum next
tell_step(struct request *r)
{
	struct reply_head h = {.status = 200, .content_type = "application/json"};
	struct buf body;
	struct json j;

	if (!r->in.dry)
		return NEXT;
	buf_init(&body, TOLD_BYTES);
	json_init(&j, &body);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.plan"));
	plan_json(r->view, "plan", &j);
	json_object_begin(&j, "versions");
	json_str(&j, "policy", str_of(r->snap->short_hash));
	json_str(&j, "basis", str_of(r->snap->basis));
	json_str(&j, "classifier", str_of(classifier_version(r->snap->classifier)));
	json_int(&j, "outlook", (int64_t)r->outlook->number);
	json_object_end(&j);
	json_object_end(&j);
	if (j.full) {
		buf_fini(&body);
		return request_fail_text(r, OUT_internal, NULL,
		    "the plan is too long to be told; route to fewer models");
	}
	limit_tell(r, &h);
	edge_reply_whole(r, &h, buf_str(&body));
	buf_fini(&body);
	r->outcome = OUT_served;
	return END;
}
