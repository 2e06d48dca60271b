/* verify_price.c: what an attempt cost, reckoned again from its tokens and the prices
 * that were in force. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "config/kept.h"
#include "verify.h"

#define PPM       1000000LL
#define MEM_BYTES ((size_t)64 << 20)

struct verify_force {
	struct snapshot *snap; /* NULL: */
	enum verify_skip why;
};

/* ---- what was in force ---- */

/* The text of a kept part; an empty one: it is not kept. */
static struct str
kept_text(struct verify *v, const char *kind, const char *key, struct arena *mem)
{
	struct str text = {0};
	sqlite3_stmt *q;
	bool row;

	if (!db_prepare(
		&v->sums, "SELECT text FROM kept WHERE kind=?1 AND hash=?2", &q))
		return text;
	db_text(q, 1, str_of(kind));
	db_text(q, 2, str_of(key));
	if (db_step(&v->sums, q, &row) && row) {
		size_t len = (size_t)sqlite3_column_bytes(q, 0);
		char *p = arena_alloc(mem, len + 1);

		if (len > 0)
			memcpy(p, sqlite3_column_blob(q, 0), len);
		text = str_make(p, len);
		v->ret->kept++;
	}
	sqlite3_finalize(q);
	return text;
}

/* A text that is there and is not what its hash says was changed. */
static bool
part_is_whole(struct verify *v, const struct kept_part *p)
{
	struct sha256 hash = hash_sha256(p->text);
	char written[65], computed[65];

	if (p->text.p == NULL)
		return false;
	if (hash_sha256_eq(&hash, &p->hash))
		return true;
	hash_sha256_hex(&p->hash, written);
	hash_sha256_hex(&hash, computed);
	verify_tell(
	    v, written, computed, "ledger.db, kept %s %s, hash", p->kind, p->key);
	return false;
}

static struct snapshot *
rebuild(struct verify *v, const char *basis, struct arena *mem)
{
	struct kept_part part[KEPT_PARTS];
	struct str text = kept_text(v, "basis", basis, mem);
	struct snapshot *snap;
	char name[KEPT_NAME];
	struct diag *d;

	if (text.p == NULL)
		return NULL;
	kept_name(text, name);
	if (strcmp(name, basis) != 0)
		verify_tell(v, basis, name, "ledger.db, kept basis %s, hash", basis);
	if (strcmp(name, basis) != 0 || !kept_read(text, part))
		return NULL;
	for (size_t i = 0; i < KEPT_PARTS; i++) {
		if (i == KEPT_weights || part[i].key[0] == '\0')
			continue;
		part[i].text = kept_text(v, part[i].kind, part[i].key, mem);
		if (!part_is_whole(v, &part[i]))
			return NULL;
	}
	d = diag_new();
	snap = snapshot_rebuild(v->env,
	    &(struct snapshot_texts){.policy = part[KEPT_policy].text,
		.catalogue = part[KEPT_catalogue].text,
		.prices = part[KEPT_prices].text,
		.contracts = part[KEPT_contracts].text},
	    d);
	diag_free(d);
	return snap;
}

