/* survey.h: asks every worker; nobody else may look at its requests. */
#ifndef REPORT_SURVEY_H
#define REPORT_SURVEY_H

#include <stdbool.h>

struct report;
struct survey;
struct worker;

/* Runs on each worker's thread, at the same time: it may read `arg`, and write what is
 * this worker's part of it, by worker->index. */
typedef void survey_fn(void *arg, const struct worker *w);

/* `free_arg` is called when all have looked and survey_free() was called. */
struct survey *survey_new(
    struct report *r, survey_fn *look, void (*free_arg)(void *arg), void *arg);
/* A quarter of a second at most; true: all have looked. Not on a worker. */
bool survey_wait(struct survey *s);
/* Has this one looked? Then its part is whole. */
bool survey_has(struct survey *s, unsigned worker);
void survey_free(struct survey *s);

#endif
