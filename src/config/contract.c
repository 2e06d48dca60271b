/* contract.c: terms of a provider's contract, from when to when. */
#include "config/contract.h"

#include <math.h>

#include "draft.h"
#include "own_books.h"

#define PPM       1000000LL
#define TERMS_MAX 64

struct term_draft {
	int64_t from_s, to_s;
	double discount;
	const char *prices;
};

static const struct row term_rows[] = {
    {"from", KIND_time, .flags = ROW_required, LANDS(struct term_draft, from_s),
	.shape = "2026-01-01"},
    {"to", KIND_time, LANDS(struct term_draft, to_s)},
    {"discount", KIND_percent, LANDS(struct term_draft, discount), .max = 1},
    {"prices", KIND_text, LANDS(struct term_draft, prices)}, {0}};

/* ---- when a request comes ---- */

static const struct contract_term *
term_at(const struct contract *c, int64_t at_s)
{
	for (unsigned i = c->terms; i > 0; i--) {
		const struct contract_term *t = &c->term[i - 1];

		if (t->from_s <= at_s)
			return at_s < t->to_s ? t : NULL;
	}
	return NULL;
}

/* The contract's own row; NULL: it has none. */
static const struct price_row *
fixed_price(
    const struct price_book *book, const struct model *m, unsigned at, int64_t at_s)
{
	struct str provider = str_of(m->at[at].provider->book);
	const struct price_row *row;

	if (book == NULL)
		return NULL;
	row = price_book_find(book, provider, str_of(m->catalogue->id), at_s);
	if (row == NULL && m->at[at].price_key != NULL)
		row =
		    price_book_find(book, provider, str_of(m->at[at].price_key), at_s);
	return row;
}

struct contract_price
contract_price(
    const struct snapshot *s, const struct model *m, unsigned at, int64_t at_s)
{
	const struct provider *p = m->at[at].provider;
	const char *key = m->at[at].price_key;
	const struct contract_term plain = {.ppm = p->contract_ppm,
	    .book = p->contract != NULL ? p->contract->book : NULL};
	const struct contract_term *t = NULL;
	const struct price_row *own;
	struct contract_price x;

	if (p->contract != NULL)
		t = term_at(p->contract, at_s);
	if (t == NULL)
		t = &plain;
	x.list = price_book_find(s->prices, str_of(p->book),
	    str_of(key != NULL ? key : m->catalogue->id), at_s);
	x.row = x.list;
	x.ppm = t->ppm;
	own = fixed_price(t->book, m, at, at_s);
	if (own == NULL)
		return x;
	x.row = own;
	x.ppm = PPM;
	if (x.list == NULL)
		x.list = own;
	return x;
}

/* ---- from the policy ---- */

/* What a term does not say is as the provider says it without a date. */
static void
read_term(struct build *b, const struct provider_draft *d,
    const struct price_book *plain, struct node *n, struct contract_term *ret)
{
	struct term_draft t = {.from_s = -1, .to_s = -1, .discount = -1};

	if (n->kind != NODE_map) {
		diag_error(b->r.d, n->at,
		    "contract: expected terms; write [{from: 2026-01-01, discount: "
		    "12%%}]");
		return;
	}
	row_read(&b->r, term_rows, n, " in contract", &t);
	*ret = (struct contract_term){.from_s = t.from_s,
	    .to_s = t.to_s < 0 ? INT64_MAX : t.to_s,
	    .ppm = t.discount < 0 ? d->p.contract_ppm
				  : PPM - llround(t.discount * (double)PPM),
	    .book = plain};
	if (ret->to_s <= ret->from_s)
		diag_error(
		    b->r.d, node_place(n, "to"), "to: the day is not after `from`");
	if (t.prices != NULL)
		ret->book = own_book(b, b->own, t.prices, node_place(n, "prices"));
}

static void
read_terms(struct build *b, const struct provider_draft *d, struct contract *c)
{
	const struct node *list = d->contract;
	struct contract_term *term;

	if (list == NULL)
		return;
	if (list->kind != NODE_list || list->count > TERMS_MAX) {
		diag_error(b->r.d, list->at,
		    "contract: expected a list of at most %d terms; write [{from: "
		    "2026-01-01, discount: 12%%}]",
		    TERMS_MAX);
		return;
	}
	c->term = term = arena_alloc(b->r.mem, (list->count + 1) * sizeof(*term));
	for (struct node *n = list->first; n != NULL; n = n->next) {
		struct contract_term *t = &term[c->terms++], *last = t - 1;

		read_term(b, d, c->book, n, t);
		if (c->terms == 1)
			continue;
		if (t->from_s <= last->from_s)
			diag_error(
			    b->r.d, n->at, "contract: sort the terms by rising `from`");
		else if (last->to_s != INT64_MAX && last->to_s > t->from_s)
			diag_error(b->r.d, n->at,
			    "contract: this term begins before the one above ends; "
			    "give that one an earlier `to`, or none");
		else if (last->to_s == INT64_MAX)
			last->to_s = t->from_s;
	}
}

static void
read_pool(struct build *b, const struct provider_draft *d, const char *key,
    struct contract_pool *pool)
{
	if (pool->usd < 0)
		pool->usd = 0;
	if (pool->from_s < 0)
		pool->from_s = 0;
	if (pool->to_s < 0)
		pool->to_s = INT64_MAX;
	if (pool->usd == 0 && (pool->from_s > 0 || pool->to_s < INT64_MAX))
		diag_error(b->r.d, node_place(d->draft.node, key),
		    "%s: how much? add usd: DOLLARS", key);
	if (pool->to_s <= pool->from_s)
		diag_error(b->r.d, node_place(d->draft.node, key),
		    "%s: `to` is not after `from`", key);
}

static void
build_contract(struct build *b, struct provider_draft *d, struct provider *p)
{
	struct contract *c = arena_alloc(b->r.mem, sizeof(*c));

	*c = (struct contract){.commitment = d->commitment, .credits = d->credits};
	if (d->prices != NULL)
		c->book =
		    own_book(b, b->own, d->prices, node_place(d->draft.node, "prices"));
	read_terms(b, d, c);
	read_pool(b, d, "commitment", &c->commitment);
	read_pool(b, d, "credits", &c->credits);
	if (p->local && (c->terms > 0 || c->book != NULL))
		diag_error(b->r.d,
		    node_place(d->draft.node, c->terms > 0 ? "contract" : "prices"),
		    "a machine of your own costs no tokens; say `cost: {usd_per_hour: "
		    "…}`, or remove local");
	p->contract = c;
}

void
build_contracts(struct build *b)
{
	for (unsigned i = 0; i < b->s->provider_count; i++)
		build_contract(b, draft_provider(b->c, i), &b->providers[i]);
}
