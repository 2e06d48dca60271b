/* contracts.c: spend at a provider, by contract, within the days of its commitment or
 * credits; from the hourly sums. */
#include "contracts.h"

#include "answer.h"
#include "base/json.h"
#include "config/contract.h"
#include "core/request.h"
#include "dates.h"

#define HOUR_S INT64_C(3600)

/* False: `b->why`. */
static bool
spent(struct books *b, const char *provider, const struct contract_pool *pool,
    struct pusd_sum *ret)
{
	sqlite3 *db = books_sums(b);
	sqlite3_stmt *q;
	bool row, ok;

	q = db == NULL ? NULL
		       : books_prepare(b, db,
			     "SELECT ifnull(SUM(paid_hi),0), ifnull(SUM(paid_lo),0) "
			     "FROM rollup "
			     "WHERE hour>=?1 AND hour<?2 AND provider=?3");
	if (q == NULL)
		return false;
	sqlite3_bind_int64(q, 1, pool->from_s / HOUR_S);
	sqlite3_bind_int64(q, 2, pool->to_s / HOUR_S);
	sqlite3_bind_text(q, 3, provider, -1, SQLITE_STATIC);
	ok = books_step(b, q, &row) && row;
	if (ok)
		*ret = pusd_sum_join(
		    sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1));
	sqlite3_finalize(q);
	return ok;
}

static void
put_day(struct json *j, const char *key, int64_t at_s, bool open)
{
	char text[DATE_TEXT_BYTES];

	if (open) {
		json_put_null(j, key);
		return;
	}
	date_format_s(at_s * 1000, text);
	json_str(j, key, str_make(text, 10));
}

static bool
put_pool(struct books *b, struct json *j, const char *key, const char *provider,
    const struct contract_pool *pool)
{
	struct pusd_sum all = {(wide)pool->usd * PUSD_PER_USD}, used, left;

	if (pool->usd == 0)
		return true;
	if (!spent(b, provider, pool, &used))
		return false;
	left.v = used.v < all.v ? all.v - used.v : 0;
	json_object_begin(j, key);
	json_pusd_sum(j, "usd", all);
	put_day(j, "from", pool->from_s, pool->from_s == 0);
	put_day(j, "to", pool->to_s, pool->to_s == INT64_MAX);
	json_pusd_sum(j, "used_usd", used);
	json_pusd_sum(j, "left_usd", left);
	json_num(j, "used", (double)used.v / (double)all.v, 4);
	json_object_end(j);
	return true;
}

static bool
put_providers(struct books *b, const struct snapshot *snap, struct json *j)
{
	bool ok = true;

	for (unsigned i = 0; ok && snap != NULL && i < snap->provider_count; i++) {
		const struct provider *p = &snap->providers[i];
		const struct contract *c = p->contract;

		if (c == NULL || (c->commitment.usd == 0 && c->credits.usd == 0))
			continue;
		json_object_begin(j, NULL);
		json_str(j, "provider", str_of(p->name));
		ok = put_pool(b, j, "commitment", p->name, &c->commitment) &&
		     put_pool(b, j, "credits", p->name, &c->credits);
		json_object_end(j);
	}
	return ok;
}

int
contracts_answer(struct books *b, const struct snapshot *snap,
    const struct scope *scope, struct buf *ret)
{
	struct json j;

	if (!scope->all)
		return report_error(
		    ret, 404, NULL, "contracts are of everybody: ask the admin port");
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	json_str(&j, "object", STR("frugald.contracts"));
	json_array_begin(&j, "contracts");
	if (!put_providers(b, snap, &j))
		return report_error(
		    ret, books_too_slow(b) ? 504 : 500, NULL, "%s", b->why);
	json_array_end(&j);
	json_object_end(&j);
	return 200;
}
