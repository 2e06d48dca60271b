/* diag.c: findings, gathered, ordered, and the word that was probably meant. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define TEXT_MAX 65536U

/* The longest word that is worth a guess. */
#define WORD_MAX 48U

struct entry {
	struct diag_finding finding;
	size_t order; /* of two findings at one place the earlier stays first */
};

struct diag {
	struct entry *entries;
	size_t count, cap, errors;
	struct diag_finding *sorted; /* made by diag_findings() */
	char **kept;
	size_t kept_count;
};

struct diag *
diag_new(void)
{
	return xcalloc(1, sizeof(struct diag));
}

void
diag_free(struct diag *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->count; i++)
		xfree(d->entries[i].finding.text);
	for (size_t i = 0; i < d->kept_count; i++)
		xfree(d->kept[i]);
	xfree(d->kept);
	xfree(d->entries);
	xfree(d->sorted);
	xfree(d);
}

const char *
diag_keep(struct diag *d, const char *file)
{
	char *copy = xstrdup(file);

	d->kept = xrealloc(d->kept, (d->kept_count + 1) * sizeof(*d->kept));
	d->kept[d->kept_count++] = copy;
	return copy;
}

/* Findings quote what stands in the file: one line must stay one line. */
PRINTF_LIKE(1, 0)
static char *
one_line(const char *fmt, va_list ap)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_vprintf(&b, fmt, ap);
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.p[i] < 0x20 || b.p[i] == 0x7F)
			b.p[i] = '?';
	return b.p;
}

PRINTF_LIKE(4, 0)
static void
add(struct diag *d, enum diag_level level, struct diag_place at, const char *fmt,
    va_list ap)
{
	if (d->count == d->cap) {
		d->cap = d->cap == 0 ? 16 : 2 * d->cap;
		d->entries = xrealloc(d->entries, d->cap * sizeof(*d->entries));
	}
	d->entries[d->count] = (struct entry){
	    .finding = {.at = at, .level = level, .text = one_line(fmt, ap)},
	    .order = d->count,
	};
	d->count++;
	if (level == DIAG_error)
		d->errors++;
}

void
diag_error(struct diag *d, struct diag_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DIAG_error, at, fmt, ap);
	va_end(ap);
}

void
diag_warning(struct diag *d, struct diag_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DIAG_warning, at, fmt, ap);
	va_end(ap);
}

void
diag_place_text(struct diag_place at, char *dst, size_t cap)
{
	if (at.line == 0)
		snprintf(dst, cap, "%s", at.file);
	else
		snprintf(dst, cap, "%s:%u:%u", at.file, at.line, at.column);
}

size_t
diag_errors(const struct diag *d)
{
	return d->errors;
}

static int
compare_entries(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	const struct diag_place *p = &a->finding.at, *q = &b->finding.at;
	int by_file =
	    strcmp(p->file == NULL ? "" : p->file, q->file == NULL ? "" : q->file);

	if (by_file != 0)
		return by_file;
	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	if (p->column != q->column)
		return p->column < q->column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

const struct diag_finding *
diag_findings(struct diag *d, size_t *ret_count)
{
	if (d->count > 1)
		qsort(d->entries, d->count, sizeof(*d->entries), compare_entries);
	d->sorted = xrealloc(d->sorted, d->count * sizeof(*d->sorted));
	for (size_t i = 0; i < d->count; i++)
		d->sorted[i] = d->entries[i].finding;
	*ret_count = d->count;
	return d->sorted;
}

static char
fold(char c)
{
	if (c == '-')
		return '_';
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours between two words of at
 * most WORD_MAX letters ("optimal string alignment"). */
static unsigned
distance(const char *a, const char *b)
{
	/* Three rows of the table: of i - 2, i - 1 and i letters of `a`. */
	unsigned rows[3][WORD_MAX + 1];
	size_t len_a = strlen(a), len_b = strlen(b);

	for (unsigned j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= len_b; j++) {
			char x = fold(a[i - 1]), y = fold(b[j - 1]);

			row[j] = least(above[j] + 1, row[j - 1] + 1);
			row[j] = least(row[j], above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == fold(b[j - 2]) &&
			    fold(a[i - 2]) == y)
				row[j] = least(row[j], higher[j - 2] + 1);
		}
	}
	return rows[len_a % 3][len_b];
}

const char *
diag_nearest(const char *word, const char *const known[])
{
	size_t len = strlen(word);
	/* One slip in a short word, about one in three letters of a long one. */
	unsigned limit = len < 3 ? 1 : (unsigned)(len + 2) / 3;
	unsigned best = limit + 1;
	const char *nearest = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; known[i] != NULL; i++) {
		unsigned d;

		if (strlen(known[i]) > WORD_MAX)
			continue;
		d = distance(word, known[i]);
		if (d < best && d < strlen(known[i])) {
			best = d;
			nearest = known[i];
		}
	}
	return nearest;
}
