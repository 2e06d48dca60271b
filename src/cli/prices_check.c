/* prices_check.c: `frugald prices check`: what in a price book can hardly be meant, and
 * what the policy will have no price for. */
#include "prices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "when.h"

#define BOOK_BYTES ((size_t)1 << 20)
#define OUT_BYTES  ((size_t)4 << 20)
#define DAY_S      INT64_C(86400)
/* Pico-dollars a token: nothing sane costs more than $1,000 for a million. */
#define DEAREST    INT64_C(1000000000)
#define STALE_DAYS 90 /* prices have moved within a quarter of a year */
#define SOON_DAYS  30

struct findings {
	struct cli *cli;
	const char *book;
	bool as_json;
	struct json json;
	struct buf out;
	unsigned count;
	int64_t now_s;
};

static void found(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
found(struct findings *f, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->count++;
	if (!f->as_json) {
		printf("%s: %s\n", f->book, text);
		return;
	}
	json_object_begin(&f->json, NULL);
	json_str(&f->json, "book", str_of(f->book));
	json_str(&f->json, "finding", str_of(text));
	json_object_end(&f->json);
}

static const char *
day_of(struct findings *f, int64_t at_s)
{
	char day[WHEN_TEXT];

	when_put_day(at_s, day);
	return arena_str(f->cli->mem, str_of(day));
}

/* ---- a row ---- */

static void
check_kinds(
    struct findings *f, const struct price_row *row, const struct price_kinds *k)
{
	int64_t input = k->pusd[TOKEN_input_uncached];
	bool free = true;

	for (size_t i = 0; i < TOKEN_COUNT; i++) {
		free = free && k->pusd[i] <= 0;
		if (k->pusd[i] > DEAREST)
			found(f,
			    "'%s': %s costs more than 1,000 USD a million tokens; are "
			    "those prices of a token, or of a thousand?",
			    row->id, token_name((enum token_kind)i));
	}
	if (free)
		found(
		    f, "'%s': it costs nothing; is it a machine of your own?", row->id);
	if (input >= 0 && k->pusd[TOKEN_cache_read] > input)
		found(f, "'%s': reading the cache is dearer than the prompt", row->id);
	if (input >= 0 && k->pusd[TOKEN_cache_write_5m] > 4 * input)
		found(f, "'%s': writing the cache costs more than 4 times the prompt",
		    row->id);
	if (k->pusd[TOKEN_cache_write_1h] >= 0 &&
	    k->pusd[TOKEN_cache_write_1h] < k->pusd[TOKEN_cache_write_5m])
		found(f, "'%s': an hour of cache is cheaper than five minutes of it",
		    row->id);
}

static void
check_row(struct findings *f, const struct price_row *row)
{
	check_kinds(f, row, &row->kinds);
	for (unsigned i = 0; i < row->tiers; i++)
		check_kinds(f, row, &row->tier[i].kinds);
	if (strlen(row->id) > 55)
		found(f, "'%s': an id of more than 55 characters is cut in the ledger",
		    row->id);
}

/* ---- a book ---- */

static bool
all_day(const struct price_row *row)
{
	return row->from_minute == row->to_minute;
}

static bool
one_place(const struct price_row *x, const struct price_row *y)
{
	return strcmp(x->provider, y->provider) == 0 && strcmp(x->model, y->model) == 0;
}

/* Rows of one place, which stand together by rising day: days without a price, hours
 * without one. */
static void
check_place(struct findings *f, const struct price_row *first, size_t count)
{
	const struct price_row *last = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct price_row *row = &first[i];

		if (!all_day(row))
			continue;
		if (last != NULL && last->to_s < row->from_s)
			found(f,
			    "%s at %s: no price from %s to %s, between '%s' and '%s'",
			    row->model, row->provider, day_of(f, last->to_s),
			    day_of(f, row->from_s), last->id, row->id);
		last = row;
	}
	if (last == NULL)
		found(f, "%s at %s: '%s' has hours, and there is no price for others",
		    first->model, first->provider, first->id);
}

static void
check_age(struct findings *f, const struct price_book *b)
{
	int64_t day = price_book_day(b), days = f->now_s / DAY_S - day;

	if (day == 0)
		found(f, "`source` does not end with the day that the prices are of; "
			 "nobody sees when they are old");
	else if (days > STALE_DAYS)
		found(f, "its prices are of %s, %" PRId64 " days ago",
		    day_of(f, day * DAY_S), days);
}

