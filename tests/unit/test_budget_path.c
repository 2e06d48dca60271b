/* libs: base core config auth meter budget */
/* test_budget_path.c: of many budgets those that a request is under are looked up, and
 * each is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/request.h"
#include "fake_env.h"
#include "meter/budget_kept.h"

#define USD  PUSD_PER_USD
#define MANY 3000

/* Every third of each kind, in the order of the policy. */
static unsigned
many_rules(struct budget *ret, char (*value)[16])
{
	static const char *const tags[] = {"app", "run"};
	unsigned n = 0;

	ret[n++] = (struct budget){.name = "all", .scope = SCOPE_daemon};
	ret[n++] = (struct budget){.name = "teams", .scope = SCOPE_team};
	ret[n++] = (struct budget){.name = "runs", .scope = SCOPE_tag, .tag = "run"};
	for (int s = SCOPE_team; s <= SCOPE_tag + 1; s++) {
		for (unsigned i = 0; i < MANY && s != SCOPE_session; i++, n++) {
			snprintf(value[n], sizeof(value[n]), "v%04u", 3 * i);
			ret[n] = (struct budget){.name = value[n], .value = value[n]};
			ret[n].scope = s > SCOPE_tag ? SCOPE_tag : (enum budget_scope)s;
			if (s >= SCOPE_tag)
				ret[n].tag = tags[s - SCOPE_tag];
			ret[n].cap.v = USD;
		}
	}
	return n;
}

static unsigned
counted_one_by_one(const struct snapshot *s, const struct budget_who *who)
{
	char value[BUDGET_VALUE];
	unsigned n = 0;

	for (unsigned i = 0; i < s->budget_count; i++)
		n += budget_value(&s->budgets[i], who, value);
	return n;
}

/* They are looked up, not walked; each is found all the same. */
static void
test_many_budgets(void **state)
{
	struct budget *rules = calloc(6 * MANY, sizeof(*rules));
	char(*value)[16] = calloc(6 * MANY, sizeof(*value));
	struct snapshot snap = {.budgets = rules};
	struct fake_env *f = fake_env_new(7);
	struct budgets *b = budgets_new(fake_env(f));
	const struct budget_need need = {{0}, {0}, false};
	struct budget_refusal why;
	struct grant g;

	(void)state;
	snap.budget_count = many_rules(rules, value);
	(void)budgets_publish(b, &snap);
	for (int i = 0; i < 500; i++) {
		char text[5][16];
		struct tag tags[] = {{.name = STR("run")}, {.name = STR("app")}};
		struct budget_who who = {.tags = tags, .tag_count = 2};
		struct str *at[] = {
		    &who.team, &who.key, &who.user, &tags[0].value, &tags[1].value};

		for (size_t k = 0; k < nitems(at); k++) {
			snprintf(text[k], sizeof(text[k]), "v%04u",
			    (unsigned)fake_env_draw(f, 3 * MANY + 3));
			*at[k] = str_of(text[k]);
		}
		assert_true(budgets_grant(b, &snap, &who, &need, &g, &why));
		assert_int_equal(g.count, counted_one_by_one(&snap, &who));
		assert_true(g.count >= 3);
		(void)budgets_settle(b, &g, (struct pusd){0});
	}
	budgets_free(b);
	fake_env_free(f);
	free(value);
	free(rules);
}

static void
any_row(struct fake_env *f, struct slot_request *r)
{
	char *at[] = {r->team, r->key, r->user};

	for (size_t k = 0; k < nitems(at); k++)
		snprintf(at[k], SLOT_NAME, "v%04u",
		    (unsigned)fake_env_draw(f, 3 * MANY + 3));
	r->tags_len = (uint16_t)snprintf(r->tags, sizeof(r->tags),
	    "run=v%04u\napp=v%04u\n", (unsigned)fake_env_draw(f, 3 * MANY + 3),
	    (unsigned)fake_env_draw(f, 3 * MANY + 3));
}

