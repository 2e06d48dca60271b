/* replay_json.c: what a replay found, for programs. */
#include <math.h>

#include "base/json.h"
#include "replay.h"

#define DIGITS 10

static void
put_estimate(struct json *j, const char *key, const struct replay_estimate *e)
{
	json_object_begin(j, key);
	json_num(j, "value", e->value, DIGITS);
	json_num(j, "low", e->low, DIGITS);
	json_num(j, "high", e->high, DIGITS);
	json_object_end(j);
}

static void
put_side(struct json *j, const char *key, const struct replay_estimate *f, bool is)
{
	json_object_begin(j, key);
	put_estimate(j, "cost_usd", &f[is ? REPLAY_cost_is : REPLAY_cost_was]);
	put_estimate(
	    j, "expected_success", &f[is ? REPLAY_success_is : REPLAY_success_was]);
	json_object_begin(j, "tier");
	for (int t = 0; t < TIER_COUNT; t++)
		put_estimate(j, tier_name((enum tier)t),
		    &f[(is ? REPLAY_tier_is : REPLAY_tier_was) + t]);
	json_object_end(j);
	put_estimate(j, "switched", &f[is ? REPLAY_switched_is : REPLAY_switched_was]);
	put_estimate(j, "cache_lost_usd", &f[is ? REPLAY_lost_is : REPLAY_lost_was]);
	json_object_end(j);
}

static void
put_notes(struct json *j, const char *key, const struct replay_notes *n)
{
	json_array_begin(j, key);
	for (unsigned i = 0; i < n->count; i++) {
		json_object_begin(j, NULL);
		json_str(j, "what", str_of(n->note[i].what));
		json_int(j, "requests", n->note[i].requests);
		json_pusd_sum(j, "booked_usd", n->note[i].booked);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
put_machine(struct json *j, const struct replay_found *f)
{
	const struct replay_options *o = f->o;
	const struct replay_result *r = f->r;
	struct replay_pay p = replay_pay_of(f);

	json_object_begin(j, "machine");
	json_num(j, "usd_per_hour", f->usd_per_hour, DIGITS);
	json_int(j, "inflight", o->places);
	json_num(j, "tokens_per_s", o->tokens_per_s, DIGITS);
	json_int(j, "requests", r->local.requests);
	json_int(j, "spilled", r->local.spilled);
	json_num(j, "used", p.used, DIGITS);
	json_num(j, "hours", p.hours, DIGITS);
	json_num(j, "cost_usd", p.machine_usd, DIGITS);
	json_num(j, "saved_usd", p.saved_usd, DIGITS);
	json_num(j, "saved_each_usd", p.saved_each_usd, DIGITS);
	json_num(j, "pays_from_requests_per_hour",
	    p.needed_by_hour < 0 ? NAN : p.needed_by_hour, DIGITS);
	json_num(j, "most_requests_per_hour", p.most_by_hour, DIGITS);
	json_array_begin(j, "by_hour");
	for (int h = 0; h < 24; h++) {
		json_object_begin(j, NULL);
		json_int(j, "requests", r->local.requests_by_hour[h]);
		json_num(j, "busy_s", r->local.busy_by_hour_s[h], DIGITS);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

void
replay_json(const struct replay_found *found, struct buf *ret)
{
	const struct replay_options *o = found->o;
	const struct replay_result *r = found->r;
	const struct replay_estimate *f = r->figure;
	struct json j;

	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "policy", str_of(o->fresh->short_hash));
	json_str(&j, "state", str_of(o->state_dir));
	json_int(&j, "first_ms", r->first_ms);
	json_int(&j, "last_ms", r->last_ms);
	json_int(&j, "requests", r->requests);
	json_int(&j, "compared", r->compared);
	json_int(&j, "changed", r->changed);
	json_int(&j, "refused", r->refused);
	json_pusd_sum(&j, "booked_usd", r->booked);
	put_side(&j, "was", f, false);
	put_side(&j, "is", f, true);
	put_estimate(&j, "saved_usd", &f[REPLAY_saved]);
	put_estimate(&j, "saved_share", &f[REPLAY_saved_share]);
	put_estimate(&j, "refused_share", &f[REPLAY_refused]);
	put_estimate(&j, "changed_share", &f[REPLAY_changed]);
	json_object_begin(&j, "coverage");
	json_num(&j, "requests", r->covered_requests, DIGITS);
	json_num(&j, "cost", r->covered_cost, DIGITS);
	json_object_end(&j);
	json_int(&j, "groups", r->groups);
	json_int(&j, "seed", (int64_t)o->seed);
	if (found->alone != NULL)
		put_machine(&j, found);
	put_notes(&j, "moves", &r->moves);
	put_notes(&j, "refusals", &r->refusals);
	put_notes(&j, "not_compared", &r->lacking);
	json_int(&j, "wall_ms", r->wall_ns / 1000000);
	json_object_end(&j);
	buf_add(ret, "\n");
}
