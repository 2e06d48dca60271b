/* pack.c: a plan as packed numbers;
 * the policy that is kept by hash gives the names back. */
#include <string.h>

#include "core/request.h"

/* model, at, reason, rule: a byte each; success in 1/65535; cost as a float. */
#define PACKED_BYTES 10
_Static_assert(
    sizeof(((struct slot_request *)0)->plan) >= CANDIDATES_MAX * PACKED_BYTES,
    "a slot holds a whole plan");

static void
pack_candidate(const struct candidate *c, uint8_t *ret)
{
	uint16_t success = (uint16_t)(c->success * 65535.0 + 0.5);
	float cost = (float)c->cost_usd;

	ret[0] = (uint8_t)c->model->index;
	ret[1] = (uint8_t)c->at;
	ret[2] = (uint8_t)c->reason;
	ret[3] = (uint8_t)(c->rule + 1);
	memcpy(ret + 4, &success, sizeof(success));
	memcpy(ret + 6, &cost, sizeof(cost));
}

size_t
plan_pack(const struct plan *p, uint8_t *ret, size_t cap)
{
	size_t n = 0;

	for (unsigned i = 0; i < p->count && n + PACKED_BYTES <= cap; i++) {
		pack_candidate(&p->candidate[i], ret + n);
		n += PACKED_BYTES;
	}
	return n;
}

unsigned
plan_unpack(struct str packed, struct packed_candidate *ret, unsigned cap)
{
	unsigned n = (unsigned)(packed.len / PACKED_BYTES);

	if (packed.len % PACKED_BYTES != 0 || n > cap)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		const char *p = packed.p + (size_t)i * PACKED_BYTES;
		uint16_t success;
		float cost;

		memcpy(&success, p + 4, sizeof(success));
		memcpy(&cost, p + 6, sizeof(cost));
		ret[i].model = (uint8_t)p[0];
		ret[i].at = (uint8_t)p[1];
		ret[i].reason = (uint8_t)p[2];
		ret[i].rule = (int)(uint8_t)p[3] - 1;
		ret[i].success = success / 65535.0;
		ret[i].cost_usd = (double)cost;
	}
	return n;
}