/* So are those of a row, whatever the order in which the ledger has them. */
static void
test_rows_of_many_budgets(void **state)
{
	struct budget *rules = calloc(6 * MANY, sizeof(*rules));
	char(*value)[16] = calloc(6 * MANY, sizeof(*value));
	struct slot *slot = calloc(1, sizeof(*slot));
	struct fake_env *f = fake_env_new(7);
	struct snapshot snap = {.budgets = rules};
	struct tag tag[SLOT_TAGS];
	struct budget_who who;
	struct budget_sums sums;

	(void)state;
	snap.budget_count = many_rules(rules, value);
	for (unsigned i = snap.budget_count - 1; i > 0; i--) {
		unsigned k = (unsigned)fake_env_draw(f, i + 1);
		struct budget other = rules[i];

		rules[i] = rules[k];
		rules[k] = other;
	}
	budget_sums_init(&sums, rules, snap.budget_count);
	slot->attempts = 1;
	slot->attempt[0].amount_pusd = 3;
	for (int i = 0; i < 500; i++) {
		any_row(f, &slot->request);
		budget_row_who(&slot->request, tag, &who);
		budget_sums_clear(&sums);
		budget_sums_add(&sums, slot);
		assert_int_equal(sums.entries, counted_one_by_one(&snap, &who));
		for (size_t e = 0; e < sums.entries; e++)
			assert_true(sums.entry[e].spent.v == 3);
	}
	budget_sums_fini(&sums);
	fake_env_free(f);
	free(slot);
	free(value);
	free(rules);
}

/* Whoever is in the ledger's row as somebody is that one here: what is held and what is
 * found again after a restart are one. */
static void
test_a_user_is_who_the_row_says(void **state)
{
	static const char device[] =
	    "0123456789012345678901234567890123456789012345678901234567890123";
	char kept[BUDGET_VALUE];
	struct budget rules[20] = {
	    {.name = "bob", .scope = SCOPE_user, .value = "bob"},
	    {.name = "kept", .scope = SCOPE_user, .value = kept},
	};
	const struct budget each = {.name = "each", .scope = SCOPE_user};
	struct budget_who bob = {.user = STR("bob\0by")}, long_one = {.user = STR("")};
	struct budgets *b;
	struct fake_env *f = fake_env_new(7);
	const struct budget_need need = {{0}, {0}, false};
	struct budget_refusal why;
	char value[BUDGET_VALUE];
	struct grant g;

	(void)state;
	(void)str_copy(kept, sizeof(kept), str_of(device));
	long_one.user = str_of(device);
	for (unsigned i = 2; i < nitems(rules); i++)
		rules[i] = (struct budget){
		    .name = device + i, .scope = SCOPE_user, .value = "z"};
	assert_true(budget_value(&rules[0], &bob, value));
	assert_string_equal(value, "bob");
	assert_true(budget_value(&rules[1], &long_one, value));
	assert_string_equal(value, kept);
	assert_true(budget_value(&each, &long_one, value));
	assert_string_equal(value, kept);
	/* few, and many */
	for (unsigned count = 2; count <= nitems(rules); count += nitems(rules) - 2) {
		struct snapshot snap = {.budgets = rules, .budget_count = count};

		if (count > 2) { /* in the order of the policy */
			struct budget bob_rule = rules[0];

			rules[0] = rules[1];
			rules[1] = bob_rule;
		}
		b = budgets_new(fake_env(f));
		(void)budgets_publish(b, &snap);
		assert_true(budgets_grant(b, &snap, &bob, &need, &g, &why));
		assert_int_equal(g.count, 1);
		(void)budgets_settle(b, &g, (struct pusd){0});
		assert_true(budgets_grant(b, &snap, &long_one, &need, &g, &why));
		assert_int_equal(g.count, 1);
		(void)budgets_settle(b, &g, (struct pusd){0});
		budgets_free(b);
	}
	fake_env_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_many_budgets),
	    cmocka_unit_test(test_rows_of_many_budgets),
	    cmocka_unit_test(test_a_user_is_who_the_row_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
