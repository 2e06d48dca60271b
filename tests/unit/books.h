/* books.h: a process with budgets, for tests of what the ledger keeps of them: a worker
 * that grants and settles as attempts do, and what accounts and tables say. */
#ifndef UNIT_BOOKS_H
#define UNIT_BOOKS_H

#include "core/request.h"
#include "meter.h"
#include "meter/budget_kept.h"

#define CAP ((wide)1000000 * PUSD_PER_USD)

/* By number, so that a policy is a set of bits. */
static const struct budget book_rules[] = {
    {.name = "daemon per hour", .scope = SCOPE_daemon, .per = PER_hour, .cap = {CAP}},
    {.name = "team web per day",
	.scope = SCOPE_team,
	.value = "web",
	.per = PER_day,
	.cap = {CAP}},
    {.name = "each user per month",
	.scope = SCOPE_user,
	.per = PER_month,
	.cap = {CAP}},
    {.name = "each tag.commit in all",
	.scope = SCOPE_tag,
	.tag = "commit",
	.per = PER_all,
	.cap = {CAP}},
    {.name = "each session per week",
	.scope = SCOPE_session,
	.per = PER_week,
	.cap = {CAP}},
};
#define BOOK_RULES 5U

/* A policy of those rules: nothing but its budgets. Never freed by its users. */
struct book_policy {
	struct snapshot snap;
	struct budget rule[BOOK_RULES];
};

static inline void
book_policy_make(struct book_policy *p, unsigned bits)
{
	memset(p, 0, sizeof(*p));
	p->snap.refs_shared = 1 << 20;
	p->snap.budgets = p->rule;
	for (unsigned i = 0; i < BOOK_RULES; i++) {
		if ((bits & 1U << i) != 0)
			p->rule[p->snap.budget_count++] = book_rules[i];
	}
}

struct book {
	struct process *p;
	struct budgets *b;
	struct book_policy policy[64];
	unsigned policies;
	struct snapshot *snap; /* in force */
};

static inline struct snapshot *
book_next_policy(struct book *k, unsigned bits)
{
	struct book_policy *p = &k->policy[k->policies++ % 64];

	book_policy_make(p, bits);
	p->snap.rules = budgets_publish(k->b, &p->snap);
	return &p->snap;
}

/* As the daemon does, at start and at a reload. */
static inline bool
book_adopt(struct book *k, unsigned bits)
{
	k->snap = book_next_policy(k, bits);
	return ledger_adopt(k->p->ledger, k->snap, k->snap->rules, 0);
}

static inline bool
book_start_with(struct book *k, unsigned bits, unsigned slots, unsigned workers)
{
	if (!process_start(k->p, slots, workers))
		return false;
	k->b = budgets_new(k->p->env);
	ledger_budgets(k->p->ledger, k->b);
	return book_adopt(k, bits);
}

static inline bool
book_start(struct book *k, unsigned bits)
{
	return book_start_with(k, bits, 64, 2);
}

static inline void
book_stop(struct book *k)
{
	process_stop(k->p);
	budgets_free(k->b);
	k->b = NULL;
}

/* ---- a worker ---- */

struct book_request {
	struct slot *slot;
	struct grant grant;
	const struct snapshot *snap;
};

static inline struct book_request
book_open(struct book *k, const char *user, uint64_t session)
{
	struct book_request r = {.snap = k->snap};
	struct slot_request intent = some_request(k->p->env);
	struct slot_attempt attempt = some_attempt(k->p->env);
	struct tag tag = {STR("commit"), STR("4711"), TAG_by_key};
	struct budget_who who = {.team = STR("web"),
	    .key = STR("laptop"),
	    .user = str_of(user),
	    .session = session,
	    .tags = &tag,
	    .tag_count = 1};
	struct budget_need need = {
	    .worst_case = {attempt.at_most_pusd}, .expected = {-1}};
	struct budget_refusal why;

	assert_true(budgets_grant(k->b, k->snap, &who, &need, &r.grant, &why));
	snprintf(intent.user, sizeof(intent.user), "%s", user);
	intent.session = session;
	intent.rules = k->snap->rules;
	attempt.granted_ms = r.grant.at_ms;
	r.slot = slot_open(k->p->slots, 0, &intent);
	assert_non_null(r.slot);
	assert_int_equal(slot_attempt_open(r.slot, &attempt), 0);
	slot_attempt_sent(r.slot, 0);
	return r;
}

static inline void
book_close(struct book *k, struct book_request *r, int64_t amount)
{
	struct slot_attempt a = answered(&r->slot->attempt[0], 120, 40);

	a.amount_pusd = amount;
	a.list_pusd = amount;
	slot_attempt_close(r->slot, 0, &a, STR("{}"));
	slot_close(k->p->slots, r->slot, OUT_served, env_wall_ms(k->p->env));
	budgets_settle(k->b, &r->grant, budget_charge(amount, a.at_most_pusd));
}

static inline void
book_one_of(struct book *k, const char *user, uint64_t session, int64_t amount)
{
	struct book_request r = book_open(k, user, session);

	book_close(k, &r, amount);
}

/* ---- what is said of it ---- */

/* Of the account in memory, now; -1: there is none. */
static inline int64_t
book_account(struct book *k, const char *name, const char *value)
{
	struct budget_line line[256];
	unsigned n = budgets_list(
	    k->b, k->snap, env_wall_ms(k->p->env), line, sizeof(line) / sizeof(*line));

	for (unsigned i = 0; i < n; i++) {
		if (strcmp(line[i].name, name) == 0 &&
		    strcmp(line[i].value, value) == 0)
			return (int64_t)line[i].spent.v;
	}
	return -1;
}

/* Of the ledger, over all periods; -1: nothing. */
static inline int64_t
book_kept(const char *name, const char *value)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
	    "SELECT SUM(spent_hi)*1000000000000+SUM(spent_lo) FROM budget JOIN"
	    " budget_rule ON id=rule WHERE name='%s' AND budget.value='%s'",
	    name, value);
	return ask("ledger.db", sql);
}

#endif
