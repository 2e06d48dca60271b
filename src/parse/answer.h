/* answer.h: the answer side of the dialects:
 * their tables, and what both of them use. */
#ifndef PARSE_ANSWER_H
#define PARSE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/request.h"

extern const struct answer_reader openai_answer, anthropic_answer;

/* A count as a provider writes it. False, and -1: it is not there, or none that could
 * be believed; `*inconsistent` is set in the last case. */
bool answer_count(
    enum scan_kind kind, struct str text, int64_t *ret, bool *inconsistent);
/* Text that the client gets. */
void answer_text(struct tap *t, struct str raw);
/* A provider's error inside its answer. */
void answer_error(struct tap *t, enum scan_kind kind, struct str raw);
/* Copies a short string, cut. */
void answer_copy(char *dst, size_t cap, enum scan_kind kind, struct str raw);

#endif
