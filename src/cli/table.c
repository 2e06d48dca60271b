/* table.c: columns for a terminal. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_MAX  24
#define CELLS_MAX    (64 * 1024)
#define CELL_BYTES   512
#define WIDTH_USUAL  150
#define CELL_COLUMNS 100
#define GAP          2

struct table {
	struct arena *mem;
	const char *title[COLUMNS_MAX];
	bool right[COLUMNS_MAX], filled[COLUMNS_MAX];
	unsigned width[COLUMNS_MAX], columns;
	const char **cell; /* rows of `columns` */
	unsigned cells, room;
};

/* ---- text ---- */

static unsigned
code_point(struct str s, size_t len)
{
	unsigned char c = (unsigned char)s.p[0];
	unsigned cp = len == 1 ? c : c & (0xFFU >> (len + 1));

	for (size_t i = 1; i < len; i++)
		cp = cp << 6 | ((unsigned char)s.p[i] & 0x3F);
	return cp;
}

/* Roughly Unicode's East Asian Width, and marks that combine. A locale would know more,
 * but the program runs in "C". */
static unsigned
width_of(unsigned cp)
{
	if ((cp >= 0x300 && cp <= 0x36F) || (cp >= 0x200B && cp <= 0x200F) ||
	    (cp >= 0xFE00 && cp <= 0xFE0F))
		return 0;
	if ((cp >= 0x1100 && cp <= 0x115F) || (cp >= 0x2E80 && cp <= 0xA4CF) ||
	    (cp >= 0xAC00 && cp <= 0xD7A3) || (cp >= 0xF900 && cp <= 0xFAFF) ||
	    (cp >= 0xFE30 && cp <= 0xFE6F) || (cp >= 0xFF00 && cp <= 0xFF60) ||
	    (cp >= 0x1F300 && cp <= 0x1FAFF) || (cp >= 0x20000 && cp <= 0x3FFFD))
		return 2;
	return 1;
}

/* Bytes of the next character; 0: it is to be shown as '?', and takes one byte. C1
 * controls and the overrides of direction could rewrite a line. */
static size_t
next_char(struct str s, unsigned *ret_width)
{
	size_t len = str_utf8(s);
	unsigned cp = len == 0 ? 0 : code_point(s, len);

	*ret_width = 1;
	if (cp < ' ' || (cp >= 0x7F && cp < 0xA0) || (cp >= 0x202A && cp <= 0x202E) ||
	    (cp >= 0x2066 && cp <= 0x2069))
		return 0;
	*ret_width = width_of(cp);
	return len;
}

unsigned
text_columns(struct str s)
{
	unsigned columns = 0, width;

	while (s.len > 0) {
		size_t len = next_char(s, &width);

		columns += width;
		s = str_skip(s, len == 0 ? 1 : len);
	}
	return columns;
}

const char *
text_shown(struct arena *mem, struct str s, unsigned columns)
{
	bool cut = text_columns(s) > columns;
	unsigned used = 0, width;
	struct buf out;
	const char *kept;

	buf_init(&out, s.len + 8);
	buf_add(&out, "");
	while (s.len > 0) {
		size_t len = next_char(s, &width);

		used += width;
		if (cut && used >= columns)
			break;
		buf_printf(&out, "%.*s", len == 0 ? 1 : (int)len, len == 0 ? "?" : s.p);
		s = str_skip(s, len == 0 ? 1 : len);
	}
	if (cut)
		buf_add(&out, "…");
	kept = arena_str(mem, buf_str(&out));
	buf_fini(&out);
	return kept;
}

unsigned
terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns != NULL && str_to_u64(str_of(columns), &n) && n >= 20 && n < 10000)
		return (unsigned)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return WIDTH_USUAL;
}

/* ---- the table ---- */

struct table *
table_new(struct arena *mem)
{
	struct table *t = arena_alloc(mem, sizeof(*t));

	t->mem = mem;
	return t;
}

void
table_column(struct table *t, const char *title, bool right)
{
	if (t->columns == COLUMNS_MAX)
		return;
	t->title[t->columns] = title;
	t->width[t->columns] = text_columns(str_of(title));
	t->right[t->columns++] = right;
}

static void
grow(struct table *t)
{
	unsigned room = t->room == 0 ? 256 : 2 * t->room;
	const char **cell = arena_alloc(t->mem, room * sizeof(*cell));

	if (t->cells > 0)
		memcpy(cell, t->cell, t->cells * sizeof(*cell));
	t->cell = cell;
	t->room = room;
}

void
table_cell(struct table *t, const char *fmt, ...)
{
	unsigned column = t->cells % t->columns, width;
	char text[CELL_BYTES];
	va_list ap;

	if (t->cells == CELLS_MAX)
		return;
	if (t->cells == t->room)
		grow(t);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->cell[t->cells] = text_shown(t->mem, str_of(text), CELL_COLUMNS);
	width = text_columns(str_of(t->cell[t->cells++]));
	if (width > t->width[column])
		t->width[column] = width;
	if (text[0] != '\0')
		t->filled[column] = true;
}

static void
put_spaces(struct buf *ret, unsigned n)
{
	buf_printf(ret, "%*s", (int)n, "");
}

/* `room` columns are left for this cell, which is the line's last when `last`. */
static void
put_cell(const struct table *t, unsigned column, const char *text, bool last,
    struct buf *ret)
{
	unsigned width = text_columns(str_of(text));
	unsigned pad = t->width[column] > width ? t->width[column] - width : 0;

	if (t->right[column])
		put_spaces(ret, pad);
	buf_add(ret, text);
	if (!t->right[column] && !last)
		put_spaces(ret, pad);
}

struct layout {
	unsigned column[COLUMNS_MAX], count;
};

static struct layout
lay_out(const struct table *t, unsigned width)
{
	struct layout l = {.count = 0};
	unsigned used = 0;

	for (unsigned i = 0; i < t->columns; i++) {
		unsigned more = t->width[i] + (l.count > 0 ? GAP : 0);

		if (!t->filled[i] && i > 0)
			continue;
		if (l.count > 0 && used + more > width)
			break;
		l.column[l.count++] = i;
		used += more;
	}
	return l;
}

static void
put_line(const struct table *t, const struct layout *l, const char *const *cell,
    unsigned width, struct buf *ret)
{
	for (unsigned i = 0; i < l->count; i++) {
		unsigned column = l->column[i];
		const char *text = cell[column];

		if (l->count == 1)
			text = text_shown(t->mem, str_of(text), width);
		if (i > 0)
			put_spaces(ret, GAP);
		put_cell(t, column, text, i + 1 == l->count, ret);
	}
	while (ret->len > 0 && ret->p[ret->len - 1] == ' ')
		ret->p[--ret->len] = '\0';
	buf_add(ret, "\n");
}

void
table_print(const struct table *t, unsigned width, struct buf *ret)
{
	struct layout l = lay_out(t, width);

	put_line(t, &l, t->title, width, ret);
	for (unsigned i = 0; i + t->columns <= t->cells; i += t->columns)
		put_line(t, &l, t->cell + i, width, ret);
}
