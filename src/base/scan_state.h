/* scan_state.h: what a scanner remembers between two pieces. */
#ifndef BASE_SCAN_STATE_H
#define BASE_SCAN_STATE_H

#include "scan_paths.h"
#include "scan_token.h"

/* Six bytes for each of a key, when it is written in \u escapes. */
#define KEY_RAW_MAX (6 * SCAN_KEY_MAX)

enum state {
	AT_root,
	AT_value,
	AT_first_value, /* or ']' */
	AT_key,
	AT_first_key, /* or '}' */
	AT_colon,
	AT_next, /* ',' or the container's end */
	AT_end,  /* nothing but blanks */
	IN_string,
	IN_literal,
	IN_number,
};

/* An object or array that is open. */
struct frame {
	size_t start;
	uint64_t seen;  /* keys that may stand only once */
	uint32_t index; /* of the element under way */
	int16_t node;
	bool array;
};

struct scan {
	const struct scan_paths *paths;
	scan_value_fn *on_value;
	void *arg;
	unsigned max_depth;

	enum state state;
	enum scan_error error;
	size_t error_at;
	size_t fed;           /* bytes before the piece in hand */
	const uint8_t *piece; /* in hand */
	unsigned depth;
	int16_t node; /* of the value that comes or is under way */
	size_t start; /* of the string, number or literal under way */
	uint32_t index[SCAN_LEVELS];

	struct scan_string string;
	struct scan_number number;
	enum scan_kind literal_kind;
	const char *literal; /* what must still come of it */

	bool in_key, key_lost;
	uint16_t key_len; /* of a key that began in an earlier piece */
	char key[KEY_RAW_MAX];

	struct frame frame[];
};

#endif
