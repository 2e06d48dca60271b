/* table.h: columns for a terminal: aligned, never wrapped, dropped from the right where
 * it is narrow. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/util.h"

struct table;

/* From `mem`, with all of its texts. */
struct table *table_new(struct arena *mem);
/* Before the first cell. `right`: numbers. */
void table_column(struct table *t, const char *title, bool right);
/* Row by row, one for each column. Text of others may come in: control characters and
 * bytes that are not UTF-8 are shown as '?'. */
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends the lines. Columns that do not fit into `width` are left out; one that
 * nobody filled is left out as well. */
void table_print(const struct table *t, unsigned width, struct buf *ret);

/* Columns of a terminal that a text takes. */
unsigned text_columns(struct str s);
/* A copy that is safe to show, cut at `columns` with "…". */
const char *text_shown(struct arena *mem, struct str s, unsigned columns);

/* Of standard output: COLUMNS, the terminal's, else 150. */
unsigned terminal_width(void);

#endif
