/* ask.h: what a request body asks for, in either dialect; slices of the body. */
#ifndef SIM_ASK_H
#define SIM_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A part of the prompt: the unit of the prompt cache. */
struct piece {
	struct str text; /* raw */
	int64_t tokens;  /* of this and all before it */
	uint64_t hash;   /* likewise */
	uint8_t mark;    /* cache_control: 0 none, 1 for 5 minutes, 2 for an hour */
};

struct ask {
	struct str body, model, last_user;
	bool stream, include_usage, schema_wanted, thinking;
	bool tool_result_last, tool_forced, tool_forbidden;
	struct str tool_name, tool_schema, schema; /* of the first tool */
	struct str service_tier;
	int64_t max_output; /* -1: not said */
	int64_t n;          /* answers wanted */
	int64_t messages;
	int64_t text_bytes, tokens; /* of the prompt */
	struct str signature;       /* the first that is not of this model */
	bool foreign_signature;
	struct piece *pieces;
	unsigned piece_count, piece_cap;
};

/* False: no JSON object, no model or no messages;
 * `ret_why` says which. ask_fini() it in any case. */
bool ask_read(struct str body, struct ask *ret, const char **ret_why);
void ask_fini(struct ask *a);

#endif
