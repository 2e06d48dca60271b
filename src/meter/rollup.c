/* rollup.c: hourly sums with mergeable histograms, so that a summary needs no rows. */
#include "rollup.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "rollup_cell.h"

#define DIMENSIONS   9
#define ENTRIES      32
#define ENTRIES_wide 2048

/* What a row stands for; zeroed first, so that equal ones have equal bytes. */
struct rollup_key {
	int64_t hour;
	char team[SLOT_NAME], key[SLOT_NAME], route[SLOT_NAME], class_name[20];
	char model[SLOT_NAME], provider[SLOT_NAME];
	uint16_t tier, tags_len;
	char tags[sizeof(((struct slot_request *)0)->tags)];
};

struct rollup_entry {
	struct rollup_key key;
	struct rollup_cell cell;
};

static const char get_sql[] =
    "SELECT " ROLLUP_COLUMNS " FROM rollup WHERE hour=?1 AND team=?2 AND key=?3 AND"
    " route=?4 AND class=?5 AND model=?6 AND provider=?7 AND tier=?8 AND tags=?9";
static const char put_sql[] =
    "INSERT OR REPLACE INTO rollup(hour,team,key,route,class,model,provider,tier,"
    "tags," ROLLUP_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,"
    "?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,"
    "?34,?35,?36,?37,?38,?39,?40,?41,?42,?43,?44,?45,?46,?47,?48,?49,?50,?51,?52)";
_Static_assert(ROLLUP_MEASURES == 43, "put_sql has a place for each");

static bool
open_with(struct rollup_store *r, struct db *db, unsigned room)
{
	r->db = db;
	r->room = room;
	r->entry = xcalloc(room, sizeof(*r->entry));
	return db_prepare(db, get_sql, &r->get) && db_prepare(db, put_sql, &r->put) &&
	       db_prepare(db, "DELETE FROM rollup_done WHERE day=?1", &r->undo);
}

bool
rollup_open(struct rollup_store *r, struct db *db)
{
	return open_with(r, db, ENTRIES);
}

bool
rollup_open_wide(struct rollup_store *r, struct db *db)
{
	r->at = map_new();
	return open_with(r, db, ENTRIES_wide);
}

void
rollup_close(struct rollup_store *r)
{
	sqlite3_finalize(r->get);
	sqlite3_finalize(r->put);
	sqlite3_finalize(r->undo);
	xfree(r->entry);
	map_free(r->at);
	*r = (struct rollup_store){0};
}

/* Its day is to be made again. Most are of a day that none was made of yet. */
static bool
undo_day(struct rollup_store *r, int64_t hour)
{
	if (r->undone == hour / 24)
		return true;
	sqlite3_bind_int64(r->undo, 1, hour / 24);
	if (!db_run(r->db, r->undo))
		return false;
	r->undone = hour / 24;
	return true;
}

static void
name_into(char dst[static SLOT_NAME], const char *src)
{
	str_copy(dst, SLOT_NAME, str_of(src));
}

static void
make_key(const struct slot *s, const struct slot_attempt *a, struct rollup_key *ret)
{
	const struct slot_request *r = &s->request;

	memset(ret, 0, sizeof(*ret));
	ret->hour = s->end_ms / ROLLUP_HOUR_MS;
	name_into(ret->team, r->team);
	name_into(ret->key, r->key);
	name_into(ret->route, r->route);
	str_copy(ret->class_name, sizeof(ret->class_name), str_of(r->class_name));
	name_into(ret->model, a->model);
	name_into(ret->provider, a->provider);
	ret->tier = a->tier;
	ret->tags_len = r->rollup_tags_len;
	if (ret->tags_len > sizeof(ret->tags))
		ret->tags_len = sizeof(ret->tags); /* a damaged file's word */
	memcpy(ret->tags, r->tags, ret->tags_len);
}

static void
bind_key(sqlite3_stmt *q, const struct rollup_key *k)
{
	sqlite3_bind_int64(q, 1, k->hour);
	db_text(q, 2, str_of(k->team));
	db_text(q, 3, str_of(k->key));
	db_text(q, 4, str_of(k->route));
	db_text(q, 5, str_of(k->class_name));
	db_text(q, 6, str_of(k->model));
	db_text(q, 7, str_of(k->provider));
	sqlite3_bind_int(q, 8, k->tier);
	db_text(q, 9, str_make(k->tags, k->tags_len));
}

static void
add_money(struct pusd_sum *sum, int64_t pusd)
{
	if (pusd > 0)
		sum->v += pusd;
}

/* Where the baseline itself answered (it was chosen, or the client named it), what it
 * costs is known: an estimate beside it would only look like something saved or lost.
 */
static int64_t
baseline_of(const struct slot_request *r, const struct slot_attempt *a)
{
	return str_eq(str_of(r->baseline), str_of(a->model)) ? a->amount_pusd
							     : r->baseline_pusd;
}

/* The attempt that answered, or the last one, stands for its request. */
static void
add_request(struct rollup_cell *c, const struct slot *s, const struct slot_attempt *a)
{
	const struct slot_request *r = &s->request;
	int64_t tokens = 0;

	c->requests++;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		tokens += usage_known(a->tokens[k]);
	hist_add(&c->tokens_hist, tokens);
	if (r->session != 0)
		sketch_add(&c->sessions, hash_stable(str_make((const char *)&r->session,
					     sizeof(r->session))));
	if (a->ttft_ms >= 0)
		hist_add(&c->ttft_hist, a->ttft_ms);
	if (a->total_ms >= 0)
		hist_add(&c->total_hist, a->total_ms);
	/* Only what can be compared is: an answer with both prices known. */
	if (s->outcome == OUT_served && r->baseline_pusd >= 0 && !a->unpriced) {
		c->compared_requests++;
		add_money(&c->baseline, baseline_of(r, a));
		add_money(&c->compared, a->amount_pusd);
		if (!str_eq(str_of(r->baseline), str_of(a->model)))
			baseline_error(r->baseline_pusd, r->baseline_output_ppm,
			    r->baseline_samples, &c->bias, &c->var);
	}
}

