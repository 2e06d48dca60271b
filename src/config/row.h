/* row.h: what a key of a file is: name, kind, range, default, where it lands, help. */
#ifndef CONFIG_ROW_H
#define CONFIG_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "tree.h"

enum kind {
	/* what it is     where it lands (absent and without default) */
	KIND_text,    /* const char * (NULL) */
	KIND_bool,    /* bool, or int (-1) */
	KIND_int,     /* int32_t or int64_t (-1) */
	KIND_ms,      /* the same */
	KIND_bytes,   /* the same */
	KIND_number,  /* double (-1) */
	KIND_percent, /* double, a share (-1) */
	KIND_usd,     /* struct pusd (0) */
	KIND_time,    /* int64_t, UTC seconds (-1) */
	KIND_word,    /* int, index of `words` (-1) */
	KIND_secret,  /* const struct node *, "env:NAME" or "file:PATH" (NULL) */
	KIND_names,   /* const struct node *, a list of texts (NULL) */
	KIND_map,     /* const struct node *, names to texts (NULL) */
	KIND_any,     /* const struct node *; its user reads it (NULL) */
	KIND_group,   /* `rows` from here on */
	KIND_table,   /* struct table; `table` says of what */
	KIND_later,   /* nowhere: refused, with `help` as the mend */
};

#define ROW_restart  1U /* else a reload is enough */
#define ROW_required 2U

struct table_def;

struct row {
	const char *name;
	enum kind kind;
	unsigned flags;
	size_t offset, size;
	double min, max;                               /* of numbers; max 0: none */
	const char *def;                               /* as one would write it */
	const char *const *words, *const *later_words; /* the last NULL */
	const struct row *rows;                        /* the last without a name */
	const struct table_def *table;
	const char *shape; /* of a value, for the docs */
	const char *help;
};

#define LANDS(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

struct table_def {
	const char *what; /* "provider" */
	const struct row *rows;
	size_t size; /* of an entry, which begins with a struct draft */
	unsigned max;
};

struct draft {
	const char *name;
	const struct node *node;
};

struct table {
	void *entries;
	unsigned count;
};

struct reading {
	struct arena *mem;
	struct diag *d;
};

/* Fills `base` from the keys of `map` (NULL: defaults only); every mistake is a
 * finding. `where` says in what, for people: " in provider 'rack'". */
void row_read(const struct reading *r, const struct row *rows, struct node *map,
    const char *where, void *base);

/* Prints what row_read() filled, in the order of the rows, indented by `indent`. */
void row_print(
    const struct row *rows, const void *base, unsigned indent, struct buf *ret);

/* A node on one line, in brackets. */
void node_print(const struct node *n, struct buf *ret);

/* NULL when the rows have no such key. */
const struct row *row_find(const struct row *rows, const char *name);

static inline void *
table_at(const struct table *t, const struct table_def *def, unsigned i)
{
	return (char *)t->entries + i * def->size;
}

/* True if it is a scalar, resp. a list of different texts; else a finding, unless the
 * node is bad already. */
bool node_is_text(const struct reading *r, const struct node *n);
bool node_is_names(const struct reading *r, const struct node *n);

#endif
