/* reader.h: a client's body under way, as the functions see it that read its fields. */
#ifndef PARSE_READER_H
#define PARSE_READER_H

#include "field.h"
#include "piece_list.h"

struct reader {
	const struct dialect *dialect;
	enum endpoint endpoint;
	struct arena *mem;
	struct scan *scan;
	const char *body; /* everything so far, while it is being fed */
	struct task task;
	struct span tools_at;
	bool messages_seen, json_schema, audio;
	enum field refused; /* where the scan ended with SCAN_refused */

	/* the message under way */
	enum prompt_role role;
	bool tool_result;
	uint32_t first_piece;
	uint32_t first_user, last_user; /* messages; UINT32_MAX: none yet */
	struct piece_list pieces;

	enum cache_mark mark; /* the mark under way */

	/* the tool under way */
	bool tool_searches;
	int64_t tool_uses; /* 0: not said */

	/* the block under way */
	size_t source_bytes;
	bool source_is_text;
};

/* The groups of field.def. False: the value is not as the field's row expects it. */
typedef bool read_fn(struct reader *r, enum field f, const struct scan_value *v);
read_fn read_setting; /* what the request as a whole says */
read_fn read_message;
read_fn read_cache;  /* what of the prompt is to be cached */
read_fn read_wish;   /* what the answer must be like */
read_fn read_person; /* who asks */
read_fn read_bound;  /* what only one model or provider can read */

/* The bytes of a value that is complete, a string's without quotes. */
static inline struct str
reader_raw(const struct reader *r, const struct scan_value *v)
{
	size_t quote = v->kind == SCAN_string;

	return str_make(r->body + v->start + quote, v->end - v->start - 2 * quote);
}

#endif