static void
check_book(struct findings *f, const char *name, const struct price_book *b)
{
	size_t count = price_book_count(b), n;

	f->book = name;
	check_age(f, b);
	if (count == 0)
		found(f, "there is no price in it");
	for (size_t i = 0; i < count; i += n) {
		const struct price_row *first = price_book_at(b, i);

		n = 1;
		while (i + n < count && one_place(first, price_book_at(b, i + n)))
			n++;
		check_place(f, first, n);
	}
	for (size_t i = 0; i < count; i++)
		check_row(f, price_book_at(b, i));
}

/* ---- a policy ---- */

/* What its price is now, and in a month: none, or a contract that is over. */
static void
check_at(
    struct findings *f, const struct snapshot *s, const struct model *m, unsigned at)
{
	const char *provider = m->at[at].provider->name;
	struct contract_price now = contract_price(s, m, at, f->now_s), then;

	if (now.row == NULL) {
		found(f, "model '%s' has no price at '%s': its requests are unpriced",
		    m->name, provider);
		return;
	}
	then = contract_price(s, m, at, f->now_s + SOON_DAYS * DAY_S);
	if (then.row == NULL)
		found(f, "model '%s' at '%s': '%s' ends on %s, and no price follows",
		    m->name, provider, now.row->id, day_of(f, now.row->to_s));
	else if (str_starts(str_of(now.row->id), STR(CONTRACT_ID)) &&
		 then.row != now.row)
		found(f, "model '%s' at '%s': '%s' is over within %d days; then '%s'",
		    m->name, provider, now.row->id, SOON_DAYS, then.row->id);
	else if (then.row == now.row && then.ppm > now.ppm)
		found(f,
		    "model '%s' at '%s': a discount of %g %% becomes %g %% within %d "
		    "days",
		    m->name, provider, (double)(1000000 - now.ppm) / 1e4,
		    (double)(1000000 - then.ppm) / 1e4, SOON_DAYS);
	if (now.row != now.list &&
	    now.row->kinds.pusd[TOKEN_output] > now.list->kinds.pusd[TOKEN_output])
		found(f, "model '%s' at '%s': '%s' is dearer than '%s'", m->name,
		    provider, now.row->id, now.list->id);
}

static void
check_policy(struct findings *f, const struct snapshot *s)
{
	struct price_book *own[CONTRACT_BOOKS];
	unsigned count = contract_books(s->contracts_text, own, CONTRACT_BOOKS);

	for (unsigned i = 0; i < count; i++) {
		check_book(f,
		    arena_printf(
			f->cli->mem, "contract %s", price_book_version(own[i])),
		    own[i]);
		price_book_free(own[i]);
	}
	f->book = s->path;
	for (unsigned i = 0; i < s->model_count; i++) {
		for (unsigned k = 0; k < s->models[i].ats; k++) {
			if (!s->models[i].at[k].provider->local)
				check_at(f, s, &s->models[i], k);
		}
	}
}

/* ---- the verb ---- */

/* False: it is none; findings were printed. */
static bool
check_file(struct findings *f, const char *path)
{
	struct cli *c = f->cli;
	struct price_book *b = NULL;
	struct diag *d = diag_new();
	struct buf text;
	bool ok;

	buf_init(&text, BOOK_BYTES + 1);
	ok = c->env->read_file(c->env, path, BOOK_BYTES, &text);
	if (ok)
		b = price_book_parse(buf_str(&text), path, d);
	else
		cli_fail("'%s' cannot be read: %s", path, strerror(errno));
	cli_print_findings(d);
	if (b != NULL)
		check_book(f, path, b);
	price_book_free(b);
	buf_fini(&text);
	diag_free(d);
	return b != NULL;
}

static bool
check_all(struct findings *f)
{
	struct price_view v;
	bool ok = price_view_open(&v, f->cli);

	if (ok)
		check_book(f,
		    arena_printf(
			f->cli->mem, "price book %s", price_book_version(v.book)),
		    v.book);
	if (ok && v.snap != NULL)
		check_policy(f, v.snap);
	price_view_close(&v);
	return ok;
}

int
verb_prices_check(struct cli *c)
{
	struct findings f = {.cli = c,
	    .as_json = c->opt[OPT_json] != NULL,
	    .now_s = c->env->wall_ns(c->env) / NS_PER_S};
	bool ok;

	buf_init(&f.out, OUT_BYTES);
	json_init(&f.json, &f.out);
	json_object_begin(&f.json, NULL);
	json_array_begin(&f.json, "findings");
	ok = c->args > 0 ? check_file(&f, c->arg[0]) : check_all(&f);
	json_array_end(&f.json);
	json_object_end(&f.json);
	if (f.as_json && ok)
		puts(f.out.p);
	else if (ok && f.count == 0)
		puts("fine");
	buf_fini(&f.out);
	return ok && f.count == 0 ? CLI_fine : CLI_found;
}
