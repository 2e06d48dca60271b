/* libs: base parse config core edge auth classify route budget call relay meter report
 */
/* test_caps.c: each sees what is spent of its own budgets, however many others there
 * are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/request.h"
#include "fake_env.h"
#include "report/caps.h"

#define OTHERS 5000U

static const struct budget rules[] = {
    {.name = "each user", .scope = SCOPE_user, .per = PER_all, .cap = {10}},
    {.name = "key ci",
	.scope = SCOPE_key,
	.value = "ci",
	.per = PER_all,
	.cap = {1000},
	.index = 1},
    {.name = "each key",
	.scope = SCOPE_key,
	.per = PER_all,
	.cap = {20000},
	.index = 2},
    {.name = "team shop",
	.scope = SCOPE_team,
	.value = "shop",
	.per = PER_all,
	.cap = {30000},
	.index = 3},
};

static void
spend(struct budgets *b, struct snapshot *snap, const char *user, const char *key)
{
	const struct budget_who who = {
	    .team = STR("shop"), .key = str_of(key), .user = str_of(user)};
	const struct budget_need need = {.worst_case = {1}, .expected = {1}};
	struct budget_refusal why;
	struct grant g;

	assert_true(budgets_grant(b, snap, &who, &need, &g, &why));
	(void)budgets_settle(b, &g, (struct pusd){key[0] == '\0' ? 0 : 1});
}

static void
tell(struct books *b, const struct snapshot *snap, const struct ask *ask,
    const struct scope *scope, struct buf *ret)
{
	struct json j;

	buf_clear(ret);
	json_init(&j, ret);
	json_object_begin(&j, NULL);
	caps_json(b, snap, ask, scope, &j);
	json_object_end(&j);
}

static void
assert_spent(const struct buf *told, const char *name, const char *usd)
{
	char want[64], *line, *spent;

	snprintf(want, sizeof(want), "\"name\":\"%s\"", name);
	line = strstr(told->p, want);
	if (line == NULL)
		fail_msg("%s is not told: %s", name, told->p);
	snprintf(want, sizeof(want), "\"spent_usd\":\"%s\"", usd);
	spent = line == NULL ? NULL : strstr(line, "\"spent_usd");
	if (spent == NULL || strncmp(spent, want, strlen(want)) != 0)
		fail_msg("%s: not %s: %s", name, want, told->p);
}

static void
test_own_budgets_among_many(void **state)
{
	struct fake_env *f = fake_env_new(1);
	struct snapshot snap = {.budgets = rules, .budget_count = nitems(rules)};
	struct books b = {.env = fake_env(f), .budgets = budgets_new(fake_env(f))};
	const struct scope all = {.all = true}, ci = {.key = "ci", .team = "shop"},
			   other = {.key = "other", .team = ""};
	struct ask of_ci = {.filter[0].by.dim = DIM_key, .filters = 1};
	char user[32];
	struct buf told;

	(void)state;
	snap.rules = budgets_publish(b.budgets, &snap);
	for (unsigned i = 0; i < OTHERS; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		spend(b.budgets, &snap, user, i == 0 ? "ci" : "z");
	}
	buf_init(&told, 1 << 20);
	tell(&b, &snap, NULL, &ci, &told);
	assert_spent(&told, "key ci", "0.000000000001");
	assert_spent(&told, "each key", "0.000000000001");
	assert_null(strstr(told.p, "each user"));
	tell(&b, &snap, NULL, &other, &told);
	assert_string_equal(told.p, "{\"budgets\":[]}");
	/* Each of the users has used more of its cap than this key. */
	snprintf(of_ci.filter[0].value, sizeof(of_ci.filter[0].value), "ci");
	tell(&b, &snap, &of_ci, &all, &told);
	assert_spent(&told, "key ci", "0.000000000001");
	buf_fini(&told);
	budgets_free(b.budgets);
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_own_budgets_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