/* Paid for nothing: whose doing was it? */
static void
add_wasted(struct rollup_cell *c, const struct slot_attempt *a)
{
	add_money(&c->wasted, a->amount_pusd);
	if (a->outcome == OUT_client_gone || a->outcome == OUT_slow_client)
		add_money(&c->gone, a->amount_pusd);
	if (a->outcome == OUT_escalated)
		add_money(&c->escalated, a->amount_pusd);
}

static void
add_attempt(struct rollup_cell *c, const struct slot_attempt *a)
{
	bool estimated = a->basis != BASIS_reported && a->basis != BASIS_none;

	c->attempts++;
	c->failed += a->outcome != OUT_served;
	c->unpriced += a->unpriced;
	c->estimated_rows += estimated;
	for (size_t k = 0; k < TOKEN_COUNT; k++)
		c->tokens[k] += usage_known(a->tokens[k]);
	c->reasoning += usage_known(a->reasoning);
	add_money(&c->paid, a->amount_pusd);
	add_money(&c->list, a->list_pusd);
	if (a->outcome != OUT_served)
		add_wasted(c, a);
	rollup_cell_served(c, a->served_model);
	if (a->price_id[0] != '\0')
		str_copy(c->price, sizeof(c->price), str_of(a->price_id));
	if (estimated) {
		add_money(&c->estimated, a->amount_pusd);
		add_money(&c->exposure, a->at_most_pusd - usage_known(a->amount_pusd));
	}
}

/* ---- a transaction ---- */

void
rollup_begin(struct rollup_store *r)
{
	r->entries = 0;
	if (r->at != NULL) {
		map_free(r->at);
		r->at = map_new();
	}
	r->undone = -1; /* the last one may have been rolled back */
}

static bool
load(struct rollup_store *r, struct rollup_entry *e)
{
	bool row, ok;

	rollup_cell_zero(&e->cell);
	bind_key(r->get, &e->key);
	if (!db_step(r->db, r->get, &row))
		return false;
	ok = !row || rollup_cell_read(r->get, 0, &e->cell);
	sqlite3_reset(r->get);
	return ok;
}

bool
rollup_flush(struct rollup_store *r)
{
	for (unsigned i = 0; i < r->entries; i++) {
		bind_key(r->put, &r->entry[i].key);
		rollup_cell_bind(r->put, DIMENSIONS + 1, &r->entry[i].cell);
		if (!db_run(r->db, r->put) || !undo_day(r, r->entry[i].key.hour))
			return false;
	}
	rollup_begin(r);
	return true;
}

static struct str
name_of(const struct rollup_key *key)
{
	return str_make(
	    (const char *)key, offsetof(struct rollup_key, tags) + key->tags_len);
}

static struct rollup_entry *
find(const struct rollup_store *r, const struct rollup_key *key)
{
	if (r->at != NULL)
		return map_get(r->at, name_of(key));
	/* What came last comes again. */
	for (unsigned i = r->entries; i > 0; i--) {
		if (memcmp(&r->entry[i - 1].key, key, sizeof(*key)) == 0)
			return &r->entry[i - 1];
	}
	return NULL;
}

/* NULL: the database failed. */
static struct rollup_cell *
cell_of(struct rollup_store *r, const struct rollup_key *key)
{
	struct rollup_entry *e = find(r, key);

	if (e != NULL)
		return &e->cell;
	if (r->entries == r->room && !rollup_flush(r))
		return NULL;
	e = &r->entry[r->entries];
	memcpy(&e->key, key, sizeof(*key)); /* padding too */
	if (!load(r, e))
		return NULL;
	if (r->at != NULL)
		map_put(r->at, name_of(&e->key), e);
	r->entries++;
	return &e->cell;
}

static unsigned
standing(const struct slot *s)
{
	for (unsigned i = s->attempts; s->outcome == OUT_served && i > 0; i--) {
		if (s->attempt[i - 1].outcome == OUT_served)
			return i - 1;
	}
	return s->attempts - 1U;
}

bool
rollup_correct(struct rollup_store *r, const struct slot *s,
    const struct slot_attempt *a, int64_t at_ms, int64_t more_pusd)
{
	struct rollup_key key;
	struct rollup_cell *c;

	make_key(s, a, &key);
	key.hour = at_ms / ROLLUP_HOUR_MS;
	c = cell_of(r, &key);
	if (c == NULL)
		return false;
	c->paid.v += more_pusd;
	if (a->outcome != OUT_served)
		c->wasted.v += more_pusd;
	return true;
}

bool
rollup_add(struct rollup_store *r, const struct slot *s)
{
	for (unsigned i = 0; i < s->attempts; i++) {
		struct rollup_key key;
		struct rollup_cell *c;

		make_key(s, &s->attempt[i], &key);
		c = cell_of(r, &key);
		if (c == NULL)
			return false;
		add_attempt(c, &s->attempt[i]);
		if (i == standing(s))
			add_request(c, s, &s->attempt[i]);
	}
	return true;
}
