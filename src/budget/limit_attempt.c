/* limit_attempt.c: tokens are set aside for each attempt; what a request has taken is
 * given back. */
#include "core/worker.h"
#include "limit.h"

/* Below so many tokens an answer is not worth asking for. */
#define LEAST_OUTPUT 16
/* An answer is hardly ever so many times as long as expected. */
#define USEFUL 4
#define TRIES  4

static int64_t
now_ns(const struct request *r)
{
	return r->worker->env->mono_ns(r->worker->env);
}

/* The lower of both. */
static int64_t
most_tokens(const struct limit_who *who, enum limit_of *ret_of)
{
	int64_t key = who->most[LIMIT_key][LIMIT_tokens],
		team = who->most[LIMIT_team][LIMIT_tokens];

	*ret_of = key <= 0 || (team > 0 && team < key) ? LIMIT_team : LIMIT_key;
	return who->most[*ret_of][LIMIT_tokens];
}

static enum outcome
refuse_too_long(struct attempt *a, int64_t need)
{
	struct request *r = a->request;
	enum limit_of of;
	int64_t most = most_tokens(&r->limits.who, &of);

	r->fail_text = arena_printf(r->mem,
	    "this needs up to %lld tokens, more than the %lld that %s '%s' may have in "
	    "a minute (tpm); %s, or shorten the prompt",
	    (long long)need, (long long)most, limit_of_name(of), limit_name(r, of),
	    r->task.max_output >= 0 ? "ask for a shorter answer"
				    : "name a maximum of the answer");
	return OUT_too_large;
}

/* Framing that providers add around a prompt and each of its messages. */
#define FRAME_TOKENS 4

struct need {
	int64_t input, answers;
	int64_t output; /* of an answer, at most */
	int64_t useful; /* so much of it is worth asking for */
};

static int64_t
at_most(int64_t v, int64_t most)
{
	return v < most ? v : most;
}

/* Input by our estimate and the longest answer. Where the client names no maximum, any
 * that is much longer than answers of this kind are will do. */
static struct need
need_of(const struct attempt *a, int64_t most)
{
	const struct task *t = &a->request->task;
	const struct candidate *c = a->candidate;
	struct need n = {.answers = t->n > t->best_of ? t->n : t->best_of,
	    .input = (int64_t)c->input_tokens + FRAME_TOKENS * (1 + t->messages),
	    .output = t->max_output >= 0 ? t->max_output : a->max_output};

	if (n.answers < 1)
		n.answers = 1;
	if (n.output < 0)
		n.output = c->model->max_output;
	n.useful = n.output;
	if (!hold_may_shorten(t))
		return n;
	n.useful = at_most(n.useful, (int64_t)(USEFUL * c->output_tokens));
	n.useful = at_most(n.useful, (most - n.input) / n.answers / 4);
	if (n.useful < LEAST_OUTPUT)
		n.useful = at_most(LEAST_OUTPUT, n.output);
	return n;
}

/* How much to ask for where so much is left. Half of it, for who comes at the same
 * time; then the maximum has to be told to the provider. */
static int64_t
tokens_wanted(struct attempt *a, const struct need *n, int64_t left)
{
	int64_t output = n->output, half = (left - n->input) / n->answers / 2;

	if (hold_may_shorten(&a->request->task) &&
	    n->input + n->answers * output > left) {
		output = at_most(output, half > n->useful ? half : n->useful);
		a->max_output = output;
	}
	return n->input + n->answers * output;
}

static bool
hold_tokens(struct attempt *a)
{
	struct request *r = a->request;
	struct limit_state *s = &r->limits;
	struct limit_room *room = &s->room[LIMIT_tokens];
	const int64_t max_output = a->max_output;
	struct limit_refusal why;
	enum limit_of of;
	struct need need;
	int64_t most;

	most = most_tokens(&s->who, &of);
	if (most <= 0)
		return true;
	need = need_of(a, most);
	if (need.input + need.answers * need.useful > most) {
		a->outcome =
		    refuse_too_long(a, need.input + need.answers * need.useful);
		return false;
	}
	/* What was left may have been taken meanwhile; then it is another number. */
	for (int64_t i = 0, left = -1; i < TRIES && left != room->left; i++) {
		left = room->left;
		a->max_output = max_output;
		a->tokens.n = tokens_wanted(a, &need, left);
		if (limit_hold(r->worker->shared->limits, &s->who, now_ns(r),
			&a->tokens, s->room, &why))
			return true;
	}
	limit_say(r, &why);
	a->outcome = OUT_limited;
	return false;
}

/* An estimate. Not more than fits an amount, whatever the plan says. */
static void
begin_spending(struct attempt *a)
{
	double usd = a->candidate->cost_usd;

	if (usd > 0 && usd < 1e6)
		a->expected.v = (int64_t)(usd * PUSD_PER_USD);
	runaway_begin(&a->request->limits.who, a->expected);
	a->spends = true;
}

bool
limit_attempt(struct attempt *a)
{
	struct request *r = a->request;

	if (!r->limits.limited || r->task.endpoint == EP_count_tokens)
		return true;
	if (!hold_tokens(a))
		return false;
	begin_spending(a);
	return true;
}

static void
settle_tokens(struct attempt *a)
{
	struct request *r = a->request;
	struct limit_settled used = {0, a->end_ns};

	for (size_t k = 0; k < TOKEN_COUNT && a->basis != BASIS_none; k++)
		used.used += usage_known(a->usage.tokens[k]);
	limit_settle(r->worker->shared->limits, &r->limits.who, &a->tokens, &used,
	    r->limits.room);
}

void
limit_attempt_over(struct attempt *a)
{
	struct worker *w = a->request->worker;
	struct runaway_bill bill = {.expected = a->expected, .amount = a->amount};

	if (a->tokens.n > 0)
		settle_tokens(a);
	if (!a->spends)
		return;
	/* Without a price: what it was held to cost, if that is known. */
	if (a->unpriced || bill.amount.v < 0)
		bill.amount.v = a->basis == BASIS_none ? 0 : a->at_most.v;
	bill.at = (struct limit_moment){a->end_ns, env_wall_ms(w->env)};
	runaway_end(w->shared->limits, &a->request->limits.who, &bill);
	a->spends = false;
}

void
limit_over(struct request *r)
{
	struct limit_state *s = &r->limits;

	if (!s->taken.inside)
		return;
	limit_leave(
	    r->worker->shared->limits, &s->who, now_ns(r), &s->taken, r->called);
	s->known = s->known && r->called; /* else it was taken back */
}
