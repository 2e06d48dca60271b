/* again.h: a decision, made again from what a row of the ledger keeps of it. */
#ifndef AGAIN_H
#define AGAIN_H

#include <stdio.h>

#include "config/kept.h"
#include "core/request.h"

/* The policy as the ledger keeps it. */
static inline struct snapshot *
again_policy(const struct snapshot *s)
{
	struct snapshot_texts t = snapshot_texts(s);
	struct diag *d = diag_new();
	struct snapshot *made = snapshot_rebuild(env_system(), &t, d);

	diag_free(d);
	return made;
}

static inline void
again_tags(const struct route_input *in, char ret[static 1024])
{
	size_t len = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < in->tag_count; i++)
		len += (size_t)snprintf(ret + len, 1024 - len, "%.*s=%.*s\n",
		    (int)in->tags[i].name.len, in->tags[i].name.p,
		    (int)in->tags[i].value.len, in->tags[i].value.p);
}

/* False: another plan came out; true also where the row has no room for the input. */
static inline bool
again_same(
    const struct route_input *in, const struct plan *was, const struct snapshot *kept)
{
	uint8_t decision[DECISION_BYTES],
	    plan[sizeof(((struct slot_request *)0)->plan)], fresh[sizeof(plan)];
	struct arena *mem = arena_new(1 << 17);
	struct decision_row row = {.asked = str_of(was->asked),
	    .class_name = str_of(class_name(in->verdict->class)),
	    .key = str_of(in->who->key_name),
	    .team = str_of(in->who->team_name),
	    .complexity = in->verdict->complexity,
	    .confidence = in->verdict->confidence,
	    .start_ms = in->wall_s * 1000,
	    .session = in->draw};
	size_t len = plan_pack(was, plan, sizeof(plan));
	struct route_input *again;
	struct plan is;
	char tags[1024];
	bool same = true;

	again_tags(in, tags);
	row.tags = str_of(tags);
	row.plan = str_make((const char *)plan, len);
	row.decision = str_make((const char *)decision, decision_pack(in, decision));
	if (row.decision.len > 0) {
		again = decision_unpack(&row, kept, mem);
		same = again != NULL;
		if (same) {
			again->outlook = in->outlook;
			(void)plan_build(again, &is);
			same = plan_pack(&is, fresh, sizeof(fresh)) == len &&
			       memcmp(plan, fresh, len) == 0 &&
			       is.usable == was->usable && is.refusal == was->refusal;
		}
	}
	arena_free(mem);
	return same;
}

#endif
