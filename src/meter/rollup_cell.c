/* rollup_cell.c: reading, writing and adding up the measures of roll-ups. */
#include "rollup_cell.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define COUNTS (5 + TOKEN_COUNT + 1)
#define SUMS   11
#define HISTS  3

/* The members in the order of the columns, so that no place can be forgotten. */
struct members {
	int64_t *count[COUNTS];
	struct pusd_sum *sum[SUMS];
	struct hist *hist[HISTS];
};

static struct members
members_of(struct rollup_cell *c)
{
	struct members m = {
	    .count = {&c->requests, &c->attempts, &c->failed, &c->unpriced,
		&c->estimated_rows},
	    .sum = {&c->paid, &c->list, &c->wasted, &c->estimated, &c->exposure,
		&c->baseline, &c->compared, &c->gone, &c->escalated, &c->bias, &c->var},
	    .hist = {&c->tokens_hist, &c->ttft_hist, &c->total_hist},
	};

	for (size_t k = 0; k < TOKEN_COUNT; k++)
		m.count[5 + k] = &c->tokens[k];
	m.count[COUNTS - 1] = &c->reasoning;
	return m;
}

void
rollup_cell_zero(struct rollup_cell *c)
{
	*c = (struct rollup_cell){0};
}

void
rollup_cell_served(struct rollup_cell *c, const char *model)
{
	struct str rest = str_make(c->served, strnlen(c->served, ROLLUP_SERVED)), line;
	size_t used = rest.len;

	while (str_split(&rest, '\n', &line)) {
		if (str_is(line, model))
			return;
	}
	if (model[0] != '\0' && used + strlen(model) + 2 <= sizeof(c->served))
		snprintf(c->served + used, sizeof(c->served) - used, "%s%s",
		    used > 0 ? "\n" : "", model);
}

void
rollup_cell_add(struct rollup_cell *into, const struct rollup_cell *from)
{
	struct rollup_cell copy = *from;
	struct members to = members_of(into), m = members_of(&copy);
	struct str names = str_of(copy.served), name;
	char text[ROLLUP_SERVED];

	for (size_t n = 0; n < COUNTS; n++)
		*to.count[n] += *m.count[n];
	for (size_t n = 0; n < SUMS; n++)
		to.sum[n]->v += m.sum[n]->v;
	for (size_t n = 0; n < HISTS; n++)
		hist_merge(to.hist[n], m.hist[n]);
	into->compared_requests += copy.compared_requests;
	sketch_merge(&into->sessions, &copy.sessions);
	while (str_split(&names, '\n', &name)) {
		str_copy(text, sizeof(text), name);
		rollup_cell_served(into, text);
	}
	if (copy.price[0] != '\0')
		str_copy(into->price, sizeof(into->price), str_of(copy.price));
}

static void
take_text(sqlite3_stmt *row, int i, char *dst, size_t cap)
{
	str_copy(dst, cap,
	    str_make((const char *)sqlite3_column_text(row, i),
		(size_t)sqlite3_column_bytes(row, i)));
}

static struct str
take_blob(sqlite3_stmt *row, int i)
{
	return str_make(
	    sqlite3_column_blob(row, i), (size_t)sqlite3_column_bytes(row, i));
}

/* And lets the buffer go. */
static void
bind_blob(sqlite3_stmt *s, int i, struct buf *b)
{
	sqlite3_bind_blob(
	    s, i, b->p == NULL ? "" : b->p, (int)b->len, SQLITE_TRANSIENT);
	buf_fini(b);
}

bool
rollup_cell_read(sqlite3_stmt *row, int i, struct rollup_cell *c)
{
	struct members m = members_of(c);

	for (size_t n = 0; n < COUNTS; n++)
		*m.count[n] = sqlite3_column_int64(row, i++);
	for (size_t n = 0; n < SUMS; n++, i += 2)
		*m.sum[n] = pusd_sum_join(
		    sqlite3_column_int64(row, i), sqlite3_column_int64(row, i + 1));
	c->compared_requests = sqlite3_column_int64(row, i++);
	take_text(row, i++, c->served, sizeof(c->served));
	take_text(row, i++, c->price, sizeof(c->price));
	c->sessions = (struct sketch){{0}};
	if (!sketch_merge_packed(&c->sessions, take_blob(row, i++)))
		return false;
	for (size_t n = 0; n < HISTS; n++, i++) {
		if (!hist_unpack(take_blob(row, i), m.hist[n]))
			return false;
	}
	return true;
}

void
rollup_cell_bind(sqlite3_stmt *s, int i, const struct rollup_cell *c)
{
	struct rollup_cell copy = *c;
	struct members m = members_of(&copy);
	int64_t hi, lo;
	struct buf b;

	for (size_t n = 0; n < COUNTS; n++)
		sqlite3_bind_int64(s, i++, *m.count[n]);
	for (size_t n = 0; n < SUMS; n++) {
		pusd_sum_split(*m.sum[n], &hi, &lo);
		sqlite3_bind_int64(s, i++, hi);
		sqlite3_bind_int64(s, i++, lo);
	}
	sqlite3_bind_int64(s, i++, c->compared_requests);
	sqlite3_bind_text(s, i++, c->served, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, i++, c->price, -1, SQLITE_TRANSIENT);
	buf_init(&b, 65536);
	sketch_pack(&c->sessions, &b);
	bind_blob(s, i++, &b);
	for (size_t n = 0; n < HISTS; n++) {
		buf_init(&b, 65536);
		hist_pack(m.hist[n], &b);
		bind_blob(s, i++, &b);
	}
}
