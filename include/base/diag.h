/* diag.h: what is wrong with a file that a person wrote: all of it, with positions. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

enum diag_level { DIAG_error, DIAG_warning };

struct diag_place {
	const char *file;      /* must outlive the diag */
	unsigned line, column; /* from 1; 0 when there is none */
};

struct diag_finding {
	struct diag_place at;
	enum diag_level level;
	char *text; /* one line: what is wrong; how to mend it */
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *d); /* takes NULL */

void diag_error(struct diag *d, struct diag_place at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void diag_warning(struct diag *d, struct diag_place at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* A copy of a file's name that lives as long as the diag, for places. */
const char *diag_keep(struct diag *d, const char *file);

#define DIAG_PLACE_BYTES 4224U /* for any path, line and column */

/* "frugald.yaml:3:7", or the file alone where there is no line; cut at `cap`. */
void diag_place_text(struct diag_place at, char *dst, size_t cap);

/* Errors only. */
size_t diag_errors(const struct diag *d);

/* Sorted by file, line, column; the array belongs to the diag. */
const struct diag_finding *diag_findings(struct diag *d, size_t *ret_count);

/* The word of `known` (NULL-terminated) nearest
 * to `word`, or NULL when none is near. */
const char *diag_nearest(const char *word, const char *const known[]);

#endif
