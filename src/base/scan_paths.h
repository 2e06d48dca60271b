/* scan_paths.h: the wanted paths of a scanner as a tree. */
#ifndef BASE_SCAN_PATHS_H
#define BASE_SCAN_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/scan.h"

#define SCAN_NONE     (-1) /* no node: nobody wants what lies here */
#define SCAN_KEY_MAX  63U  /* longest key of a path, unescaped */
#define SCAN_LEVELS   4U   /* "[]" in a path */
#define SCAN_ONCE_MAX 64U  /* keys of one object that may stand only once */

/* The value at a path, or a step of the way to one. */
struct scan_node {
	const char *key; /* of the object around it; NULL: any element of an array */
	uint8_t key_len;
	uint8_t level;   /* arrays around it */
	bool wanted;     /* the callback hears of it */
	int8_t once_bit; /* in the object around it; SCAN_NONE: may repeat */
	int16_t next;    /* another key of the same object */
	int16_t child;   /* first key inside, when it is an object */
	int16_t element; /* inside, when it is an array */
	int id;
};

struct scan_paths {
	int16_t count;
	struct scan_node node[]; /* node[0] is the root */
};

/* The member `key` of the object at `node`, or SCAN_NONE. */
static inline int16_t
scan_paths_member(const struct scan_paths *p, int16_t node, const char *key, size_t len)
{
	int16_t i = p->node[node].child;

	while (i != SCAN_NONE) {
		const struct scan_node *n = &p->node[i];

		if (n->key_len == len && memcmp(n->key, key, len) == 0)
			return i;
		i = n->next;
	}
	return SCAN_NONE;
}

#endif
