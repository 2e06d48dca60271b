/* ask.h: what a cost summary is asked for. */
#ifndef REPORT_ASK_H
#define REPORT_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/util.h"

/* What rows can be grouped and filtered by. */
enum dim {
	DIM_model,
	DIM_tier,
	DIM_provider,
	DIM_key,
	DIM_team,
	DIM_route,
	DIM_class,
	DIM_user,    /* rows only */
	DIM_session, /* rows only */
	DIM_hour,
	DIM_day,
	DIM_tag,
	DIM_COUNT
};
const char *dim_name(enum dim d);

#define ASK_GROUPS  4
#define ASK_FILTERS 12
#define ASK_NAME    129

struct ask_dim {
	enum dim dim;
	char tag[ASK_NAME]; /* of DIM_tag */
};

struct ask {
	int64_t from_ms, to_ms; /* to_ms exclusive */
	bool open_end;          /* `to` was not said: up to now */
	struct ask_dim group[ASK_GROUPS];
	unsigned groups;
	struct {
		struct ask_dim by;
		char value[ASK_NAME];
	} filter[ASK_FILTERS];
	unsigned filters;
	unsigned limit;          /* of rows; the rest comes as one row */
	char baseline[ASK_NAME]; /* a model; "": each request's own */
};

/* What one may see. */
struct scope {
	const char *key;  /* its own rows … */
	const char *team; /* … and, unless it is NULL or "", those of its team */
	bool all;         /* everything */
};
bool scope_sees(const struct scope *s, struct str key, struct str team);

/* What is wrong with a question. */
struct ask_finding {
	char param[ASK_NAME]; /* which parameter */
	char why[400];        /* and how to mend it */
};

/* From the part behind '?'; false: `*ret_finding` says what is wrong. */
bool ask_parse(struct str query, int64_t now_ms, struct ask *ret,
    struct ask_finding *ret_finding) MUST_CHECK;

/* Cuts "name=value" off a query, both unescaped; false at its end. `*ret_bad`: an
 * escape is damaged, or the part is too long. */
bool ask_next(struct str *query, char ret_name[static ASK_NAME],
    char ret_value[static ASK_NAME], bool *ret_bad);

#endif