static const struct verify_force *
force_of(struct verify *v, const char *basis)
{
	struct verify_force *f = map_get(v->forces, str_of(basis));
	struct arena *mem;

	if (f != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	map_put(v->forces, str_of(basis), f);
	f->why = VERIFY_basis;
	if (basis[0] == '\0')
		return f;
	f->why = VERIFY_not_kept;
	mem = arena_new(MEM_BYTES);
	f->snap = rebuild(v, basis, mem);
	arena_free(mem);
	return f;
}

void
verify_prices_free(struct verify *v)
{
	struct str key;
	void *value;
	size_t at = 0;

	while (v->forces != NULL && map_next(v->forces, &at, &key, &value)) {
		struct verify_force *f = value;

		snapshot_unref(f->snap);
		xfree(f);
	}
	map_free(v->forces);
	xfree(v->price);
}

/* ---- prices of then ---- */

static void
look_up(struct verify_price *p, int64_t at_s)
{
	const struct model *m = snapshot_model(p->force->snap, str_of(p->model));

	p->at = NULL;
	for (unsigned i = 0; m != NULL && i < m->ats; i++) {
		if (strcmp(m->at[i].provider->name, p->provider) != 0)
			continue;
		p->at = m->at[i].provider;
		p->price = price_for(p->force->snap, m, i, at_s);
		return;
	}
}

static const struct verify_price *
price_of(struct verify *v, const struct verify_force *f, const struct slot_attempt *a,
    int64_t at_s)
{
	int64_t minute = at_s / 60;
	uint64_t hash = hash_stable(str_of(a->model)) * 31 +
			hash_stable(str_of(a->provider)) + (uint64_t)minute;
	struct verify_price *p = &v->price[hash % VERIFY_PRICES];

	if (p->force == f && p->minute == minute && strcmp(p->model, a->model) == 0 &&
	    strcmp(p->provider, a->provider) == 0)
		return p;
	*p = (struct verify_price){.force = f, .minute = minute};
	memcpy(p->model, a->model, sizeof(p->model));
	memcpy(p->provider, a->provider, sizeof(p->provider));
	look_up(p, at_s);
	return p;
}

/* ---- one attempt ---- */

static void
unpriced(struct slot_attempt *a)
{
	a->unpriced = 1;
	a->list_pusd = a->amount_pusd = -1;
}

/* As the live attempt was billed: see settle.c. */
static void
by_tokens(const struct contract_price *p, struct str tier, struct slot_attempt *a)
{
	struct usage u = {.reasoning = a->reasoning, .calls = a->calls};
	struct pusd list, amount;

	memcpy(u.tokens, a->tokens, sizeof(u.tokens));
	unpriced(a);
	if (p->row == NULL || !price_cost(p->list, &u, tier, PPM, &list) ||
	    !price_cost(p->row, &u, tier, p->ppm, &amount))
		return;
	a->unpriced = 0;
	a->list_pusd = list.v;
	a->amount_pusd = amount.v;
}

static void
by_hours(const struct provider *p, struct slot_attempt *a)
{
	struct pusd amount;

	unpriced(a);
	if (!price_machine(
		p->usd_per_hour, usage_known(a->total_ms), p->places, &amount))
		return;
	a->unpriced = 0;
	a->list_pusd = 0;
	a->amount_pusd = amount.v;
}

static bool
same(const struct slot_attempt *a, const struct slot_attempt *b)
{
	return a->list_pusd == b->list_pusd && a->amount_pusd == b->amount_pusd &&
	       a->unpriced == b->unpriced;
}

/* Of an estimate whose provider did not tell its tier of service the row does not say
 * which was asked for: it must come out at one of those that there are. */
static void
by_some_tier(const struct contract_price *p, const struct slot_attempt *written,
    struct slot_attempt *a)
{
	by_tokens(p, STR(""), a);
	for (unsigned i = 0;
	     p->row != NULL && !same(a, written) && i < p->row->services; i++)
		by_tokens(p, str_of(p->row->service[i].name), a);
	if (!same(a, written))
		by_tokens(p, STR(""), a);
}

/* False: it cannot be, `*ret_why` says why. */
static bool
reckon(const struct verify_price *p, const struct slot_attempt *written,
    struct slot_attempt *a, enum verify_skip *ret_why)
{
	*a = *written;
	if (a->unbilled || a->basis == BASIS_none) {
		a->list_pusd = a->amount_pusd = a->unpriced = 0;
		return true;
	}
	*ret_why = p->at == NULL ? VERIFY_elsewhere : VERIFY_machine;
	if (p->at == NULL || (p->at->local && a->outcome == OUT_crashed))
		return false;
	if (p->at->local) {
		by_hours(p->at, a);
	} else if (a->outcome == OUT_crashed) {
		price_note(&p->price, a);
		settle_by_basis(a, (enum basis)a->basis);
	} else if (a->basis != BASIS_reported && a->service_tier[0] == '\0') {
		by_some_tier(&p->price, written, a);
	} else {
		by_tokens(&p->price, str_of(a->service_tier), a);
	}
	return true;
}

static void
print_amount(int64_t pusd, char ret[static PUSD_TEXT_BYTES])
{
	if (pusd < 0)
		snprintf(ret, PUSD_TEXT_BYTES, "unpriced");
	else
		pusd_format((struct pusd){pusd}, ret);
}

static void
compare(struct verify *v, const struct month_scan *s, unsigned n, const char *column,
    int64_t written, int64_t computed)
{
	char was[PUSD_TEXT_BYTES], is[PUSD_TEXT_BYTES], id[ID_TEXT_BYTES];

	if (written == computed)
		return;
	print_amount(written, was);
	print_amount(computed, is);
	id_format(s->slot.request.id, id);
	verify_tell(v, was, is, "%s, request %lld (req_%s), attempt %u, %s", v->file,
	    (long long)s->seq, id, n, column);
}

static void
compare_price(struct verify *v, const struct month_scan *s, unsigned n,
    const struct verify_price *p)
{
	const struct slot_attempt *a = month_scan_attempt(s, n);
	const char *id = p->price.row == NULL ? "" : p->price.row->id;

	if (p->at == NULL || p->at->local)
		return;
	if (strcmp(id, a->price_id) != 0)
		verify_tell(v, a->price_id, id, "%s, request %lld, attempt %u, price",
		    v->file, (long long)s->seq, n);
	if (p->price.row != NULL && p->price.ppm != a->contract_ppm) {
		char was[24], is[24];

		snprintf(was, sizeof(was), "%d", a->contract_ppm);
		snprintf(is, sizeof(is), "%lld", (long long)p->price.ppm);
		verify_tell(v, was, is, "%s, request %lld, attempt %u, contract_ppm",
		    v->file, (long long)s->seq, n);
	}
}

void
verify_attempt(struct verify *v, const struct month_scan *s, unsigned n)
{
	const struct slot_attempt *written = month_scan_attempt(s, n);
	const struct verify_force *f = force_of(v, s->slot.request.basis);
	const struct verify_price *p;
	struct slot_attempt a;
	enum verify_skip why;

	if (f->snap == NULL) {
		v->ret->skipped[f->why]++;
		return;
	}
	p = price_of(v, f, written, s->slot.request.start_ms / 1000);
	if (!reckon(p, written, &a, &why)) {
		v->ret->skipped[why]++;
		return;
	}
	compare_price(v, s, n, p);
	compare(v, s, n, "list_pusd", written->list_pusd, a.list_pusd);
	compare(v, s, n, "amount_pusd", written->amount_pusd, a.amount_pusd);
	if (written->unpriced != a.unpriced)
		verify_tell(v, written->unpriced ? "unpriced" : "priced",
		    a.unpriced ? "unpriced" : "priced",
		    "%s, request %lld, attempt %u, flags", v->file, (long long)s->seq,
		    n);
	v->ret->unpriced += a.unpriced;
	v->ret->attempts++;
}
