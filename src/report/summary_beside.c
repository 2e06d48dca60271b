/* summary_beside.c: what stands beside the sums: how far they can be trusted, budgets,
 * what was refused, and what all of it rests on. */
#include <stdio.h>

#include "caps.h"
#include "core/request.h"
#include "core/worker.h"
#include "report.h"
#include "summary.h"

static void
put_trust(struct json *j, const struct summary *s)
{
	const struct sums *t = &s->total;

	json_object_begin(j, "trust");
	json_int(j, "unpriced_requests", t->unpriced);
	json_int(j, "estimated_attempts", t->estimated_rows);
	summary_put_share(j, "estimated_cost_share", t->estimated.v, t->paid.v);
	json_pusd_sum(j, "exposure_usd", t->exposure);
	if (s->tagged.unknown)
		json_put_null(j, "cost_with_required_tags_share");
	else
		summary_put_share(
		    j, "cost_with_required_tags_share", s->tagged.has.v, t->paid.v);
	json_put_null(j, "reconciled_until");
	json_put_null(j, "reconciliation_gap_share");
	if (s->provenance.corrections < 0)
		json_put_null(j, "corrections");
	else
		json_int(j, "corrections", s->provenance.corrections);
	json_object_end(j);
}

/* ---- limits ---- */

/* Keys that are stopped right now because they ran away. */
static void
put_paused(struct json *j, const struct summary *s)
{
	const struct report *r = s->books->in_flight;

	if (s->scope->all && r != NULL && r->o.shared->limits != NULL)
		runaway_json(r->o.shared->limits, j);
	else
		json_put_null(j, "paused");
}

static void
put_limits(struct json *j, const struct summary *s)
{
	const struct refusals *r = &s->refusals;

	if (!r->known) {
		json_put_null(j, "limits");
		return;
	}
	json_object_begin(j, "limits");
	json_object_begin(j, "by_kind");
	for (unsigned i = 0; i < r->kinds; i++)
		json_int(j, r->kind[i].name, r->kind[i].count);
	json_object_end(j);
	json_array_begin(j, "top");
	for (unsigned i = 0; i < r->tops; i++) {
		const struct refusal_line *l = &r->top[i];

		json_object_begin(j, NULL);
		json_str(j, "kind", str_of(l->kind));
		json_str(j, "key", str_of(l->key));
		json_str(j, "team", str_of(l->team));
		json_str(j, "name", str_of(l->name));
		json_int(j, "count", l->count);
		json_object_end(j);
	}
	json_array_end(j);
	put_paused(j, s);
	json_object_end(j);
}

/* ---- provenance ---- */

static void
put_provenance(struct json *j, const struct summary *s)
{
	const struct provenance *p = &s->provenance;
	char rows[64];

	json_object_begin(j, "provenance");
	json_str(j, "source",
	    str_of(!s->used_rows     ? "rollups"
		   : s->used_rollups ? "rollups and rows"
				     : "rows"));
	json_array_begin(j, "policies");
	for (unsigned i = 0; i < p->policies; i++)
		json_str(j, NULL, str_of(p->policy[i]));
	json_array_end(j);
	json_array_begin(j, "price_books");
	for (unsigned i = 0; i < p->price_books; i++)
		json_str(j, NULL, str_of(p->prices[i]));
	json_array_end(j);
	snprintf(rows, sizeof(rows), "%lld of %lld", (long long)s->with_rows,
	    (long long)s->total.requests);
	json_str(j, "rows", str_of(rows));
	json_object_end(j);
}

void
summary_beside_json(const struct summary *s, struct json *j)
{
	put_trust(j, s);
	json_put_null(j, "quality");
	caps_json(s->books, s->snap, s->ask, s->scope, j);
	put_limits(j, s);
	json_put_null(j, "forecast");
	put_provenance(j, s);
}
